// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Revival
import Vault

struct DrillsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drills",
        abstract: say("List the drills, or check a report.", de: "Übungen auflisten, oder einen Bericht prüfen."),
        subcommands: [DrillsListCommand.self, DrillsCheckCommand.self])
}

struct DrillsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: say("List the drills that the vault knows.", de: "Die Übungen auflisten, die der Tresor kennt."),
        discussion: say(
            """
            Each with how long it took until all stood. Needs the passphrase.
              zwilling drills list
            """,
            de: """
                Jede mit der Zeit, bis alles stand. Braucht die Passphrase.
                  zwilling drills list
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    private static let reportsMax = 1000

    mutating func run() async throws {
        let open = try await KnownVault(vault).opened(passphrase)
        let found = try await SignedReport.all(in: open, atMost: Self.reportsMax)
        if output.json {
            try showJSON(["drills": found.reports.map(\.report)])
        } else if found.reports.isEmpty {
            try show([say("There was no drill yet.", de: "Es gab noch keine Übung.")])
        } else {
            let heading = [
                say("drill", de: "Übung"), say("begun", de: "begonnen"), say("all stood after", de: "alles stand nach"),
                say("services", de: "Leistungen"), "",
            ]
            let rows = found.reports.map { one in
                [
                    one.report.id, localTime(Moment(seconds: one.report.begun)),
                    one.report.standsAfter.map { duration($0) } ?? "–", figure(one.report.services.count),
                    one.report.isPassed ? say("passed", de: "bestanden") : say("failed", de: "nicht bestanden"),
                ]
            }
            try show(table([heading] + rows, rightAligned: [2, 3]))
        }
        tellFindings(found.troubles)
        if !found.troubles.isEmpty { throw ExitCode(1) }
    }
}

struct DrillsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: say("Check that a report is what was signed.", de: "Prüfen, ob ein Bericht ist, was signiert wurde."),
        discussion: say(
            """
            Needs no key: the vault's keyring says by whom it must be signed.
              zwilling drills check /tmp/drill
            """,
            de: """
                Braucht keinen Schlüssel: Der Schlüsselbund des Tresors sagt, wer signiert haben muss.
                  zwilling drills check /tmp/übung
                """))

    @Argument(help: ArgumentHelp(say("The report's directory.", de: "Das Verzeichnis des Berichts."), valueName: say("dir", de: "verz")))
    var folder: PathArgument

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let signed = try SignedReport(in: try folder.absolute(), of: known.vault.keyring.root)
        try output.json ? showJSON(signed.report) : show(DrillLines(signed.report).lines)
    }
}

/// A report in few lines.
struct DrillLines {
    private let report: DrillReport

    init(_ report: DrillReport) { self.report = report }

    var lines: [String] {
        let heading = [
            say("service", de: "Leistung"), say("goes on after", de: "geht weiter nach"), say("allowed", de: "erlaubt"),
            say("data as old as", de: "Daten so alt wie"), say("allowed", de: "erlaubt"), "",
        ]
        let rows = report.services.map { one in
            [
                plain(one.name), one.standsAfter.map { duration($0) } ?? "–", one.rto.map { duration($0) } ?? "–",
                one.dataAge.map { duration($0) } ?? "–", one.rpo.map { duration($0) } ?? "–",
                one.isMet ? say("in time", de: "rechtzeitig") : say("NOT", de: "NICHT"),
            ]
        }
        var lines = table([heading] + rows, rightAligned: [1, 2, 3, 4])
        for one in report.services { lines += one.faults.map { "\(plain(one.name)): \(told($0))" } }
        let failed = report.trials.count { $0.fault != nil }
        lines.append(
            say(
                "Trials: \(report.trials.count - failed) passed, \(failed) failed. Mails caught: \(report.mails).",
                de: "Proben: \(report.trials.count - failed) bestanden, \(failed) nicht. Abgefangene Post: \(report.mails)."))
        for trial in report.trials {
            if let fault = trial.fault { lines.append("  \(plain(trial.application)), \(plain(trial.name)): \(told(fault))") }
        }
        lines += report.faults.map { told($0) }
        lines += report.traces.map { say("Still there: \(plain($0))", de: "Noch da: \(plain($0))") }
        if report.traces.isEmpty {
            lines.append(say("Nothing of the drill is left on this machine.", de: "Von der Übung ist auf diesem Rechner nichts mehr da."))
        }
        lines.append(
            report.isPassed
                ? say("Passed in \(duration(report.seconds)).", de: "Bestanden in \(duration(report.seconds)).")
                : say("Not passed, in \(duration(report.seconds)).", de: "Nicht bestanden, in \(duration(report.seconds))."))
        return lines
    }

    private func told(_ fault: DrillReport.Fault) -> String { plain(say(Words(fault.english, de: fault.german))) }
}
