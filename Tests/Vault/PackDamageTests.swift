// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A pack that is not what it was")
struct PackDamageTests {
    private static let chunks = [noise(5_000), prose(5_000), noise(5_000, seed: 3)]

    /// A vault with one data pack of a known lay-out.
    private func layout() async throws -> (
        maker: PackMaker, pack: PackReference, chunks: [ChunkReference], bytes: [UInt8],
        front: PackFront, chunkEnds: [Int]
    ) {
        let maker = try await PackMaker(TestVault())
        let (pack, chunks, bytes) = try await maker.put(Self.chunks)
        let front = try PackFront(name: pack.name, decoding: bytes)
        var end = front.chunksStart
        let ends = try await maker.test.opened().open(front, bytes: bytes.count).rows.map { row in
            end += Int(row.stored) + Sealing.tagBytes
            return end
        }
        return (maker, pack, chunks, bytes, front, ends)
    }

    /// What a verification says where a lying writer vouches for these bytes: then their hash
    /// fits, and only keys can tell.
    private func findings(_ bytes: [UInt8], _ test: TestVault) async throws -> [Trouble] {
        let copy = try await TestVault(test, at: test.site.copy())
        try await copy.vouch(for: [(bytes, .data)], roots: [])
        return try await copy.findings()
    }

    @Test("is found whichever part of it is changed, even under a name that fits")
    func everyPart() async throws {
        let (maker, _, _, bytes, front, ends) = try await layout()
        #expect(try await findings(bytes, maker.test).isEmpty, "it is sound to begin with")
        let tableStart = PackHeader.bytes(recipients: 1)
        var places = [
            0, 4, 5, 6, 7, 8, 24, 40, 56, 72, 76, 107, 108, 109, 110, 111, 112, 113, 128, 129,
            1248, 1249, 1296, tableStart - 1, tableStart, tableStart + 40, front.chunksStart - 1,
            front.chunksStart,
        ]
        places += ends.flatMap { [$0 - 17, $0 - 1, $0] } + [60_000, bytes.count - 1]
        for place in places {
            for bit: UInt8 in [1, 0x80] {
                var changed = bytes
                changed[place] ^= bit
                let found = try await findings(changed, maker.test)
                #expect(!found.isEmpty, "byte \(place)")
            }
        }
    }

    @Test("is found cut off anywhere")
    func truncated() async throws {
        let (maker, _, _, bytes, front, ends) = try await layout()
        for count in [0, 1, 112, 113, front.chunksStart, ends[0], ends[2], bytes.count - 1] {
            #expect(!(try await findings(Array(bytes[..<count]), maker.test)).isEmpty, "\(count)")
        }
        #expect(!(try await findings(bytes + [0], maker.test)).isEmpty)
    }

    @Test("is found with two chunks swapped")
    func swapped() async throws {
        let (maker, pack, chunks, bytes, front, ends) = try await layout()
        var changed = bytes
        let (first, third) = (bytes[front.chunksStart..<ends[0]], bytes[ends[1]..<ends[2]])
        #expect(first.count == third.count)
        changed.replaceSubrange(front.chunksStart..<ends[0], with: third)
        changed.replaceSubrange(ends[1]..<ends[2], with: first)
        #expect(!(try await findings(changed, maker.test)).isEmpty)

        // A restore does not hash whole packs: it must notice as well.
        try await maker.test.site.replace(packName(pack.name), by: changed)
        let (reader, _) = try await maker.reader([pack])
        for index in [0, 2] {
            let refused = try await trouble {
                _ = try await reader.read(chunks[index], .data)
            }
            #expect(refused?.kind == .damaged)
        }
        #expect(Array(try await reader.read(chunks[1], .data)) == Self.chunks[1])
    }

    @Test("gives a reader the right bytes or none, whatever a site does to it")
    func reading() async throws {
        let (maker, pack, chunks, bytes, _, ends) = try await layout()
        var dice = Seeded(5)
        for round in 0..<60 {
            // Half of them among the chunks.
            let place = round % 2 == 0 ? dice.below(ends[2]) : 5_000 + dice.below(ends[2] - 5_000)
            var changed = bytes
            changed[place] ^= 1 << UInt8(dice.below(8))
            try await maker.test.site.replace(packName(pack.name), by: changed)
            let (reader, _) = try await maker.reader([pack])
            var refused = 0
            for (reference, chunk) in zip(chunks, Self.chunks) {
                do {
                    #expect(Array(try await reader.read(reference, .data)) == chunk)
                } catch { refused += 1 }
            }
            #expect(refused > 0, "byte \(place) means something")
        }
    }

    @Test("with another commitment does not open, though the wrapped key would")
    func commitment() async throws {
        let (maker, pack, _, bytes, _, _) = try await layout()
        var changed = bytes
        changed[76] ^= 1
        let front = try PackFront(name: pack.name, decoding: changed)
        let reader = try maker.test.unlocked.strongbox.reader(of: 1)
        #expect(throws: Trouble.self) { try front.contentKey(reader, at: "test") }
        let whole = try PackFront(name: pack.name, decoding: bytes)
        let key = try whole.contentKey(reader, at: "test")
        #expect(PackHeader.commitment(to: key) == whole.header.commitment)
        let other = try Strongbox.recipientKey([UInt8](repeating: 3, count: 32))
        #expect(throws: Trouble.self) { try whole.contentKey(other, at: "test") }
    }

    @Test("in a newer format is named as such")
    func newer() async throws {
        let (maker, pack, _, bytes, _, _) = try await layout()
        var changed = bytes
        changed[5] = 2
        try await maker.test.site.replace(packName(pack.name), by: changed)
        let (_, index) = try await maker.reader([pack])
        #expect(index.troubles.map(\.kind) == [.newerFormat])
    }

    @Test("has no table of impossible rows")
    func tables() throws {
        func table(_ rows: [(stored: UInt32, plain: UInt32, way: UInt8)]) -> [UInt8] {
            var writer = ByteWriter()
            writer.u32(UInt32(rows.count))
            for row in rows {
                writer.digest(.zero)
                writer.u32(row.stored)
                writer.u32(row.plain)
                writer.u8(row.way)
            }
            writer.raw([UInt8](repeating: 0, count: 4096 - 16 - writer.bytes.count))
            return writer.bytes
        }
        let good = table([(5, 5, 0), (3, 9, 1)])
        let read = try ChunkTable(decoding: good, content: .data)
        #expect(read.rows.map(\.plain) == [5, 9])
        #expect(read.encoded == good)
        for wrong in [
            (4, 5, 0), (6, 5, 0), (5, 5, 2), (0, 0, 0), (10, 9, 1), (2 << 20 + 1, 2 << 20 + 1, 0),
        ] as [(UInt32, UInt32, UInt8)] {
            #expect(throws: Malformed.self) {
                try ChunkTable(decoding: table([wrong]), content: .data)
            }
        }
        let most = UInt32(Limits.treeChunkBytesMax)
        let tree = try ChunkTable(decoding: table([(most, most, 0)]), content: .tree)
        #expect(tree.rows.count == 1)
        #expect(throws: Malformed.self) {
            try ChunkTable(decoding: table([(most + 1, most + 1, 0)]), content: .tree)
        }
        var padded = good
        padded[4079] = 1
        #expect(throws: Malformed.self) { try ChunkTable(decoding: padded, content: .data) }
        for claim: UInt32 in [100, 4097, .max] {
            var writer = ByteWriter()
            writer.u32(claim)
            #expect(throws: Malformed.self) {
                try ChunkTable(decoding: writer.bytes + good.dropFirst(4), content: .data)
            }
        }
    }
}
