// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Vault

/// How old the copy of a data set is, against how old it may be.
package struct Freshness: Sendable {
    package enum State: String, Sendable {
        /// There is no copy at all.
        case never
        /// The copy is older than it may be.
        case late
        case inTime = "in-time"
        /// Nobody has said how old it may be.
        case unjudged
    }

    package let id: String
    package let rpo: Span?
    package let newest: Observed.Fact?
    /// Seconds; nil without a copy.
    package let age: Int64?
    package let state: State

    /// - Parameter snapshots: of any data sets, in any order.
    package init(_ data: DataSet, among snapshots: [Observed.Fact], now: Moment) {
        id = data.id.value
        rpo = data.rpo?.value
        newest = Self.newest(id, snapshots)
        age = newest.map { max(0, now.seconds - $0.body.begun.seconds) }
        switch (age, rpo) {
        case (nil, _): state = .never
        case (_?, nil): state = .unjudged
        case (let age?, let rpo?): state = age > Int64(rpo.seconds) ? .late : .inTime
        }
    }

    /// Within a writer the chain says which is last; clocks only decide between writers.
    static func newest(_ id: String, _ snapshots: [Observed.Fact]) -> Observed.Fact? {
        Dictionary(grouping: snapshots.filter { $0.body.dataSet == id }, by: \.writer.id).values
            .compactMap { $0.max { $0.sequence < $1.sequence } }
            .max { ($0.body.begun, $0.id) < ($1.body.begun, $1.id) }
    }
}

/// A point in time to which the whole twin can be brought back.
package struct TwinMoment: Sendable {
    package let moment: Moment
    /// What each data set is brought back from, in the blueprint's order.
    package let parts: [Observed.Fact]
    /// The part that holds the moment back: it is the oldest.
    package let oldest: Observed.Fact

    /// All such moments, the latest first; none while a data set has never been captured.
    package static func all(
        of data: [DataSet], among snapshots: [Observed.Fact]
    ) -> [TwinMoment] {
        let ids = data.map(\.id.value)
        let wanted = snapshots.filter { ids.contains($0.body.dataSet) }
        return Set(wanted.map(\.body.begun)).sorted(by: >).compactMap { moment in
            let until = wanted.filter { $0.body.begun <= moment }
            let parts = ids.compactMap { Freshness.newest($0, until) }
            guard parts.count == ids.count,
                let oldest = parts.min(by: { $0.body.begun < $1.body.begun })
            else { return nil }
            return TwinMoment(moment: moment, parts: parts, oldest: oldest)
        }
    }
}
