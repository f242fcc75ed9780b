// SPDX-License-Identifier: EUPL-1.2
import Ground
import Postgres
import Synchronization
import Vault

/// A run of a spool → a range: an ordinary tree in ordinary packs that stands for its units.
package struct LogMerge: Sendable {
    private let writer: VaultWriter
    private let dataSet: String
    private let host: String
    private let spool: LogSpool

    package init(writer: VaultWriter, dataSet: String, host: String, spool: LogSpool) {
        (self.writer, self.dataSet, self.host, self.spool) = (writer, dataSet, host, spool)
    }

    /// Relations are not like it: log is read once, from end to end.
    private static let blockBytes = Limits.dataChunkBytesMax

    package func run(_ run: LogRun, cache: WriterCache) async throws(Trouble) -> Captured {
        var draft = RecordBody(
            kind: .range, begun: writer.world.now(), dataSet: dataSet, host: host, paths: [])
        draft.source = .postgresLog
        draft.supersedes = run.units
        draft.postgres = PostgresSpan(
            system: run.start.system, timeline: run.start.timeline, start: run.start.lsn.value,
            end: run.end.lsn.value, segmentBytes: run.start.segmentBytes,
            received: run.frames.last?.received ?? draft.begun)
        let capture = StreamCapture(writer, draft: draft)
        let source = SpoolSource(run, of: spool, begun: draft.begun)
        return try await capture.commit(capture.store(source, cache: cache))
    }

    /// `/wal/TTTTTTTT/SSSSSSSSSSSSSSSS` and `/wal/TTTTTTTT.history` (docs/format.md, section 6).
    private final class SpoolSource: StreamSource {
        private let run: LogRun
        private let spool: LogSpool
        private let begun: Moment
        /// The frame that comes next; -1 before the first entry.
        private let next = Mutex(-1)

        init(_ run: LogRun, of spool: LogSpool, begun: Moment) {
            (self.run, self.spool, self.begun) = (run, spool, begun)
        }

        func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
            let index = next.withLock { next in
                next += 1
                return next - 1
            }
            guard index >= 0 else {
                begin(&batch)
                return true
            }
            guard index < run.frames.count else { return false }
            batch.append(try spool.content(of: run.frames[index], in: run))
            return true
        }

        private func begin(_ batch: inout StreamBatch) {
            let (timeline, start) = (run.start.timeline, run.start.lsn)
            if !run.history.isEmpty {
                batch.begin(StreamedEntry(LogTree.history(of: timeline), permissions: 0o600, modified: begun))
                batch.append(run.history)
            }
            if run.bytes > 0 {
                var entry = StreamedEntry(
                    LogTree.piece(timeline, start), permissions: 0o600, modified: begun)
                entry.cutting = .inBlocks(bytes: LogMerge.blockBytes)
                batch.begin(entry)
            }
        }
    }
}

/// Where things stand in the tree of a range.
package enum LogTree {
    package static let root = Array("wal".utf8)

    package static func piece(_ timeline: UInt32, _ start: LSN) -> TreePath {
        [root, Array(hex(UInt64(timeline), 8).utf8), Array(hex(start.value, 16).utf8)]
    }

    package static func history(of timeline: UInt32) -> TreePath {
        [root, Array((hex(UInt64(timeline), 8) + ".history").utf8)]
    }

    private static func hex(_ value: UInt64, _ width: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: width - text.count) + text
    }
}
