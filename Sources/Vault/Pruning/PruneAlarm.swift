// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Something in a chain that a writer does not do by itself: then nothing is let go before somebody has
/// looked, since what comes next would push out what was good.
package struct PruneAlarm: Sendable {
    package enum Kind: Sendable {
        /// Many more snapshots than usual, in so many seconds.
        case burst(snapshots: Int, seconds: Int64)
        /// So many bytes of all the content were new at once.
        case jump(added: UInt64, of: UInt64)
        /// By so many seconds it is dated after now: one of two clocks is wrong.
        case ahead(seconds: Int64)
    }

    package let kind: Kind
    /// The newest snapshot of a burst, of those that are dated ahead, or the one that jumped.
    package let fact: Observed.Fact

    private static let aheadMax: Int64 = 3600
    private static let burstMin = 20
    private static let burstTimes = 4.0
    /// Earlier snapshots that say what is usual.
    private static let usualOf = 20

    /// - Parameter snapshots: of one data set of one writer, along its chain.
    static func all(in snapshots: [Observed.Fact], _ witnessed: Witnessed, _ options: Pruning.Options) -> [PruneAlarm] {
        guard let writer = snapshots.first?.writer.id else { return [] }
        let seen = witnessed.last?.heads[writer]?.sequence ?? 0
        let first = snapshots.firstIndex { $0.sequence > seen } ?? snapshots.count
        var alarms: [PruneAlarm] = []
        for index in snapshots.indices.dropFirst(max(first, 1)) {
            let fact = snapshots[index]
            let share = Self.share(fact)
            let usual = snapshots[..<index].dropFirst().suffix(usualOf).map(Self.share).max() ?? 0
            guard fact.body.addedBytes >= options.jumpBytesMin, share >= 0.5, share > 2 * usual else { continue }
            alarms.append(PruneAlarm(kind: .jump(added: fact.body.addedBytes, of: fact.body.counts.bytes), fact: fact))
        }
        if let fact = snapshots[first...].last(where: { $0.body.begun.seconds > witnessed.now.seconds + aheadMax }) {
            alarms.append(PruneAlarm(kind: .ahead(seconds: fact.body.begun.seconds - witnessed.now.seconds), fact: fact))
        }
        // Before anything was witnessed nobody can say what is usual.
        if let last = witnessed.last, let newest = snapshots.last, seen > 0 {
            let (old, new) = (first, snapshots.count - first)
            let past = max(1, Double(last.made.seconds - snapshots[0].body.begun.seconds))
            let since = max(1, witnessed.now.seconds - last.made.seconds)
            if new > burstMin, Double(new) / Double(since) > burstTimes * Double(old) / past {
                alarms.append(PruneAlarm(kind: .burst(snapshots: new, seconds: since), fact: newest))
            }
        }
        return alarms.filter { alarm in
            !options.confirmed.contains { $0.count >= 4 && alarm.fact.id.hex.hasPrefix($0.lowercased()) }
        }
    }

    private static func share(_ fact: Observed.Fact) -> Double {
        Double(fact.body.addedBytes) / Double(max(1, fact.body.counts.bytes))
    }
}

/// Which log stays: what the kept bases need to become consistent, and what leads on from those of the last
/// `since` on.
struct LogRetention {
    private let bases: [(fact: Observed.Fact, span: PostgresSpan)]
    /// From which base on all of it stays.
    private let whole: UInt64

    /// - Parameters:
    ///   - bases: the kept ones, along their chain, with when they were made.
    ///   - since: nil for all.
    init(bases: [(fact: Observed.Fact, made: Moment)], since: Moment?) {
        self.bases = bases.compactMap { base in base.fact.body.postgres.map { (base.fact, $0) } }
        let before = since.flatMap { since in bases.last { $0.made <= since } }
        whole = (before ?? bases.first)?.fact.sequence ?? 0
    }

    /// - Parameter range: of the same data set and writer.
    func isNeeded(_ range: Observed.Fact) -> Bool {
        guard let span = range.body.postgres, !bases.isEmpty else { return true }
        // What no kept base follows may lead on from one that is still to come.
        if range.sequence > bases[bases.count - 1].fact.sequence { return true }
        return bases.contains { base in
            guard base.span.system == span.system else { return false }
            // A base's own log may be merged before or after it.
            return base.fact.sequence >= whole ? span.end >= base.span.start : span.end >= base.span.start && span.start <= base.span.end
        }
    }
}
