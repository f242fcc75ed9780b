// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// A site in memory, for tests and simulation: as strict as a real one, and as bad as a test asks
/// for (`MemorySite+Faults.swift`).
///
/// Safe to use from any number of tasks; every request takes effect at one instant.
package final class MemorySite: Site {
    package let label: String
    let state: Mutex<State>

    package init(label: String = "memory") {
        self.label = label
        state = Mutex(State())
    }

    /// Begins with the objects of another site, without its faults and counts.
    init(label: String, versions: [ObjectName: [[UInt8]]]) {
        self.label = label
        state = Mutex(State(versions: versions))
    }

    package func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing
    ) async throws(Trouble) {
        try state.withLock { state throws(Trouble) in
            state.counts.put.add(bytes.count)
            try state.request { state throws(Trouble) in
                try state.admit(name, bytes.count, existing, at: label)
                state.versions[name, default: []].append(Array(bytes))
                state.changed()
            }
        }
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try state.withLock { state throws(Trouble) in
            state.counts.get.add(0)
            let bytes = try state.request { state throws(Trouble) in
                guard let whole = state.versions[name]?.last else {
                    throw .missingObject(name, at: label)
                }
                let wanted = whole[(range ?? 0..<whole.count).clamped(to: 0..<whole.count)]
                return Array(wanted.prefix(state.readLengths[name] ?? Int.max))
            }
            state.counts.get.bytes += bytes.count
            return bytes
        }
    }

    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try state.withLock { state throws(Trouble) in
            state.counts.list.add(0)
            let entries = try state.request { state throws(Trouble) in
                state.entries.filter { entry in
                    entry.name.text.utf8.starts(with: prefix.utf8)
                        && !state.hidden.contains(entry.name)
                }
            }
            state.counts.list.bytes += entries.reduce(0) { $0 + $1.name.text.utf8.count }
            return entries
        }
    }

    package func remove(_ name: ObjectName) async throws(Trouble) {
        try state.withLock { state throws(Trouble) in
            state.counts.remove.add(0)
            try state.request { state throws(Trouble) in
                if state.isReadOnly { throw .readOnlySite(name, at: label) }
                guard state.versions.removeValue(forKey: name) != nil else { return }
                state.changed()
            }
        }
    }

    /// How many requests there were so far, refused ones too, and what they moved.
    package var counts: Counts { state.withLock { $0.counts } }

    /// What was asked of a site.
    package struct Counts: Hashable, Sendable {
        /// Bytes: those that the caller handed in.
        package var put = Tally()
        /// Bytes: those that came back.
        package var get = Tally()
        /// Bytes: those of the names that came back.
        package var list = Tally()
        package var remove = Tally()

        package var requests: Int {
            put.requests + get.requests + list.requests + remove.requests
        }
    }

    package struct Tally: Hashable, Sendable {
        package var requests = 0
        package var bytes = 0

        mutating func add(_ count: Int) {
            requests += 1
            bytes += count
        }
    }
}

extension MemorySite {
    struct State {
        /// Every version of every object that is there, oldest first, never empty.
        var versions: [ObjectName: [[UInt8]]] = [:]
        var counts = Counts()
        var failures: [Failure] = []
        var bytesMax: Int?
        var isReadOnly = false
        /// What a get of an object returns at most.
        var readLengths: [ObjectName: Int] = [:]
        /// Left out of listings.
        var hidden: Set<ObjectName> = []
        /// Puts and removals that took effect.
        var changes = 0
        var crash: (changes: Int, image: [ObjectName: [[UInt8]]]?)?

        var entries: [ObjectEntry] {
            versions.map { ObjectEntry(name: $0.key, size: $0.value.last?.count ?? 0) }
                .sorted { $0.name < $1.name }
        }

        /// Carries out a request that has been counted already, unless it is to fail.
        mutating func request<Result>(
            _ act: (inout State) throws(Trouble) -> Result
        ) throws(Trouble) -> Result {
            let number = counts.requests
            let failure = failures.first { $0.requests.contains(number) }
            if let failure, !failure.isDone { throw failure.trouble }
            let result = try act(&self)
            if let failure { throw failure.trouble }
            return result
        }

        func admit(
            _ name: ObjectName, _ count: Int, _ existing: Existing, at label: String
        ) throws(Trouble) {
            if isReadOnly { throw .readOnlySite(name, at: label) }
            if existing == .refuse, versions[name] != nil { throw .existingObject(name, at: label) }
            guard let bytesMax else { return }
            let others = versions.filter { $0.key != name }.reduce(0) { sum, object in
                sum + (object.value.last?.count ?? 0)
            }
            if others + count > bytesMax { throw .fullSite(name, at: label) }
        }

        mutating func changed() {
            changes += 1
            keepImage()
        }

        mutating func keepImage() {
            if let crash, crash.image == nil, crash.changes <= changes {
                self.crash?.image = versions
            }
        }
    }
}
