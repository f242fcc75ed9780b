// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// One site: what it has, and what it had. Each request takes effect at one instant.
final class SimulatedSite: @unchecked Sendable {
    let number: Int
    /// Whether it may forget and spoil what it has got. The others may only be away, or late.
    let isFaulty: Bool
    private(set) var objects: [ObjectName: [UInt8]] = [:]
    var isUp = true
    /// Each change, with what there was before.
    private var journal: [(time: Double, name: ObjectName, before: [UInt8]?)] = []

    var label: String { "site \(number)" }

    init(_ number: Int, isFaulty: Bool, objects: [ObjectName: [UInt8]]) {
        (self.number, self.isFaulty, self.objects) = (number, isFaulty, objects)
    }

    private func set(_ name: ObjectName, _ bytes: [UInt8]?, at time: Double) {
        journal.append((time, name, objects[name]))
        objects[name] = bytes
    }

    func put(_ name: ObjectName, _ bytes: [UInt8], _ existing: Existing, at time: Double) throws(Trouble) {
        if existing == .refuse, objects[name] != nil { throw .simulated(.exists, "\(name) exists at \(label)") }
        set(name, bytes, at: time)
    }

    func get(_ name: ObjectName, in range: Range<Int>?) throws(Trouble) -> [UInt8] {
        guard let whole = objects[name] else { throw .simulated(.missing, "\(name) is missing at \(label)") }
        guard let range, range.lowerBound > 0 || range.upperBound < whole.count else { return whole }
        return Array(whole[range.clamped(to: 0..<whole.count)])
    }

    func erase(_ name: ObjectName, at time: Double) {
        if objects[name] != nil { set(name, nil, at: time) }
    }

    /// - Parameter time: as it was then.
    func list(_ prefix: String, at time: Double) -> [ObjectEntry] {
        var sizes: [ObjectName: Int] = [:]
        for (name, bytes) in objects where name.text.hasPrefix(prefix) { sizes[name] = bytes.count }
        for change in journal.reversed().prefix(while: { $0.time > time }) where change.name.text.hasPrefix(prefix) {
            sizes[change.name] = change.before?.count
        }
        return sizes.map { ObjectEntry(name: $0.key, size: $0.value) }.sorted { $0.name < $1.name }
    }

    func had(_ name: ObjectName, at time: Double) -> Bool {
        let later = journal.reversed().prefix { $0.time > time }.last { $0.name == name }
        return later.map { $0.before != nil } ?? (objects[name] != nil)
    }

    // MARK: What goes wrong with it

    /// A site that decides who wins a name must not forget what it decided.
    func mayLose(_ name: ObjectName) -> Bool { isFaulty && (number > 0 || name.text.hasPrefix("packs/")) }

    /// What it has taken since then, the last first, with what was there before.
    func changes(since time: Double) -> [(name: ObjectName, before: [UInt8]?)] {
        journal.reversed().prefix { $0.time > time }.map { ($0.name, $0.before) }
    }

    func restore(_ name: ObjectName, to bytes: [UInt8]?, at now: Double) { set(name, bytes, at: now) }

    func spoil(_ name: ObjectName, at now: Double, _ change: (inout [UInt8]) -> Void) {
        guard var bytes = objects[name], !bytes.isEmpty else { return }
        change(&bytes)
        set(name, bytes, at: now)
    }
}

func words(_ error: any Error) -> String { (error as? Trouble)?.message.english ?? "\(error)" }

extension Trouble {
    static func simulated(_ kind: Kind, _ text: String) -> Trouble { Trouble(kind, Words(text, de: text)) }

    static let killed = simulated(.system, "killed")
    static func silent(_ site: SimulatedSite) -> Trouble { simulated(.system, "no answer from \(site.label)") }
}

/// A site as one process reaches it.
struct SimulatedPort: Site {
    let process: SimulatedProcess
    let site: SimulatedSite

    var label: String { site.label }
    private var town: SimulatedTown { process.town }

    func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        let bytes = Array(bytes)
        try await town.request(process, site, "put \(name)") { () throws(Trouble) in
            try site.put(name, bytes, existing, at: town.time.now)
            town.didPut(name, bytes, at: site, by: process)
        }
    }

    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try await town.request(process, site, "get \(name)") { () throws(Trouble) in try site.get(name, in: range) }
    }

    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await town.request(process, site, "list \(prefix)") { () throws(Trouble) in site.list(prefix, at: town.listed) }
    }

    func remove(_ name: ObjectName) async throws(Trouble) { try await erase(name) }

    func erase(_ name: ObjectName) async throws(Trouble) {
        try await town.request(process, site, "erase \(name)") { () throws(Trouble) in site.erase(name, at: town.time.now) }
    }
}
