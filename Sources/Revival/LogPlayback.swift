// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Postgres
import Vault

/// Brings the log of a recovery into the `pg_wal` of a restored base, as far as the goal needs it,
/// and reads it on the way: whether the goal lies in it decides what the server may be told.
package final class LogPlayback {
    private let open: OpenVault
    private let recovery: Recovery
    private let units: UnitReader
    /// Trees of ranges that were opened, and their histories.
    private var trees: [Digest: RangeTree] = [:]
    private var search: WALSearch
    private var scan: WALScan?
    /// How far the log has been brought.
    package private(set) var played: (timeline: UInt32, lsn: LSN)?

    /// - Parameter after: how far an earlier one has brought it.
    package init(_ open: OpenVault, _ recovery: Recovery, after: (timeline: UInt32, lsn: LSN)? = nil) {
        (self.open, self.recovery, units, played) = (open, recovery, UnitReader(open), after)
        switch recovery.goal {
        case .moment(let moment): search = WALSearch(time: moment)
        case .restorePoint(let name): search = WALSearch(restorePoint: name)
        case .latest, .lsn: search = WALSearch()
        }
    }

    /// Whether a restore point of the goal's name lies in this log, without writing anything.
    package func hasRestorePoint() async throws(Trouble) -> Bool {
        _ = try await play(into: nil)
        return hasPoint
    }

    /// - Parameter directory: the restored data directory; nil only reads.
    package func play(into directory: [UInt8]?) async throws(Trouble) -> RecoveryReach {
        var troubles: [Trouble] = []
        var histories: [UInt32: [UInt8]] = [:]
        for piece in recovery.pieces.all {
            guard case .range(let fact) = piece.source, piece.span.timeline > 1,
                histories[piece.span.timeline] == nil
            else { continue }
            do throws(Trouble) {
                histories[piece.span.timeline] = try await tree(of: fact).history
            } catch { troubles.append(error) }
        }
        let way = recovery.pieces.way(histories: Self.ends(of: histories))
        let folder = try directory.map { directory throws(Trouble) in
            try LogFolder(in: directory, segmentBytes: UInt64(recovery.span.segmentBytes))
        }
        try folder?.write(histories: try completed(histories, folder))
        var reach = RecoveryReach(
            timeline: recovery.span.timeline, end: LSN(recovery.span.end),
            received: recovery.span.received, lastCommit: nil, isReached: recovery.goal == .latest)
        for step in way.steps {
            let (piece, limit) = (step.piece, step.until.map { LSN($0) })
            if let played, (piece.span.timeline, piece.span.end) <= (played.timeline, played.lsn.value) { continue }
            do throws(Trouble) {
                played = try await play(piece, after: played, until: limit, folder)
            } catch {
                guard error.kind == .damaged || error.kind == .missing else { throw error }
                troubles.append(error)
                break
            }
            reach.timeline = piece.span.timeline
            reach.received = max(reach.received, piece.span.received)
            if isPast(played?.lsn) { break }
        }
        try folder?.settle()
        if !isPast(played?.lsn) {
            reach.received = max(reach.received, troubles.isEmpty ? way.received : reach.received)
            if let gap = way.gapUntil {
                troubles.append(.logGap(recovery.base.body.dataSet, LSN(way.end), LSN(gap)))
            }
            if let end = scan?.end, let place = scan?.position {
                troubles.append(.logBreaks(recovery.base.body.dataSet, place, end))
            }
        }
        reach.end = max(scan?.position ?? reach.end, reach.end)
        reach.lastCommit = search.lastCommit?.time
        switch recovery.goal {
        case .latest: reach.isReached = troubles.isEmpty
        // What has no log at all goes back to its snapshots, as anything else.
        case .moment(let moment):
            reach.isReached =
                search.goesBeyond || reach.received >= moment || recovery.pieces.all.isEmpty
        case .lsn(let lsn): reach.isReached = reach.end >= lsn
        case .restorePoint: reach.isReached = hasPoint
        }
        reach.troubles = troubles
        return reach
    }

    /// What the server is told. A goal that lies behind all log is refused by it, though all that
    /// was committed until then is there.
    package func target(after reach: RecoveryReach) -> RecoverySettings.Target {
        switch recovery.goal {
        case .latest: .latest
        case .moment(let moment): search.goesBeyond ? .time(moment) : .latest
        case .lsn(let lsn): reach.end > lsn ? .lsn(lsn) : .latest
        case .restorePoint(let name): hasPoint ? .restorePoint(name) : .latest
        }
    }

    /// Of each timeline, where its ancestors were left. One whose history is damaged counts as one
    /// without.
    private static func ends(of histories: [UInt32: [UInt8]]) -> [UInt32: [UInt32: UInt64]] {
        histories.filter { !$0.value.isEmpty }.compactMapValues { $0 }.reduce(into: [:]) { all, one in
            do throws(Malformed) {
                let history = try TimelineHistory(timeline: one.key, content: one.value)
                all[one.key] = Dictionary(
                    history.ancestors.map { ($0.timeline, $0.end.value) }) { $1 }
            } catch {}
        }
    }

    /// Whether enough of the log was played.
    private func isPast(_ lsn: LSN?) -> Bool {
        switch recovery.goal {
        case .latest: false
        case .moment: search.goesBeyond
        case .lsn(let goal): lsn.map { $0 > goal && scan.map { $0.position > goal } ?? false } ?? false
        case .restorePoint: hasPoint
        }
    }

    /// The server stops at the first of the name, and must be consistent by then.
    private var hasPoint: Bool {
        search.restorePoints.first.map { $0.end.value >= recovery.span.end } ?? false
    }

    /// A history that was not merged when the original went is told from where its log begins.
    private func completed(
        _ histories: [UInt32: [UInt8]], _ folder: LogFolder?
    ) throws(Trouble) -> [UInt32: [UInt8]] {
        var all = histories.filter { !$0.value.isEmpty }
        var before = recovery.span.timeline
        if all[before] == nil { all[before] = try folder?.history(of: before) }
        for timeline in Set(recovery.pieces.all.map(\.span.timeline)).sorted()
        where timeline > before {
            if all[timeline] == nil,
                let first = recovery.pieces.all.first(where: { $0.span.timeline == timeline })
            {
                let line = "\(before)\t\(LSN(first.span.start))\tas its log shows\n"
                all[timeline] = (all[before] ?? []) + Array(line.utf8)
            }
            before = timeline
        }
        return all.filter { !$0.value.isEmpty }
    }

    // MARK: One piece

    /// - Returns: where the log that was played ends.
    private func play(
        _ piece: LogPiece, after before: (timeline: UInt32, lsn: LSN)?, until limit: LSN?,
        _ folder: LogFolder?
    ) async throws(Trouble) -> (timeline: UInt32, lsn: LSN) {
        let timeline = piece.span.timeline
        var position = LSN(piece.span.start)
        if let before, before.timeline < timeline {
            try folder?.carry(from: before.timeline, to: timeline, at: position)
        }
        // What was played already is passed over.
        let base = LSN(recovery.span.start)
        let done = before.map(\.lsn) ?? (position < base ? base : position)
        func take(_ bytes: ArraySlice<UInt8>) throws(Trouble) {
            let start = position
            position = position + bytes.count
            var fresh = bytes
            if start < done { fresh = fresh.dropFirst(Int(min(done.bytes(since: start), UInt64(bytes.count)))) }
            let freshStart = LSN(position.value - UInt64(fresh.count))
            if let limit, position > limit {
                fresh = fresh.prefix(Int(limit.bytes(since: freshStart)))
            }
            guard !fresh.isEmpty else { return }
            read(fresh, at: freshStart)
            try folder?.write(fresh, at: freshStart, timeline: timeline)
        }
        switch piece.source {
        case .unit(let fact): try take(try await units.content(of: fact)[...])
        case .range(let fact):
            let tree = try await tree(of: fact)
            let reader = tree.reader.chunkReader()
            for chunk in tree.chunks {
                try take(try await reader.read(chunk, .data))
                if isPast(position) { break }
            }
            trees[fact.id] = nil
        }
        return (timeline, max(done, limit.map { min($0, position) } ?? position))
    }

    private func read(_ bytes: ArraySlice<UInt8>, at start: LSN) {
        // A base begins with a record.
        var scan =
            self.scan
            ?? WALScan(
                from: start, segmentBytes: UInt64(recovery.span.segmentBytes),
                isRecordStart: start.value == recovery.span.start)
        scan.feed(bytes.span) { search.note($0) }
        self.scan = scan
    }

    private func tree(of fact: Observed.Fact) async throws(Trouble) -> RangeTree {
        if let known = trees[fact.id] { return known }
        let tree = try await RangeTree(open, fact)
        trees[fact.id] = tree
        return tree
    }
}

