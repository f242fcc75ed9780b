// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The name of a replication slot: 1 to 63 small letters, digits and underscores.
package struct SlotName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init?(_ name: String) {
        let isFit = name.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == 95
        }
        guard isFit, (1...63).contains(name.utf8.count) else { return nil }
        description = name
    }
}

/// A connection that speaks the replication protocol (PostgreSQL's manual, "Streaming Replication
/// Protocol"), and what the server said of itself.
package final class Replication {
    /// The same for a cluster, its standbys and its restored copies.
    package let systemIdentifier: UInt64
    /// As of when this was opened.
    package let timeline: UInt32
    package let flushed: LSN
    package let segmentBytes: UInt64

    let connection: Connection

    package var version: ServerVersion { connection.version }

    package init(
        to address: ServerAddress, _ patience: Patience = .seconds(15)
    ) throws(ServerError) {
        connection = try Connection(to: address, for: .replication, patience)
        let system = try connection.ask("IDENTIFY_SYSTEM", patience)
        guard let identifier = system[0, 0].flatMap({ UInt64($0) }),
            let timeline = system[0, 1].flatMap({ UInt32($0) }), timeline > 0,
            let flushed = system[0, 2].flatMap({ LSN($0) })
        else { throw .malformed("the identity of the server") }
        (self.systemIdentifier, self.timeline, self.flushed) = (identifier, timeline, flushed)
        let size = try connection.ask("SHOW wal_segment_size", patience)[0, 0] ?? ""
        guard let segmentBytes = Self.bytes(size), WALSegment.isSize(segmentBytes) else {
            throw .malformed("the size of a WAL segment, \"\(size)\"")
        }
        self.segmentBytes = segmentBytes
    }

    /// `16MB` or `1GB`: SHOW gives the largest unit that fits.
    static func bytes(_ text: String) -> UInt64? {
        let units: [(String, UInt64)] = [("kB", 10), ("MB", 20), ("GB", 30), ("B", 0)]
        guard let (unit, shift) = units.first(where: { text.hasSuffix($0.0) }),
            let count = UInt64(text.dropLast(unit.count)), count <= 1 << 30
        else { return nil }
        return count << shift
    }
}

// MARK: - Slots

extension Replication {
    /// A slot, by itself; `SlotState` says how much WAL it holds back.
    package struct Slot: Hashable, Sendable {
        /// The oldest WAL that the server keeps for it; nil while it keeps none.
        package let restart: LSN?
        package let restartTimeline: UInt32?
    }

    /// Makes a physical slot that keeps WAL from now on.
    ///
    /// - Returns: false where it exists already.
    @discardableResult
    package func createSlot(
        _ name: SlotName, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> Bool {
        try tolerating("42710") { () throws(ServerError) in
            try connection.ask(
                "CREATE_REPLICATION_SLOT \"\(name)\" PHYSICAL RESERVE_WAL", patience)
        }
    }

    /// - Returns: false where there is none.
    @discardableResult
    package func dropSlot(
        _ name: SlotName, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> Bool {
        try tolerating("42704") { () throws(ServerError) in
            try connection.ask("DROP_REPLICATION_SLOT \"\(name)\"", patience)
        }
    }

    /// Whether it was done; false where the server refused with `state`.
    private func tolerating(
        _ state: String, _ body: () throws(ServerError) -> Rows
    ) throws(ServerError) -> Bool {
        do {
            _ = try body()
            return true
        } catch {
            if case .refused(let refusal) = error, refusal.sqlState == state { return false }
            throw error
        }
    }

    /// Nil where there is no such slot. From PostgreSQL 15 on; before, ask for `SlotState`.
    package func slot(
        _ name: SlotName, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> Slot? {
        let rows = try connection.ask("READ_REPLICATION_SLOT \"\(name)\"", patience)
        guard let kind = rows[0, 0] else { return nil }
        guard kind == "physical" else { throw .malformed("slot \(name) is \(kind)") }
        return Slot(
            restart: rows[0, 1].flatMap { LSN($0) },
            restartTimeline: rows[0, 2].flatMap { UInt32($0) })
    }
}

// MARK: - Timelines

extension Replication {
    /// Enough for thousands of timelines.
    package static let historyBytesMax = 1 << 20

    /// The history of a timeline, and its file as the server keeps it; none for the first.
    package func history(
        of timeline: UInt32, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> (history: TimelineHistory, content: [UInt8]) {
        let empty = TimelineHistory(timeline: timeline)
        if timeline <= 1 { return (empty, []) }
        let rows = try connection.ask("TIMELINE_HISTORY \(timeline)", patience)
        guard rows.count == 1, let row = rows.cells.first, row.count == 2, let content = row[1],
            content.count <= Self.historyBytesMax,
            rows[0, 0] == empty.fileName
        else { throw .malformed("the history of timeline \(timeline)") }
        do {
            return (try TimelineHistory(timeline: timeline, content: content), content)
        } catch { throw .malformed(error) }
    }

    /// Begins to receive the WAL of a timeline; this connection is then the stream's until that
    /// ends. Without a slot, the server may remove what has not been received.
    package func stream(
        from start: LSN, timeline: UInt32, slot: SlotName?,
        now: @escaping @Sendable () -> Moment, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> WALStream {
        let named = slot.map { "SLOT \"\($0)\" " } ?? ""
        try connection.send(
            "START_REPLICATION \(named)PHYSICAL \(start) TIMELINE \(timeline)", patience)
        return try WALStream(connection, from: start, now: now, patience)
    }
}
