// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One block of 512 bytes that begins an entry of a tar archive: ustar (POSIX.1-1988) with the
/// numbers and long names of GNU, which is what PostgreSQL writes (tar.c).
struct TarHeader {
    enum Kind {
        case entry(BackupEntry.Kind)
        /// The content is the name, or the target, of the entry that follows.
        case longName, longTarget
    }

    static let blockBytes = 512

    let kind: Kind
    let name: [UInt8]
    let size: Int64
    let mode: UInt16
    let owner: UInt32
    let group: UInt32
    let modified: Int64

    /// - Parameter place: where the block begins in the archive, for errors.
    init(_ block: [UInt8], at place: Int) throws(Malformed) {
        func wrong(_ what: String, _ offset: Int = 0) -> Malformed {
            Malformed("tar: \(what)", at: place &+ offset)
        }
        func number(_ range: Range<Int>, upTo max: Int64) throws(Malformed) -> Int64 {
            guard let value = Self.number(block[range]), value <= max else {
                throw wrong("a number that is none or too large", range.lowerBound)
            }
            return value
        }
        func text(_ range: Range<Int>) -> [UInt8] { Array(block[range].prefix { $0 != 0 }) }

        guard try number(148..<156, upTo: .max) == Self.sum(block) else {
            throw wrong("a header whose checksum differs", 148)
        }
        guard text(257..<262) == Array("ustar".utf8) else { throw wrong("no ustar header", 257) }
        size = try number(124..<136, upTo: 1 << 60)
        mode = UInt16(try number(100..<108, upTo: 0o177_7777) & 0o7777)
        owner = UInt32(try number(108..<116, upTo: Int64(UInt32.max)))
        group = UInt32(try number(116..<124, upTo: Int64(UInt32.max)))
        modified = try number(136..<148, upTo: 1 << 60)
        // GNU's magic is "ustar  ", and where POSIX has a prefix it has times.
        let prefix = block[262] == 0 ? text(345..<500) : []
        name = prefix.isEmpty ? text(0..<100) : prefix + [UInt8(ascii: "/")] + text(0..<100)
        switch block[156] {
        case UInt8(ascii: "0"), 0: kind = .entry(.file)
        case UInt8(ascii: "5"): kind = .entry(.directory)
        case UInt8(ascii: "2"): kind = .entry(.symlink(target: text(157..<257)))
        case UInt8(ascii: "L"): kind = .longName
        case UInt8(ascii: "K"): kind = .longTarget
        case let flag: throw wrong("an entry of kind \(flag), which is not understood", 156)
        }
    }

    /// Octal digits among blanks and NULs, or, from the highest bit on, big-endian.
    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        var value: Int64 = 0
        if first & 0x80 != 0 {
            for byte in [first & 0x7f] + field.dropFirst() {
                guard value < 1 << 54 else { return nil }
                value = value << 8 | Int64(byte)
            }
            return value
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        for digit in digits {
            guard (48...55).contains(digit), value < 1 << 59 else { return nil }
            value = value << 3 | Int64(digit - 48)
        }
        return value
    }

    /// All bytes of the block, its own sum counted as blanks.
    private static func sum(_ block: [UInt8]) -> Int64 {
        var sum: Int64 = 8 * 32
        for index in block.indices where !(148..<156).contains(index) {
            sum += Int64(block[index])
        }
        return sum
    }
}
