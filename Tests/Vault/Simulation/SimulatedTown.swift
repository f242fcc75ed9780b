// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Vault

/// A vault with its sites, its writers, stewards, keepers and readers, and somebody who has stolen a key:
/// the program's own code, in one process, in virtual time, from one seed.
final class SimulatedTown: @unchecked Sendable {
    struct Failure: Error {
        let (invariant, seed): (String, UInt64)
        let trace: [String]
    }

    /// A snapshot that its writer was told is there.
    struct Done {
        let (writer, sequence, id, dataSet): (Int, UInt64, Digest, String)
        let contents: [[UInt8]]
    }

    let (seed, mutation, isTraced): (UInt64, VaultMutation?, Bool)
    let time = VirtualTime()
    let institution: SimulatedInstitution
    let sealer: SimulatedSealer
    let sites: [SimulatedSite]
    var dice: Seeded
    private(set) var trace: [String] = []
    private(set) var broken: String?
    private var processes: [SimulatedProcess] = []

    let writers: [SimulatedMachine]
    let stewards = [SimulatedMachine("steward0"), SimulatedMachine("steward1")]
    let keeper = SimulatedMachine("keeper")
    let thief = SimulatedMachine("thief")
    /// Whose keys were stolen, and which of its snapshots a thief could not do anything about any more: at the
    /// site that decides nobody takes their place.
    var stolen: (writer: Int, safe: Set<Digest>)?
    /// Of each writer, what its files may be.
    let pools: [[[UInt8]]]
    /// What the files of this run begin with, so that it is seen where it must not be.
    let canary: [UInt8]
    let options: Pruning.Options
    /// As it should be, whatever a mutation makes of it.
    let institutionGrace: Int64

    var done: [Done] = []
    /// What was put under each name, and at which sites it ever was.
    var originals: [ObjectName: [UInt8]] = [:]
    var stored: [ObjectName: Set<Int>] = [:]
    var isContested = false
    /// Of each record.
    var packLists: [ObjectName: Set<Digest>] = [:]
    var counts = SimulatedCounts()

    private(set) var isQuiet = false
    /// Nothing that runs was begun while things went wrong.
    var isAccounting = false
    let stalePercent: Int
    private let (killPerMille, losePerMille, freezePerMille): (Int, Int, Int)
    static let (day, horizon) = (86_400.0, 40 * 86_400.0)

    init(seed: UInt64, mutation: VaultMutation? = nil, isTraced: Bool = false) {
        (self.seed, self.mutation, self.isTraced) = (seed, mutation, isTraced)
        var dice = Seeded(seed &* 0x9e37_79b9 &+ 17)
        let (count, required) = dice.one(of: [(1, 1), (1, 1), (2, 1), (2, 2), (3, 2), (3, 2), (3, 3), (4, 2)])
        let writing = dice.one(of: [1, 1, 2, 3])
        institution = .with(sites: count, required: required, writers: writing)
        sealer = SimulatedSealer(seed: dice.next(), knowing: institution.sealer, repeatsKeys: mutation == .nonceReused)
        // So many may be lost that each object still lies at one of the others.
        var faulty = Set<Int>()
        while faulty.count < required - 1, dice.chance(80) { faulty.insert(dice.below(count)) }
        sites = (0..<count).map { [institution] in SimulatedSite($0, isFaulty: faulty.contains($0), objects: institution.objects) }
        writers = (0..<writing).map { SimulatedMachine("writer\($0)") }
        let canary = dice.bytes(16)
        var pools: [[[UInt8]]] = []
        for _ in writers { pools.append((0..<6).map { _ in canary + dice.bytes(dice.one(of: [1, 300, 900])) }) }
        (self.pools, self.canary) = (pools, canary)
        var retention = Retention()
        retention.last = dice.one(of: [1, 2, 3])
        if dice.chance(30) { retention.buckets[.day] = 2 }
        var options = Pruning.Options(retention)
        options.graceSeconds = dice.one(of: [3600, 86_400, 5 * 86_400])
        institutionGrace = options.graceSeconds
        if mutation == .graceIgnored { options.graceSeconds = 0 }
        self.options = options
        killPerMille = dice.one(of: [0, 1, 3, 8])
        losePerMille = dice.one(of: [0, 5, 20])
        freezePerMille = dice.one(of: [0, 1, 4, 8])
        stalePercent = dice.one(of: [0, 0, 5, 30])
        self.dice = dice
    }

    /// - Throws: the invariant that does not hold.
    func run() throws(Failure) {
        Sealing.$simulated.withValue(sealer) {
            planWork()
            planFaults()
            time.after(Self.horizon) { self.heal() }
            time.run()
            if broken == nil {
                time.begin { await self.account() }
                time.run()
            }
        }
        for process in processes { process.close() }
        processes = []
        if let broken { throw Failure(invariant: broken, seed: seed, trace: trace) }
    }

