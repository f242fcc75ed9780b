// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Postgres
import Vault

/// To which point of its history a cluster is brought back.
package enum RecoveryGoal: Hashable, Sendable {
    /// As far as the log leads.
    case latest
    /// With all that was committed until then.
    case moment(Moment)
    /// With all log before this place.
    case lsn(LSN)
    /// To a point that somebody has named at the server (`pg_create_restore_point`).
    case restorePoint(String)
}

/// The base from which a cluster is brought back, and the log that leads from there to the goal.
package struct Recovery: Sendable {
    package let base: Observed.Fact
    package let goal: RecoveryGoal
    package let pieces: LogPieces
    let span: PostgresSpan

    /// The bases from which the goal can be reached, the best one first: from which the log leads
    /// furthest towards it, and of those the newest.
    ///
    /// - Returns: none where the data set has no base at all.
    /// - Throws: `.missing` where there is none before the goal.
    package static func candidates(
        of dataSet: String, to goal: RecoveryGoal, among observed: Observed, _ units: Units
    ) throws(Trouble) -> [Recovery] {
        let bases = observed.snapshots.filter {
            $0.body.dataSet == dataSet && $0.body.source == .postgresBase
        }
        let fit = bases.compactMap { base -> (recovery: Recovery, leads: Moment)? in
            guard let span = base.body.postgres,
                let pieces = LogPieces(of: base, among: observed, units), isBefore(goal, span)
            else { return nil }
            let received = pieces.way().received
            let recovery = Recovery(base: base, goal: goal, pieces: pieces, span: span)
            if case .moment(let moment) = goal { return (recovery, min(received, moment)) }
            return (recovery, received)
        }
        guard fit.isEmpty, !bases.isEmpty else {
            return fit.sorted {
                ($0.leads, $0.recovery.base.body.begun, $0.recovery.base.sequence)
                    > ($1.leads, $1.recovery.base.body.begun, $1.recovery.base.sequence)
            }.map(\.recovery)
        }
        throw Trouble(
            .missing,
            Words(
                "Data set \"\(dataSet)\" has no base from before that: its oldest copy is younger.",
                de: "Der Datenbestand „\(dataSet)“ hat keine Grundsicherung von davor: Seine älteste Kopie ist jünger."),
            advice: Words(
                "\"zwilling moments\" shows to which moments it can go back.",
                de: "„zwilling moments“ zeigt, auf welche Zeitpunkte er zurück kann."))
    }

    private init(base: Observed.Fact, goal: RecoveryGoal, pieces: LogPieces, span: PostgresSpan) {
        (self.base, self.goal, self.pieces, self.span) = (base, goal, pieces, span)
    }

    private static func isBefore(_ goal: RecoveryGoal, _ span: PostgresSpan) -> Bool {
        switch goal {
        case .latest, .restorePoint: true
        case .moment(let moment): span.received <= moment
        case .lsn(let lsn): span.end <= lsn.value
        }
    }
}

/// How far the log of a recovery has led.
package struct RecoveryReach: Sendable {
    /// The last timeline, on which recovery goes.
    package var timeline: UInt32
    /// Up to here there are whole records.
    package var end: LSN
    /// By then the server had written nothing beyond.
    package var received: Moment
    /// The last commit up to the goal that was seen in the log; nil where the base has all.
    package var lastCommit: Moment?
    /// Whether the goal lies within the log; else recovery goes as far as that leads.
    package var isReached: Bool
    /// What in the log is missing or damaged, so that it leads no further.
    package var troubles: [Trouble] = []
}
