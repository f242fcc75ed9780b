// SPDX-License-Identifier: EUPL-1.2

/// What a program cannot know by itself. It comes in from outside, so that a test can stop the
/// clock and repeat the dice.
public struct World: Sendable {
    /// Seconds and nanoseconds since 1970-01-01 UTC.
    public var now: @Sendable () -> Moment
    /// As many unpredictable bytes as asked for.
    public var random: @Sendable (_ count: Int) -> [UInt8]

    public init(
        now: @escaping @Sendable () -> Moment, random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.now = now
        self.random = random
    }
}

/// A point in time, to the nanosecond, before and after 1970. For people only: no decision about
/// safety rests on it.
public struct Moment: Hashable, Comparable, Sendable {
    public let seconds: Int64
    /// 0 ..< 1,000,000,000, counted forwards also before 1970.
    public let nanoseconds: UInt32

    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public static func < (one: Moment, other: Moment) -> Bool {
        (one.seconds, one.nanoseconds) < (other.seconds, other.nanoseconds)
    }

    private static let millisecond: UInt32 = 1_000_000

    /// The last whole millisecond that is not after it.
    public var millisecondBefore: Moment {
        Moment(seconds: seconds, nanoseconds: nanoseconds / Self.millisecond * Self.millisecond)
    }

    /// The first whole millisecond that is not before it: a moment that people read, and type again
    /// where they mean all that was there by then.
    public var millisecondAfter: Moment {
        let before = millisecondBefore
        guard before != self else { return self }
        let next = before.nanoseconds + Self.millisecond
        guard next == 1000 * Self.millisecond else {
            return Moment(seconds: seconds, nanoseconds: next)
        }
        let (second, isFar) = seconds.addingReportingOverflow(1)
        return isFar ? self : Moment(seconds: second)
    }
}
