// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One site of a spread, asked so that it cannot hold up anybody for ever.
struct AskedSite: Site {
    let lane: Lane
    let patience: Duration

    var label: String { lane.site.label }

    private func answer<Value: Sendable>(
        _ question: @escaping @Sendable (any Site) async throws(Trouble) -> Value
    ) async throws(Trouble) -> Value {
        let round = Round<Value>()
        round.ask(lane, number: 0, question)
        round.ring(after: patience)
        guard case .answer(_, let result)? = await round.next() else {
            lane.noteSilence()
            throw .silent(label)
        }
        return try result.get()
    }

    func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        try await answer { site throws(Trouble) in try await site.put(name, bytes, existing: existing) }
    }

    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try await answer { site throws(Trouble) in try await site.get(name, in: range) }
    }

    func versions(of name: ObjectName) async throws(Trouble) -> [String] {
        try await answer { site throws(Trouble) in try await site.versions(of: name) }
    }

    func get(_ name: ObjectName, in range: Range<Int>?, version: String) async throws(Trouble) -> [UInt8] {
        try await answer { site throws(Trouble) in try await site.get(name, in: range, version: version) }
    }

    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await answer { site throws(Trouble) in try await site.list(prefix) }
    }

    func remove(_ name: ObjectName) async throws(Trouble) {
        try await answer { site throws(Trouble) in try await site.remove(name) }
    }

    func erase(_ name: ObjectName) async throws(Trouble) {
        try await answer { site throws(Trouble) in try await site.erase(name) }
    }
}

extension Trouble {
    static func silent(_ site: String) -> Trouble {
        Trouble(
            .system,
            Words("Site \"\(site)\" does not answer.", de: "Der Standort „\(site)“ antwortet nicht."),
            advice: Words("See whether it can be reached.", de: "Prüfen, ob er erreichbar ist."))
    }
}
