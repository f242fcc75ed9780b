// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Whether a moment can be reached with some WAL: collects the facts that a `WALScan` finds.
package struct WALSearch: Sendable {
    private let time: Moment?
    private let restorePoint: String?

    /// The last commit at or before the time; without one, of all.
    package private(set) var lastCommit: (time: Moment, end: LSN)?
    /// Whether a transaction ended after the time. Where none did, PostgreSQL refuses to recover
    /// to that time, since it cannot know whether something is missing: recover to the end then.
    package private(set) var goesBeyond = false
    /// Where the restore point is, each time it was named.
    package private(set) var restorePoints: [(time: Moment, end: LSN)] = []

    package init(time: Moment? = nil, restorePoint: String? = nil) {
        self.time = time
        self.restorePoint = restorePoint
    }

    package mutating func note(_ fact: WALFact) {
        switch fact {
        case .committed(let moment, let end):
            if isBeyond(moment) { goesBeyond = true } else { lastCommit = (moment, end) }
        case .aborted(let moment, _): if isBeyond(moment) { goesBeyond = true }
        case .restorePoint(let name, let moment, let end):
            if name == restorePoint { restorePoints.append((moment, end)) }
        case .timelineBegan, .shutDown: break
        }
    }

    /// PostgreSQL stops at the first that lies beyond, though commits are not in the order of
    /// their times: what follows is never reached.
    private func isBeyond(_ moment: Moment) -> Bool {
        goesBeyond || time.map { moment.postgresMicroseconds > $0.postgresMicroseconds } ?? false
    }
}
