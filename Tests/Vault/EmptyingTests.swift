// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Vault

/// Packs that are mostly dead.
@Suite("Pruning: emptying packs")
struct EmptyingTests {
    private static let files = (0..<20).map { noise(20_000, seed: UInt8($0)) }

    /// A snapshot of all files, and one of the first so many.
    private static func town(_ count: Int) async throws -> PrunedTown {
        var town = try await PrunedTown()
        try await town.protect(files)
        try await town.protect(Array(files.prefix(count)))
        return town
    }

    private static func dataPacks(_ town: PrunedTown) async throws -> Set<Digest> {
        var names: Set<Digest> = []
        for fact in try await town.test.observed().facts {
            for pack in fact.packs where pack.bytes > 100_000 { names.insert(pack.name) }
        }
        return names
    }

    @Test("A pack that is mostly dead is emptied without any reader, and goes with the last snapshot that names it")
    func emptied() async throws {
        var town = try await Self.town(2)
        let old = try await Self.dataPacks(town)
        let first = try await town.prune()
        #expect(Set(first.plan.emptied.map(\.name)) == old && old.count == 1)
        // What still rests on it can be read, whatever else happens.
        #expect(try await town.test.contents() == Array(Self.files.prefix(2)))
        let done = try await town.protect(Array(Self.files.prefix(2)))
        #expect(done.body.addedBytes > 40_000 && done.body.addedBytes < 100_000)
        #expect(done.body.sparse.isEmpty)
        town.clock.pass(days: 2)
        // Its last snapshot goes only now: so it stays for a grace period more, for whoever restores that.
        let second = try await town.prune()
        #expect(second.done.removed.isEmpty == false && Set(second.done.removed.map(\.name)).isDisjoint(with: old) && second.plan.emptied.isEmpty)
        #expect(second.plan.waiting[.grace(Moment(seconds: town.clock.now.seconds + 86_400))]?.packs == 1)
        town.clock.pass(days: 1)
        #expect(try await town.prune().done.removed.map(\.name) == Array(old))
        #expect(try await town.test.contents() == Array(Self.files.prefix(2)))
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("A kept snapshot that takes more of a pack keeps it as it is", arguments: [1, 2])
    func olderTakesMore(last: Int) async throws {
        let town = try await Self.town(2)
        #expect(try await town.prune { $0.retention.last = last }.plan.emptied.count == (last == 1 ? 1 : 0))
    }

    @Test("So does what several data sets take together, and a limit below that", arguments: [(2, 30, 1), (4, 30, 0), (4, 50, 1), (2, 0, 0), (11, 50, 0)])
    func limits(files: Int, percent: Int, packs: Int) async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(1_500_000, seed: 98), noise(1_500_000, seed: 97)], "much else")
        try await town.protect(Self.files)
        for number in 0..<2 {
            try await town.protect(Array(Self.files[(number * files)..<min(20, (number + 1) * files)]), "set \(number)")
        }
        try await town.protect([noise(10, seed: 99)])
        let emptied = try await town.prune { $0.sparsePercent = percent }.plan.emptied
        #expect(emptied.count == packs)
    }

    @Test("A writer that has lost its cache says the same")
    func rebuilt() async throws {
        var town = try await Self.town(2)
        let said = try await town.test.observed().snapshots.first { $0.sequence == 2 }?.body.sparse
        town.cache = try await town.test.writer.knowledge(cache: nil, memory: Memory(of: town.test.vault)).cache
        let done = try await town.protect(Array(Self.files.prefix(2)))
        #expect(try #require(said).count == 1)
        #expect(done.body.sparse == said)
    }

    /// Records by a thief of the writer's keys, who can say what it likes.
    private func forge(_ count: Int, _ town: PrunedTown, _ change: (UInt64, inout RecordBody) -> Void) async throws {
        var previous = Digest.zero
        for sequence in 1...UInt64(count) {
            var body = town.test.draft("forged")
            change(sequence, &body)
            let object = try Record.seal(body, sequence: sequence, previous: previous, by: town.test.keys, to: town.test.vault.keyring.observer)
            try await town.test.site.put(Record.name(town.test.keys.writer, sequence), object[...], existing: .refuse)
            previous = Sealing.hash(object)
        }
    }

    @Test("Lists of which each of thousands rests on the one before stop nobody")
    func deep() async throws {
        let town = try await PrunedTown()
        try await forge(3000, town) { sequence, body in
            body.base = sequence - 1
            body.packsAdded = [PackReference(name: Sealing.hash([UInt8(sequence & 255)]), bytes: 1 << 16)]
            body.sparse = body.packsAdded.map { RecordBody.Sparse($0.name, percent: 1) }
        }
        let plan = try await town.pruning { $0.confirmed = [] }
        #expect(plan.chains.map(\.forgotten.count) == [2999])
    }

    @Test("A date with which nobody can reckon makes a record a damaged one", arguments: [Int64.min, .max, -(1 << 40), (1 << 40) - 1])
    func dates(seconds: Int64) async throws {
        let town = try await PrunedTown()
        try await forge(1, town) { $1.begun = Moment(seconds: seconds) }
        #expect(try await town.test.observed().troubles.map(\.kind) == (seconds == (1 << 40) - 1 ? [] : [.damaged]))
        #expect(try await trouble { _ = try await town.pruning() }?.kind == (seconds == (1 << 40) - 1 ? nil : .damaged))
    }

    @Test("A list that is too long for a record is stated by several, and changed by the next")
    func long() async throws {
        let town = try await PrunedTown()
        func commit(_ added: Range<Int>, _ removed: Range<Int>, on cache: WriterCache) async throws -> WriterCache {
            let run = try await town.test.run(on: cache)
            let roots = try await TestVault.store([noise(10, seed: 3)], in: run)
            return try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: cache) { body in
                body.packsAdded += added.map { PackReference(name: Self.name($0), bytes: 1 << 16) }
                body.packsRemoved += removed.map(Self.name)
            }.cache
        }
        let cache = try await commit(0..<250_000, 0..<0, on: town.cache)
        _ = try await commit(250_000..<260_000, 0..<210_000, on: cache)
        let facts = try await town.test.observed().facts.sorted { $0.sequence < $1.sequence }
        #expect(facts.map(\.body.kind) == [.checkpoint, .checkpoint, .snapshot, .checkpoint, .checkpoint, .snapshot])
        #expect(Set(facts[2].packs.map(\.name)).isSuperset(of: (0..<250_000).map(Self.name)))
        let named = Set(facts[5].packs.map(\.name))
        #expect(named.isSuperset(of: (210_000..<260_000).map(Self.name)) && named.isDisjoint(with: (0..<210_000).map(Self.name)))
    }

    private static func name(_ number: Int) -> Digest {
        Digest(UInt64(number) << 32, 0, 0, UInt64(number))
    }

    @Test("Another writer's lies empty no pack")
    func lies() async throws {
        var town = try await PrunedTown()
        let (vault, keys) = try await town.test.vault.adding(
            writerNamed: "rogue", with: town.test.unlocked.following(town.test.vault.keyring), companions: [], world: town.test.world)
        town.test.vault = vault
        let done = try await town.protect(Self.files)
        let rogue = try VaultWriter(vault, keys: keys, world: town.test.world)
        let (cache, _) = try await rogue.knowledge(cache: nil, memory: Memory(of: vault))
        let run = try await WriterRun(rogue, cache: cache, draft: town.test.draft("claimed"), level: 3)
        let roots = try await TestVault.store([noise(10, seed: 3)], in: run)
        _ = try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: cache) {
            $0.packsAdded += done.body.packsAdded
            $0.sparse = done.body.packsAdded.map { RecordBody.Sparse($0.name, percent: 0) }
        }
        #expect(try await town.pruning().emptied.isEmpty)
    }

    @Test("No more is stored anew at once than a tenth of the vault")
    func gently() async throws {
        var town = try await PrunedTown()
        // Each a pack of its own.
        for set in 0..<6 { try await town.protect((0..<20).map { noise(20_000, seed: UInt8(20 * set + $0)) }, "set \(set)") }
        for set in 0..<6 { try await town.protect((0..<5).map { noise(20_000, seed: UInt8(20 * set + $0)) }, "set \(set)") }
        // A quarter of each is taken: all at once would be nearly a quarter of the vault.
        let emptied = try await town.prune().plan.emptied
        #expect((1...4).contains(emptied.count { $0.bytes > 100_000 }))
    }

    @Test("What a record says of its packs comes back, and what is not sparse is refused", arguments: [49, 50])
    func coding(percent: UInt8) async throws {
        let town = try await PrunedTown()
        let run = try await town.test.run(on: town.cache)
        let roots = try await TestVault.store([noise(10, seed: 3)], in: run)
        let said: [RecordBody.Sparse] = [.init(Sealing.hash([1]), percent: 0), .init(Sealing.hash([2]), percent: percent)]
        _ = try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: town.cache) { $0.sparse = said }
        let observed = try await town.test.observed()
        if percent == 49 { #expect(observed.snapshots.map(\.body.sparse) == [said]) } else {
            #expect(observed.troubles.map(\.kind) == [.damaged] && observed.troubles[0].message.english.contains("not sparse"))
        }
    }

    @Test("How much is taken of each pack, in any order")
    func uses() throws {
        var uses = PackUses(5, bytes: 1)
        for (pack, bytes): (UInt32, Int) in [(9, 2), (5, 3), (1, 4), (9, 5), (7, 1 << 40)] { uses.add(pack, bytes: bytes) }
        #expect(uses.all.map { [Int($0.pack), Int($0.bytes)] } == [[1, 4], [5, 4], [7, Int(UInt32.max)], [9, 7]])
        uses += uses
        #expect(uses.all.map { [Int($0.pack), Int($0.bytes)] } == [[1, 8], [5, 8], [7, Int(UInt32.max)], [9, 14]])
        var writer = ByteWriter()
        uses.encode(to: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try PackUses(decoding: &reader) == uses)
    }
}
