// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A chain of records")
struct ChainTests {
    /// Three snapshots, each with a whole pack list.
    private func three() async throws -> TestVault {
        let test = try await TestVault()
        var cache = test.emptyCache()
        for number in 1...3 {
            cache = try await test.protect([prose(500, seed: UInt8(number))], on: cache).cache
            cache.dataSets = .init()
        }
        return test
    }

    private func names(_ trouble: Trouble?, _ name: ObjectName) -> Bool {
        trouble?.message.english.contains(name.text) == true
            && trouble?.message.german.contains(name.text) == true
    }

    @Test("is read in order, each snapshot with its packs")
    func whole() async throws {
        let test = try await three()
        let observed = try await test.observed()
        #expect(observed.troubles.isEmpty)
        #expect(observed.snapshots.map(\.sequence) == [1, 2, 3])
        #expect(observed.heads[test.keys.writer]?.sequence == 3)
        #expect(try observed.snapshot("latest").sequence == 3)
        #expect(try await test.contents() == [prose(500, seed: 3)])
        #expect(try await test.findings().isEmpty)
    }

    @Test("with a gap names what is missing, and the others stay readable")
    func gap() async throws {
        let test = try await three()
        test.site.drop(test.record(2))
        let observed = try await test.observed()
        #expect(observed.snapshots.map(\.sequence) == [1, 3])
        #expect(observed.troubles.map(\.kind) == [.missing])
        #expect(names(observed.troubles.first, test.record(2)))
        #expect(throws: Trouble.self) { try observed.snapshot("latest") }
        let last = try #require(observed.snapshots.last)
        #expect(try await test.contents(of: last.id.short) == [prose(500, seed: 3)])
        let writer = try test.writer
        let memory = Memory(of: test.vault)
        let refused = try await trouble {
            _ = try await writer.knowledge(cache: nil, memory: memory)
        }
        #expect(refused?.kind == .missing, "nobody adds to a chain with a hole")
    }

