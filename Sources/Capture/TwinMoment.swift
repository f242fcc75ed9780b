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
    /// one wherever a snapshot was begun, and one as late as the logs lead; the moments between
    /// differ from the one before in what has a log.
    ///
    /// - Parameter logs: of the data sets that have one.
    package static func all(
        of institution: Institution, among snapshots: [Observed.Fact], logs: [String: LogReach]
    ) -> [TwinMoment] {
        let ids = institution.data.map(\.id.value)
        let wanted = snapshots.filter { ids.contains($0.body.dataSet) }
        let ends = ids.compactMap { logs[$0]?.end }
        return Set(wanted.map(\.body.begun) + [ends.min()].compactMap(\.self)).sorted(by: >)
            .compactMap { at($0, institution, wanted, logs) }
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

    private static func at(
        _ moment: Moment, _ institution: Institution, _ snapshots: [Observed.Fact],
        _ logs: [String: LogReach]
    ) -> TwinMoment? {
        let until = snapshots.filter { $0.body.begun <= moment }
        var newest: [String: Observed.Fact] = [:]
        for data in institution.data {
            guard let fact = Freshness.newest(data.id.value, until) else { return nil }
            newest[data.id.value] = fact
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
                let way = logs[id]?.way(to: anchor)
                parts[id] = way.map { Part(snapshot: $0.base, moment: $0.reached) }
                    ?? Part(snapshot: own, moment: own.body.begun)
            }
        }
        let all = institution.data.compactMap { parts[$0.id.value] }
        return all.count == institution.data.count ? TwinMoment(moment: moment, parts: all) : nil
    }
}
