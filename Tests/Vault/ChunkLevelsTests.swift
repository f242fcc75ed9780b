// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Foundation
import Ground
import Testing
import Vault

@Suite("What a writer knows on its disk")
struct ChunkLevelsTests {
    /// Few rows in memory, so that small levels lie in files.
    private static let rowsInMemory = 1000
    private static let blockBytes = 4096
    private static let rowsInBlock = 204

    private func kept(_ state: LocalState, _ test: TestVault) -> WriterCache? {
        WriterCache(keptAt: state.path, for: test.domain, rowsInMemory: Self.rowsInMemory)
    }

    private func id(_ chance: inout Seeded) -> Digest {
        Digest(chance.next(), chance.next(), chance.next(), chance.next())
    }

    /// So many chunks, in one level.
    private func filled(_ count: Int, _ test: TestVault) -> (WriterCache, [Digest]) {
        var chance = Seeded(1)
        let ids = (0..<count).map { _ in id(&chance) }.sorted()
        var cache = test.emptyCache()
        for (number, id) in ids.enumerated() { cache.chunks.insert(id, UInt128(number)) }
        cache.settle()
        return (cache, ids)
    }

    @Test("is what was put there, through many levels and merges, and the newest counts")
    func model() async throws {
        let test = try await TestVault()
        let state = LocalState()
        var chance = Seeded(3)
        var cache = WriterCache(for: test.domain, rowsInMemory: Self.rowsInMemory)
        var model: [Digest: UInt128] = [:]
        for round in 0..<60 {
            let count = round % 7 == 0 ? Int.random(in: 0...9000, using: &chance) : Int.random(in: 0...300, using: &chance)
            for _ in 0..<count {
                let isOld = Int.random(in: 0..<10, using: &chance) == 0
                let id = isOld ? model.keys.first ?? id(&chance) : id(&chance)
                let value = UInt128(UInt32.random(in: 0...UInt32.max, using: &chance))
                cache.chunks.insert(id, value)
                model[id] = value
            }
            if round % 3 == 0 { cache.settle() }
            if round % 9 == 0 {
                cache.settle()
                try cache.keep(at: state.path, for: test.domain)
                cache = try #require(kept(state, test))
            }
            let strange = id(&chance)
            #expect(cache.chunks.find(strange) == nil)
            #expect(model.prefix(500).allSatisfy { cache.chunks.find($0.key) == $0.value })
        }
        #expect(model.count > 20_000)
        #expect(model.allSatisfy { cache.chunks.find($0.key) == $0.value })
        // One file for each level and no more, of which there are few.
        #expect(try state.files().count <= 6)
    }

    @Test("holds values of 16 bytes, for whoever reads")
    func wide() {
        var chance = Seeded(4)
        var levels = ChunkLevels(
            LevelShape(valueBytes: 16, key: SymmetricKey(size: .bits256), rowsInMemory: Self.rowsInMemory))
        let all = (0..<20_000).map { _ in (id(&chance), UInt128.random(in: 0...UInt128.max, using: &chance)) }
        for (id, value) in all { levels.insert(id, value) }
        #expect(all.allSatisfy { levels.find($0) == $1 })
        levels.settle()
        #expect(all.allSatisfy { levels.find($0) == $1 } && levels.find(id(&chance)) == nil)
    }

    @Test("Chunks of packs that are gone are unknown, and an older place counts that is not")
    func gone() async throws {
        let test = try await TestVault()
        var chance = Seeded(9)
        var (cache, ids) = filled(20_000, test)
        for id in ids.prefix(50) { cache.chunks.insert(id, 100_000) }
        cache.settle()
        #expect(cache.chunks.find(ids[7]) == 100_000)
        #expect(cache.chunks.find(ids[7]) { $0 < 50_000 } == 7)
        #expect(cache.chunks.find(ids[7]) { $0 > 100_000 } == nil)
        cache.chunks.insert(id(&chance), 1)
        // What nobody wants goes with the next merge.
        for id in ids.suffix(10_000) { cache.chunks.insert(id, 200_000) }
        cache.chunks.settle { $0 != 200_000 }
        #expect(ids.suffix(10_000).enumerated().allSatisfy { cache.chunks.find($1) == UInt128(10_000 + $0) })
    }

