// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Ground

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: say("Check the blueprint.", de: "Den Bauplan prüfen."),
        discussion: say(
            """
            Says what is wrong, what will fail somebody one day, and what is not said, each with
            its place and what to do, also which data set must not lie at a site of the vault that this
            machine knows. Opens no vault and changes nothing. Exit code 2 for errors, 3 for warnings.
              zwilling check
              zwilling check -f town/institution.yaml --json
              zwilling check --schema > institution.schema.json
            """,
            de: """
                Sagt, was falsch ist, was eines Tages jemanden im Stich lässt und was fehlt, jeweils
                mit Ort und Abhilfe, auch welcher Datenbestand nicht an einem Standort des Tresors
                liegen darf, den dieser Rechner kennt. Öffnet keinen Tresor und ändert nichts.
                Rückgabewert 2 bei Fehlern, 3 bei Warnungen.
                  zwilling check
                  zwilling check -f stadt/institution.yaml --json
                  zwilling check --schema > institution.schema.json
                """))

    @Flag(
        help: ArgumentHelp(
            say("Print the JSON Schema for editors instead.", de: "Stattdessen das JSON-Schema für Editoren ausgeben.")))
    var schema = false

    @Flag(
        help: ArgumentHelp(
            say("Leave out hints.", de: "Hinweise weglassen.")))
    var quiet = false

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        if schema { return try show([Blueprint.schema(in: language)]) }
        let (read, found) = try blueprint.read()
        let sites = read.map { SiteGate(known: $0.institution, vault).findings } ?? []
        let all = found + sites
        let findings = quiet ? all.filter { $0.severity != .hint } : all
        if output.json {
            try showJSON(
                Fields(institution: read?.institution.name.value, findings: findings.map(FindingView.init)))
        } else {
            try show(findings.map(\.text) + [summary(all, read)])
        }
        if read == nil || !sites.isEmpty { throw ExitCode(2) }
        if all.contains(where: { $0.severity == .warning }) { throw ExitCode(3) }
    }

    private func summary(_ findings: [Finding], _ read: Blueprint?) -> String {
        func count(_ severity: Finding.Severity) -> Int {
            findings.count { $0.severity == severity }
        }
        let errors = counted(count(.error), Words("error", de: "Fehler"), Words("errors", de: "Fehler"))
        let warnings = counted(
            count(.warning), Words("warning", de: "Warnung"), Words("warnings", de: "Warnungen"))
        let hints = counted(count(.hint), Words("hint", de: "Hinweis"), Words("hints", de: "Hinweise"))
        let counts = [errors, warnings, hints].joined(separator: ", ")
        guard let read else { return counts }
        let all = read.institution
        return say(
            "\(plain(all.name.value)): \(all.services.count) services, \(all.applications.count) applications, \(all.data.count) data sets; \(counts)",
            de: "\(plain(all.name.value)): \(all.services.count) Leistungen, \(all.applications.count) Anwendungen, \(all.data.count) Datenbestände; \(counts)")
    }

    private struct Fields: Encodable {
        let institution: String?
        let findings: [FindingView]
    }
}

private struct FindingView: Encodable {
    let severity, code, file, message, remedy: String
    let line, column: Int

    init(_ finding: Finding) {
        (severity, code) = (finding.severity.rawValue, finding.code.rawValue)
        (file, line, column) = (finding.place.file, finding.place.line, finding.place.column)
        (message, remedy) = (say(finding.message), say(finding.remedy))
    }
}
