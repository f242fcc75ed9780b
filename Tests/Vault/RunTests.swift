// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A writer's run")
struct RunTests {
    private let contents = [prose(40_000), noise(30_000), noise(20_000, seed: 2)]

    @Test("stores nothing twice that it has stored before")
    func again() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        #expect(first.body.addedBytes > 0)
        let packs = try await test.site.packNames()
        let second = try await test.protect(contents, on: first.cache)
        #expect(second.body.addedBytes == 0)
        #expect(second.body.base == 1 && second.body.packsAdded.isEmpty)
        #expect(try await test.site.packNames() == packs)
        #expect(try await test.contents() == contents)
        #expect(try await test.findings().isEmpty)
    }

    @Test("stores equal chunks once, also within itself")
    func duplicates() async throws {
        let test = try await TestVault()
        _ = try await test.protect([noise(50_000), noise(50_000), noise(50_000)])
        let open = try await test.opened()
        let index = await open.index(of: open.observed.facts[0], width: 1)
        #expect(index.packs.filter { $0.content == .data }.map(\.chunks) == [1])
        #expect(try await test.contents() == [noise(50_000), noise(50_000), noise(50_000)])
    }

    @Test("A stale chunk-exists cache: what a lost pack held is stored again")
    func lostPack() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        let lost = first.body.packsAdded
        for pack in lost { test.site.drop(packName(pack.name)) }
        #expect(!(try await test.findings()).isEmpty)

        let run = try await test.run(on: first.cache)
        #expect(Set(run.lostPacks) == Set(lost))
        let both = lost + run.known.putPacks
        #expect(try await test.vault.areStored(both, atOnce: 0) == test.vault.areStored(both))
        let roots = try await TestVault.store(contents, in: run)
        let second = try await TestVault.commit(run, roots, on: first.cache)
        #expect(second.body.addedBytes >= first.body.addedBytes)
        #expect(Set(second.body.packsRemoved) == Set(lost.map(\.name)))
        #expect(try await test.contents() == contents)
    }

    @Test("A stale chunk-exists cache: a pack that was cut off counts as lost")
    func cutPack() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        let cut = first.body.packsAdded[0]
        test.site.truncate(packName(cut.name), to: cut.bytes - 1)
        #expect(try await test.run(on: first.cache).lostPacks == [cut])
        // A pack of the same name cannot be: it is sealed anew, under another key.
        _ = try await test.protect(contents, on: first.cache)
        #expect(try await test.contents() == contents)
    }

    @Test("A stale chunk-exists cache: one of another chain head is not believed")
    func otherHead() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        var lying = first.cache
        lying.head = .start
        for id in 0..<20 { lying.chunks.insert(Sealing.hash([UInt8(id)]), 0) }
        let memory = try await test.memory()
        let writer = try test.writer
        let (rebuilt, wasRebuilt) = try await writer.knowledge(cache: lying, memory: memory)
        #expect(wasRebuilt)
        #expect(rebuilt.head == first.head)
        for content in contents {
            let id = test.domain.chunkId(of: content[...], .data)
            let (found, known) = (rebuilt.chunks.find(id), first.cache.chunks.find(id))
            #expect(found.map { rebuilt.packs[Int($0)] } == known.map { first.cache.packs[Int($0)] } && known != nil)
        }
        #expect(rebuilt.chunks.find(Sealing.hash([0] as [UInt8])) == nil)
        // Nothing is uploaded twice.
        let second = try await test.protect(contents, on: rebuilt)
        #expect(second.body.addedBytes == 0)
        #expect(try await test.contents() == contents)

        let (kept, isNew) = try await writer.knowledge(
            cache: second.cache, memory: try await test.memory())
        #expect(!isNew && kept.head == second.head)
    }

    @Test("A stale chunk-exists cache: packs that no record names are not known")
    func orphans() async throws {
        let test = try await TestVault()
        // A run that was killed before its record.
        _ = try await TestVault.store(contents, in: test.run(on: test.emptyCache()))
        let memory = Memory(of: test.vault)
        let (cache, _) = try await test.writer.knowledge(cache: nil, memory: memory)
        #expect(cache.chunks.isEmpty && cache.packs.isEmpty)
        let done = try await test.protect(contents, on: cache)
        #expect(done.body.addedBytes > 0)
        var options = VerifyOptions()
        options.readsData = true
        let verified = try await test.opened().verify(options) { _ in }
        #expect(verified.findings.isEmpty)
        #expect(verified.orphans.count == 2)
    }

    @Test("that fails at any request leaves earlier snapshots whole, and the next one succeeds")
    func failures() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        let others = [prose(9_000, seed: 5), noise(9_000, seed: 6)]
        let lost = Trouble(.system, Words("The line is dead.", de: "Die Leitung ist tot."))
        var failed = 0
        for number in 1...5 {
            for isDone in [false, true] {
                let copy = try await TestVault(test, at: test.site.copy())
                let begun = copy.site.counts.requests
                copy.site.fail(.init(begun + number, lost, isDone: isDone))
                let hit = try await trouble {
                    _ = try await copy.protect(others, on: first.cache)
                }
                failed += hit == nil ? 0 : 1
                copy.site.fail()
                #expect(try await copy.contents(of: first.head.hash.hex) == contents)
                let memory = try await copy.memory()
                let (cache, _) = try await copy.writer.knowledge(
                    cache: first.cache, memory: memory)
                _ = try await copy.protect(others, on: cache)
                #expect(try await copy.contents() == others)
            }
        }
        #expect(failed >= 6, "two packs, a record and a listing, done or not")
    }

    @Test("into a full or read-only site says so")
    func fullSite() async throws {
        let test = try await TestVault()
        let first = try await test.protect(contents)
        test.site.limit(to: 200_000)
        let full = try await trouble {
            _ = try await test.protect([noise(300_000)], on: first.cache)
        }
        #expect(full?.kind == .full)
        test.site.limit(to: nil)
        test.site.setReadOnly(true)
        let readOnly = try await trouble {
            _ = try await test.protect([noise(300_000)], on: first.cache)
        }
        #expect(readOnly?.kind == .readOnly)
        #expect(try await test.contents() == contents)
    }

    @Test("may change a pack list 63 times in a row, then states it whole")
    func deltas() async throws {
        let test = try await TestVault()
        var cache = test.emptyCache()
        var bases: [UInt64] = []
        for _ in 1...66 {
            let done = try await test.protect([prose(100)], on: cache)
            cache = done.cache
            bases.append(done.body.base)
        }
        #expect(bases == [0] + (1...63).map { UInt64($0) } + [0, 65])
        #expect(try await test.observed().snapshots.allSatisfy { $0.packs.count == 2 })
    }

    @Test("forgets packs that no snapshot of its data set needs any more")
    func removedPacks() async throws {
        let test = try await TestVault()
        let first = try await test.protect([noise(1000)])
        let second = try await test.protect([noise(1000, seed: 2)], on: first.cache)
        #expect(Set(second.body.packsRemoved) == Set(first.body.packsAdded.map(\.name)))
        let observed = try await test.observed()
        #expect(observed.snapshots.map(\.packs.count) == [2, 2])
        #expect(try await test.contents(of: first.head.hash.hex) == [noise(1000)])
        #expect(try await test.findings().isEmpty)
    }

    @Test("keeps data sets apart, and shares chunks between them")
    func dataSets() async throws {
        let test = try await TestVault()
        let mail = try await test.protect(contents, "mail")
        let files = try await test.protect(contents, on: mail.cache, "files")
        #expect(files.body.addedBytes == 0)
        #expect(files.body.base == 0, "the pack list of a data set rests on none of another")
        let again = try await test.protect(contents, on: files.cache, "mail")
        #expect(again.body.base == 1)
    }
}

