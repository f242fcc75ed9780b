// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

/// Packs as a run makes them, without a run.
struct PackMaker {
    let test: TestVault
    let sealing: PackSealing

    init(_ test: TestVault) async throws {
        self.test = test
        sealing = try await test.run(on: test.emptyCache()).sealing
    }

    func builder(_ content: PackContent = .data) throws -> PackBuilder {
        try PackBuilder(content: content, sealing: sealing, level: 3)
    }

    /// One pack of these chunks, put at the site.
    func put(
        _ chunks: [[UInt8]], _ content: PackContent = .data
    ) async throws -> (reference: PackReference, chunks: [ChunkReference], bytes: [UInt8]) {
        let builder = try builder(content)
        var references: [ChunkReference] = []
        for chunk in chunks {
            let id = test.domain.chunkId(of: chunk[...], content)
            try builder.append(chunk[...], id: id)
            references.append(ChunkReference(id: id, bytes: chunk.count))
        }
        let pack = builder.finish()
        try await test.site.put(packName(pack.name), pack.bytes, existing: .replace)
        return (
            PackReference(name: pack.name, bytes: pack.bytes.count), references,
            Array(pack.bytes)
        )
    }

    func reader(_ packs: [PackReference]) async throws -> (ChunkReader, ChunkIndex) {
        let index = try await test.opened().index(
            of: packs, by: test.vault.keyring.writers[0], width: 2)
        let windows = PackWindows(site: test.site, .stretches)
        return (ChunkReader(index, windows, site: "test"), index)
    }
}

@Suite("A pack")
struct PackTests {
    @Test("gives back what was put into it, compressible or not, of any size")
    func roundTrip() async throws {
        let maker = try await PackMaker(TestVault())
        var chunks = [[1], [0, 0], noise(1000), prose(1000), noise(100_000), prose(300_000)]
        chunks.append([UInt8](repeating: 0, count: Limits.dataChunkBytesMax))
        chunks.append(noise(Limits.dataChunkBytesMax, seed: 2))
        let (pack, references, _) = try await maker.put(chunks)
        let (reader, index) = try await maker.reader([pack])
        let rows = try references.map { try index.place(of: $0, .data).row }
        #expect(rows.map(\.isCompressed) == [false, false, false, true, false, true, true, false])
        #expect(rows.map { Int($0.plain) } == chunks.map(\.count))
        // Backwards, so that no window holds the next chunk by chance.
        for (reference, chunk) in zip(references, chunks).reversed() {
            #expect(Array(try await reader.read(reference, .data)) == chunk)
        }
    }

    @Test("of trees may hold chunks larger than those of data")
    func treeRoundTrip() async throws {
        let maker = try await PackMaker(TestVault())
        let large = noise(Limits.dataChunkBytesMax + 1)
        let (pack, references, _) = try await maker.put([large, prose(50)], .tree)
        let (reader, _) = try await maker.reader([pack])
        #expect(equal(try await reader.read(references[0], .tree), large))
        #expect(Array(try await reader.read(references[1], .tree)) == prose(50))
        #expect(pack.bytes <= Limits.packBytesMax)
    }

    @Test("is full in time: at 4,096 chunks, and before it is too large")
    func full() async throws {
        let maker = try await PackMaker(TestVault())
        let small = try maker.builder()
        for number in 0..<Limits.packChunksMax {
            #expect(!small.isFull)
            var writer = ByteWriter()
            writer.u32(UInt32(number))
            try small.append(writer.bytes[...], id: Sealing.hash(writer.bytes))
        }
        #expect(small.isFull)
        let many = small.finish()
        #expect(padme(many.bytes.count) == many.bytes.count)

        let large = try maker.builder()
        let chunk = noise(1 << 20)
        var count = 0
        while !large.isFull {
            try large.append(chunk[...], id: .zero)
            count += 1
        }
        #expect((12...17).contains(count))
        #expect(large.finish().bytes.count <= Limits.packBytesMax)
    }

    @Test("follows another from the same builder with nothing left of it")
    func reuse() async throws {
        let test = try await TestVault()
        let maker = try await PackMaker(test)
        let builder = try maker.builder()
        var names: [PackReference] = []
        for round: UInt8 in 1...3 {
            #expect(builder.isEmpty)
            let chunk = noise(200_000 / Int(round), seed: round)
            try builder.append(chunk[...], id: test.domain.chunkId(of: chunk[...], .data))
            let pack = builder.finish()
            try await test.site.put(packName(pack.name), pack.bytes, existing: .refuse)
            names.append(PackReference(name: pack.name, bytes: pack.bytes.count))
            try builder.reset()
        }
        let (reader, index) = try await maker.reader(names)
        #expect(index.packs.map(\.chunks) == [1, 1, 1])
        for round: UInt8 in 1...3 {
            let chunk = noise(200_000 / Int(round), seed: round)
            let id = test.domain.chunkId(of: chunk[...], .data)
            let reference = ChunkReference(id: id, bytes: chunk.count)
            #expect(equal(try await reader.read(reference, .data), chunk))
        }
    }

