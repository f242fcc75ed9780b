// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres

let realNow: @Sendable () -> Moment = {
    let now = Date().timeIntervalSince1970
    return Moment(
        seconds: Int64(now), nanoseconds: UInt32((now - now.rounded(.down)) * 1_000_000_000))
}

extension Cluster {
    func replication() throws -> Replication { try Replication(to: ServerAddress(address)) }

    func connection() throws -> Connection {
        try Connection(to: ServerAddress(address), for: .questions(database: nil))
    }

    func flushedLSN() throws -> LSN {
        LSN(try psql("SELECT pg_current_wal_flush_lsn()").trimmingCharacters(in: .newlines))
            ?? LSN(0)
    }

    /// The bytes of pg_wal from the beginning of a segment on.
    func wal(from start: LSN, count: Int, timeline: UInt32 = 1) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var segment = WALSegment(holding: start, timeline: timeline, byteCount: 1 << 20)
        while bytes.count < count, let here = segment {
            let path = "\(data)/pg_wal/\(here.fileName)"
            guard let content = FileManager.default.contents(atPath: path) else {
                throw Failure(description: "\(path) is missing")
            }
            bytes += content
            segment = here.next
        }
        return Array(bytes.prefix(count))
    }
}

extension WALStream {
    /// Receives until the server's WAL up to `goal` is here, and appends it.
    func record(until goal: LSN, into bytes: inout [UInt8]) throws {
        while position < goal {
            guard let message = try receive(.seconds(20)) else {
                throw Cluster.Failure(description: "no WAL for 20 s before \(goal)")
            }
            if case .wal(_, _, _, let piece) = message { bytes += piece }
        }
    }
}

extension LSN {
    /// The beginning of its segment of 1 MiB.
    var segmentStart: LSN { LSN(value & ~0xf_ffff) }
}

/// All facts of some WAL, fed in pieces of a length.
func scan(
    _ bytes: [UInt8], from start: LSN, pieces: Int = 100_000, isRecordStart: Bool = false
) -> (facts: [WALFact], scan: WALScan) {
    var scan = WALScan(from: start, segmentBytes: 1 << 20, isRecordStart: isRecordStart)
    var facts: [WALFact] = []
    for offset in stride(from: 0, to: bytes.count, by: pieces) {
        let piece = bytes.span.extracting(offset..<min(bytes.count, offset + pieces))
        scan.feed(piece) { facts.append($0) }
    }
    return (facts, scan)
}