@Suite("Two writers with the same keys", .timeLimit(.minutes(2)))
struct WriterRaceTests {
    /// Two runs that begin from the same state; gives the troubles in which they end.
    private func race(
        _ test: TestVault, _ first: TestVault.Done, _ number: UInt8
    ) async throws -> [Trouble.Kind?] {
        await withTaskGroup(of: Trouble.Kind?.self) { group in
            for seed in [number, number + 100] {
                group.addTask {
                    do {
                        _ = try await test.protect([noise(2000, seed: seed)], on: first.cache)
                        return nil
                    } catch { return (error as? Trouble)?.kind ?? .system }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("put exactly one record, and the other is told that somebody is at it")
    func onlyOne() async throws {
        let base = try await TestVault()
        let first = try await base.protect([prose(500)])
        for number: UInt8 in 1...20 {
            let test = try await TestVault(base, at: base.site.copy())
            let ends = try await race(test, first, number)
            #expect(ends.count { $0 == nil } == 1)
            #expect(ends.count { $0 == .busy } == 1)
            let observed = try await test.observed()
            #expect(observed.snapshots.map(\.sequence) == [1, 2])
            #expect(observed.troubles.isEmpty)
            if number == 1 { #expect(try await test.findings().isEmpty) }
        }
    }

    @Test("lose nothing: who lost tries again and uploads no chunk twice that the chain names")
    func retry() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let won = try await test.protect([noise(2000)], on: first.cache)
        let lost = try await trouble {
            _ = try await test.protect([noise(2000)], on: first.cache)
        }
        #expect(lost?.kind == .busy)
        #expect(lost?.kind == .busy)
        let memory = try await test.memory()
        let (cache, wasRebuilt) = try await test.writer.knowledge(
            cache: first.cache, memory: memory)
        #expect(wasRebuilt && cache.head == won.head)
        let retried = try await test.protect([noise(2000)], on: cache)
        #expect(retried.head.sequence == 3)
        #expect(retried.body.addedBytes == 0)
    }
}