    @Test("takes no empty chunk")
    func empty() async {
        await #expect(processExitsWith: .failure) {
            let maker = try await PackMaker(TestVault())
            try maker.builder().append([], id: .zero)
        }
    }

    @Test("chunk that is not what its id says is refused, though it opens")
    func falseId() async throws {
        let test = try await TestVault()
        let maker = try await PackMaker(test)
        let (chunk, other) = (prose(1000), prose(1000, seed: 2))
        let id = test.domain.chunkId(of: other[...], .data)
        let builder = try maker.builder()
        try builder.append(chunk[...], id: id)
        let pack = builder.finish()
        try await test.vouch(for: [(Array(pack.bytes), .data)], roots: [])
        let (reader, _) = try await maker.reader([
            PackReference(name: pack.name, bytes: pack.bytes.count)
        ])
        let refused = try await trouble {
            _ = try await reader.read(ChunkReference(id: id, bytes: 1000), .data)
        }
        #expect(refused?.kind == .damaged)
        #expect(try await test.findings().map(\.kind) == [.damaged])
    }

    @Test("read short is damaged, and not something else")
    func shortReads() async throws {
        let maker = try await PackMaker(TestVault())
        let (pack, references, bytes) = try await maker.put([noise(400_000)])
        let (reader, _) = try await maker.reader([pack])
        for count in [0, 1, 200_000, bytes.count - 1] {
            maker.test.site.shortenReads(of: packName(pack.name), to: count)
            let refused = try await trouble { _ = try await reader.read(references[0], .data) }
            #expect(refused?.kind == .damaged, "\(count)")
        }
    }

    @Test("chunk is refused where another kind or another length was expected")
    func confusion() async throws {
        let maker = try await PackMaker(TestVault())
        let (pack, references, _) = try await maker.put([prose(1000)])
        let (reader, _) = try await maker.reader([pack])
        let kind = try await trouble { _ = try await reader.read(references[0], .tree) }
        #expect(kind?.kind == .damaged)
        let longer = ChunkReference(id: references[0].id, bytes: 1001)
        let length = try await trouble { _ = try await reader.read(longer, .data) }
        #expect(length?.kind == .damaged)
        let unknown = ChunkReference(id: .zero, bytes: 1000)
        let missing = try await trouble { _ = try await reader.read(unknown, .data) }
        #expect(missing?.kind == .missing)
    }
}

@Suite("A compressor")
struct CompressionTests {
    @Test("leaves alone what would save less than an eighth")
    func worth() {
        let compressor = Compressor(level: 3)
        var room = [UInt8](repeating: 0, count: 200_000)
        #expect(compressor.compress(noise(100_000)[...], into: &room, at: 0) == nil)
        #expect(compressor.compress(prose(100_000)[...], into: &room, at: 0) != nil)
        #expect(compressor.compress([1, 1, 1][...], into: &room, at: 0) == nil)
    }

    @Test("Compressor corruption is noticed before anything is let go")
    func corruption() throws {
        // What the builder does after sealing: open, decompress, compare. A frame that was
        // corrupted either does not open, or is not what it was.
        let plain = prose(50_000) + noise(5_000)
        var room = [UInt8](repeating: 0, count: Compressor.bound(plain.count))
        let count = try #require(Compressor(level: 3).compress(plain[...], into: &room, at: 0))
        let frame = Array(room[..<count])
        let decompressor = Decompressor()
        func holds(_ frame: [UInt8]) -> Bool {
            var back = [UInt8](repeating: 0, count: plain.count)
            return decompressor.decompress(frame, into: &back, plainBytes: plain.count)
                && equal(back, plain)
        }
        #expect(holds(frame))
        var noticed = 0
        for place in stride(from: 6, to: frame.count, by: 11) {
            var changed = frame
            changed[place] ^= 0x40
            noticed += holds(changed) ? 0 : 1
        }
        #expect(noticed == stride(from: 6, to: frame.count, by: 11).underestimatedCount)
    }