/// The log and the history that a range holds.
private struct RangeTree {
    let reader: TreeReader
    /// Of the one stretch of log, in order.
    private(set) var chunks: [ChunkReference] = []
    private(set) var history: [UInt8] = []

    init(_ open: OpenVault, _ fact: Observed.Fact) async throws(Trouble) {
        reader = try await TreeReader(open, fact, .whole)
        guard let span = fact.body.postgres else { return }
        let piece = LogTree.piece(span.timeline, LSN(span.start))
        let historyPath = LogTree.history(of: span.timeline)
        for file in try await reader.files() {
            if file.path == piece { chunks = file.chunks }
            if file.path == historyPath {
                let chunks = reader.chunkReader()
                for chunk in file.chunks { history += try await chunks.read(chunk, .data) }
            }
        }
        let bytes = chunks.reduce(0) { $0 + UInt64($1.bytes) }
        guard bytes == span.end - span.start else {
            throw Trouble(
                .damaged,
                Words(
                    "Range \(fact.id.short) holds \(bytes) bytes of log instead of \(span.end - span.start).",
                    de: "Bereich \(fact.id.short) enthält \(bytes) statt \(span.end - span.start) Bytes Protokoll."),
                advice: Words(
                    "Run \"zwilling verify --read-data\".", de: "„zwilling verify --read-data“ aufrufen."))
        }
    }
}

