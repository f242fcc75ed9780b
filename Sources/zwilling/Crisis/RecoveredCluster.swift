// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Postgres
import Revival
import Vault

/// A place in a log on the command line.
struct LSNArgument: ExpressibleByArgument {
    let lsn: LSN

    init?(argument: String) {
        guard let lsn = LSN(argument) else { return nil }
        self.lsn = lsn
    }
}

/// What a PostgreSQL cluster is brought back from, chosen before anything is written.
struct ClusterRecovery {
    private let playback: LogPlayback
    private let recovery: Recovery
    var base: Observed.Fact { recovery.base }

    /// - Parameters:
    ///   - dataSet: nil where the vault has only one.
    ///   - goal: nil where a snapshot is wanted as it is.
    /// - Returns: nil where what is meant is no cluster.
    init?(_ open: OpenVault, of dataSet: String?, to goal: RecoveryGoal?) async throws(Trouble) {
        let observed = open.observed
        let ids = Set(observed.snapshots.map(\.body.dataSet))
        guard let goal, let id = dataSet ?? (ids.count == 1 ? ids.first : nil) else { return nil }
        // An honest answer takes all that there is.
        let units = try await Units(of: observed)
        tellFindings(units.troubles)
        let candidates = try Recovery.candidates(of: id, to: goal, among: observed, units)
        guard var found = candidates.first else {
            guard dataSet != nil, goal.isOfClustersOnly else { return nil }
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(plain(id))\" is no captured PostgreSQL cluster.",
                    de: "„\(plain(id))“ ist kein gesicherter PostgreSQL-Cluster."),
                advice: Words(
                    "\"zwilling snapshots\" shows what there is.",
                    de: "„zwilling snapshots“ zeigt, was es gibt."))
        }
        if case .latest = goal { _ = try observed.snapshot("latest", of: id) }
        if case .restorePoint(let name) = goal {
            var isFound = false
            for candidate in candidates where !isFound {
                found = candidate
                isFound = try await LogPlayback(open, candidate).hasRestorePoint()
            }
            if !isFound { throw Trouble.noRestorePoint(name, id) }
        }
        (recovery, playback) = (found, LogPlayback(open, found))
    }

    /// The same for a part of a twin; nil where no log leads on from its base.
    init?(
        _ open: OpenVault, _ part: TwinMoment.Part, _ log: LogReach?, _ units: Units
    ) throws(Trouble) {
        guard let log, log.stretches.contains(where: { $0.base.id == part.snapshot.id }) else { return nil }
        let candidates = try Recovery.candidates(
            of: part.snapshot.body.dataSet, to: .moment(part.moment), among: open.observed, units)
        guard let found = candidates.first(where: { $0.base.id == part.snapshot.id }) ?? candidates.first
        else { return nil }
        (recovery, playback) = (found, LogPlayback(open, found))
    }

    fileprivate func finish(_ copy: PostgresCopy) async throws(Trouble) -> RecoveryReach {
        let reach = try await playback.play(into: copy.directory)
        try copy.settle(to: playback.target(after: reach), on: reach.timeline)
        return reach
    }
}

extension RecoveryGoal {
    fileprivate var isOfClustersOnly: Bool {
        switch self {
        case .latest, .moment: false
        case .lsn, .restorePoint: true
        }
    }
}

extension Trouble {
    fileprivate static func noRestorePoint(_ name: String, _ id: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "No log of \"\(plain(id))\" in the vault has a restore point \"\(plain(name))\".",
                de: "Kein Protokoll von „\(plain(id))“ im Tresor hat einen Punkt „\(plain(name))“."),
            advice: Words(
                "It is made at the server by pg_create_restore_point, while \"zwilling protect --continuous\" runs.",
                de: "Er entsteht am Server durch pg_create_restore_point, während „zwilling protect --continuous“ läuft."))
    }
}

/// A restored base that starts as a server, and how far it will come.
struct RecoveredCluster {
    private let copy: PostgresCopy
    private let reach: RecoveryReach?

    /// - Parameter recovery: nil for a base as it is.
    /// - Returns: nil where the snapshot is of something else.
    init?(
        _ recovery: ClusterRecovery?, _ fact: Observed.Fact, at target: [UInt8]
    ) async throws(Trouble) {
        guard let span = fact.body.postgres else { return nil }
        copy = PostgresCopy(at: target, span)
        if let recovery {
            reach = try await recovery.finish(copy)
        } else {
            try copy.settle()
            reach = nil
        }
    }

    /// 1 where log is damaged or missing, 3 where it ends before what was asked for.
    var exitCode: Int32 {
        guard let reach else { return 0 }
        return !reach.troubles.isEmpty ? 1 : reach.isReached ? 0 : 3
    }

    func tell() {
        if let reach {
            tellFindings(reach.troubles)
            if !reach.isReached {
                warn(
                    Words(
                        "the log ends before that, at \(reach.end), received \(exactTime(reach.received.millisecondBefore)); the cluster comes back as far as it leads.",
                        de: "Das Protokoll endet davor, bei \(reach.end), empfangen \(exactTime(reach.received.millisecondBefore)); der Cluster kommt so weit zurück, wie es führt."))
            }
            let last = reach.lastCommit.map { exactTime($0) } ?? exactTime(reach.received)
            zwilling.tell(
                say(
                    "Its log leads to \(reach.end) on timeline \(reach.timeline); last commit \(last).",
                    de: "Sein Protokoll führt bis \(reach.end) auf Zeitlinie \(reach.timeline); letzte Transaktion \(last)."))
        }
        zwilling.tell(
            say(
                "Start it as the user to whom it belongs: pg_ctl -D \(printable(copy.directory)) -l /tmp/pg.log start; it takes connections only when it has recovered, which may be later than pg_ctl and pg_isready say.",
                de: "Starten als der Benutzer, dem es gehört: pg_ctl -D \(printable(copy.directory)) -l /tmp/pg.log start; Verbindungen nimmt es erst an, wenn es sich erholt hat, vielleicht später, als pg_ctl und pg_isready sagen."))
    }

    struct Fields: Encodable {
        let directory: PathFields
        let timeline: UInt32?
        let logEnd: String?
        let lastCommit: String?
        let logReceived: String?
        let isReached: Bool
        let findings: [FindingFields]
    }

    var fields: Fields {
        Fields(
            directory: PathFields(bytes: copy.directory), timeline: reach?.timeline,
            logEnd: reach.map { "\($0.end)" }, lastCommit: reach?.lastCommit.map(isoTime),
            logReceived: reach.map { isoTime($0.received) }, isReached: reach?.isReached ?? true,
            findings: reach?.troubles.map(FindingFields.init) ?? [])
    }
}
