// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Vault

/// A point in time to which the whole twin can be brought back.
package struct TwinMoment: Sendable {
    /// From what one data set is brought back.
    package struct Part: Sendable {
        /// A snapshot, or the base from which the log leads to `moment`.
        package let snapshot: Observed.Fact
        /// The state that it is brought back to.
        package let moment: Moment
    }

    package let moment: Moment
    /// In the blueprint's order.
    package let parts: [Part]

    /// The part that holds the moment back.
    package var oldest: Part? { parts.min { $0.moment < $1.moment } }

    /// All such moments, the latest first; none while a data set has never been captured. There is
    /// one wherever a snapshot came, and one as late as the logs lead; the moments between differ
    /// from the one before in what has a log. Each is a whole millisecond, as people read it, so
    /// that what they type leads to the same parts.
    ///
    /// - Parameter logs: of the data sets that have one.
    package static func all(
        of institution: Institution, among snapshots: [Observed.Fact], logs: [String: LogReach]
    ) -> [TwinMoment] {
        let ids = institution.data.map(\.id.value)
        let wanted = snapshots.filter { ids.contains($0.body.dataSet) }
        let ends = ids.compactMap { logs[$0]?.end }
        // Beyond the end of a log there is nothing: that one is rounded down.
        let all = wanted.map(\.stands.millisecondAfter) + [ends.min()?.millisecondBefore].compactMap(\.self)
        return Set(all).sorted(by: >).compactMap { at($0, institution, wanted, logs) }
    }

    /// The latest state that each application can be brought back to, which need not be that of
    /// one moment: none waits for another's log. nil while a data set has never been captured.
    package static func latest(
        of institution: Institution, among snapshots: [Observed.Fact], logs: [String: LogReach]
    ) -> TwinMoment? {
        let end = Moment(seconds: .max)
        return at(end, institution, snapshots, logs).map { found in
            TwinMoment(moment: found.oldest?.moment ?? end, parts: found.parts)
        }
    }

    /// What of an institution can be brought back to any moment, and which data sets had no copy
    /// by then.
    package static func reached(
        _ moment: Moment, of institution: Institution, among snapshots: [Observed.Fact],
        logs: [String: LogReach]
    ) -> (twin: TwinMoment, missing: [String]) {
        let until = snapshots.filter { $0.stands <= moment }
        var newest: [String: Observed.Fact] = [:]
        for data in institution.data {
            newest[data.id.value] = Freshness.newest(data.id.value, until)
        }
        var parts: [String: Part] = [:]
        for group in institution.allGroups {
            let ids = group.data.map(\.id.value)
            // No row may point at a file that came after the copy of the files was begun: what has
            // a log goes back to the oldest copy of those that it belongs with. Nothing points at
            // a password or a key, which may be copied but once a week.
            let anchor = group.data.filter { $0.kind != .secret && logs[$0.id.value]?.end == nil }
                .compactMap { newest[$0.id.value]?.body.begun }.min() ?? moment
            for id in ids {
                guard let own = newest[id] else { continue }
                let whole = Part(snapshot: own, moment: own.stands)
                let way = logs[id]?.way(to: anchor).map { Part(snapshot: $0.base, moment: $0.reached) }
                // A base that no log continues may be newer than the end of an older log.
                let isNewer = way.map { $0.moment < whole.moment && whole.moment <= anchor } ?? true
                parts[id] = isNewer ? whole : way
            }
        }
        let ids = institution.data.map(\.id.value)
        let twin = TwinMoment(moment: moment, parts: ids.compactMap { parts[$0] })
        return (twin, ids.filter { parts[$0] == nil })
    }

    private static func at(
        _ moment: Moment, _ institution: Institution, _ snapshots: [Observed.Fact],
        _ logs: [String: LogReach]
    ) -> TwinMoment? {
        let (twin, missing) = reached(moment, of: institution, among: snapshots, logs: logs)
        return missing.isEmpty ? twin : nil
    }
}

extension Observed.Fact {
    /// The state that it can be brought back to, and no earlier one: a cluster is consistent only
    /// with the log to the end of its copy.
    package var stands: Moment {
        body.source == .postgresBase ? body.postgres?.received ?? body.begun : body.begun
    }
}
