// SPDX-License-Identifier: EUPL-1.2

/// Writes the few shapes of which every object consists (docs/format.md, "Shapes").
package struct ByteWriter: Sendable {
    package var bytes: [UInt8] = []

    package init(reserving count: Int = 0) { bytes.reserveCapacity(count) }

    package mutating func u8(_ value: UInt8) { bytes.append(value) }

    /// Four bytes, least significant first.
    package mutating func u32(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    /// Eight bytes, least significant first.
    package mutating func u64(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// Unsigned LEB128 in its shortest form, one to ten bytes.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func varint(_ value: Int) { varint(UInt64(value)) }

    /// A signed number, zigzag-mapped so that small ones of either sign stay short.
    package mutating func signed(_ value: Int64) {
        varint(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    package mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }

    package mutating func digest(_ value: Digest) { value.append(to: &bytes) }

    /// A varint with the number of bytes, then the bytes.
    package mutating func block(_ value: some Collection<UInt8>) {
        varint(value.count)
        bytes.append(contentsOf: value)
    }

    package mutating func text(_ value: String) { block(Array(value.utf8)) }
}
