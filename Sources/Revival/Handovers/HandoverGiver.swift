// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// The work as the side has it that gives it away. Each may be called again after a run that was
/// killed in it.
package protocol GivenWork: Sendable {
    /// Whether no command is to go on with it here, which would start what was stopped for another.
    var isWhole: Bool { get throws(Trouble) }
    /// Its applications end, and from then on nothing is written.
    func stop() async throws(Trouble)
    /// All that was written lies in the vault.
    ///
    /// - Returns: how far that goes.
    func capture() async throws(Trouble) -> [Promotion.Cut]
    /// It goes on here.
    func resume() async throws(Trouble)
    /// It ends here for good: another has it.
    ///
    /// - Parameter wasGiven: whether all of it lies in the vault.
    func leave(wasGiven: Bool) async throws(Trouble)
}

/// How far the side has come that gives the work away; kept durably before each step.
package enum GivingState: Codable, Hashable, Sendable {
    case works
    case yields(to: String)
    case given(to: String)
    case resumes
    /// It was given, and taken.
    case left
    /// Another was promoted, who has not got what was worked here last.
    case replaced
}

/// Gives the work to whoever asks for it, and stops it where another was promoted
/// (docs/architecture.md, "A handover").
package final class HandoverGiver {
    private let board: any HandoverBoard
    private let work: any GivenWork
    /// Of the promotion by which it has the work.
    private let term: UInt32
    private let keep: (GivingState) throws(Trouble) -> Void
    private let now: () -> Double
    private let patience: Double
    package private(set) var state: GivingState
    /// Since when it waits for the other side.
    private var waitsSince: Double?

    /// How long, in seconds, it waits for what it gave to be taken, before it goes on itself.
    package static let usualPatience = 60.0

    /// - Parameters:
    ///   - now: seconds that only go forwards.
    ///   - keep: writes the state durably.
    package init(
        _ work: any GivenWork, of term: UInt32, on board: any HandoverBoard, from state: GivingState,
        patience: Double = usualPatience, now: @escaping () -> Double, keep: @escaping (GivingState) throws(Trouble) -> Void
    ) {
        (self.work, self.term, self.board, self.state) = (work, term, board, state)
        (self.patience, self.now, self.keep) = (patience, now, keep)
    }

    private func go(to next: GivingState) throws(Trouble) {
        try keep(next)
        state = next
        waitsSince = nil
    }

    /// One step. What throws changed nothing, and is tried again.
    package func step() async throws(Trouble) {
        switch state {
        case .works:
            if try await isReplaced() { return try go(to: .replaced) }
            if try work.isWhole, let id = try await board.asked(of: term) { try go(to: .yields(to: id)) }
        case .yields(let id):
            if let decision = try await board.decision(id) { return try follow(decision) }
            do throws(Trouble) {
                try await work.stop()
                let cuts = try await work.capture()
                try await board.give(id, of: term, cuts)
            } catch {
                // Who asked may have died of the same: what cannot be given stays.
                try follow(await board.decide(id, of: term, .kept))
                throw error
            }
            try go(to: .given(to: id))
        case .given(let id):
            if let decision = try await board.decision(id) { return try follow(decision) }
            if try await isReplaced() { return try go(to: .left) }
            let since = waitsSince ?? now()
            waitsSince = since
            if now() - since > patience { try follow(await board.decide(id, of: term, .kept)) }
        case .resumes:
            // Somebody may have been promoted while nothing ran here.
            if try await isReplaced() { return try go(to: .replaced) }
            try await work.resume()
            try go(to: .works)
        case .left, .replaced: try await work.leave(wasGiven: state == .left)
        }
    }

    private func isReplaced() async throws(Trouble) -> Bool { (try await board.promotion()?.term ?? 0) > term }

    private func follow(_ decision: HandoverDecision) throws(Trouble) {
        try go(to: decision == .taken ? .left : .resumes)
    }
}
