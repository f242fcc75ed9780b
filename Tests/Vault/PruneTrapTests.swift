// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

// Each of these tests carries the name of a trap into which another backup program fell.

@Suite("Pruning: traps")
struct PruneTrapTests {
    private let day: Int64 = 86_400

    /// Snapshots in this order, each at its time; some by whoever stole the writer's key.
    private func chain(_ town: inout PrunedTown, _ days: [Double], from seed: UInt8 = 1) async throws {
        let start = town.clock.now.seconds
        for (number, at) in days.enumerated() {
            town.clock.set(start + Int64(at * 86_400))
            try await town.protect([noise(50_000, seed: seed + UInt8(number))])
        }
    }

    private func keepsDaily(_ count: Int) -> (inout Pruning.Options) -> Void {
        {
            $0.retention.last = nil
            $0.retention.buckets[.day] = count
        }
    }

    @Test("Append-only defeated by retention: an intruder's snapshots, dated as it likes, push out none that was good")
    func retention() async throws {
        var town = try await PrunedTown()
        try await chain(&town, [0, 1, 2, 3])
        try await town.prune(keepsDaily(10))
        let now = town.clock.now.seconds + 600
        // Dated a little after each good one, and far ahead.
        try await chain(&town, [-2.9, -1.9, -0.9, 0.02, 400, 800], from: 50)
        town.clock.set(now)
        try await town.protect([noise(50_000, seed: 99)])
        // What is dated after now is seen; a person who takes it for a wrong clock loses nothing either.
        let seen = try await town.pruning(keepsDaily(4))
        guard case .ahead? = seen.alarms.first?.kind, let name = seen.alarms.first?.fact.id.hex else {
            Issue.record("no alarm")
            return
        }
        let (plan, _) = try await town.prune {
            keepsDaily(4)(&$0)
            $0.confirmed = [name]
        }
        // By what the stewards have witnessed, all the intruder's are of one day.
        let kept = plan.chains.flatMap(\.kept).map(\.sequence)
        #expect(kept == [1, 2, 3, 4, 11])
    }

    @Test("An empty listing taken as truth during prune (restic #4612): what is not listed is not let go")
    func emptyListing() async throws {
        var town = try await PrunedTown()
        try await chain(&town, [0, 1])
        for name in try await town.test.site.packNames() { town.test.site.hide(name) }
        var plan = try await town.pruning()
        #expect(plan.condemned.isEmpty && plan.removable.isEmpty)
        // Nor is what a listing of records leaves out taken for needless.
        town = try await PrunedTown()
        try await chain(&town, [0, 1])
        for sequence: UInt64 in 1...2 { town.test.site.hide(town.test.record(sequence)) }
        plan = try await town.pruning()
        #expect(plan.condemned.count == 4)
        _ = try await plan.carryOut(in: town.test.vault, by: town.steward)
        town.clock.pass(days: 30)
        plan = try await town.pruning()
        #expect(plan.removable.isEmpty)
        let bare = try await TestVault(town.test, at: town.test.site.copy(), world: town.test.world)
        #expect(try await bare.contents() == [noise(50_000, seed: 2)])
        #expect(try await bare.findings().isEmpty)
    }

