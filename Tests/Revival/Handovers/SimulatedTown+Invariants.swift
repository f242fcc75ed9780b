// SPDX-License-Identifier: EUPL-1.2
import Revival

// People who write, the captures of what they write, and what must hold all the time and at the end.
extension SimulatedTown {
    private static let tickSeconds = 0.4

    func serves(_ machine: SimulatedMachine) -> Bool {
        guard machine.isUp, machine.frozenUntil <= time.now, let one = machine.activation, one.runs else { return false }
        return one.lease.map { $0 > clock(machine) || mutation == .leaseIgnored } ?? true
    }

    var isServed: Bool {
        let serving = machines.filter(serves)
        return serving.count == 1 && serving[0] === holder.machine && serving[0].activation === holder.activation
    }

    func write(_ one: SimulatedActivation) { one.writes.append(time.now) }

    func tick() {
        guard !isOver else { return }
        check()
        for machine in machines where serves(machine) && dice.chance(50) {
            if let one = machine.activation { write(one) }
        }
        time.after(Self.tickSeconds) { self.tick() }
    }

    /// `protect --continuous`.
    func captureRepeatedly(_ machine: SimulatedMachine) {
        guard !isOver else { return }
        if let one = machine.activation, machine.isUp, one.isGuarded || one.writer == 0 {
            let count = one.writes.count
            time.after(Double.random(in: 0.01...0.2, using: &dice)) { [self] in
                let isPossible = machine.reachesVault && isVaultUp && machine.frozenUntil <= time.now
                if isPossible { vault.capture(one.writer, count, at: time.now) } else { machine.blocked = time.now }
            }
        } else { machine.blocked = time.now }
        time.after(lag) { self.captureRepeatedly(machine) }
    }

    private func check() {
        let serving = machines.filter(serves)
        let cuts = vault.cuts
        if serving.count(where: { $0.activation.map { cuts[$0.writer] == nil } ?? false }) > 1 { fail("two writers are accepted") }
        if !hadEmergency, serving.count > 1 { fail("two serve in a planned move") }
        for one in serving.compactMap(\.activation) where one.lease != nil {
            guard let cut = vault.promotions.first(where: { $0.cuts[one.writer] != nil }) else { continue }
            if time.now > cut.time + Self.leaseSeconds + Self.staleSeconds { fail("one that was cut serves after its lease") }
        }
        for one in serving.compactMap(\.activation) {
            guard let own = vault.promotions.last(where: { $0.holder == one.id }) else {
                if one.writer != 0 { fail("one serves that was never promoted") }
                continue
            }
            // What counts is what it has.
            if own.cuts.contains(where: { (one.base[$0] ?? 0) < $1 }) { fail("an acknowledged write is lost") }
        }
    }

    /// At the end: where every write is that was acknowledged.
    func account() {
        for (number, promotion) in vault.promotions.enumerated() where promotion.isPlanned {
            let giver = number == 0 ? "a0" : vault.promotions[number - 1].holder
            guard let one = all.first(where: { $0.activation.id == giver })?.activation else { continue }
            if one.writes.count > promotion.cuts[one.writer] ?? 0 { return fail("a planned move loses an acknowledged write") }
        }
        let (last, now) = (vault.promotions.last, holder.activation)
        for (one, machine) in all where one !== now {
            let cut = last?.cuts[one.writer]
            if cut == nil, !one.writes.isEmpty { return fail("what another writes is accepted") }
            if (now.base[one.writer] ?? 0) < cut ?? 0 { return fail("an acknowledged write is lost") }
            // `return` lists what lies behind the cut, on the disk or in the vault.
            guard let destroyed = machine.destroyed else { continue }
            let kept = max(cut ?? 0, vault.captured(one.writer))
            for write in one.writes.dropFirst(kept) where write < destroyed - lag - 1 && write > machine.blocked {
                return fail("a write is lost that is older than the promised span")
            }
        }
    }
}
