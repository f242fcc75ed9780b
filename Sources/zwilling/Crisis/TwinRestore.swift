// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Revival
import Vault

/// The whole twin of a moment → a directory for each data set, by its name.
struct TwinRestore {
    let open: OpenVault
    let institution: Institution
    let moment: Moment
    let target: [UInt8]
    let overwrites: Bool
    let output: OutputOptions

    /// - Returns: the exit code.
    func run() async throws -> Int32 {
        let observed = open.observed
        let units = try await Units(of: observed)
        let logs = institution.logs(among: observed, units)
        let (twin, missing) = TwinMoment.reached(
            moment, of: institution, among: observed.snapshots, logs: logs)
        guard !twin.parts.isEmpty else { throw Trouble.nothingBefore }
        // Servers run as users of their own, and must get to what is theirs.
        do throws(SystemError) { try Machine.makeDirectories(target, permissions: 0o711) } catch {
            throw error.at(target).trouble(
                Words("Cannot restore to", de: "Kann nicht wiederherstellen nach"))
        }
        let progress = ProgressLine(output)
        defer { progress.end() }
        var report = TwinReport(
            moment: moment, target: target, findings: observed.troubles + units.troubles)
        report.failures = missing.map { ($0, Trouble.noCopyThen($0)) }
        for part in twin.parts {
            let id = part.snapshot.body.dataSet
            do throws(Trouble) {
                report.restored.append(try await restore(part, logs[id], units, progress))
            } catch { report.failures.append((id, error)) }
        }
        progress.end()
        report.seconds = progress.seconds
        try output.json ? showJSON(report.fields) : report.show()
        return report.exitCode
    }

    private func restore(
        _ part: TwinMoment.Part, _ log: LogReach?, _ units: Units, _ progress: ProgressLine
    ) async throws(Trouble) -> TwinReport.One {
        let id = part.snapshot.body.dataSet
        let place = target + Array("/\(id)".utf8)
        let recovery = try ClusterRecovery(open, part, log, units)
        let base = recovery?.base ?? part.snapshot
        var options = RestoreOptions()
        options.overwrites = overwrites
        let begun = progress.seconds
        let restored = try await Restore(open, base, options: options).run(to: place) { now in
            progress.update(bytesDone: now.bytesDone, of: now.bytesTotal, id)
        }
        let report = RestoreReport(
            restored: restored, snapshot: base, target: place, seconds: progress.seconds - begun)
        let cluster = report.exitCode == 1 ? nil : try await RecoveredCluster(recovery, base, at: place)
        return TwinReport.One(at: part.moment, report: report, cluster: cluster)
    }
}

/// What came of it, for people and for programs.
struct TwinReport {
    struct One {
        /// The state that it was brought back to.
        let at: Moment
        let report: RestoreReport
        let cluster: RecoveredCluster?

        var exitCode: Int32 { report.exitCode != 0 ? report.exitCode : cluster?.exitCode ?? 0 }
    }

    let moment: Moment
    let target: [UInt8]
    let findings: [Trouble]
    var restored: [One] = []
    var failures: [(id: String, trouble: Trouble)] = []
    var seconds = 0.0

    init(moment: Moment, target: [UInt8], findings: [Trouble]) {
        (self.moment, self.target, self.findings) = (moment, target, findings)
    }

    /// That of the worst: 1 where a data set is not back or may be an older one than there is.
    var exitCode: Int32 {
        if !failures.isEmpty || !findings.isEmpty { return 1 }
        let codes = restored.map(\.exitCode)
        return codes.contains(1) ? 1 : codes.max() ?? 0
    }

    func show() throws(Trouble) {
        tellFindings(findings)
        for one in restored {
            one.report.tellMissed()
            if let cluster = one.cluster {
                tell("\(plain(one.report.snapshot.body.dataSet)):")
                cluster.tell()
            }
        }
        for (id, trouble) in failures {
            tell("zwilling: \(plain(id)): " + say(trouble.message))
            if let advice = trouble.advice { tell("  " + say(advice)) }
        }
        let heading = [
            say("DATA SET", de: "DATENBESTAND"), "ID", say("STATE OF", de: "STAND VOM"),
            say("SIZE", de: "GRÖSSE"),
        ]
        let rows = restored.map { one in
            [
                plain(one.report.snapshot.body.dataSet), one.report.snapshot.id.short,
                exactTime(one.at), size(one.report.restored.counts.bytes),
            ]
        }
        let sum = say(
            "\(restored.count) restored to \(printable(target)), \(failures.count) failed, in \(duration(seconds))",
            de: "\(restored.count) zurückgeholt nach \(printable(target)), \(failures.count) misslungen, in \(duration(seconds))")
        try zwilling.show((rows.isEmpty ? [] : table([heading] + rows, rightAligned: [3])) + [sum])
    }

    struct Fields: Encodable {
        struct DataSet: Encodable {
            let dataSet, at: String
            let restored: RestoreReport.Fields
        }

        struct Failure: Encodable {
            let dataSet: String
            let finding: FindingFields
        }

        let moment: String
        let target: PathFields
        let dataSets: [DataSet]
        let failures: [Failure]
        let findings: [FindingFields]
        let seconds: Double
    }

    var fields: Fields {
        Fields(
            moment: isoTime(moment), target: PathFields(bytes: target),
            dataSets: restored.map {
                Fields.DataSet(
                    dataSet: $0.report.snapshot.body.dataSet, at: isoTime($0.at),
                    restored: $0.report.fields($0.cluster))
            },
            failures: failures.map { Fields.Failure(dataSet: $0.id, finding: FindingFields($0.trouble)) },
            findings: findings.map(FindingFields.init), seconds: seconds)
    }
}

extension Trouble {
    fileprivate static let nothingBefore = Trouble(
        .missing,
        Words(
            "No data set of the blueprint has a copy from before that.",
            de: "Kein Datenbestand des Bauplans hat eine Kopie von davor."),
        advice: Words(
            "\"zwilling moments\" shows to which moments all of it can go back.",
            de: "„zwilling moments“ zeigt, auf welche Zeitpunkte alles zusammen zurück kann."))

    fileprivate static func noCopyThen(_ id: String) -> Trouble {
        Trouble(
            .missing,
            Words("It has no copy from before that.", de: "Von davor gibt es keine Kopie."),
            advice: Words(
                "\"zwilling restore --data \(id) --to DIR\" brings back the newest, if there is one.",
                de: "„zwilling restore --data \(id) --to VERZ“ holt die neueste zurück, wenn es eine gibt."))
    }
}
