// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing

@Suite("Bytes that are read back")
struct BytesTests {
    private static let extremes: [UInt64] = [
        0, 1, 127, 128, 255, 256, 16_383, 16_384, 1 << 32 - 1, 1 << 32, 1 << 63 - 1, 1 << 63,
        .max,
    ]

    @Test("give every number in its shortest form", arguments: Self.extremes)
    func varint(value: UInt64) throws {
        var writer = ByteWriter()
        writer.varint(value)
        #expect(writer.bytes.count == max(1, (64 - value.leadingZeroBitCount + 6) / 7))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.varint() == value)
        try reader.end()
    }

    @Test("refuse a number in a longer form than it needs")
    func longForm() {
        for bytes: [UInt8] in [[0x80, 0], [0xff, 0], [0x81, 0x80, 0]] {
            var reader = ByteReader(bytes)
            #expect(throws: Malformed.self) { try reader.varint() }
        }
    }

    @Test("refuse a number of 2^64 and more")
    func overflow() throws {
        let nines = [UInt8](repeating: 0xff, count: 9)
        var largest = ByteReader(nines + [1])
        #expect(try largest.varint() == .max)
        for end: [UInt8] in [[2], [3], [0x7f], [0x81, 0], [0xff, 1], [0x80, 0x80, 0]] {
            var reader = ByteReader(nines + end)
            #expect(throws: Malformed.self) { try reader.varint() }
        }
    }

    @Test("give signed numbers back, small ones of either sign in one byte")
    func signed() throws {
        let values: [Int64] = [0, -1, 1, -64, 63, 64, -65, .min, .max, .min + 1, .max - 1]
        for value in values {
            var writer = ByteWriter()
            writer.signed(value)
            #expect((writer.bytes.count == 1) == (-64...63).contains(value))
            var reader = ByteReader(writer.bytes)
            #expect(try reader.signed() == value)
        }
    }

    @Test("have the least significant byte first")
    func order() throws {
        var writer = ByteWriter()
        writer.u32(0x0403_0201)
        writer.u64(0x0807_0605_0403_0201)
        #expect(writer.bytes == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8])
        var reader = ByteReader(writer.bytes)
        #expect(try reader.u32() == 0x0403_0201)
        #expect(try reader.u64() == 0x0807_0605_0403_0201)
        #expect(throws: Malformed.self) { try reader.u8() }
    }

    @Test("refuse a list or a block that claims more than there is")
    func claims() {
        for claim: [UInt8] in [[4], [0xff, 0x7f], [UInt8](repeating: 0xff, count: 9) + [1]] {
            var list = ByteReader(claim + [1, 1, 1])
            #expect(throws: Malformed.self) {
                try list.list { (reader: inout ByteReader) throws(Malformed) in try reader.u8() }
            }
            var block = ByteReader(claim + [1, 1, 1])
            #expect(throws: Malformed.self) { try block.block() }
        }
    }

    @Test("refuse a block or a number over its limit, and take one at it")
    func limits() throws {
        var block = ByteReader([3, 1, 2, 3])
        #expect(try block.block(upTo: 3) == [1, 2, 3])
        var longer = ByteReader([3, 1, 2, 3])
        #expect(throws: Malformed.self) { try longer.block(upTo: 2) }
        var number = ByteReader([9])
        #expect(try number.number(upTo: 9) == 9)
        var larger = ByteReader([9])
        #expect(throws: Malformed.self) { try larger.number(upTo: 8) }
    }

    @Test("refuse text that is not UTF-8")
    func text() throws {
        var good = ByteReader([3] + Array("ä.".utf8))
        #expect(try good.text() == "ä.")
        var bad = ByteReader([2, 0xc3, 0x28])
        #expect(throws: Malformed.self) { try bad.text() }
    }

    @Test("are read within their range only")
    func range() throws {
        var reader = ByteReader([9, 9, 1, 2, 9], in: 2..<4)
        #expect(try reader.raw(2) == [1, 2])
        #expect(throws: Malformed.self) { try reader.u8() }
        try reader.end()
        var digest = ByteReader([UInt8](repeating: 0, count: 40), in: 0..<31)
        #expect(throws: Malformed.self) { try digest.digest() }
    }

    @Test("end where they should, and a byte too many is refused")
    func end() throws {
        var reader = ByteReader([1, 2])
        _ = try reader.u8()
        #expect(throws: Malformed.self) { try reader.end() }
        #expect(throws: Malformed.self) { try reader.raw(-1) }
    }

    @Test("come back whatever was written")
    func roundTrips() throws {
        var dice = Seeded(3)
        for _ in 0..<300 {
            let (number, signed) = (dice.number(), Int64(bitPattern: dice.number()))
            let block = dice.bytes(Int.random(in: 0...300, using: &dice))
            let list = (0..<Int.random(in: 0...9, using: &dice)).map { _ in dice.number() }
            var writer = ByteWriter()
            writer.varint(number)
            writer.signed(signed)
            writer.signed(-1 - signed)
            writer.block(block)
            writer.varint(list.count)
            for value in list { writer.varint(value) }
            var reader = ByteReader(writer.bytes)
            #expect(try reader.varint() == number)
            #expect(try reader.signed() == signed)
            #expect(try reader.signed() == -1 - signed)
            #expect(try reader.block() == block)
            let back = try reader.list { (reader: inout ByteReader) throws(Malformed) in
                try reader.varint()
            }
            #expect(back == list)
            try reader.end()
        }
    }

    @Test("cut off anywhere are refused and never read beyond")
    func truncated() {
        var writer = ByteWriter()
        writer.block([1, 2, 3])
        writer.u64(7)
        writer.varint(UInt64.max)
        for count in 0..<writer.bytes.count {
            var reader = ByteReader(writer.bytes, in: 0..<count)
            #expect(throws: Malformed.self) {
                _ = try reader.block()
                _ = try reader.u64()
                _ = try reader.varint()
            }
        }
    }
}
