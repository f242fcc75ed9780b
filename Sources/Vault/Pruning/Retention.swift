// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Which snapshots of one data set of one writer stay: counted along its chain, since times are what the
/// writer says.
package struct Retention: Sendable {
    /// As many of the newest.
    package var last: Int?
    /// The first snapshot of as many of the newest hours, days … in which there is one, in UTC. The first,
    /// because whoever steals a writer's key comes after it.
    package var buckets: [Bucket: Int] = [:]
    /// Seconds before the newest snapshot for which the log between snapshots stays too; all that a kept
    /// base leads to where nil.
    package var logSeconds: Int64?

    package init() {}

    package var isEmpty: Bool { last == nil && buckets.isEmpty }

    package enum Bucket: Sendable, CaseIterable {
        case hour, day, week, month, year

        /// Rises with time; equal within one bucket.
        func number(of moment: Moment) -> Int64 {
            let days = Self.floored(moment.seconds, 86_400)
            switch self {
            case .hour: return Self.floored(moment.seconds, 3600)
            case .day: return days
            // 1970-01-01 was a Thursday, weeks begin on Monday (ISO 8601).
            case .week: return Self.floored(days + 3, 7)
            case .month: return Self.months(days)
            case .year: return Self.floored(Self.months(days), 12)
            }
        }

        private static func floored(_ value: Int64, _ step: Int64) -> Int64 {
            value >= 0 ? value / step : -((-value + step - 1) / step)
        }

        /// Months since the year 0 of a day since 1970, in the Gregorian calendar.
        private static func months(_ days: Int64) -> Int64 {
            // Counted from March, so that the leap day comes last; 400 years have 146,097 days.
            let shifted = days + 719_468
            let era = floored(shifted, 146_097)
            let day = shifted - era * 146_097
            let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
            let month = (5 * (day - (365 * year + year / 4 - year / 100)) + 2) / 153
            return (era * 400 + year) * 12 + month + 2
        }
    }

    /// - Parameter moments: of the snapshots along their chain, never falling.
    /// - Returns: the places of those that stay. The newest always does.
    package func kept(_ moments: [Moment]) -> Set<Int> {
        guard !moments.isEmpty else { return [] }
        var kept = Set(moments.indices.suffix(max(last ?? 0, 1)))
        for (bucket, count) in buckets {
            let numbers = moments.map(bucket.number)
            let firsts = moments.indices.filter { $0 == 0 || numbers[$0] != numbers[$0 - 1] }
            kept.formUnion(firsts.suffix(count))
        }
        return kept
    }
}

/// When things happened, as far as the stewards have witnessed it: a record came between the last statement
/// that did not see it and the first that did, whatever its writer says. Where a steward's clock went wrong,
/// which later or earlier statements show, its time binds nobody.
struct Witnessed {
    private let heads: [[Identifier: ChainHead]]
    /// Of each statement: what it did not see came after the one, what it saw before the other.
    private let bounds: [(after: Moment?, before: Moment)]
    /// When each was made, by the earliest clock from then on.
    let made: [Moment]
    let now: Moment

    init(_ statements: [Statement], now: Moment) {
        heads = statements.map(\.body.heads)
        let said = statements.map(\.body.made)
        var made = said
        var next = now
        for index in said.indices.reversed() {
            next = min(next, said[index])
            made[index] = next
        }
        var bounds: [(after: Moment?, before: Moment)] = []
        for (index, one) in said.enumerated() {
            let last = bounds.last
            bounds.append((one > made[index] ? last?.after : one, max(last?.before ?? one, one)))
        }
        (self.made, self.bounds) = (made, bounds)
        self.now = max(now, bounds.last?.before ?? now)
    }

    var last: (made: Moment, heads: [Identifier: ChainHead])? { zip(made, heads).map { ($0, $1) }.last }

    /// - Parameter facts: of one writer, along its chain.
    func moments(of facts: [Observed.Fact]) -> [Moment] {
        var moments: [Moment] = []
        var next = 0
        for fact in facts {
            func sees(_ index: Int) -> Bool { heads[index][fact.writer.id].map { $0.sequence >= fact.sequence } ?? false }
            while next < heads.count, !sees(next) { next += 1 }
            var moment = min(fact.body.begun, next < heads.count ? bounds[next].before : now)
            if next > 0, let after = bounds[next - 1].after { moment = max(moment, after) }
            moments.append(max(moments.last ?? moment, moment))
        }
        return moments
    }
}
