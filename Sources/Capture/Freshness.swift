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
    /// The state that the copy has: when its snapshot was begun, or how far its log leads.
    package let moment: Moment?
    /// Whether its log is followed.
    package let hasLog: Bool
    /// Seconds; nil without a copy.
    package let age: Int64?
    package let state: State

    /// A log without news says so this often, and not more (seconds).
    private static let heartbeatSeconds: Int64 = 300
    /// So often the machine that follows it makes a note, with some time to write it.
    private static let standingSeconds: Int64 = 5

    /// - Parameters:
    ///   - snapshots: of any data sets, in any order.
    ///   - log: of this data set.
    ///   - standing: until when the machine that follows the log knows all to be in the vault.
    package init(
        _ data: DataSet, among snapshots: [Observed.Fact], log: LogReach? = nil,
        standing: Moment? = nil, now: Moment
    ) {
        id = data.id.value
        rpo = data.rpo?.value
        newest = Self.newest(id, snapshots)
        let logEnd = log?.end
        hasLog = logEnd != nil
        // What the machine says counts only where a base leads there.
        let known = logEnd.map { end in max(end, standing ?? end) }
        moment = [newest?.body.begun, known].compactMap(\.self).max()
        let age = moment.map { moment in
            let (age, isFar) = now.seconds.subtractingReportingOverflow(moment.seconds)
            return isFar ? (moment < now ? .max : 0) : max(0, age)
        }
        self.age = age
        // Whoever does not follow the log hears of it only now and then.
        let grace = !hasLog ? 0 : standing == nil ? 2 * Self.heartbeatSeconds : Self.standingSeconds
        switch (age, rpo) {
        case (nil, _): state = .never
        case (_?, nil): state = .unjudged
        case (let age?, let rpo?): state = age > max(Int64(rpo.seconds), grace) ? .late : .inTime
        }
    }

    /// Within a writer the chain says which is last; clocks only decide between writers.
    static func newest(_ id: String, _ snapshots: [Observed.Fact]) -> Observed.Fact? {
        Dictionary(grouping: snapshots.filter { $0.body.dataSet == id }, by: \.writer.id).values
            .compactMap { $0.max { $0.sequence < $1.sequence } }
            .max { ($0.body.begun, $0.id) < ($1.body.begun, $1.id) }
    }
}
