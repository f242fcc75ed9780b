// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Vault

/// What a vault shows of handovers and captures. Writes are numbered by each writer from 1, so that a
/// number says how many there are. The newest state is the deciding site's; others show an older one.
final class SimulatedVault {
    struct Promoted {
        let (time, term, holder, isPlanned): (Double, UInt32, String, Bool)
        /// Of each writer that ever was cut.
        let cuts: [Int: Int]
    }

    struct Handover {
        var asked: (time: Double, term: UInt32)?
        var given: (time: Double, cuts: [Promotion.Cut])?
        var decided: (time: Double, decision: HandoverDecision)?
    }

    private(set) var promotions: [Promoted] = []
    private(set) var handovers: [String: Handover] = [:]
    private var captures: [Int: [(time: Double, count: Int)]] = [:]
    let checksTerm: Bool

    init(checksTerm: Bool) { self.checksTerm = checksTerm }

    func promotion(at time: Double) -> Promoted? { promotions.last { $0.time <= time } }
    var cuts: [Int: Int] { promotions.last?.cuts ?? [:] }

    func captured(_ writer: Int, at time: Double = .infinity) -> Int { captures[writer]?.last { $0.time <= time }?.count ?? 0 }

    func capture(_ writer: Int, _ count: Int, at time: Double) {
        if count > captured(writer) { captures[writer, default: []].append((time, count)) }
    }

    /// Of every writer that counts and has captured something.
    func heads(at time: Double, cuts: [Int: Int]) -> [Int: Int] {
        captures.filter { cuts[$0.key] == nil && $0.value[0].time <= time }
            .reduce(into: [:]) { $0[$1.key] = captured($1.key, at: time) }
    }

    /// - Throws: `.exists` where another was promoted after that term.
    func promote(
        _ holder: String, after term: UInt32, cutting new: [Int: Int], isPlanned: Bool, at time: Double
    ) throws(Trouble) {
        let last = promotions.last
        if let last, last.holder == holder, last.term == term + 1 { return }
        guard (last?.term ?? 0) == term || !checksTerm else { throw .promotedElsewhere }
        promotions.append(
            Promoted(time: time, term: term + 1, holder: holder, isPlanned: isPlanned, cuts: cuts.merging(new) { $1 }))
    }

    func asked(of term: UInt32, at time: Double) -> String? {
        handovers.filter { entry in
            entry.value.asked.map { $0.term == term && $0.time <= time } ?? false
                && entry.value.decided.map { $0.time > time } ?? true
        }.keys.min()
    }

    // Each is said once.
    func ask(_ id: String, of term: UInt32, at time: Double) {
        if handovers[id]?.asked == nil { handovers[id, default: Handover()].asked = (time, term) }
    }

    func give(_ id: String, _ cuts: [Promotion.Cut], at time: Double) {
        if handovers[id]?.given == nil { handovers[id, default: Handover()].given = (time, cuts) }
    }

    func decide(_ id: String, _ decision: HandoverDecision, at time: Double) -> HandoverDecision {
        if let known = handovers[id]?.decided { return known.decision }
        handovers[id, default: Handover()].decided = (time, decision)
        return decision
    }
}

extension Promotion.Cut {
    /// No writer has captured more than 255 others.
    init(_ writer: Int, _ count: Int) {
        var bytes = [UInt8](repeating: 0, count: Identifier.byteCount)
        bytes[0] = UInt8(writer)
        guard let writer = Identifier(bytes) else { preconditionFailure("an identifier has 16 bytes") }
        self.init(writer: writer, head: ChainHead(sequence: UInt64(count), hash: .zero), units: [:])
    }

    var numbered: (writer: Int, count: Int) { (Int(writer.bytes[0]), Int(head.sequence)) }
}

extension Trouble {
    private init(simulated kind: Kind, _ text: String) { self.init(kind, Words(text, de: text)) }

    static let promotedElsewhere = Trouble(simulated: .exists, "promoted elsewhere")
    static let killed = Trouble(simulated: .system, "killed")
    static let silent = Trouble(simulated: .system, "no answer")
    static let behind = Trouble(simulated: .stale, "not all is there")
    static let refused = Trouble(simulated: .wrongUse, "refused")
}
