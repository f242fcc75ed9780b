// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Vault

@Suite("What a machine keeps")
struct LocalStateTests {
    @Test("writer keys come back, and nothing else is taken for them")
    func writerKeys() async throws {
        let keys = try await TestVault().keys
        let bytes = keys.encoded
        let back = try WriterKeys(decoding: bytes)
        #expect(back.encoded == bytes)
        #expect(back.vault == keys.vault && back.root == keys.root)
        #expect(back.writer == keys.writer && back.domain == keys.domain)
        #expect(try back.publicKey == keys.publicKey)
        for count in 0..<bytes.count {
            #expect(throws: Malformed.self) { try WriterKeys(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: Malformed.self) { try WriterKeys(decoding: bytes + [0]) }
        #expect(throws: Malformed.self) { try WriterKeys(decoding: [1] + bytes.dropFirst()) }
    }

    @Test("writer keys that the keyring does not know are refused")
    func otherKeys() async throws {
        let test = try await TestVault()
        let bytes = test.keys.encoded
        let magic = "ZWILLING WRITER KEYS 1\n".utf8.count
        // Vault, root, writer and signing key, one after the other.
        for place in [magic, magic + 16, magic + 48, magic + 64] {
            var changed = bytes
            changed[place] ^= 1
            let keys = try WriterKeys(decoding: changed)
            let refused = try await trouble {
                _ = try VaultWriter(test.vault, keys: keys, world: test.world)
            }
            #expect(refused?.kind == .wrongKey, "byte \(place)")
        }
    }

    @Test("memory comes back, and only grows")
    func memory() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(1000)])
        let memory = try await test.memory()
        #expect(memory.heads[test.keys.writer] == first.head)
        let back = try Memory(decoding: memory.encoded)
        #expect(back.encoded == memory.encoded)
        #expect(back.vault == memory.vault && back.root == memory.root)
        #expect(back.keyringNumber == 1 && back.heads == memory.heads)
        for count in 0..<memory.encoded.count {
            #expect(throws: Malformed.self) {
                try Memory(decoding: Array(memory.encoded[..<count]))
            }
        }
        var older = memory
        older.note(test.keys.writer, ChainHead(sequence: 0, hash: .zero))
        older.note(test.keys.writer, ChainHead(sequence: 1, hash: .zero))
        #expect(older.heads[test.keys.writer] == first.head)
    }

    private func cache() async throws -> (WriterCache, TestVault) {
        let test = try await TestVault()
        var cache = try await test.protect([prose(1000), noise(3000)]).cache
        var memory = try #require(cache.dataSets["files"])
        var uses = PackUses(1, bytes: 7)
        uses.add(0, bytes: 1 << 40)
        memory.sections[Sealing.hash([1] as [UInt8])] = .init(
            reference: SectionReference(
                chunk: ChunkReference(id: Sealing.hash([2] as [UInt8]), bytes: 300), entries: 7,
                first: [[1], [0xff]]),
            counts: .init(), uses: uses)
        for (number, regions) in [nil, [], [Content.Region(gap: 4096, length: .max)]].enumerated() {
            memory.contents[Sealing.hash([UInt8(number)])] = .init(
                chunks: [ChunkReference(id: .zero, bytes: 1)], areLists: number == 1,
                regions: regions, uses: uses)
        }
        cache.dataSets["files"] = memory
        cache.dataSets["empty"] = .init()
        return (cache, test)
    }

    @Test("a cache comes back whole")
    func cacheRoundTrip() async throws {
        let (cache, test) = try await cache()
        let state = LocalState()
        try cache.keep(at: state.path, for: test.domain)
        let back = try #require(WriterCache(keptAt: state.path, for: test.domain))
        #expect(back.head == cache.head)
        #expect(back.packs == cache.packs && back.content == cache.content && back.gone == cache.gone)
        #expect(back.dataSets.names == ["files", "empty"])
        let (one, other) = (
            try #require(back.dataSets["files"]), try #require(cache.dataSets["files"])
        )
        #expect(one.sequence == other.sequence && one.deltas == other.deltas)
        #expect(one.packs == other.packs)
        #expect(one.sections == other.sections && one.sections.count == 1)
        #expect(one.contents == other.contents && one.contents.count == 3)
        for content in [prose(1000), noise(3000)] {
            let id = test.domain.chunkId(of: content[...], .data)
            let place = try #require(cache.chunks.find(id))
            #expect(back.chunks.find(id) == place)
        }
        // What has not changed is not written again.
        let files = try state.files()
        try back.keep(at: state.path, for: test.domain)
        #expect(try state.files() == files)
    }

    @Test("a cache is refused, or the part is unknown, wherever a byte of it is flipped or it is cut off")
    func cacheFlipped() async throws {
        let (cache, test) = try await cache()
        let state = LocalState()
        try cache.keep(at: state.path, for: test.domain)
        let good = try state.files()
        var (refused, unknown) = (0, 0)
        func look(_ name: String, _ place: Int) throws {
            guard let back = WriterCache(keptAt: state.path, for: test.domain) else { return refused += 1 }
            #expect(back.packs == cache.packs)
            let memories = ["files", "empty"].map { back.dataSets[$0] }
            #expect(memories.contains { $0 == nil }, "\(name), byte \(place)")
            unknown += 1
            guard let memory = memories[0] else { return }
            #expect(memory.sections == cache.dataSets["files"]?.sections)
        }
        for (name, bytes) in good {
            for place in bytes.indices where place < 120 || place % 7 == 0 {
                var changed = bytes
                changed[place] ^= 1 << UInt8(place % 8)
                for wrong in [changed, Array(bytes[..<place])] {
                    try state.put(name, wrong)
                    try look(name, place)
                }
            }
            try state.put(name, bytes + [0])
            try look(name, bytes.count)
            try state.put(name, bytes)
        }
        #expect(good.count == 5 && refused > 100 && unknown > 100)
        #expect(WriterCache(keptAt: state.path, for: test.domain) != nil)
    }

    @Test("a cache of another domain is refused")
    func cacheOfOthers() async throws {
        let (cache, test) = try await cache()
        let other = try await TestVault(seed: 2)
        let state = LocalState()
        try cache.keep(at: state.path, for: test.domain)
        #expect(WriterCache(keptAt: state.path, for: other.domain) == nil)
    }
}
