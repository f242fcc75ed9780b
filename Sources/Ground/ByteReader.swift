// SPDX-License-Identifier: EUPL-1.2

/// Bytes that do not have the shape they should have.
package struct Malformed: Error, Sendable, CustomStringConvertible {
    package let what: String
    /// Bytes from the start of what was being read.
    package let offset: Int

    package init(_ what: String, at offset: Int) {
        self.what = what
        self.offset = offset
    }

    package var description: String { "\(what) at byte \(offset)" }
}

/// Reads what `ByteWriter` wrote, and trusts none of it: whatever the bytes are, it returns a value
/// or throws, and allocates no more than the bytes at hand can justify.
package struct ByteReader: Sendable {
    package let bytes: [UInt8]
    package private(set) var offset: Int
    private let limit: Int

    package init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    package init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        limit = range.upperBound
    }

    package var remaining: Int { limit - offset }

    package mutating func u8() throws(Malformed) -> UInt8 {
        guard offset < limit else { throw Malformed("ends too early", at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func u32() throws(Malformed) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: 0, to: 32, by: 8) { value |= UInt32(try u8()) << UInt32(shift) }
        return value
    }

    package mutating func u64() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 8) { value |= UInt64(try u8()) << UInt64(shift) }
        return value
    }

    package mutating func varint() throws(Malformed) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let byte = try u8()
            if shift == 63, byte > 1 { throw Malformed("number too large", at: start) }
            value |= UInt64(byte & 0x7f) << UInt64(shift)
            if byte < 0x80 {
                // One number, one spelling: otherwise two readers could disagree on a hash.
                if byte == 0, shift > 0 { throw Malformed("number not in shortest form", at: start) }
                return value
            }
        }
        throw Malformed("number too long", at: start)
    }

    /// A number that must not exceed `max`.
    package mutating func number(upTo max: Int) throws(Malformed) -> Int {
        let start = offset
        let value = try varint()
        guard value <= UInt64(max) else { throw Malformed("number over \(max)", at: start) }
        return Int(value)
    }

    package mutating func signed() throws(Malformed) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    package mutating func raw(_ count: Int) throws(Malformed) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw Malformed("ends too early", at: offset) }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    package mutating func digest() throws(Malformed) -> Digest {
        guard remaining >= Digest.byteCount else { throw Malformed("ends too early", at: offset) }
        defer { offset += Digest.byteCount }
        return Digest(word(0), word(8), word(16), word(24))
    }

    private func word(_ start: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<8 { value = value << 8 | UInt64(bytes[offset + start + index]) }
        return value
    }

    package mutating func block(upTo max: Int = Int.max) throws(Malformed) -> [UInt8] {
        try raw(try number(upTo: min(max, bytes.count)))
    }

    package mutating func text(upTo max: Int = 65_536) throws(Malformed) -> String {
        let start = offset
        guard let text = String(validating: try block(upTo: max), as: UTF8.self) else {
            throw Malformed("text is not UTF-8", at: start)
        }
        return text
    }

    /// A list whose length comes first. Every element takes at least one byte, so a length beyond
    /// the bytes at hand is refused before anything is allocated for it.
    package mutating func list<Element>(
        _ element: (inout ByteReader) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element] {
        let count = try number(upTo: remaining)
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Nothing may follow.
    package func end() throws(Malformed) {
        guard remaining == 0 else { throw Malformed("\(remaining) bytes too many", at: offset) }
    }
}
