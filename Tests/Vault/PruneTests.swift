// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Synchronization
import Testing
import Vault

/// A vault with a steward, and a clock that a test sets.
struct PrunedTown {
    final class Clock: Sendable {
        private let seconds = Mutex<Int64>(1_800_000_000)
        var now: Moment { Moment(seconds: seconds.withLock { $0 }) }
        func pass(days: Int64 = 0, seconds more: Int64 = 1) { seconds.withLock { $0 += days * 86_400 + more } }
        func set(_ value: Int64) { seconds.withLock { $0 = value } }
    }

    var test: TestVault
    let clock = Clock()
    let steward: StewardKeys
    var cache: WriterCache

    init() async throws {
        let first = try await TestVault()
        var world = first.world
        world.now = { [clock] in clock.now }
        test = try await TestVault(first, at: first.site, world: world)
        (test.vault, steward) = try await test.vault.adding(stewardNamed: "steward", with: test.unlocked, world: world)
        test.unlocked = test.unlocked.following(test.vault.keyring)
        cache = test.emptyCache()
    }

    /// Protects as a machine does that knows what it knew after its last run.
    @discardableResult
    mutating func protect(_ contents: [[UInt8]], _ dataSet: String = "files") async throws -> TestVault.Done {
        cache = try await test.writer.knowledge(cache: cache, memory: Memory(of: test.vault)).cache
        let done = try await test.protect(contents, on: cache, dataSet)
        cache = done.cache
        return done
    }

    func pruning(_ change: (inout Pruning.Options) -> Void = { _ in }) async throws -> Pruning {
        var retention = Retention()
        retention.last = 1
        var options = Pruning.Options(retention)
        options.graceSeconds = 86_400
        change(&options)
        let observed = try await Observed(test.vault, with: steward.observer, isBundled: false)
        return try await Pruning(observed, options, now: clock.now)
    }

    @discardableResult
    func prune(_ change: (inout Pruning.Options) -> Void = { _ in }) async throws -> (plan: Pruning, done: Pruning.Outcome) {
        let plan = try await pruning(change)
        #expect(plan.alarms.map(\.fact.sequence) == [])
        return (plan, try await plan.carryOut(in: test.vault, by: steward))
    }

    func packs() async throws -> Int { try await test.site.packNames().count }
}

private func ids(_ town: PrunedTown) async throws -> [UInt64] {
    try await town.test.observed().snapshots.map(\.sequence).sorted()
}

@Suite("Pruning")
struct PruneTests {
    @Test("What is let go is gone from the list at once, and its packs in two phases")
    func phases() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        town.clock.pass(days: 1)
        try await town.protect([noise(300_000, seed: 2)])
        #expect(try await town.packs() == 4)

        let (plan, done) = try await town.prune()
        #expect(plan.chains.map { [$0.kept.count, $0.forgotten.count] } == [[1, 1]])
        #expect(plan.condemned.count == 2 && done.removed.isEmpty)
        #expect(try await ids(town) == [2])
        #expect(try await town.packs() == 4)
        #expect(try await town.test.findings().isEmpty)

