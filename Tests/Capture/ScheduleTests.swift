// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Testing

@Suite("The schedule of a continuous capture")
struct ScheduleTests {
    private func at(_ seconds: Int64) -> Moment { Moment(seconds: 1_700_000_000 + seconds) }

    @Test("What was never captured is due at once, and what was only when it must be begun again")
    func due() {
        var schedule = Schedule(newest: ["known": at(0)])
        #expect(schedule.isDue("new", every: 60, now: at(0)))
        #expect(!schedule.isDue("known", every: 60, now: at(59)))
        #expect(schedule.isDue("known", every: 60, now: at(60)))
        // One that takes ten seconds must begin before the old copy is too old.
        schedule.succeeded("known", begun: at(60), ended: at(70))
        #expect(!schedule.isDue("known", every: 60, now: at(97)))
        #expect(schedule.isDue("known", every: 60, now: at(98)))
        // One that takes longer than it may leaves half of the time to others.
        schedule.succeeded("known", begun: at(100), ended: at(300))
        #expect(!schedule.isDue("known", every: 60, now: at(129)))
        #expect(schedule.isDue("known", every: 60, now: at(130)))
    }

    @Test("Without an rpo it is a day, and never more often than every second")
    func bounds() {
        let schedule = Schedule(newest: ["one": at(0)])
        #expect(!schedule.isDue("one", every: nil, now: at(Schedule.secondsUsual - 1)))
        #expect(schedule.isDue("one", every: nil, now: at(Schedule.secondsUsual)))
        #expect(!schedule.isDue("one", every: 0, now: at(0)))
        #expect(schedule.isDue("one", every: 0, now: at(1)))
    }

    @Test("What fails is tried again with growing patience, five minutes at most")
    func failing() {
        var schedule = Schedule(newest: ["one": at(0)])
        var now: Int64 = 100
        for wait: Int64 in [10, 20, 40, 80, 160, 300, 300, 300] {
            schedule.failed("one", at: at(now))
            #expect(!schedule.isDue("one", every: 1, now: at(now + wait - 1)))
            // Not even what is urgent is tried without end.
            #expect(!schedule.isDue("one", every: 1, isUrgent: true, now: at(now + wait - 1)))
            #expect(schedule.isDue("one", every: 1, now: at(now + wait)))
            now += wait
        }
        schedule.succeeded("one", begun: at(now), ended: at(now))
        #expect(schedule.isDue("one", every: 60, isUrgent: true, now: at(now)))
        schedule.failed("one", at: at(now + 10))
        #expect(schedule.isDue("one", every: 60, now: at(now + 20)))
    }

    @Test("A clock that was put back makes work, and never keeps it from being done")
    func clock() {
        var schedule = Schedule(newest: ["one": at(1000)])
        #expect(schedule.isDue("one", every: 60, now: at(0)))
        schedule.failed("one", at: at(1000))
        #expect(schedule.isDue("one", every: 60, now: at(0)))
    }
}
