// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Testing

@Suite("How far a cluster comes back by its log")
struct ReachTests {
    private func reach(_ moment: Int64, base: Int64, log: Int64?) -> (isLatest: Bool, isBase: Bool) {
        ActivationState.reach(
            of: Moment(seconds: moment), base: Moment(seconds: base), logEnd: log.map { Moment(seconds: $0) })
    }

    @Test("Log that is dated like its base comes back with it")
    func sameDate() {
        #expect(reach(10, base: 10, log: 10) == (true, false))
        #expect(reach(10, base: 10, log: 20) == (false, true))
        #expect(reach(15, base: 10, log: 20) == (false, false))
        #expect(reach(20, base: 10, log: 20) == (true, false))
        #expect(reach(10, base: 10, log: nil) == (false, true))
    }
}