        // Neither time alone nor the writer alone is enough.
        town.clock.pass(days: 2)
        var (again, outcome) = try await town.prune()
        #expect(outcome.removed.isEmpty)
        #expect(again.waiting.keys.contains(.writer(town.test.keys.writer)))
        try await town.protect([noise(300_000, seed: 2)])
        (again, outcome) = try await town.prune()
        #expect(outcome.removed.count == 2)
        #expect(try await town.test.contents() == [noise(300_000, seed: 2)])
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("The grace period counts, also where the writer has protected again")
    func grace() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        try await town.protect([noise(300_000, seed: 2)])
        try await town.prune()
        try await town.protect([noise(300_000, seed: 2)])
        town.clock.pass(seconds: 80_000)
        var done = try await town.prune()
        #expect(done.done.removed.isEmpty)
        #expect(done.plan.waiting.keys.allSatisfy { if case .grace = $0 { true } else { false } } && !done.plan.waiting.isEmpty)
        town.clock.pass(seconds: 10_000)
        done = try await town.prune()
        #expect(done.done.removed.count == 2)
    }

    @Test("Locks that expired in standby (restic #2715), stale locks removed (borg #4923): a running protect keeps what it takes, however long it takes")
    func runningProtect() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        try await town.protect([noise(300_000, seed: 2)])
        // A run that begins before the statement and brings back what only the first snapshot had.
        let run = try await town.test.run(on: town.cache)
        let roots = try await TestVault.store([noise(300_000, seed: 1)], in: run)
        try await town.prune()
        town.clock.pass(days: 30)
        try await town.prune()
        let late = try await TestVault.commit(run, roots, on: town.cache)
        town.cache = late.cache
        town.clock.pass(days: 30)
        var done = try await town.prune()
        #expect(done.done.removed.isEmpty)
        #expect(try await town.test.contents() == [noise(300_000, seed: 1)])
        // The next run obeys: what it needs it stores again, and then the old packs may go.
        try await town.protect([noise(300_000, seed: 1)])
        town.clock.pass(days: 30)
        done = try await town.prune()
        #expect(!done.done.removed.isEmpty)
        #expect(try await town.test.contents() == [noise(300_000, seed: 1)])
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("A run that was interrupted keeps the packs of its checkpoint, and loses its orphans in two phases")
    func orphans() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        let run = try await town.test.run(on: town.cache)
        _ = try await TestVault.store([noise(300_000, seed: 7)], in: run)
        #expect(try await town.packs() == 4)
        let (plan, _) = try await town.prune()
        #expect(plan.condemned.count == 2)
        town.clock.pass(days: 2)
        var done = try await town.prune()
        #expect(done.done.removed.isEmpty)
        try await town.protect([noise(300_000, seed: 1)])
        done = try await town.prune()
        #expect(done.done.removed.count == 2)
        #expect(try await town.test.contents() == [noise(300_000, seed: 1)])
    }

    @Test("Whose pack nobody can tell now waits for every writer")
    func unreadableOwner() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(1000, seed: 1)])
        let before = Set(try await town.test.site.packNames())
        let run = try await town.test.run(on: town.cache)
        let roots = try await TestVault.store([noise(1000, seed: 7)], in: run)
        try await town.prune()
        town.clock.pass(days: 2)
        // Cut off, and with a bit turned over in the name of its writer.
        let orphans = Set(try await town.test.site.packNames()).subtracting(before).sorted()
        town.test.site.shortenReads(of: orphans[0], to: 10)
        town.test.site.flip(orphans[1], bit: 8 * 24)
        #expect(try await town.pruning().removable.isEmpty)
        town.test.site.shortenReads(of: orphans[0], to: .max)
        town.test.site.flip(orphans[1], bit: 8 * 24)
        _ = try await TestVault.commit(run, roots, on: town.cache)
        #expect(try await town.test.contents() == [noise(1000, seed: 7)])
    }

    @Test("A thief of one writer's keys cannot have another's packs taken away")
    func namedByThief() async throws {
        var town = try await PrunedTown()
        let (vault, stolen) = try await town.test.vault.adding(
            writerNamed: "other", with: town.test.unlocked, companions: [], world: town.test.world)
        town.test.vault = vault
        try await town.protect([noise(1000, seed: 1)])
        let before = Set(try await town.test.site.packNames())
        let run = try await town.test.run(on: town.cache)
        let roots = try await TestVault.store([noise(1000, seed: 7)], in: run)
        try await town.prune()
        // Names them, and no longer, and obeys.
        var previous = Digest.zero
        for sequence: UInt64 in 1...2 {
            var body = town.test.draft("other")
            body.kind = sequence == 1 ? .checkpoint : .snapshot
            for entry in try await town.test.site.list("packs/") where sequence == 1 && !before.contains(entry.name) {
                guard let name = Digest(hex: entry.name.text.suffix(64)) else { continue }
                body.packsAdded.append(PackReference(name: name, bytes: entry.size))
            }
            let object = try Record.seal(
                body, sequence: sequence, previous: previous, obeying: 1, by: stolen, to: vault.keyring.observer)
            try await town.test.site.replace(Record.name(stolen.writer, sequence), by: object)
            previous = Sealing.hash(object)
        }
        town.clock.pass(days: 2)
        #expect(try await town.prune().done.removed.isEmpty)
        let done = try await TestVault.commit(run, roots, on: town.cache)
        #expect(try await town.test.contents(of: done.head.hash.hex) == [noise(1000, seed: 7)])
    }

    @Test("An interrupted removal goes on with the next run")
    func interrupted() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        try await town.protect([noise(300_000, seed: 2)])
        try await town.prune()
        try await town.protect([noise(300_000, seed: 2)])
        town.clock.pass(days: 2)
        let plan = try await town.pruning()
        // Every removal fails.
        let from = town.test.site.counts.requests + 3
        town.test.site.fail(.init(from...(from + 10), Trouble(.system, Words("gone", de: "weg"))))
        let outcome = try await plan.carryOut(in: town.test.vault, by: town.steward)
        #expect(outcome.removed.isEmpty && outcome.refused.count == 2)
        town.test.site.fail()
        let done = try await town.prune()
        #expect(done.done.removed.count == 2)
        #expect(try await town.packs() == 2)
    }

    @Test("A site that was away does not bring back what was taken away meanwhile, and loses it as well")
    func resurrected() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(50_000, seed: 1)])
        try await town.protect([noise(50_000, seed: 2)])
        try await town.prune()
        try await town.protect([noise(50_000, seed: 2)])
        town.clock.pass(days: 2)
        let away = town.test.site.copy()
        #expect(try await town.prune().done.removed.count == 2)
        let spread = SpreadSite(
            [SpreadSite.Member(town.test.site, name: "one"), SpreadSite.Member(away, name: "two")], required: 1)
        let vault = try await Vault(at: spread, remembering: nil)
        var options = Copies.Options()
        options.repairs = true
        let found = try await vault.copies(at: spread, options) { _ in }
        #expect(found.findings.map(\.object.text) == [Statement.name(2).text])
        #expect(try await town.packs() == 2)
        town.test.vault = vault
        #expect(try await town.prune().done.removed.count == 2)
        #expect(try await away.packNames().count == 2)
    }

    @Test("Overlapping maintenance (kopia #1087): of two stewards at once one does it, the other is told")
    func twoStewards() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        try await town.protect([noise(300_000, seed: 2)])
        let plans = [try await town.pruning(), try await town.pruning()]
        _ = try await plans[0].carryOut(in: town.test.vault, by: town.steward)
        let found = try await trouble { _ = try await plans[1].carryOut(in: town.test.vault, by: town.steward) }
        #expect(found?.kind == .busy)
        #expect(try await town.packs() == 4)
    }

    @Test("A steward's clock that ran ahead once holds up nothing for long")
    func clockAheadOnce() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        let right = town.clock.now
        town.clock.pass(days: 365)
        try await town.prune()
        town.clock.set(right.seconds)
        var removed = 0
        for seed: UInt8 in 2...12 {
            town.clock.pass(days: 1)
            try await town.protect([noise(300_000, seed: seed)])
            removed += try await town.prune { $0.graceSeconds = 7 * 86_400 }.done.removed.count
        }
        // Two packs each, of the first three.
        #expect(removed >= 4)
    }

    @Test("A retired steward says nothing more, and another goes on where it stopped")
    func retiredSteward() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(300_000, seed: 1)])
        try await town.protect([noise(300_000, seed: 2)])
        try await town.prune()
        let (old, stale) = (town.steward, try await town.pruning())
        town.test.vault = try await town.test.vault.retiring(
            steward: old.steward, with: town.test.unlocked.following(town.test.vault.keyring), world: town.test.world)
        let (vault, new) = try await town.test.vault.adding(
            stewardNamed: "other", with: town.test.unlocked.following(town.test.vault.keyring), world: town.test.world)
        town.test.vault = vault
        // Who still has the keys takes the next number, and it counts for nothing.
        _ = try await stale.carryOut(in: vault, by: old)
        let plan = try await town.pruning()
        #expect(plan.number == 3)
        _ = try await plan.carryOut(in: vault, by: new)
        #expect(try await vault.statements().all.map(\.number) == [1, 3])
        #expect(try await ids(town) == [2])
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("Of statements counts what the newest leads back to, and what is planted among them hides nothing")
    func planted() async throws {
        var town = try await PrunedTown()
        for seed: UInt8 in 1...3 {
            try await town.protect([noise(1000, seed: seed)])
            try await town.prune { $0.graceSeconds = 0 }
            town.clock.pass()
        }
        let real = try await town.test.vault.readableStatements()
        let latest = try await town.test.observed().snapshot("latest")
        #expect(!real.removed.isEmpty && !real.condemned.isEmpty)
        // By a stolen key, at a place that is long taken: it would have all packs go unrenewed.
        let needed = try #require(latest.packs.first?.name)
        var body = Statement.Body(made: town.clock.now)
        body.removed = [needed]
        let first = try await town.test.site.bytes(Statement.name(1))
        let forged = try Statement.seal(body, number: 2, after: Sealing.hash(first), by: town.steward)
        let copy = town.test.site.copy()
        try await copy.replace(Statement.name(2), by: forged)
        let test = try await TestVault(town.test, at: copy, world: town.test.world)
        #expect(try await !test.vault.readableStatements().removed.contains(needed))
        #expect(try await trouble { _ = try await test.vault.statements() }?.kind == .damaged)
        // Something that is no statement, at the next place.
        try await town.test.site.replace(Statement.name(4), by: noise(3000))
        #expect(try await town.test.vault.readableStatements() == real)
        let observed = try await town.test.observed()
        #expect(try observed.snapshot("latest").id == latest.id && observed.troubles.map(\.kind) == [.damaged])
        #expect(try await trouble { _ = try await town.pruning() }?.kind == .damaged)
    }

    @Test("Nothing is let go while a record is missing or damaged")
    func gaps() async throws {
        var town = try await PrunedTown()
        for seed: UInt8 in 1...3 { try await town.protect([noise(100_000, seed: seed)]) }
        town.test.site.hide(town.test.record(2))
        #expect(try await trouble { _ = try await town.pruning() }?.kind == .missing)
        town.test.site.flip(town.test.record(1), bit: 4000)
        #expect(try await trouble { _ = try await town.pruning() } != nil)
    }

    @Test("What a drill has brought up last stays")
    func released() async throws {
        var town = try await PrunedTown()
        for seed: UInt8 in 1...3 { try await town.protect([noise(100_000, seed: seed)]) }
        let run = try await town.test.run(on: town.cache, RecordBody.drills)
        let roots = try await TestVault.store([noise(10, seed: 9)], in: run)
        town.cache = try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: town.cache) {
            $0.released = [.init(writer: town.test.keys.writer, sequence: 2)]
        }.cache
        try await town.prune()
        #expect(try await ids(town) == [2, 3, 4])
    }

    @Test("An older program's cache is made anew, and no bundle is believed")
    func bundles() async throws {
        var town = try await PrunedTown()
        for number in 0..<260 { try await town.protect([[UInt8(number % 250)]]) }
        #expect(try await town.test.site.list("bundles/").count == 1)
        // Whoever has the writer's key could make one that names fewer packs.
        town.test.site.drop(RecordBundle.name(town.test.keys.writer, 0))
        try await town.prune { $0.retention.last = 3 }
        #expect(try await ids(town) == [258, 259, 260])
        town.cache = town.test.emptyCache()
        try await town.protect([[1]])
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("A site that shows an older statement than this machine has seen is caught")
    func rolledBack() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(100_000, seed: 1)])
        try await town.protect([noise(100_000, seed: 2)])
        try await town.prune()
        try await town.protect([noise(100_000, seed: 3)])
        var memory = try await town.test.memory()
        memory.note(statement: 1)
        memory = try Memory(decoding: memory.encoded)
        town.test.site.drop(Statement.name(1))
        #expect(try await town.test.observed(memory).troubles.map(\.kind) == [.stale])
        // A writer that has obeyed it does not go on without it.
        let found = try await trouble { _ = try await town.test.writer.knowledge(cache: town.cache, memory: memory) }
        #expect(found?.kind == .stale)
    }

    @Test("A damaged statement is named, and stops stewards and who has obeyed it, but nobody who reads")
    func damaged() async throws {
        var town = try await PrunedTown()
        for seed: UInt8 in 1...3 {
            try await town.protect([noise(1000, seed: seed)])
            try await town.prune()
        }
        for number: UInt64 in [1, 3] {
            let copy = town.test.site.copy()
            copy.flip(Statement.name(number), bit: 900)
            let test = try await TestVault(town.test, at: copy, world: town.test.world)
            #expect(try await test.findings().map(\.message.english).filter { $0.contains(Statement.name(number).text) }.count == 1)
            #expect(try await test.observed().snapshots.count == (number == 1 ? 1 : 2))
            #expect(try await trouble { _ = try await test.vault.statements() }?.kind == .damaged)
            // A writer has obeyed the first, and never saw the third.
            let found = try await trouble { _ = try await test.writer.knowledge(cache: nil, memory: Memory(of: test.vault)) }
            #expect(found?.kind == (number == 1 ? .stale : nil))
        }
    }

    /// What the last record says that its writer obeys.
    private func obeyed(_ town: PrunedTown) async throws -> UInt64 {
        let head = try #require(try await town.test.observed().heads[town.test.keys.writer])
        let key = try #require(town.test.vault.keyring.writer(town.test.keys.writer)).publicKey
        return try Record(decoding: try await town.test.site.bytes(town.test.record(head.sequence)), writerKey: key).obeyedStatement
    }

    @Test("A writer obeys no statement behind one that it does not see, and goes on behind one that is damaged")
    func obeysWhole() async throws {
        var town = try await PrunedTown()
        for seed: UInt8 in 1...2 { try await town.protect([noise(1000, seed: seed)]) }
        try await town.prune()
        try await town.protect([noise(1000, seed: 3)])
        #expect(try await obeyed(town) == 1)
        for _ in 2...3 { try await town.prune() }
        let second = try await town.test.site.bytes(Statement.name(2))
        town.test.site.drop(Statement.name(2))
        try await town.protect([noise(1000, seed: 4)])
        #expect(try await obeyed(town) == 1)
        // A thief may have put anything there.
        try await town.test.site.replace(Statement.name(2), by: noise(3000))
        try await town.protect([noise(1000, seed: 5)])
        #expect(try await obeyed(town) == 1)
        try await town.test.site.replace(Statement.name(2), by: second)
        try await town.protect([noise(1000, seed: 6)])
        #expect(try await obeyed(town) == 3)
        // One that has lost its cache knows by its own last record what it has obeyed.
        town.test.site.drop(Statement.name(3))
        let memory = try await town.test.memory()
        let found = try await trouble { _ = try await town.test.writer.knowledge(cache: nil, memory: memory) }
        #expect(found?.kind == .stale)
    }

    @Test("Every byte of a statement is under its steward's signatures")
    func signed() async throws {
        var town = try await PrunedTown()
        try await town.protect([noise(1000, seed: 1)])
        try await town.prune()
        let bytes = try await town.test.site.bytes(Statement.name(1))
        for index in stride(from: 0, to: bytes.count, by: 7) {
            var changed = bytes
            changed[index] ^= 1
            #expect(throws: (any Error).self) { try Statement(decoding: changed, of: town.test.vault.keyring) }
        }
        for length in stride(from: 0, to: bytes.count, by: 97) {
            #expect(throws: (any Error).self) { try Statement(decoding: Array(bytes[..<length]), of: town.test.vault.keyring) }
        }
    }
}

