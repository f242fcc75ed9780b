// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// To which moments the log of one data set leads: from each base as far as there is no gap.
package struct LogReach: Sendable {
    package struct Stretch: Sendable {
        package let base: Observed.Fact
        package let from: Moment
        /// When the last byte of the log was received.
        package let until: Moment
    }

    /// Earliest first.
    package let stretches: [Stretch]

    package init(of dataSet: String, among observed: Observed, _ units: Units) {
        stretches = observed.snapshots.compactMap { base in
            guard base.body.dataSet == dataSet,
                let pieces = LogPieces(of: base, among: observed, units), !pieces.all.isEmpty
            else { return nil }
            let way = pieces.way()
            return Stretch(base: base, from: pieces.base.received, until: way.received)
        }
    }

    package init(_ stretches: [Stretch]) { self.stretches = stretches }

    /// Until when all is in the vault; nil where no log is.
    package var end: Moment? { stretches.map(\.until).max() }

    /// The newest base before a moment, and how far up to it the log leads from there.
    package func way(to moment: Moment) -> (base: Observed.Fact, reached: Moment)? {
        stretches.last { $0.from <= moment }.map { ($0.base, min($0.until, moment)) }
    }
}
