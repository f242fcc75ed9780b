// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Vault

/// What is not as the protocol has it: each must be caught.
enum Mutation {
    case tokenUnchecked, lastLogNotAwaited, givenBeforeCaptured, undecided, leaseIgnored
    /// These were faults of this program.
    case leaseFromAnswer, newestTermNoted, cutReadAgain, givenUnfinished

    static let omissions = [tokenUnchecked, lastLogNotAwaited, givenBeforeCaptured, undecided, leaseIgnored]
}

/// What its machine keeps of an activation, or of the original.
final class SimulatedActivation: @unchecked Sendable {
    let (id, writer, isMove): (String, Int, Bool)
    var (handover, wantedTerm, term): (String?, UInt32, UInt32?) = (nil, 0, nil)
    /// How much is here of what each writer wrote.
    var base: [Int: Int] = [:]
    /// When each write was acknowledged. The first is the snapshot that everything else stands on.
    var writes: [Double] = []
    var (runs, stands, isGuarded, isLeft) = (false, false, false, false)
    var giving = GivingState.works
    /// By the machine's clock; nil for one that runs without.
    var lease: Double?

    init(_ id: String, _ writer: Int, isMove: Bool) { (self.id, self.writer, self.isMove) = (id, writer, isMove) }
}

final class SimulatedMachine: @unchecked Sendable {
    let number: Int
    var activation: SimulatedActivation?
    var (isUp, reachesVault, destroyed): (Bool, Bool, Double?) = (true, true, nil)
    var (boot, clockAhead, frozenUntil) = (0, 0.0, 0.0)
    /// When something last kept it from capturing.
    var blocked = -1.0
    var (command, guardian): (SimulatedProcess?, SimulatedProcess?)

    init(_ number: Int) { self.number = number }
}

final class SimulatedProcess: @unchecked Sendable {
    let (machine, boot): (SimulatedMachine, Int)
    var isKilled = false
    var frozenUntil = 0.0

    init(on machine: SimulatedMachine) { (self.machine, boot) = (machine, machine.boot) }
}

/// Machines, a vault, people who work and one who gives orders, and everything that goes wrong, all from
/// one seed.
final class SimulatedTown: @unchecked Sendable {
    struct Failure: Error { let (invariant, seed, trace): (String, UInt64, [String]) }

    let time = VirtualTime()
    let vault: SimulatedVault
    let seed: UInt64
    let mutation: Mutation?
    var dice: Dice
    var machines: [SimulatedMachine] = []
    var all: [(activation: SimulatedActivation, machine: SimulatedMachine)] = []
    private(set) var broken: String?
    private(set) var trace: [String] = []
    private let isTraced: Bool
    /// Nothing goes wrong any more.
    private(set) var isQuiet = false
    private(set) var isOver = false
    var isVaultUp = true
    var hadEmergency = false
    var calmChecks = 0

    // What the seed draws for all of a run.
    let (killPerMille, losePerMille, stalePercent, slowPercent): (Int, Int, Int, Int)
    let (hasLease, isPlannedOnly, lag): (Bool, Bool, Double)

    static let (leaseSeconds, staleSeconds, faultySeconds, healSeconds) = (10.0, 3.0, 90.0, 240.0)

    init(seed: UInt64, mutation: Mutation? = nil, isTraced: Bool = false) {
        (self.seed, self.mutation, self.isTraced) = (seed, mutation, isTraced)
        dice = Dice(seed: seed)
        vault = SimulatedVault(checksTerm: mutation != .tokenUnchecked)
        killPerMille = dice.one(of: [0, 2, 5, 20, 50])
        losePerMille = dice.one(of: [0, 5, 20, 60])
        stalePercent = dice.one(of: [0, 0, 10, 50])
        slowPercent = dice.one(of: [0, 2, 10])
        hasLease = dice.chance(70)
        isPlannedOnly = dice.chance(40)
        lag = Double.random(in: 0.4...5, using: &dice)
        machines = (0..<dice.one(of: [2, 3, 4])).map { SimulatedMachine($0) }
    }

    /// - Throws: the invariant that does not hold.
    func run() throws(Failure) {
        let original = newActivation(on: machines[0], isMove: false)
        (original.runs, original.stands, original.isGuarded) = (true, true, hasLease)
        original.lease = hasLease ? Self.leaseSeconds : nil
        write(original)
        vault.capture(original.writer, 1, at: 0)
        machines[0].activation = original
        beginGuard(machines[0])
        tick()
        for machine in machines { captureRepeatedly(machine) }
        planFaults()
        planOrders()
        time.after(Self.faultySeconds) { self.heal() }
        time.run()
        if broken == nil { account() }
        if let broken { throw Failure(invariant: broken, seed: seed, trace: trace) }
    }

    func note(_ text: @autoclosure () -> String) {
        if isTraced { trace.append("\(Double(Int(time.now * 1000)) / 1000) \(text())") }
    }

    func fail(_ invariant: String) {
        note("BROKEN: \(invariant)")
        if broken == nil { broken = invariant }
        isOver = true
    }

    func end() { isOver = true }
    func calmDown() { isQuiet = true }

    func newActivation(on machine: SimulatedMachine, isMove: Bool) -> SimulatedActivation {
        let one = SimulatedActivation("a\(all.count)", all.count, isMove: isMove)
        all.append((one, machine))
        return one
    }

    func newId() -> String { String(dice.next() >> 32, radix: 16) }

    /// The activation that has the work, by the newest keyring.
    var holder: (activation: SimulatedActivation, machine: SimulatedMachine) {
        let id = vault.promotions.last?.holder ?? "a0"
        return all.first { $0.activation.id == id } ?? all[0]
    }