    @Test("with a damaged record keeps the others readable, but says no more which is latest")
    func damaged() async throws {
        let test = try await three()
        for sequence: UInt64 in 1...3 {
            let copy = try await TestVault(test, at: test.site.copy())
            copy.site.flip(test.record(sequence), bit: 8 * 700)
            let observed = try await copy.observed()
            #expect(observed.snapshots.count == 2)
            #expect(observed.troubles.map(\.kind) == [.damaged])
            #expect(names(observed.troubles.first, test.record(sequence)))
            let refused = try await trouble { _ = try observed.snapshot("latest") }
            #expect(refused?.kind == .damaged)
            for snapshot in observed.snapshots {
                #expect(
                    try await copy.contents(of: snapshot.id.hex)
                        == [prose(500, seed: UInt8(snapshot.sequence))])
            }
        }
    }

    @Test("whose pack lists rest on a lost record names it, and all packs are looked through")
    func lostBase() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let second = try await test.protect([prose(600, seed: 2)], on: first.cache)
        #expect(second.body.base == 1)
        #expect(try await test.observed().troubles.isEmpty)
        test.site.drop(test.record(1))
        let observed = try await test.observed()
        #expect(observed.snapshots.map(\.sequence) == [2])
        #expect(names(observed.troubles.first, test.record(1)))
        #expect(names(observed.troubles.last, test.record(2)))
        // What only the lost record names is found all the same.
        let third = try await test.protect([prose(500), prose(700, seed: 3)], on: second.cache)
        let open = try await OpenVault(test.vault, test.unlocked)
        let fact = try #require(open.observed.snapshots.first { $0.id == third.head.hash })
        let index = await open.index(of: fact, width: 2)
        #expect(try index.place(of: test.domain.chunkId(of: prose(500)[...], .data), .data).row.plain > 0)
    }

    @Test("does not take records that were swapped, or replayed at another place")
    func misplaced() async throws {
        let test = try await three()
        let (first, second) = (
            try await test.site.bytes(test.record(1)), try await test.site.bytes(test.record(2))
        )
        try await test.site.replace(test.record(1), by: second)
        try await test.site.replace(test.record(2), by: first)
        let swapped = try await test.observed()
        #expect(swapped.snapshots.map(\.sequence) == [3])
        #expect(swapped.troubles.map(\.kind) == [.damaged, .damaged])

        let other = try await three()
        try await other.site.replace(
            other.record(4), by: other.site.bytes(other.record(3)))
        let replayed = try await other.observed()
        #expect(replayed.snapshots.map(\.sequence) == [1, 2, 3])
        #expect(names(replayed.troubles.first, other.record(4)))
    }

    @Test("does not take records of another vault, though the writer signed them")
    func otherVault() async throws {
        let test = try await three()
        var foreign = test.keys.encoded
        foreign["ZWILLING WRITER KEYS 1\n".utf8.count] ^= 1
        let head = try #require(try await test.observed().heads[test.keys.writer])
        let object = try Record.seal(
            test.draft(), sequence: 4, previous: head.hash,
            by: WriterKeys(decoding: foreign), to: test.vault.keyring.observer)
        try await test.site.replace(test.record(4), by: object)
        let observed = try await test.observed()
        #expect(observed.snapshots.count == 3)
        #expect(names(observed.troubles.first, test.record(4)))
    }

    @Test("that forks from what was written before is noticed")
    func fork() async throws {
        let test = try await three()
        // The writer itself states something else at place 2: then 3 no longer fits.
        let object = try Record.seal(
            test.draft(), sequence: 2,
            previous: Sealing.hash(try await test.site.bytes(test.record(1))), by: test.keys,
            to: test.vault.keyring.observer)
        let memory = try await test.memory()
        try await test.site.replace(test.record(2), by: object)
        let observed = try await test.observed()
        #expect(observed.snapshots.map(\.sequence) == [1, 2])
        #expect(names(observed.troubles.first, test.record(3)))
        // Cut off behind the fork, only memory can tell.
        test.site.drop(test.record(3))
        #expect(try await test.observed().troubles.isEmpty)
        #expect(try await test.observed(memory).troubles.contains { $0.kind == .stale })
    }

    @Test("of a site that shows an older state than was seen is stale")
    func stale() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let past = try await TestVault(test, at: test.site.copy())
        _ = try await test.protect([prose(500, seed: 2)], on: first.cache)
        let memory = try await test.memory()
        let observed = try await past.observed(memory)
        #expect(observed.troubles.map(\.kind) == [.stale])
        #expect(names(observed.troubles.first, test.record(2)))
        #expect(throws: Trouble.self) { try observed.snapshot("latest") }
        #expect(try await past.contents(of: first.head.hash.short) == [prose(500)])
        let writer = try past.writer
        let refused = try await trouble {
            _ = try await writer.knowledge(cache: first.cache, memory: memory)
        }
        #expect(refused?.kind == .stale, "nor does a writer go on from there")
    }

    @Test("of each of several writers stands by itself")
    func twoWriters() async throws {
        var test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let (vault, keys) = try await test.vault.adding(
            writerNamed: "mill", with: test.unlocked, companions: [], world: test.world)
        (test.vault, test.unlocked) = (
            vault, try vault.unlock(passphrase: TestVault.passphrase)
        )
        let mill = try VaultWriter(vault, keys: keys, world: test.world)
        let run = try await WriterRun(
            mill, cache: test.emptyCache(), draft: test.draft("mill"), level: 3)
        // The same content is stored again: what one writer has says nothing to another.
        let roots = try await TestVault.store([prose(500)], in: run)
        let second = try await TestVault.commit(run, roots, on: test.emptyCache())
        #expect(second.body.addedBytes > 0)
        let observed = try await test.observed()
        #expect(observed.snapshots.map(\.body.dataSet) == ["files", "mill"])
        #expect(try await test.contents(of: first.head.hash.hex) == [prose(500)])
        #expect(try await test.contents(of: second.head.hash.hex) == [prose(500)])
        #expect(try await test.findings().isEmpty)

        // One's record in the other's place.
        let stolen = try await test.site.bytes(test.record(1))
        try await test.site.replace(Record.name(keys.writer, 1), by: stolen)
        let confused = try await test.observed()
        #expect(confused.snapshots.map(\.body.dataSet) == ["files"])
        #expect(confused.troubles.map(\.kind) == [.damaged])
    }

    @Test("ends where its writer was retired, whatever the writer states later")
    func retired() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let vault = try await test.vault.retiring(
            test.keys.writer, with: test.unlocked, remembering: nil, world: test.world)
        // The machine that has not heard of it writes on, and is told in the end.
        let late = await #expect(throws: Trouble.self) {
            try await test.protect([prose(500, seed: 2)], on: first.cache)
        }
        #expect(late?.kind == .wrongKey)
        let now = try await TestVault(test, at: test.site)
        let observed = try await now.observed()
        #expect(observed.snapshots.map(\.sequence) == [1])
        #expect(observed.troubles.isEmpty)
        #expect(try observed.snapshot("latest").sequence == 1)
        let refused = try await trouble {
            _ = try VaultWriter(vault, keys: test.keys, world: test.world)
        }
        #expect(refused?.kind == .wrongKey)

        // Nor can it state anew what was accepted.
        let object = try Record.seal(
            test.draft(), sequence: 1, previous: .zero, by: test.keys,
            to: vault.keyring.observer)
        try await now.site.replace(test.record(1), by: object)
        let rewritten = try await now.observed()
        #expect(rewritten.snapshots.isEmpty)
        #expect(rewritten.troubles.map(\.kind) == [.damaged])
    }

    @Test("with a hole is not closed over it")
    func retiringHole() async throws {
        let test = try await three()
        test.site.drop(test.record(2))
        let refused = try await trouble {
            _ = try await test.vault.retiring(
                test.keys.writer, with: test.unlocked, remembering: nil, world: test.world)
        }
        #expect(refused?.kind == .missing)
    }

    @Test("Clock skew does not make an older snapshot the latest")
    func clockSkew() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        // A day earlier by the clock, later by the chain.
        let slow = try await TestVault(
            test, at: test.site, world: .seeded(7, from: 1_699_900_000))
        _ = try await slow.protect([prose(500, seed: 2)], on: first.cache)
        #expect(try await test.observed().snapshot("latest").sequence == 2)
        #expect(try await test.contents() == [prose(500, seed: 2)])
    }

    @Test("with a record far ahead of the others is refused without waiting for those between")
    func farAhead() async throws {
        let test = try await three()
        for number in [100_003, 999_999_999_999, 1 << 40, 1 << 63, UInt64.max] {
            let copy = try await TestVault(test, at: test.site.copy())
            try await copy.site.replace(
                copy.record(number), by: test.site.bytes(test.record(3)))
            let observed = try await copy.observed()
            #expect(observed.snapshots.count == 3)
            // What no record can be called is no record.
            #expect(observed.troubles.isEmpty == (number > 999_999_999_999))
            #expect(copy.site.counts.requests < 100)
        }
    }
}