    @Test("gives exactly as many bytes as were promised, or nothing")
    func lengths() throws {
        let plain = prose(10_000)
        var room = [UInt8](repeating: 0, count: Compressor.bound(plain.count))
        let count = try #require(Compressor(level: 3).compress(plain[...], into: &room, at: 0))
        let frame = Array(room[..<count])
        var back = [UInt8](repeating: 0, count: 20_000)
        let decompressor = Decompressor()
        for promised in [0, 1, 9_999, 10_001, 20_000] {
            #expect(!decompressor.decompress(frame, into: &back, plainBytes: promised))
        }
        #expect(decompressor.decompress(frame, into: &back, plainBytes: 10_000))
        #expect(!decompressor.decompress(frame.dropLast(), into: &back, plainBytes: 10_000))
        #expect(!decompressor.decompress([UInt8](), into: &back, plainBytes: 10_000))
    }
}

@Suite("Moving bytes")
struct BytesTests {
    @Test("compares all of them")
    func comparing() {
        #expect(equal([UInt8](), [UInt8]()))
        #expect(!equal([1] as [UInt8], [UInt8]()))
        let long = noise(10_000)
        for place in [0, 5_000, 9_999] {
            var other = long
            other[place] ^= 1
            #expect(!equal(long, other))
        }
        #expect(equal(long, long[...]))
    }

    @Test("grows buffers, never shrinks them, and keeps what is in them")
    func growing() {
        var buffer: [UInt8] = [1, 2, 3]
        grow(&buffer, to: 100_000)
        #expect(buffer.count >= 100_000)
        #expect(Array(buffer[..<4]) == [1, 2, 3, 0])
        let count = buffer.count
        grow(&buffer, to: 10)
        #expect(buffer.count == count)
        grow(&buffer, to: count + 1)
        #expect(buffer.count > count)
    }

    @Test("copies to where it should, and not beyond")
    func copying() async {
        var target = [UInt8](repeating: 9, count: 5)
        copy([1, 2] as [UInt8], into: &target, at: 3)
        #expect(target == [9, 9, 9, 1, 2])
        copy([UInt8](), into: &target, at: 5)
        await #expect(processExitsWith: .failure) {
            var target = [UInt8](repeating: 9, count: 5)
            copy([1, 2] as [UInt8], into: &target, at: 4)
        }
    }
}

@Suite("Packs that are read whole")
struct WholePackTests {
    @Test("come whole once, however many are wanted in turn, and give back every chunk")
    func again() async throws {
        let maker = try await PackMaker(TestVault())
        let site = maker.test.site
        var packs: [PackReference] = []
        var wanted: [[(ChunkReference, [UInt8])]] = []
        // More than are kept in memory.
        for number in 0..<8 {
            let chunks = (0..<30).map { noise(250_000, seed: UInt8(number * 30 + $0)) }
            let (pack, references, _) = try await maker.put(chunks)
            packs.append(pack)
            wanted.append(Array(zip(references, chunks)))
        }
        let index = try await maker.test.opened().index(
            of: packs, by: maker.test.vault.keyring.writers[0], width: 2)
        let before = site.counts.get.bytes
        let reader = ChunkReader(index, PackWindows(site: site, .whole), site: "test")
        for turn in 0..<30 {
            for chunks in wanted {
                #expect(Array(try await reader.read(chunks[turn].0, .data)) == chunks[turn].1)
            }
        }
        // Once whole, and once in stretches that overlap a little.
        let bytes = packs.reduce(0) { $0 + $1.bytes }
        #expect(site.counts.get.bytes - before < bytes * 5 / 2)
    }

    @Test("prove any stretch of theirs that is read again, and no other bytes")
    func proofs() {
        let block = Vault.alignment
        let bytes = noise(5 * block + 1000)
        var proofs = PackProofs()
        let name = Sealing.hash(bytes)
        #expect(!proofs.prove(bytes, of: name, from: 0))
        proofs.keep(proofs.tags(of: bytes), of: name)
        #expect(proofs.prove(bytes, of: name, from: 0))
        #expect(proofs.prove(Array(bytes[block..<3 * block]), of: name, from: block))
        #expect(proofs.prove(Array(bytes[(5 * block)...]), of: name, from: 5 * block))
        // From elsewhere, not from a border, too long, changed, of another pack or another run.
        #expect(!proofs.prove(Array(bytes[block..<2 * block]), of: name, from: 2 * block))
        #expect(!proofs.prove(Array(bytes[1...block]), of: name, from: 1))
        #expect(!proofs.prove(bytes + noise(block), of: name, from: 0))
        #expect(!proofs.prove(Array(bytes[..<(block / 2)]), of: name, from: 0))
        var changed = bytes
        changed[3 * block + 7] ^= 1
        #expect(!proofs.prove(changed, of: name, from: 0))
        #expect(!proofs.prove(bytes, of: Sealing.hash(changed), from: 0))
        #expect(!PackProofs().prove(bytes, of: name, from: 0))
    }
}
