// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Vault

// The commands, as far as they matter: `guard`, `activate --emergency`, `move` and `return`, `stop`; and
// who gives them when all is well again.
extension SimulatedTown {
    func beginGuard(_ machine: SimulatedMachine) {
        guard !isOver, machine.isUp, machine.guardian == nil, let one = machine.activation, one.isGuarded else { return }
        let process = SimulatedProcess(on: machine)
        machine.guardian = process
        time.begin { await self.watch(process, one) }
    }

    /// `GuardWatch`.
    private func watch(_ process: SimulatedProcess, _ one: SimulatedActivation) async {
        let machine = process.machine
        let giver = HandoverGiver(
            SimulatedGiving(town: self, process: process, one: one), of: one.term ?? 0, on: SimulatedBoard(town: self, process: process),
            from: one.giving, patience: 20, now: { self.clock(machine) }
        ) { (state) throws(Trouble) in
            try self.dieMaybe(process, "before keeping \(state)")
            self.note("machine \(machine.number): \(state)")
            one.giving = state
            try self.dieMaybe(process, "after keeping \(state)")
        }
        while isAlive(process) {
            let (before, asked) = (giver.state, clock(machine))
            do throws(Trouble) {
                try await giver.step()
                if giver.state == .works, before == .works || before == .resumes, one.lease != nil {
                    await pass(process, 0.01)
                    guard isAlive(process) else { return }
                    one.lease = (mutation == .leaseFromAnswer ? clock(machine) : asked) + Self.leaseSeconds
                }
                if before == .left || before == .replaced { break }
            } catch {}
            await pass(process, giver.state == .works ? 2 : 0.5)
        }
        if machine.guardian === process {
            machine.guardian = nil
            // Of what was activated here meanwhile.
            beginGuard(machine)
        }
    }

    func begin(isMove: Bool, on machine: SimulatedMachine) {
        // Of two on one machine, one runs.
        guard !isOver, machine.isUp, machine.command == nil else { return }
        let process = SimulatedProcess(on: machine)
        machine.command = process
        time.begin { [self] in
            do throws(Trouble) { try await isMove ? move(process) : activate(process) } catch {
                note("machine \(machine.number): \(isMove ? "move" : "activate") ends: \(error.message.english)")
                if !isQuiet, dice.chance(60) {
                    time.after(Double.random(in: 1...20, using: &dice)) { self.begin(isMove: isMove, on: machine) }
                }
            }
            if machine.command === process { machine.command = nil }
        }
    }

    /// `activate --emergency`.
    private func activate(_ process: SimulatedProcess) async throws(Trouble) {
        let machine = process.machine
        let unfinished = machine.activation.flatMap { $0.isLeft && !$0.runs ? nil : $0 }
        if let unfinished, unfinished.stands || unfinished.isLeft || (unfinished.isMove && unfinished.term == nil) { throw .refused }
        let known = try await act(process, "reads the keyring") { () throws(Trouble) in vault.promotion(at: seen) }
        let heads = try await act(process, "reads what was captured") { () throws(Trouble) in vault.heads(at: seen, cuts: known?.cuts ?? [:]) }
        let one = unfinished ?? newActivation(on: machine, isMove: false)
        if unfinished == nil { one.wantedTerm = known?.term ?? 0 }
        try await act(process, "keeps the activation \(one.id)", inVault: false) { () throws(Trouble) in
            // Nothing was brought yet, unless the token was taken and only that was not noted.
            let isNew = unfinished == nil || (one.term == nil && known?.holder != one.id && mutation != .cutReadAgain)
            if isNew { one.base = (known?.cuts ?? [:]).merging(heads) { $1 } }
            machine.activation = one
        }
        if let term = one.term {
            let now = try await act(process, "reads the keyring") { () throws(Trouble) in vault.promotion(at: seen) }
            guard now?.term == term else { throw .promotedElsewhere }
        } else {
            try await act(process, "promotes \(one.id)") { () throws(Trouble) in
                try promote(one.id, after: one.wantedTerm, cutting: heads, isPlanned: false)
            }
            try await noteTerm(process, one)
        }
        if !one.isMove { try await act(process, "restores") { () throws(Trouble) in } }
        try await start(process, one)
    }