    // MARK: What takes time, and may go wrong

    func clock(_ machine: SimulatedMachine) -> Double { time.now + machine.clockAhead }

    func isAlive(_ process: SimulatedProcess) -> Bool {
        !isOver && !process.isKilled && process.machine.isUp && process.boot == process.machine.boot
    }

    func pass(_ process: SimulatedProcess, _ seconds: Double) async {
        await time.pass(seconds)
        while isAlive(process), max(process.frozenUntil, process.machine.frozenUntil) > time.now {
            await time.pass(max(process.frozenUntil, process.machine.frozenUntil) - time.now)
        }
    }

    private var latency: Double {
        if !isQuiet, dice.chance(slowPercent) { return Double.random(in: 0.5...8, using: &dice) }
        return Double.random(in: 0.001...0.06, using: &dice)
    }

    func isHit(_ perMille: Int) -> Bool { !isQuiet && dice.below(1000) < perMille }

    /// One thing that a process does: it may die before, or after; its answer may get lost.
    func act<Value>(
        _ process: SimulatedProcess, _ name: String, inVault: Bool = true, _ body: () throws(Trouble) -> Value
    ) async throws(Trouble) -> Value {
        try dieMaybe(process, "before \(name)")
        await pass(process, latency)
        guard isAlive(process) else { throw .killed }
        if inVault { guard process.machine.reachesVault, isVaultUp else { throw .silent } }
        let value = try body()
        note("machine \(process.machine.number): \(name) -> \(value)")
        try dieMaybe(process, "after \(name)")
        await pass(process, latency)
        guard isAlive(process) else { throw .killed }
        if inVault, isHit(losePerMille) { throw .silent }
        return value
    }

    func dieMaybe(_ process: SimulatedProcess, _ place: @autoclosure () -> String) throws(Trouble) {
        guard isAlive(process) else { throw .killed }
        guard isHit(killPerMille) else { return }
        note("machine \(process.machine.number): killed \(place())")
        if dice.chance(70) { kill(process) } else { crash(process.machine) }
        throw .killed
    }

    func kill(_ process: SimulatedProcess) {
        process.isKilled = true
        let machine = process.machine
        if machine.command === process { machine.command = nil }
        if machine.guardian === process {
            machine.guardian = nil
            time.after(Double.random(in: 0.2...20, using: &dice)) { self.beginGuard(machine) }
        }
    }

    func crash(_ machine: SimulatedMachine) {
        note("machine \(machine.number): crashes")
        machine.isUp = false
        machine.boot += 1
        (machine.command, machine.guardian) = (nil, nil)
        // One of another start of the machine has lapsed.
        if machine.activation?.lease != nil { machine.activation?.lease = 0 }
        if dice.chance(80) { time.after(Double.random(in: 1...60, using: &dice)) { self.boot(machine) } }
    }

    func boot(_ machine: SimulatedMachine) {
        guard !isOver, !machine.isUp, machine.destroyed == nil else { return }
        note("machine \(machine.number): boots")
        machine.isUp = true
        beginGuard(machine)
    }

    /// The moment as which a read sees the vault.
    var seen: Double { !isQuiet && dice.chance(stalePercent) ? time.now - Double.random(in: 0...Self.staleSeconds, using: &dice) : time.now }

    // MARK: Faults and orders

    private func planFaults() {
        for _ in 0..<dice.one(of: [0, 1, 3, 8]) {
            let (machine, length) = (dice.one(of: machines), Double.random(in: 0.5...40, using: &dice))
            let kind = dice.below(7)
            time.after(Double.random(in: 0...Self.faultySeconds, using: &dice)) { [self] in
                guard !isQuiet, !isOver else { return }
                note("fault \(kind) at machine \(machine.number) for \(length) s")
                switch kind {
                case 0, 1:
                    machine.reachesVault = false
                    time.after(length) { machine.reachesVault = true }
                case 2:
                    isVaultUp = false
                    time.after(length / 2) { self.isVaultUp = true }
                case 3: machine.frozenUntil = time.now + length
                case 4: (machine.guardian ?? machine.command)?.frozenUntil = time.now + length
                case 5: machine.clockAhead += length
                default: crash(machine)
                }
            }
        }
        if !isPlannedOnly, dice.chance(20) {
            let machine = dice.one(of: machines)
            time.after(Double.random(in: 10...Self.faultySeconds, using: &dice)) { [self] in
                guard !isOver, machines.filter({ $0.destroyed == nil }).count > 1 else { return }
                crash(machine)
                machine.destroyed = time.now
                note("machine \(machine.number): destroyed")
            }
        }
    }

    private func planOrders() {
        for _ in 0..<dice.one(of: [1, 2, 3, 5]) {
            let moment = Double.random(in: 3...Self.faultySeconds, using: &dice)
            let isMove = isPlannedOnly || dice.chance(60)
            // At times the same twice, or on two machines at once.
            for machine in (0..<dice.one(of: [1, 1, 2])).map({ _ in dice.one(of: machines) }) {
                time.after(moment) { [self] in
                    guard !isQuiet else { return }
                    stopDead(machine)
                    begin(isMove: isMove, on: machine)
                }
            }
        }
    }

    private func heal() {
        note("all is well again")
        calmDown()
        isVaultUp = true
        for machine in machines {
            machine.reachesVault = true
            machine.frozenUntil = 0
            machine.guardian?.frozenUntil = 0
            machine.command?.frozenUntil = 0
            boot(machine)
        }
        order()
    }
}