extension Trouble {
    fileprivate static func logGap(_ dataSet: String, _ from: LSN, _ to: LSN) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The log of data set \"\(dataSet)\" has a gap from \(from) to \(to), and leads no further.",
                de: "Das Protokoll des Datenbestands „\(dataSet)“ hat eine Lücke von \(from) bis \(to) und führt nicht weiter."),
            advice: Words(
                "Later moments are reached from a later base: \"zwilling moments\".",
                de: "Spätere Zeitpunkte sind von einer späteren Grundsicherung aus erreichbar: „zwilling moments“."))
    }

    fileprivate static func logBreaks(
        _ dataSet: String, _ place: LSN, _ end: WALScan.End
    ) -> Trouble {
        let isUnknown = end == .unknownVersion
        return Trouble(
            isUnknown ? .newerFormat : .damaged,
            isUnknown
                ? Words(
                    "The log of data set \"\(dataSet)\" is of a version of PostgreSQL that cannot be read from \(place) on: whether it leads to the goal is not known.",
                    de: "Das Protokoll des Datenbestands „\(dataSet)“ ist ab \(place) von einer unbekannten PostgreSQL-Version: Ob es zum Ziel führt, ist nicht bekannt.")
                : Words(
                    "The log of data set \"\(dataSet)\" breaks at \(place): recovery ends there.",
                    de: "Das Protokoll des Datenbestands „\(dataSet)“ bricht bei \(place) ab: Dort endet die Wiederherstellung."),
            advice: Words(
                "Run \"zwilling verify --read-data\"; a later base may lead further.",
                de: "„zwilling verify --read-data“ aufrufen; eine spätere Grundsicherung führt vielleicht weiter."))
    }
}
