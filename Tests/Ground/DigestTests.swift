// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing

@Suite("A digest")
struct DigestTests {
    @Test("is 32 bytes and nothing else")
    func length() {
        #expect(Digest([UInt8](repeating: 1, count: 32)) != nil)
        for count in [0, 1, 31, 33, 64] {
            #expect(Digest([UInt8](repeating: 1, count: count)) == nil)
        }
    }

    @Test("comes back from its bytes and from its digits")
    func roundTrip() throws {
        var dice = Seeded(1)
        for _ in 0..<100 {
            let bytes = dice.bytes(32)
            let digest = try #require(Digest(bytes))
            #expect(digest.bytes == bytes)
            #expect(digest.hex == bytes.hex)
            #expect(Digest(hex: digest.hex) == digest)
            #expect(Digest(hex: digest.hex.uppercased()) == digest)
            var written = ByteWriter()
            written.digest(digest)
            #expect(written.bytes == bytes)
            var reader = ByteReader(bytes)
            #expect(try reader.digest() == digest)
        }
    }

    @Test("has the digits of its bytes in their order")
    func digits() throws {
        let digest = try #require(Digest(0..<32))
        #expect(
            digest.hex == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        #expect(digest.short == "00010203")
        #expect("\(digest)" == digest.hex)
        #expect(Digest.zero.bytes == [UInt8](repeating: 0, count: 32))
    }

    @Test("is refused where its digits are none")
    func falseDigits() {
        let good = String(repeating: "a", count: 64)
        #expect(Digest(hex: good) != nil)
        #expect(Digest(hex: good.dropLast()) == nil)
        #expect(Digest(hex: good.dropLast(2)) == nil)
        #expect(Digest(hex: good + "aa") == nil)
        #expect(Digest(hex: good.dropLast() + "g") == nil)
        #expect(Digest(hex: good.dropLast(2) + "ä") == nil)
    }

    @Test("comes before another as its bytes do")
    func order() throws {
        var dice = Seeded(2)
        var digests: [Digest] = []
        for _ in 0..<200 {
            // Few distinct bytes, so that long common beginnings occur.
            let bytes = dice.bytes(32).map { $0 > 127 ? UInt8(0) : 0xff }
            digests.append(try #require(Digest(bytes)))
        }
        for (one, other) in zip(digests, digests.dropFirst()) {
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
        }
        let sorted = digests.sorted().map(\.bytes)
        #expect(sorted == digests.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test("differs where any byte differs")
    func equality() throws {
        let bytes = [UInt8](repeating: 7, count: 32)
        let digest = try #require(Digest(bytes))
        for index in 0..<32 {
            var other = bytes
            other[index] ^= 1
            #expect(Digest(other) != digest)
        }
    }
}

@Suite("Hexadecimal digits")
struct HexTests {
    @Test("come in pairs, in capitals or not, and are nothing else")
    func digits() {
        #expect([UInt8](hex: "") == [])
        #expect([UInt8](hex: "00ff7F") == [0, 255, 127])
        for wrong in ["0", "000", "0g", "-1", " 0", "0x", "\u{660}\u{661}"] {
            #expect([UInt8](hex: wrong) == nil, "\(wrong)")
        }
        #expect([0, 255, 127].hex == "00ff7f")
    }
}
