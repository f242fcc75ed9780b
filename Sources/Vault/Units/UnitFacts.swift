// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a unit says to an observer: which data set it continues, and how far.
package struct UnitFacts: Hashable, Sendable {
    package let dataSet: String
    package let span: PostgresSpan

    package init(dataSet: String, span: PostgresSpan) {
        (self.dataSet, self.span) = (dataSet, span)
    }

    /// The only kind of log so far.
    private static let postgres: UInt8 = 1
    private static let stepBytes = 512

    /// Padded so that, with its tag, it takes a multiple of 512 bytes.
    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: Self.stepBytes)
        writer.text(dataSet)
        writer.u8(Self.postgres)
        span.encode(to: &writer)
        writer.varint(0)
        let length = writer.bytes.count + Sealing.tagBytes
        let padding = (Self.stepBytes - length % Self.stepBytes) % Self.stepBytes
        writer.raw(repeatElement(0, count: padding))
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        dataSet = try reader.text(upTo: Limits.nameBytesMax)
        let place = reader.offset
        guard try reader.u8() == Self.postgres else {
            throw Malformed("\(Magic.newer) (kind of unit)", at: place)
        }
        span = try PostgresSpan(decoding: &reader)
        guard span.end - span.start <= UInt64(Limits.unitPlainBytesMax) else {
            throw Malformed("more than a unit holds", at: place)
        }
        try reader.extensions()
        try reader.zeros()
    }
}
