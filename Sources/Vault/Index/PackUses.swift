// SPDX-License-Identifier: EUPL-1.2
import Ground

/// From which packs something is restored, by their numbers, and how many bytes of content it takes of each.
/// A chunk that is taken twice counts twice: whoever looks for packs that are mostly dead overlooks some.
package struct PackUses: Hashable, Sendable {
    package struct Use: Hashable, Sendable {
        package let pack: UInt32
        package fileprivate(set) var bytes: UInt32
    }

    /// By number.
    package private(set) var all: [Use] = []

    package init() {}

    package init(_ pack: UInt32, bytes: Int) { add(pack, bytes: bytes) }

    package mutating func add(_ pack: UInt32, bytes: Int) { add(Use(pack: pack, bytes: UInt32(clamping: bytes))) }

    package static func += (one: inout PackUses, other: PackUses) {
        for use in other.all { one.add(use) }
    }

    private mutating func add(_ use: Use) {
        var (low, high) = (0, all.count)
        // Most often it is the last, or comes behind it.
        if let last = all.last?.pack, last <= use.pack { low = last == use.pack ? high - 1 : high }
        while low < high {
            let middle = (low + high) / 2
            if all[middle].pack < use.pack { low = middle + 1 } else { high = middle }
        }
        if low < all.count, all[low].pack == use.pack {
            all[low].bytes = UInt32(clamping: UInt64(all[low].bytes) + UInt64(use.bytes))
        } else { all.insert(use, at: low) }
    }

    package func encode(to writer: inout ByteWriter) {
        writer.varint(all.count)
        for use in all {
            writer.varint(UInt64(use.pack))
            writer.varint(UInt64(use.bytes))
        }
    }

    package init(decoding reader: inout ByteReader) throws(Malformed) {
        let uses = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            Use(pack: UInt32(try reader.number(upTo: Int(UInt32.max))), bytes: UInt32(try reader.number(upTo: Int(UInt32.max))))
        }
        for use in uses { add(use) }
    }
}
