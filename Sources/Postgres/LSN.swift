// SPDX-License-Identifier: EUPL-1.2
import Ground

// Postgres is everything that speaks to PostgreSQL, and knows nothing of the vault: connections,
// the replication protocol, base backups, and the write-ahead log read by itself.

/// A place in the write-ahead log: bytes since the cluster was made.
package struct LSN: Hashable, Comparable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// As PostgreSQL writes it: `16/B374D848`.
    package init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let high = Self.half(halves[0]), let low = Self.half(halves[1])
        else { return nil }
        value = high << 32 | low
    }

    private static func half(_ text: some StringProtocol) -> UInt64? {
        guard (1...8).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "+") else {
            return nil
        }
        return UInt64(text, radix: 16)
    }

    package static func < (one: LSN, other: LSN) -> Bool { one.value < other.value }

    package static func + (lsn: LSN, bytes: Int) -> LSN { LSN(lsn.value &+ UInt64(bytes)) }

    /// Bytes from `other` to this one; 0 where it does not lie ahead.
    package func bytes(since other: LSN) -> UInt64 {
        value > other.value ? value - other.value : 0
    }
}

extension LSN: CustomStringConvertible {
    package var description: String {
        func digits(_ half: UInt64) -> String { String(half, radix: 16, uppercase: true) }
        return "\(digits(value >> 32))/\(digits(value & 0xffff_ffff))"
    }
}

/// One file of the write-ahead log, and how its kind is named (`XLogFileName` in
/// xlog_internal.h).
package struct WALSegment: Hashable, Sendable {
    package let timeline: UInt32
    /// Where it begins.
    package let start: LSN
    /// A power of two from 1 MiB to 1 GiB.
    package let byteCount: UInt64

    /// The segment that holds a place; nil for a size that PostgreSQL does not have.
    package init?(holding lsn: LSN, timeline: UInt32, byteCount: UInt64) {
        guard Self.isSize(byteCount) else { return nil }
        self.timeline = timeline
        self.byteCount = byteCount
        start = LSN(lsn.value & ~(byteCount - 1))
    }

    /// From the name of a file of 24 hexadecimal digits; nil for any other.
    package init?(named name: some StringProtocol, byteCount: UInt64) {
        guard Self.isSize(byteCount), name.utf8.count == 24, let bytes = [UInt8](hex: name) else {
            return nil
        }
        func word(_ at: Int) -> UInt64 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt64($1) } }
        let low = word(8)
        guard word(0) > 0, low < 1 << 32 / byteCount else { return nil }
        timeline = UInt32(word(0))
        start = LSN(word(4) << 32 | low * byteCount)
        self.byteCount = byteCount
    }

    package static func isSize(_ byteCount: UInt64) -> Bool {
        byteCount.nonzeroBitCount == 1 && (1 << 20...1 << 30).contains(byteCount)
    }

    package var fileName: String {
        digits(timeline) + digits(UInt32(start.value >> 32))
            + digits(UInt32((start.value & 0xffff_ffff) / byteCount))
    }

    package var next: WALSegment {
        WALSegment(timeline: timeline, start: LSN(start.value &+ byteCount), byteCount: byteCount)
    }

    private init(timeline: UInt32, start: LSN, byteCount: UInt64) {
        self.timeline = timeline
        self.start = start
        self.byteCount = byteCount
    }
}

func digits(_ word: UInt32) -> String {
    let text = String(word, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - text.count) + text
}

// MARK: - Time

extension Moment {
    /// Seconds from 1970 to 2000, where PostgreSQL's time begins.
    private static let postgresEpoch: Int64 = 946_684_800

    /// A `TimestampTz`: microseconds since 2000-01-01 UTC.
    package init(postgresMicroseconds time: Int64) {
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1_000_000)
        let floored = rest < 0 ? seconds - 1 : seconds
        self.init(
            seconds: floored + Self.postgresEpoch,
            nanoseconds: UInt32((rest < 0 ? rest + 1_000_000 : rest) * 1000))
    }

    /// Rounded down to the microsecond; the nearest that fits for times beyond all calendars.
    package var postgresMicroseconds: Int64 {
        let (shifted, isFar) = seconds.subtractingReportingOverflow(Self.postgresEpoch)
        let (scaled, isFarther) = shifted.multipliedReportingOverflow(by: 1_000_000)
        let (sum, isFarthest) = scaled.addingReportingOverflow(Int64(nanoseconds / 1000))
        guard !isFar, !isFarther, !isFarthest else { return seconds < 0 ? .min : .max }
        return sum
    }
}
