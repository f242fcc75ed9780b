// SPDX-License-Identifier: EUPL-1.2
import Ground
import Postgres
import Vault

/// A place in the log of one cluster.
package struct LogPlace: Hashable, Sendable {
    package let system: UInt64
    package let timeline: UInt32
    package let segmentBytes: UInt32
    package let lsn: LSN

    package init(system: UInt64, timeline: UInt32, segmentBytes: UInt32, lsn: LSN) {
        (self.system, self.timeline) = (system, timeline)
        (self.segmentBytes, self.lsn) = (segmentBytes, lsn)
    }

    package func moved(to lsn: LSN) -> LogPlace {
        LogPlace(system: system, timeline: timeline, segmentBytes: segmentBytes, lsn: lsn)
    }
}

/// Log without a gap on one timeline, of which all lies in the vault as units, kept here as plain
/// bytes until it is merged: one file of a spool.
///
/// File: magic, place of the start, history of the timeline, SHA-256 of all that; then frames of
/// 44 bytes of facts, SHA-256 of facts and content, content. What does not fit its hash ends the
/// file: it was being written when the power went.
package struct LogRun: Sendable {
    package struct Frame: Sendable {
        let session: UInt64
        let unit: UInt32
        package let start: LSN
        package let end: LSN
        let received: Moment
        /// Of its content in the file.
        let offset: Int64

        var bytes: Int { Int(end.value - start.value) }
    }

    /// In the order of the runs; the name of the file.
    let number: Int
    package let start: LogPlace
    /// PostgreSQL's own file about the timeline; empty for the first.
    package let history: [UInt8]
    package internal(set) var frames: [Frame] = []
    /// Length of the file, as far as it is whole.
    var fileBytes: Int64

    package var end: LogPlace { start.moved(to: frames.last?.end ?? start.lsn) }
    /// Of log.
    package private(set) var bytes = 0
    var name: [UInt8] { Array("\(number)".utf8) }

    static let frameHeadBytes = 44 + Digest.byteCount
    private static let magic = Array("ZWILLING SPOOL 1\n".utf8)

    static func head(_ start: LogPlace, history: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.raw(magic)
        writer.u64(start.system)
        writer.u32(start.timeline)
        writer.u32(start.segmentBytes)
        writer.u64(start.lsn.value)
        writer.block(history)
        writer.digest(Sealing.hash(writer.bytes))
        return writer.bytes
    }

    static func frameHead(_ unit: UnitReference, _ span: PostgresSpan) -> [UInt8] {
        var writer = ByteWriter(reserving: frameHeadBytes)
        writer.u64(unit.session)
        writer.u32(unit.number)
        writer.u64(span.start)
        writer.u64(span.end)
        // Of fixed length, unlike a time of the format.
        writer.u64(UInt64(bitPattern: span.received.seconds))
        writer.u32(span.received.nanoseconds)
        writer.u32(UInt32(span.end - span.start))
        writer.digest(Sealing.hash(writer.bytes + unit.plainHash.bytes))
        return writer.bytes
    }

    /// Reads the beginning of a file.
    init(number: Int, head bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard try reader.raw(Self.magic.count) == Self.magic else {
            throw Malformed("not a spool of log", at: 0)
        }
        let (system, timeline, segment) = (try reader.u64(), try reader.u32(), try reader.u32())
        start = LogPlace(
            system: system, timeline: timeline, segmentBytes: segment, lsn: LSN(try reader.u64()))
        history = try reader.block(upTo: Self.historyBytesMax)
        let end = reader.offset
        guard try reader.digest() == Sealing.hash(bytes[..<end]), timeline > 0,
            WALSegment.isSize(UInt64(segment))
        else { throw Malformed("a spool whose hash does not fit", at: end) }
        self.number = number
        fileBytes = Int64(reader.offset)
    }

    private static let historyBytesMax = Replication.historyBytesMax
    static let headBytesMax = Replication.historyBytesMax + 256

    /// Takes the frame at the end of what is known so far; nil where there is none that is whole.
    ///
    /// - Parameter content: its bytes, or fewer where the file ends.
    func frame(head: [UInt8], content: (Int) throws(SpoolEnd) -> ArraySlice<UInt8>) -> Frame? {
        do {
            var reader = ByteReader(head)
            let (session, unit) = (try reader.u64(), try reader.u32())
            let (first, last) = (LSN(try reader.u64()), LSN(try reader.u64()))
            let seconds = Int64(bitPattern: try reader.u64())
            let received = Moment(seconds: seconds, nanoseconds: try reader.u32())
            let count = Int(try reader.u32())
            let facts = head[..<reader.offset]
            let hash = try reader.digest()
            guard first == end.lsn, last >= first, last.bytes(since: first) == UInt64(count),
                count <= Limits.unitPlainBytesMax,
                Sealing.hash(Array(facts) + Sealing.hash(try content(count)).bytes) == hash
            else { return nil }
            return Frame(
                session: session, unit: unit, start: first, end: last, received: received,
                offset: fileBytes + Int64(Self.frameHeadBytes))
        } catch { return nil }
    }

    /// The file ends, or cannot be read on.
    struct SpoolEnd: Error {}

    mutating func add(_ frame: Frame) {
        frames.append(frame)
        bytes += frame.bytes
        fileBytes = frame.offset + Int64(frame.bytes)
    }

    /// The units that it holds, as ranges name them.
    package var units: [RecordBody.UnitSpan] {
        var spans: [RecordBody.UnitSpan] = []
        for frame in frames {
            if let last = spans.last, last.session == frame.session, last.last + 1 == frame.unit {
                spans[spans.count - 1] = .init(
                    session: last.session, first: last.first, last: frame.unit)
            } else {
                spans.append(.init(session: frame.session, first: frame.unit, last: frame.unit))
            }
        }
        return spans
    }
}
