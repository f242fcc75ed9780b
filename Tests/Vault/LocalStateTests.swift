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
        memory.sections[Sealing.hash([1] as [UInt8])] = .init(
            reference: SectionReference(
                chunk: ChunkReference(id: Sealing.hash([2] as [UInt8]), bytes: 300), entries: 7,
                first: [[1], [0xff]]),
            counts: .init(), packs: [0, 1])
        for (number, regions) in [nil, [], [Content.Region(gap: 4096, length: .max)]].enumerated() {
            memory.contents[Sealing.hash([UInt8(number)])] = .init(
                chunks: [ChunkReference(id: .zero, bytes: 1)], areLists: number == 1,
                regions: regions, packs: [1])
        }
        cache.dataSets["files"] = memory
        cache.dataSets["empty"] = .init()
        return (cache, test)
    }

    @Test("a cache comes back whole")
    func cacheRoundTrip() async throws {
        let (cache, test) = try await cache()
        let back = try WriterCache(decoding: cache.encoded(for: test.domain), for: test.domain)
        #expect(back.head == cache.head)
        #expect(back.packs == cache.packs)
        #expect(back.chunks == cache.chunks)
        #expect(Set(back.dataSets.keys) == ["files", "empty"])
        let (one, other) = (
            try #require(back.dataSets["files"]), try #require(cache.dataSets["files"])
        )
        #expect(one.sequence == other.sequence && one.deltas == other.deltas)
        #expect(one.packs == other.packs)
        #expect(one.sections == other.sections)
        #expect(one.contents == other.contents)
    }

    @Test("a cache is refused wherever a byte of it is flipped, and cut off anywhere")
    func cacheFlipped() async throws {
        let (cache, test) = try await cache()
        let bytes = cache.encoded(for: test.domain)
        for place in bytes.indices where place < 120 || place % 7 == 0 {
            var changed = bytes
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(throws: Malformed.self) {
                try WriterCache(decoding: changed, for: test.domain)
            }
            #expect(throws: Malformed.self) {
                try WriterCache(decoding: Array(bytes[..<place]), for: test.domain)
            }
        }
        #expect(throws: Malformed.self) { try WriterCache(decoding: bytes + [0], for: test.domain) }
    }

    @Test("a cache of another domain is refused")
    func cacheOfOthers() async throws {
        let (cache, test) = try await cache()
        let other = try await TestVault(seed: 2)
        #expect(throws: Malformed.self) {
            try WriterCache(decoding: cache.encoded(for: test.domain), for: other.domain)
        }
    }
}
