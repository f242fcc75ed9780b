// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Synchronization
import Testing
import Vault

@Suite("Giving the work away")
struct GivingTests {
    /// A vault in which somebody asks, and takes or does not.
    private final class Board: HandoverBoard {
        let term = Mutex<UInt32>(1)
        let answer = Mutex<HandoverDecision?>(nil)
        let isAsked: Bool

        init(isAsked: Bool) { self.isAsked = isAsked }

        func promotion() async throws(Trouble) -> (term: UInt32, holder: String)? { (term.withLock { $0 }, "holder") }
        func asked(of term: UInt32) async throws(Trouble) -> String? { isAsked ? "other" : nil }
        func ask(_ id: String, of term: UInt32) async throws(Trouble) {}
        func given(_ id: String) async throws(Trouble) -> [Promotion.Cut]? { [] }
        func give(_ id: String, of term: UInt32, _ cuts: [Promotion.Cut]) async throws(Trouble) {}
        func decision(_ id: String) async throws(Trouble) -> HandoverDecision? { answer.withLock { $0 } }
        func decide(_ id: String, of term: UInt32, _ decision: HandoverDecision) async throws(Trouble) -> HandoverDecision { decision }
        func promote(_ holder: String, after term: UInt32, cutting cuts: [Promotion.Cut]) async throws(Trouble) {}
    }

    private final class Work: GivenWork {
        let left = Mutex<[Bool]>([])
        let isWhole = true
        func stop() async throws(Trouble) {}
        func capture() async throws(Trouble) -> [Promotion.Cut] { [] }
        func resume() async throws(Trouble) {}
        func leave(wasGiven: Bool) async throws(Trouble) { left.withLock { $0.append(wasGiven) } }
    }

    private func giver(_ work: Work, _ board: Board) -> HandoverGiver {
        HandoverGiver(work, of: 1, on: board, from: .works, now: { 0 }, keep: { _ in })
    }

    @Test("What was given lies in the vault; whoever was replaced has more than that, which is not to be deleted")
    func replaced() async throws {
        let (work, board) = (Work(), Board(isAsked: true))
        let giver = giver(work, board)
        try await giver.step()
        try await giver.step()
        #expect(giver.state == .given(to: "other"))
        board.answer.withLock { $0 = .taken }
        try await giver.step()
        try await giver.step()
        #expect(giver.state == .left && work.left.withLock { $0 } == [true])

        let (cut, other) = (Work(), Board(isAsked: false))
        other.term.withLock { $0 = 2 }
        let replaced = self.giver(cut, other)
        try await replaced.step()
        try await replaced.step()
        #expect(replaced.state == .replaced && cut.left.withLock { $0 } == [false])
    }
}
