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
}
