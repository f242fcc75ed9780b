// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Vault

/// `VaultBoard`.
struct SimulatedBoard: HandoverBoard {
    let town: SimulatedTown
    let process: SimulatedProcess

    private var vault: SimulatedVault { town.vault }

    func promotion() async throws(Trouble) -> (term: UInt32, holder: String)? {
        try await town.act(process, "promotion") { () throws(Trouble) in vault.promotion(at: town.seen).map { ($0.term, $0.holder) } }
    }

    func asked(of term: UInt32) async throws(Trouble) -> String? {
        try await town.act(process, "asked of \(term)") { () throws(Trouble) in vault.asked(of: term, at: town.seen) }
    }

    func ask(_ id: String, of term: UInt32) async throws(Trouble) {
        try await town.act(process, "ask \(id) of \(term)") { () throws(Trouble) in vault.ask(id, of: term, at: town.time.now) }
    }

    func given(_ id: String) async throws(Trouble) -> [Promotion.Cut]? {
        try await town.act(process, "given \(id)") { () throws(Trouble) in
            let seen = town.seen
            return vault.handovers[id]?.given.flatMap { $0.time <= seen ? $0.cuts : nil }
        }
    }

    func give(_ id: String, of term: UInt32, _ cuts: [Promotion.Cut]) async throws(Trouble) {
        try await town.act(process, "give \(id) \(cuts.map(\.numbered))") { () throws(Trouble) in vault.give(id, cuts, at: town.time.now) }
    }

    func decision(_ id: String) async throws(Trouble) -> HandoverDecision? {
        try await town.act(process, "decision \(id)") { () throws(Trouble) in
            let seen = town.seen
            return vault.handovers[id]?.decided.flatMap { $0.time <= seen ? $0.decision : nil }
        }
    }

    func decide(_ id: String, of term: UInt32, _ decision: HandoverDecision) async throws(Trouble) -> HandoverDecision {
        try await town.act(process, "decide \(id) \(decision)") { () throws(Trouble) in
            town.mutation == .undecided ? decision : vault.decide(id, decision, at: town.time.now)
        }
    }

    func promote(_ holder: String, after term: UInt32, cutting cuts: [Promotion.Cut]) async throws(Trouble) {
        try await town.act(process, "promote \(holder) after \(term)") { () throws(Trouble) in
            let cuts = Dictionary(cuts.map(\.numbered)) { first, _ in first }
            try town.promote(holder, after: term, cutting: cuts, isPlanned: true)
        }
    }
}

/// `TwinWork` and `OriginalWork`.
struct SimulatedGiving: GivenWork {
    let town: SimulatedTown
    let process: SimulatedProcess
    let one: SimulatedActivation

    private static let captureSeconds = 15.0

    var isWhole: Bool { one.stands || town.mutation == .givenUnfinished }

    func stop() async throws(Trouble) {
        try await town.act(process, "stops", inVault: false) { () throws(Trouble) in
            if one.lease == nil { one.runs = false } else { one.lease = 0 }
        }
    }

    func capture() async throws(Trouble) -> [Promotion.Cut] {
        let begun = town.clock(process.machine)
        while true {
            let heads = try await town.act(process, "looks at what was captured") { () throws(Trouble) in
                town.vault.heads(at: town.seen, cuts: town.vault.cuts)
            }
            if heads[one.writer] ?? 0 >= one.writes.count || town.mutation == .givenBeforeCaptured {
                return heads.map { Promotion.Cut($0, $1) }
            }
            guard town.clock(process.machine) - begun < Self.captureSeconds else { throw .silent }
            await town.pass(process, 0.3)
        }
    }

    func resume() async throws(Trouble) {
        try await town.act(process, "resumes", inVault: false) { () throws(Trouble) in one.runs = true }
    }

    func leave(wasGiven: Bool) async throws(Trouble) {
        try await town.act(process, "notes that it left", inVault: false) { () throws(Trouble) in one.isLeft = true }
        try await town.act(process, "ends", inVault: false) { () throws(Trouble) in
            (one.runs, one.isGuarded) = (false, false)
        }
    }
}

/// `ArrivingWork`.
struct SimulatedTaking: TakenWork {
    let town: SimulatedTown
    let process: SimulatedProcess
    let one: SimulatedActivation

    private static let finishSeconds = 20.0

    func follow() async throws(Trouble) {
        try await town.act(process, "follows") { () throws(Trouble) in }
        await town.pass(process, 2)
    }

    func finish(_ cuts: [Promotion.Cut]) async throws(Trouble) {
        let begun = town.clock(process.machine)
        let earlier = town.vault.promotions.first { $0.term == one.wantedTerm }?.cuts ?? [:]
        let goal = Dictionary(cuts.map(\.numbered)) { first, _ in first }
        while true {
            let shown = try await town.act(process, "brings the rest") { () throws(Trouble) in
                let seen = town.seen
                let shown = goal.reduce(into: [:]) { $0[$1.key] = min($1.value, town.vault.captured($1.key, at: seen)) }
                if shown == goal || town.mutation == .lastLogNotAwaited { one.base = earlier.merging(shown) { $1 } }
                return shown
            }
            if shown == goal || town.mutation == .lastLogNotAwaited { return }
            guard town.clock(process.machine) - begun < Self.finishSeconds else { throw .behind }
            await town.pass(process, 0.3)
        }
    }

    func start() async throws(Trouble) {
        try await town.noteTerm(process, one)
        try await town.start(process, one)
    }
}