@Suite("Which snapshots stay")
struct RetentionTests {
    private func kept(_ hours: [Int64], _ change: (inout Retention) -> Void) -> [Int] {
        var retention = Retention()
        change(&retention)
        return retention.kept(hours.map { Moment(seconds: $0 * 3600) }).sorted()
    }

    @Test("The first of each bucket, the newest always")
    func buckets() {
        // Every six hours for four days.
        let hours = (0..<16).map { Int64($0) * 6 }
        #expect(kept(hours) { $0.last = 2 } == [14, 15])
        #expect(kept(hours) { $0.buckets[.day] = 2 } == [8, 12, 15])
        #expect(kept(hours) { $0.buckets[.day] = 100 } == [0, 4, 8, 12, 15])
        #expect(kept([]) { $0.last = 2 } == [])
        #expect(kept(hours) { _ in } == [15])
    }

    @Test("Weeks begin on Monday; months and years are those of the calendar, also before 1970")
    func calendar() {
        func number(_ day: Int64, _ bucket: Retention.Bucket) -> Int64 {
            var retention = Retention()
            retention.buckets[bucket] = 2
            // Two days in a row: one bucket or two.
            let moments = [Moment(seconds: day * 86_400), Moment(seconds: (day + 1) * 86_400), Moment(seconds: (day + 1) * 86_400 + 1)]
            return retention.kept(moments).contains(1) ? 1 : 0
        }
        // 1970-01-04 was a Sunday.
        #expect([2, 3, 4].map { number($0, .week) } == [0, 1, 0])
        // 2024-02-28 is day 19,781; the year has a 29th.
        #expect([19_781, 19_782, 19_783].map { number($0, .month) } == [0, 1, 0])
        // 1969-12-31 to 1970-01-01, and 2023-12-31 to 2024-01-01.
        #expect([-1, 19_722].map { number($0, .year) } == [1, 1])
        #expect([-2, 0, 19_723].map { number($0, .year) } == [0, 0, 0])
        #expect([-1, -32, 30, 58].map { number($0, .month) } == [1, 1, 1, 1])
    }

    @Test("Places of a chain: stretches, and nothing that is none")
    func numbers() throws {
        let places: Set<UInt64> = [1, 2, 3, 7, 9, 10, 500]
        let numbers = Numbers(places)
        #expect(numbers.stretches == [1...3, 7...7, 9...10, 500...500])
        #expect((0..<600).filter(numbers.contains) == places.sorted().map { UInt64($0) })
    }
}
