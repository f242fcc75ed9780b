// SPDX-License-Identifier: EUPL-1.2

/// 32 bytes that identify something: the id of a chunk, the name of a pack, the hash of a record.
///
/// Held as four words because a set of them is half as fast with arrays. The words are big-endian,
/// so that comparing two digests compares their bytes.
public struct Digest: Hashable, Comparable, Sendable {
    public static let byteCount = 32
    public static let zero = Digest(0, 0, 0, 0)

    @usableFromInline package let a, b, c, d: UInt64

    @inlinable package init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    /// Exactly 32 bytes; nil for any other number.
    package init?(_ bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for byte in bytes {
            switch count >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            case 3: words.3 = words.3 << 8 | UInt64(byte)
            default: return nil
            }
            count += 1
        }
        guard count == Self.byteCount else { return nil }
        self.init(words.0, words.1, words.2, words.3)
    }

    package init?(hex text: some StringProtocol) {
        guard let bytes = [UInt8](hex: text) else { return nil }
        self.init(bytes)
    }

    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.byteCount)
        append(to: &result)
        return result
    }

    package func append(to output: inout [UInt8]) {
        for word in [a, b, c, d] {
            for shift in stride(from: 56, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
    }

    package var hex: String { bytes.hex }

    /// The first eight digits, enough for people to tell snapshots apart.
    package var short: String { String(hex.prefix(8)) }

    @inlinable public func hash(into hasher: inout Hasher) {
        // A digest is uniform already: one word is as good as four.
        hasher.combine(a)
    }

    public static func < (one: Digest, other: Digest) -> Bool {
        (one.a, one.b, one.c, one.d) < (other.a, other.b, other.c, other.d)
    }
}

extension Digest: CustomStringConvertible {
    public var description: String { hex }
}