    @Test("A block that is damaged holds nothing, and the others what they held")
    func damagedBlocks() async throws {
        let test = try await TestVault()
        let (cache, ids) = filled(20_000, test)
        let state = LocalState()
        try cache.keep(at: state.path, for: test.domain)
        let (name, bytes) = try #require(try state.files().max { $0.value.count < $1.value.count })
        let blocks = (ids.count + Self.rowsInBlock - 1) / Self.rowsInBlock
        for block in 0..<blocks {
            var changed = bytes
            changed[block * Self.blockBytes + block * 41 % Self.blockBytes] ^= 1 << UInt8(block % 8)
            try state.put(name, changed)
            let back = try #require(kept(state, test))
            let lost = block * Self.rowsInBlock..<min((block + 1) * Self.rowsInBlock, ids.count)
            for number in lost { #expect(back.chunks.find(ids[number]) == nil) }
            for number in [lost.lowerBound - 1, lost.upperBound] where ids.indices.contains(number) {
                #expect(back.chunks.find(ids[number]) == UInt128(number))
            }
        }
        // A block in the place of another, and one of another level.
        var changed = bytes
        changed.replaceSubrange(0..<Self.blockBytes, with: bytes[Self.blockBytes..<2 * Self.blockBytes])
        try state.put(name, changed)
        var back = try #require(kept(state, test))
        #expect(ids.prefix(2 * Self.rowsInBlock).filter { back.chunks.find($0) == nil }.count == Self.rowsInBlock)
        // A merge passes over it; what is stored again is known again.
        for number in 0..<10_000 { back.chunks.insert(ids[number * 2], UInt128(number * 2)) }
        back.settle()
        for (number, id) in ids.enumerated() {
            let isLost = number < Self.rowsInBlock && number % 2 == 1
            #expect(back.chunks.find(id) == (isLost ? nil : UInt128(number)))
        }
    }

    @Test("A level that is cut off, or whose tail is damaged, makes the cache be made anew")
    func damagedTail() async throws {
        let test = try await TestVault()
        let (cache, ids) = filled(5000, test)
        let state = LocalState()
        try cache.keep(at: state.path, for: test.domain)
        let (name, bytes) = try #require(try state.files().max { $0.value.count < $1.value.count })
        let tail = (ids.count + Self.rowsInBlock - 1) / Self.rowsInBlock * Self.blockBytes
        for place in stride(from: tail, to: bytes.count, by: 3) {
            var changed = bytes
            changed[place] ^= 1
            try state.put(name, changed)
            #expect(kept(state, test) == nil)
        }
        for count in stride(from: 0, to: bytes.count, by: 997) {
            try state.put(name, Array(bytes[..<count]))
            #expect(kept(state, test) == nil)
        }
        try state.remove(name)
        #expect(kept(state, test) == nil)
        try state.put(name, bytes)
        #expect(kept(state, test) != nil)
    }

    @Test("An incomplete index compaction: a run that is killed while it keeps its cache leaves the last one, or the new one")
    func killed() async throws {
        let test = try await TestVault()
        let state = LocalState()
        var chance = Seeded(9)
        var (cache, ids) = filled(20_000, test)
        cache.add([PackReference(name: ids[0], bytes: 1)], content: [1])
        try cache.keep(at: state.path, for: test.domain)
        let before = try state.files()
        let (first, added) = (cache, id(&chance))
        cache.chunks.insert(added, 7)
        cache.add([PackReference(name: ids[1], bytes: 2)], content: [2])
        cache.settle()
        try cache.keep(at: state.path, for: test.domain)
        let after = try state.files()
        let new = after.keys.filter { before[$0] == nil }.sorted()
        #expect(new.count == 2 && before.keys.contains { after[$0] == nil })

        // Each moment: some of the new files are there, one only begun, the head is the old one.
        for (name, _) in after { try state.remove(name) }
        for (name, bytes) in before { try state.put(name, bytes) }
        for name in new {
            try state.put("cache.files/.new", Array(after[name]?.prefix(10) ?? []))
            let back = try #require(kept(state, test))
            #expect(back.packs == first.packs && back.chunks.find(added) == nil)
            #expect(back.chunks.find(ids[5]) == 5)
            try state.put(name, after[name] ?? [])
        }
        try state.put("cache", after["cache"] ?? [])
        let back = try #require(kept(state, test))
        #expect(back.packs == cache.packs && back.chunks.find(added) == 7)
        // What is left over goes with the next.
        try back.keep(at: state.path, for: test.domain)
        #expect(try state.files() == after)
    }
}