    func note(_ text: @autoclosure () -> String) {
        if isTraced { trace.append("day \(Double(Int(time.now / Self.day * 10_000)) / 10_000) \(text())") }
    }

    func fail(_ invariant: String) {
        note("BROKEN: \(invariant)")
        if broken == nil { broken = invariant }
    }

    // MARK: What takes time, and may go wrong

    func now(_ machine: SimulatedMachine) -> Moment {
        let seconds = 1_800_000_000 + time.now + machine.clockAhead
        return Moment(seconds: Int64(seconds), nanoseconds: UInt32((seconds - seconds.rounded(.down)) * 1e9))
    }

    func world(_ machine: SimulatedMachine) -> World {
        World(now: { [self] in now(machine) }, random: { [self] in dice.bytes($0) })
    }

    func begin(_ name: String, on machine: SimulatedMachine) -> SimulatedProcess {
        note("\(machine.name): \(name)")
        let process = SimulatedProcess(name, on: machine, in: self)
        processes.append(process)
        return process
    }

    func site(of process: SimulatedProcess) -> any Site {
        let site: any Site =
            sites.count == 1
            ? process.ports[0]
            : SimulatedSpread(process, sites, required: institution.required) { [keyring = institution.unlocked.keyring] in keyring.isRight($0, $1) }
        guard let mutation else { return site }
        return MutatedSite(site, mutation, process)
    }

    func pass(_ process: SimulatedProcess, _ seconds: Double) async {
        await time.pass(seconds)
        while !process.isKilled, process.frozenUntil > time.now { await time.pass(process.frozenUntil - time.now) }
    }

    private var latency: Double {
        if isQuiet { return 0.01 }
        return dice.chance(3) ? dice.between(1, 100) : dice.between(0.001, 0.1)
    }

    func isHit(_ perMille: Int) -> Bool { !isQuiet && dice.below(1000) < perMille }

    /// As of when a listing shows what there is.
    var listed: Double {
        guard !isQuiet, dice.chance(stalePercent) else { return time.now }
        return time.now - dice.between(0, dice.one(of: [60, 3600, 5 * Self.day]))
    }

    /// One request: whoever makes it may die before or after, or stand still for weeks; its answer may get lost.
    func request<Value>(
        _ process: SimulatedProcess, _ site: SimulatedSite, _ what: String, _ body: () throws(Trouble) -> Value
    ) async throws(Trouble) -> Value {
        await pass(process, latency)
        // What was sent may arrive, whether its sender lives or not.
        if process.isKilled, dice.chance(50) { throw .killed }
        try dieMaybe(process, "before \(what)")
        guard site.isUp else { throw .silent(site) }
        do throws(Trouble) {
            let value = try body()
            note("    \(process.machine.name) \(process.name) at \(site.label): \(what)")
            try dieMaybe(process, "after \(what)")
            // Mostly where it hurts: between its packs and its record.
            if isHit(what.hasPrefix("put packs/") ? freezePerMille * 20 : freezePerMille) {
                process.frozenUntil = time.now + dice.between(3600, 25 * Self.day)
                note("    \(process.machine.name) \(process.name) stands still after \(what)")
            }
            await pass(process, latency)
            guard !process.isKilled else { throw .killed }
            if isHit(losePerMille) { throw .silent(site) }
            return value
        } catch {
            note("    \(process.machine.name) \(process.name) at \(site.label): \(what): \(error.message.english)")
            throw error
        }
    }

    private func dieMaybe(_ process: SimulatedProcess, _ place: @autoclosure () -> String) throws(Trouble) {
        if !process.isKilled, isHit(killPerMille) {
            note("\(process.machine.name) \(process.name): killed \(place())")
            process.isKilled = true
            counts.killed += 1
        }
        if process.isKilled { throw .killed }
    }

    private func heal() {
        note("all is well again")
        isQuiet = true
        for site in sites { site.isUp = true }
    }
}

/// What came of it: a simulation in which nothing happens proves nothing.
struct SimulatedCounts {
    var (done, letGo, removed, repaired, killed, restored, contested, emptied, failed) = (0, 0, 0, 0, 0, 0, 0, 0, 0)

    static func += (one: inout SimulatedCounts, other: SimulatedCounts) {
        one.done += other.done
        one.letGo += other.letGo
        one.removed += other.removed
        one.repaired += other.repaired
        one.killed += other.killed
        one.restored += other.restored
        one.contested += other.contested
        one.emptied += other.emptied
        one.failed += other.failed
    }
}
