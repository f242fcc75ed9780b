// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A stretch of PostgreSQL's write-ahead log: what a base needs to become consistent, what a range
/// or a unit holds (docs/format.md, section 2).
package struct PostgresSpan: Hashable, Sendable {
    /// The cluster's system identifier.
    package var system: UInt64
    package var timeline: UInt32
    /// LSN of the first byte.
    package var start: UInt64
    /// LSN behind the last byte.
    package var end: UInt64
    /// A power of two from 1 MiB to 1 GiB.
    package var segmentBytes: UInt32
    /// A time at which nothing lay beyond the end, or an earlier one; of units by the server's clock.
    package var received: Moment

    package init(
        system: UInt64, timeline: UInt32, start: UInt64, end: UInt64, segmentBytes: UInt32,
        received: Moment
    ) {
        (self.system, self.timeline, self.start, self.end) = (system, timeline, start, end)
        (self.segmentBytes, self.received) = (segmentBytes, received)
    }

    /// Nil where it can be.
    package var wrong: String? {
        if timeline == 0 { return "no timeline" }
        if end < start { return "a log that ends before it starts" }
        let isSize = (1 << 20...1 << 30).contains(segmentBytes) && segmentBytes.nonzeroBitCount == 1
        return isSize ? nil : "segments of \(segmentBytes) bytes"
    }

    func encode(to writer: inout ByteWriter) {
        writer.u64(system)
        writer.u32(timeline)
        writer.u64(start)
        writer.u64(end)
        writer.u32(segmentBytes)
        writer.moment(received)
    }

    init(decoding reader: inout ByteReader) throws(Malformed) {
        let place = reader.offset
        system = try reader.u64()
        timeline = try reader.u32()
        start = try reader.u64()
        end = try reader.u64()
        segmentBytes = try reader.u32()
        received = try reader.moment()
        if let wrong { throw Malformed(wrong, at: place) }
    }
}
