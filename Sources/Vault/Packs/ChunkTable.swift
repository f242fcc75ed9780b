// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The sealed list of what a pack holds (docs/format.md, section 7).
package struct ChunkTable: Sendable {
    package struct Row: Hashable, Sendable {
        package let id: Digest
        /// Bytes in the pack, without the tag.
        package let stored: UInt32
        /// Bytes of the chunk itself.
        package let plain: UInt32
        package let isCompressed: Bool
    }

    package static let rowBytes = 41
    /// Sealed tables are multiples of this, so that a site cannot count the chunks.
    package static let stepBytes = 4096
    package static let bytesMax = sealedBytes(rows: Limits.packChunksMax)

    package var rows: [Row] = []

    /// Bytes of all its chunks.
    var content: Int { rows.reduce(0) { $0 + Int($1.plain) } }

    package init() {}

    package static func sealedBytes(rows: Int) -> Int {
        let needed = 4 + rows * rowBytes + Sealing.tagBytes
        return (needed + stepBytes - 1) / stepBytes * stepBytes
    }

    package var encoded: [UInt8] {
        let length = Self.sealedBytes(rows: rows.count) - Sealing.tagBytes
        var writer = ByteWriter(reserving: length)
        writer.u32(UInt32(rows.count))
        for row in rows {
            writer.digest(row.id)
            writer.u32(row.stored)
            writer.u32(row.plain)
            writer.u8(row.isCompressed ? 1 : 0)
        }
        writer.raw([UInt8](repeating: 0, count: length - writer.bytes.count))
        return writer.bytes
    }

    package init(decoding bytes: [UInt8], content: PackContent) throws(Malformed) {
        var reader = ByteReader(bytes)
        let count = Int(try reader.u32())
        guard count <= Limits.packChunksMax, count * Self.rowBytes <= reader.remaining else {
            throw Malformed("chunk table with \(count) rows", at: 0)
        }
        let plainMax =
            content == .data ? Limits.dataChunkBytesMax : Limits.treeChunkBytesMax
        rows.reserveCapacity(count)
        for _ in 0..<count {
            let start = reader.offset
            let row = Row(
                id: try reader.digest(), stored: try reader.u32(), plain: try reader.u32(),
                isCompressed: try reader.flag())
            guard row.plain >= 1, row.plain <= plainMax, row.stored <= row.plain,
                row.isCompressed || row.stored == row.plain
            else { throw Malformed("impossible lengths of a chunk", at: start) }
            rows.append(row)
        }
        try reader.zeros()
    }
}

extension ByteReader {
    package mutating func flag() throws(Malformed) -> Bool {
        let start = offset
        switch try u8() {
        case 0: return false
        case 1: return true
        default: throw Malformed("neither 0 nor 1", at: start)
        }
    }

    /// Only zeros may follow.
    package mutating func zeros() throws(Malformed) {
        let start = offset
        guard try raw(remaining).allSatisfy({ $0 == 0 }) else {
            throw Malformed("padding is not zero", at: start)
        }
    }
}