    @Test("A stale \"chunk exists\" cache after an interrupted compaction (borg 2 b22): what was condemned is stored anew")
    func staleCache() async throws {
        var town = try await PrunedTown()
        try await chain(&town, [0])
        let old = town.cache
        try await chain(&town, [1], from: 2)
        try await town.prune()
        try await town.protect([noise(50_000, seed: 2)])
        town.clock.pass(days: 9)
        #expect(try await town.prune().done.removed.count == 2)
        // The machine comes back with the cache of its first day, when the first content was there.
        town.cache = old
        try await town.protect([noise(50_000, seed: 1)])
        #expect(try await town.test.contents() == [noise(50_000, seed: 1)])
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("Clock skew made kopia delete its own data, or refuse: a steward's clock decides nothing that is needed")
    func clockSkew() async throws {
        var town = try await PrunedTown()
        try await chain(&town, [0, 1, 2])
        let now = town.clock.now.seconds
        // Far behind the machines: somebody has to look.
        town.clock.set(now - 20 * 365 * day)
        guard case .ahead? = try await town.pruning(keepsDaily(2)).alarms.first?.kind else {
            Issue.record("no alarm")
            return
        }
        // Far ahead: what is kept is counted along the chain, and nothing goes by time alone.
        town.clock.set(now + 400 * 365 * day)
        let (plan, done) = try await town.prune(keepsDaily(2))
        #expect(plan.chains.flatMap(\.kept).map(\.sequence) == [2, 3] && done.removed.isEmpty)
        #expect(try await town.test.findings().isEmpty)
        // The clock is right again: it counts from now, and goes on.
        for number: Int64 in 1...3 {
            town.clock.set(now + number * day)
            try await town.protect([noise(50_000, seed: UInt8(3 + number))])
        }
        let again = try await town.prune(keepsDaily(3))
        #expect(again.plan.chains.flatMap(\.kept).map(\.sequence) == [4, 5, 6])
        #expect(again.done.removed.isEmpty && !again.plan.waiting.isEmpty)
        town.clock.set(now + 5 * day)
        #expect(try await town.prune(keepsDaily(3)).done.removed.count == 2)
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("A silent writer keeps what is its own, and nobody else's")
    func silentWriter() async throws {
        var town = try await PrunedTown()
        let (vault, keys) = try await town.test.vault.adding(
            writerNamed: "laptop", with: town.test.unlocked.following(town.test.vault.keyring), companions: [], world: town.test.world)
        town.test.vault = vault
        try await chain(&town, [0, 1])
        let laptop = try VaultWriter(vault, keys: keys, world: town.test.world)
        for seed: UInt8 in 60...61 {
            let (cache, _) = try await laptop.knowledge(cache: nil, memory: Memory(of: vault))
            let run = try await WriterRun(laptop, cache: cache, draft: town.test.draft("laptop"), level: 3)
            let roots = try await TestVault.store([noise(50_000, seed: seed)], in: run)
            _ = try await TestVault.commit(run, roots, on: cache)
        }
        try await town.prune()
        try await town.protect([noise(50_000, seed: 2)])
        town.clock.pass(days: 9)
        let (plan, done) = try await town.prune()
        #expect(done.removed.count == 2)
        #expect(plan.waiting.map(\.key) == [.writer(keys.writer)])
        town.test.vault = try await vault.retiring(
            keys.writer, with: town.test.unlocked.following(vault.keyring), remembering: nil, world: town.test.world)
        #expect(try await town.prune().done.removed.count == 2)
        #expect(try await town.test.findings().isEmpty)
    }

    @Test("A burst of snapshots, or a jump in changed bytes, halts pruning until somebody has looked")
    func alarms() async throws {
        var town = try await PrunedTown()
        try await chain(&town, (0..<5).map(Double.init))
        try await town.prune(keepsDaily(10))
        try await chain(&town, (0..<30).map { 0.5 + Double($0) / 1000 }, from: 30)
        var plan = try await town.pruning(keepsDaily(10))
        #expect(plan.alarms.count == 1)
        guard case .burst(let count, _)? = plan.alarms.first?.kind, let name = plan.alarms.first?.fact.id.hex else {
            Issue.record("no burst")
            return
        }
        #expect(count == 30)
        plan = try await town.pruning {
            $0.retention.buckets[.day] = 10
            $0.confirmed = [String(name.prefix(8))]
        }
        #expect(plan.alarms.isEmpty)

        // Everything is new at once.
        var changed = try await PrunedTown()
        let files = (0..<10).map { noise(50_000, seed: $0) }
        for round in 0..<3 { try await changed.protect(Array(files[round...]) + [noise(1000, seed: UInt8(90 + round))], as: 450_000) }
        let jump: (inout Pruning.Options) -> Void = { $0.jumpBytesMin = 100_000 }
        #expect(try await changed.pruning(jump).alarms.isEmpty)
        try await changed.protect((0..<9).map { noise(50_000, seed: 100 + $0) }, as: 450_000)
        let alarms = try await changed.pruning(jump).alarms
        guard case .jump(let added, 450_000)? = alarms.first?.kind, alarms.count == 1 else {
            Issue.record("no jump")
            return
        }
        #expect(added > 400_000 && alarms.first?.fact.sequence == 4)
    }

    @Test("The log stays that kept bases need, and all of it since the oldest or the given time")
    func log() async throws {
        var town = try await PrunedTown()
        func span(_ start: UInt64, _ end: UInt64) -> PostgresSpan {
            PostgresSpan(
                system: 7, timeline: 1, start: start << 20, end: end << 20, segmentBytes: 1 << 24, received: town.clock.now)
        }
        func add(_ kind: RecordBody.Kind, _ start: UInt64, _ end: UInt64, _ seed: UInt8) async throws {
            town.clock.pass(days: 1)
            town.cache = try await town.test.writer.knowledge(cache: town.cache, memory: Memory(of: town.test.vault)).cache
            var draft = town.test.draft("cluster")
            draft.kind = kind
            draft.source = kind == .range ? .postgresLog : .postgresBase
            let run = try await WriterRun(town.test.writer, cache: town.cache, draft: draft, level: 3)
            let roots = try await TestVault.store([noise(20_000, seed: seed)], in: run)
            town.cache = try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: town.cache) {
                $0.postgres = span(start, end)
            }.cache
        }
        // Places 1, 4 and 7 are bases. Each base's own log is merged behind it.
        for round: UInt64 in 0..<3 {
            let from = round * 100
            try await add(.snapshot, from + 1, from + 5, UInt8(round * 3 + 1))
            try await add(.range, from, from + 50, UInt8(round * 3 + 2))
            try await add(.range, from + 50, from + 100, UInt8(round * 3 + 3))
        }
        func left(_ change: (inout Pruning.Options) -> Void) async throws -> [UInt64] {
            let plan = try await town.pruning(change)
            let copy = try await TestVault(town.test, at: town.test.site.copy(), world: town.test.world)
            _ = try await plan.carryOut(in: copy.vault, by: town.steward)
            return try await copy.observed().kept.map(\.sequence).sorted()
        }
        #expect(try await left { $0.retention.last = 3 } == Array(1...9))
        #expect(try await left { $0.retention.last = 2 } == [4, 5, 6, 7, 8, 9])
        #expect(try await left { $0.retention.last = 1 } == [7, 8, 9])
        // A base that stays for years needs its own log only.
        #expect(try await left {
            $0.retention.last = 3
            $0.retention.logSeconds = day
        } == [1, 2, 4, 5, 6, 7, 8, 9])
    }
}

extension PrunedTown {
    /// - Parameter bytes: of content, as the record says.
    mutating func protect(_ contents: [[UInt8]], as bytes: UInt64) async throws {
        clock.pass(days: 1)
        cache = try await test.writer.knowledge(cache: cache, memory: Memory(of: test.vault)).cache
        let run = try await test.run(on: cache)
        let roots = try await TestVault.store(contents, in: run)
        var counts = RecordBody.Counts()
        counts.bytes = bytes
        cache = try await run.commit(rootChunks: roots, counts: counts, memory: .init(), cache: cache).cache
    }
}
