// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Testing
import Vault

/// The page's rules for cutting (docs/format.md, section 9), written anew and slowly.
struct NaiveCutter {
    let gear: [UInt64]

    init(gearKey: SymmetricKey) {
        gear = (0..<256).map { index in
            let code = HMAC<SHA256>.authenticationCode(for: [UInt8(index)], using: gearKey)
            return Array(code).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    func fingerprint(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { ($0 << 1) &+ gear[Int($1)] }
    }

    func cuts(_ bytes: [UInt8]) -> [Int] {
        var lengths: [Int] = []
        var start = 0
        while start < bytes.count {
            let segmentEnd = min(bytes.count, (start / 67_108_864 + 1) * 67_108_864)
            let length = first(bytes[start..<segmentEnd])
            lengths.append(length)
            start += length
        }
        return lengths
    }

    private func first(_ bytes: ArraySlice<UInt8>) -> Int {
        var f: UInt64 = 0
        for length in 131_073...max(131_073, min(bytes.count, 2_097_152)) {
            guard length <= bytes.count else { break }
            f = (f << 1) &+ gear[Int(bytes[bytes.startIndex + length - 1])]
            let topBits: UInt64 = length <= 524_288 ? 21 : 17
            if f >> (64 - topBits) == 0 { return length }
        }
        return min(bytes.count, 2_097_152)
    }
}

@Suite("Cutting by content")
struct GearTests {
    private let key = SymmetricKey(data: [UInt8](repeating: 9, count: 32))

    /// Lengths of all chunks, as a capture cuts them.
    private func cuts(_ bytes: [UInt8], _ gear: Gear) -> [Int] {
        var lengths: [Int] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, (start / Limits.segmentBytes + 1) * Limits.segmentBytes)
            lengths.append(gear.cut(bytes[start..<end]))
            start += lengths[lengths.count - 1]
        }
        return lengths
    }

    private func chunks(_ bytes: [UInt8], _ gear: Gear) -> [Digest] {
        var start = 0
        return cuts(bytes, gear).map { length in
            defer { start += length }
            return Sealing.hash(bytes[start..<start + length])
        }
    }

    @Test("follows docs/format.md to the byte")
    func page() {
        let domain = Domain(
            id: Identifier(from: .seeded(1)), secret: SymmetricKey(data: noise(32)))
        let gearKey = Sealing.derive(domain.secret, "zwilling gear")
        let naive = NaiveCutter(gearKey: gearKey)
        #expect(domain.gear.table == naive.gear)
        let bytes = noise(6 << 20)
        #expect(cuts(bytes, domain.gear) == naive.cuts(bytes))
        for count in [1, 131_071, 131_072, 131_073, 524_288, 524_289] {
            let piece = Array(bytes.prefix(count))
            #expect(cuts(piece, domain.gear) == naive.cuts(piece))
        }
    }

    @Test("keeps its limits, also where nothing ever or everything at once is a border")
    func limits() {
        let gear = Gear(key: key)
        let zeros = cuts([UInt8](repeating: 0, count: 5 << 20), gear)
        #expect(zeros.dropLast().allSatisfy { $0 == zeros[0] })
        for length in (zeros + cuts(noise(8 << 20), gear)).dropLast() {
            #expect(length > Limits.chunkBytesMin || length == zeros.last)
            #expect(length <= Limits.dataChunkBytesMax)
        }
        #expect(cuts(noise(1000), gear) == [1000])
    }

    @Test("cuts at every multiple of 64 MiB, and chunks have 584 KiB on average")
    func segmentsAndAverage() {
        let bytes = noise(Limits.segmentBytes + 1_000_000)
        let lengths = cuts(bytes, Gear(key: key))
        var ends: Set<Int> = []
        var end = 0
        for length in lengths {
            end += length
            ends.insert(end)
        }
        #expect(ends.contains(Limits.segmentBytes))
        // 17 % end before 512 KiB (at 314 KiB on average), the others 128 KiB after it.
        let average = bytes.count / lengths.count
        #expect((467_000...717_000).contains(average), "\(average)")
    }

    @Test("moves only the cuts beside an insertion", arguments: [0, 1_000_000, 4_000_000])
    func insertion(at place: Int) {
        let gear = Gear(key: key)
        let before = noise(8 << 20, seed: 3)
        let after = Array(before[..<place]) + noise(777, seed: 4) + Array(before[place...])
        let known = Set(chunks(before, gear))
        let new = chunks(after, gear).filter { !known.contains($0) }
        #expect((1...3).contains(new.count), "\(new.count) of \(known.count)")
    }

    @Test("depends on the key")
    func keyed() {
        let bytes = noise(4 << 20)
        let other = Gear(key: SymmetricKey(data: noise(32, seed: 8)))
        #expect(cuts(bytes, Gear(key: key)) != cuts(bytes, other))
    }

    @Test("takes borders of groups and sections from the top 14 bits of a name's fingerprint")
    func borders() {
        let domain = Domain(id: Identifier(from: .seeded(1)), secret: key)
        let naive = NaiveCutter(gearKey: Sealing.derive(key, "zwilling gear"))
        var groups = 0
        for number in 0..<4000 {
            let name = Array("file-\(number)".utf8)
            let f = naive.fingerprint(name)
            let border = domain.border(name)
            #expect(border.endsGroup == (f >> 60 == 0))
            #expect(border.endsSection == ((f << 4) >> 54 == 0))
            groups += border.endsGroup ? 1 : 0
        }
        #expect((150...350).contains(groups), "one name in 16")
    }
}