    /// `move`, and `return`, up to the handover.
    private func move(_ process: SimulatedProcess) async throws(Trouble) {
        let machine = process.machine
        let unfinished = machine.activation.flatMap { $0.isLeft && !$0.runs ? nil : $0 }
        if let unfinished, unfinished.stands || unfinished.isLeft || !unfinished.isMove { throw .refused }
        let known = try await act(process, "reads the keyring") { () throws(Trouble) in vault.promotion(at: seen) }
        let one = unfinished ?? newActivation(on: machine, isMove: true)
        var isOver = true
        if let id = one.handover {
            isOver = try await act(process, "reads what was decided") { () throws(Trouble) in vault.handovers[id]?.decided?.decision == .kept }
        }
        try await act(process, "keeps the activation \(one.id)", inVault: false) { () throws(Trouble) in
            if isOver, known?.holder != one.id { (one.handover, one.wantedTerm) = (newId(), known?.term ?? 0) }
            machine.activation = one
        }
        try await HandoverTaker(
            one.handover ?? "", for: one.id, SimulatedTaking(town: self, process: process, one: one), of: one.wantedTerm,
            on: SimulatedBoard(town: self, process: process), patience: 30, now: { self.clock(machine) },
            pause: { () throws(Trouble) in
                await self.pass(process, 0.5)
                guard self.isAlive(process) else { throw .killed }
            }
        ).run()
    }

    func noteTerm(_ process: SimulatedProcess, _ one: SimulatedActivation) async throws(Trouble) {
        try await act(process, "notes its term", inVault: false) { () throws(Trouble) in
            one.term = mutation == .newestTermNoted ? vault.promotions.last?.term : one.wantedTerm + 1
        }
    }

    func start(_ process: SimulatedProcess, _ one: SimulatedActivation) async throws(Trouble) {
        try await act(process, "starts \(one.id)", inVault: false) { () throws(Trouble) in
            one.runs = true
            if one.writes.isEmpty { write(one) }
        }
        try await act(process, "protects \(one.id)") { () throws(Trouble) in
            one.isGuarded = true
            beginGuard(process.machine)
        }
        try await act(process, "notes that it stands", inVault: false) { () throws(Trouble) in one.stands = true }
    }

    func promote(_ id: String, after term: UInt32, cutting cuts: [Int: Int], isPlanned: Bool) throws(Trouble) {
        let before = holder.activation
        let wasTaken = vault.handovers.values.contains { $0.asked?.term == term && $0.decided?.decision == .taken }
        let count = vault.promotions.count
        // A writer that captured nothing yet is cut as well, unlike in a vault (docs/architecture.md, "A handover").
        try vault.promote(
            id, after: term, cutting: [before.writer: 0].merging(cuts) { $1 }, isPlanned: isPlanned || (isQuiet && wasTaken), at: time.now)
        guard vault.promotions.count > count else { return }
        hadEmergency = hadEmergency || !isPlanned
        if vault.promotions[count].term != UInt32(count) + 1 { fail("two promotions by one token") }
    }

    /// Whether it was decided that it takes over.
    private func isTaking(_ one: SimulatedActivation) -> Bool {
        one.term == nil && one.wantedTerm == vault.promotions.last?.term ?? 0
            && one.handover.flatMap { vault.handovers[$0]?.decided?.decision } == .taken
    }

    /// `stop`, of what counts no more.
    func stopDead(_ machine: SimulatedMachine) {
        guard machine.isUp, machine.command == nil, let one = machine.activation, holder.activation !== one else { return }
        guard !isTaking(one) else { return }
        note("machine \(machine.number): stop \(one.id)")
        (one.runs, one.isGuarded, one.isLeft) = (false, false, true)
        if let guardian = machine.guardian { kill(guardian) }
        machine.activation = nil
    }

    /// Who has the work is helped to go on; where nobody has it, somebody else is activated.
    func order() {
        guard !isOver else { return }
        let (one, machine) = holder
        if isServed {
            calmChecks += 1
            if calmChecks > 2 { return end() }
        } else {
            calmChecks = 0
            if time.now > Self.faultySeconds + Self.healSeconds { return fail("the work is not served by exactly one machine") }
        }
        // What is guarded ends by itself.
        for other in machines where other.activation?.isGuarded != true { stopDead(other) }
        if machine.destroyed == nil, !one.isLeft {
            if !one.stands, machine.activation === one { begin(isMove: one.isMove, on: machine) }
        } else if let taker = machines.first(where: { $0.isUp && $0.activation.map(isTaking) ?? false }) {
            begin(isMove: true, on: taker)
        } else if let free = machines.first(where: { $0.isUp && ($0.activation.map { $0.isLeft && !$0.runs || !$0.isMove && !$0.stands } ?? true) }) {
            begin(isMove: false, on: free)
        }
        time.after(5) { self.order() }
    }
}
