// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Programs
import Survey

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: say("Write a first blueprint.", de: "Einen ersten Bauplan schreiben."),
        discussion: say(
            """
            Fills in the services that were needed first in real crises, with times to start from,
            and what it finds on this machine: PostgreSQL clusters, containers, programs that
            listen, directories with data. Each guess is marked. It cannot see other hosts, Windows
            or virtualisation: those come from a table (CSV) with a line for each of their data
            sets, "host;kind;place;application;rpo".
              zwilling init --template gemeinde --name "Gemeinde Musterstadt"
              zwilling init --template krankenhaus -f clinic/institution.yaml
              zwilling init --template kreis --hosts hosts.csv
            """,
            de: """
                Trägt die Leistungen ein, die in echten Krisen zuerst gebraucht wurden, mit Zeiten
                als Anfang, und was es auf diesem Rechner findet: PostgreSQL-Cluster, Container,
                hörende Programme, Verzeichnisse mit Daten. Jede Vermutung ist gekennzeichnet.
                Andere Rechner, Windows und Virtualisierung sieht es nicht: Sie kommen aus einer
                Tabelle (CSV) mit einer Zeile je Datenbestand, „Rechner;Art;Ort;Anwendung;RPO“.
                  zwilling init --template gemeinde --name "Gemeinde Musterstadt"
                  zwilling init --template krankenhaus -f klinik/institution.yaml
                  zwilling init --template kreis --hosts rechner.csv
                """))

    @Option(
        help: ArgumentHelp(
            say("gemeinde, kreis, stadtwerke or krankenhaus.", de: "gemeinde, kreis, stadtwerke oder krankenhaus."),
            valueName: "template"))
    var template = Template.gemeinde.rawValue

    @Option(
        help: ArgumentHelp(
            say("The institution's name.", de: "Name der Institution.")))
    var name: String?

    @Option(
        help: ArgumentHelp(
            say("A table about other hosts (CSV).", de: "Eine Tabelle über andere Rechner (CSV)."),
            valueName: say("file", de: "datei")))
    var hosts: PathArgument?

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        guard let template = Template(named: template) else {
            throw Trouble(
                .wrongUse,
                Words("There is no template \"\(plain(template))\".", de: "Die Vorlage „\(plain(template))“ gibt es nicht."),
                advice: Words(
                    "Take gemeinde, kreis, stadtwerke or krankenhaus.",
                    de: "gemeinde, kreis, stadtwerke oder krankenhaus nehmen."))
        }
        guard let argument = blueprint.file ?? PathArgument(argument: BlueprintOptions.usualName)
        else { preconditionFailure("the usual name is not empty") }
        let path = try argument.absolute()
        guard !Machine.exists(path) else {
            throw Trouble(
                .exists,
                Words("\"\(printable(path))\" exists already and was left alone.", de: "„\(printable(path))“ gibt es schon; die Datei blieb unberührt."),
                advice: Words("Name another file with -f FILE.", de: "Mit -f DATEI eine andere Datei nennen."))
        }
        let told = try hosts.map { try Self.table($0) } ?? []
        let (seen, unseen) = await Survey { arguments async throws(Trouble) in
            try await Program(arguments, timeout: .seconds(30)).output(upTo: 16 << 20)
        }.run()
        let text = template.blueprint(
            of: name ?? Machine.hostName(), found: seen + told, on: Machine.hostName(), in: language)
        do throws(SystemError) {
            try Machine.writeDurably(path, Array(text.utf8), permissions: 0o644)
        } catch { throw error.trouble(Words("Cannot write the blueprint", de: "Bauplan lässt sich nicht schreiben:")) }
        try report(path, seen.count, told.count, unseen)
    }

    private func report(
        _ path: [UInt8], _ seen: Int, _ told: Int, _ unseen: [Words]
    ) throws {
        for one in unseen { tell(say("Not seen: ", de: "Nicht gesehen: ") + plain(say(one))) }
        if output.json {
            return try showJSON(
                Fields(
                    blueprint: PathFields(bytes: path), found: seen, told: told,
                    unseen: unseen.map(say)))
        }
        try show([
            say("Written to \(printable(path)).", de: "Geschrieben nach \(printable(path))."),
            say(
                "Found on this machine and marked in it: \(seen). Taken from a table: \(told).",
                de: "Auf diesem Rechner gefunden und darin gekennzeichnet: \(seen). Aus einer Tabelle: \(told)."),
            say(
                "Not looked at: other hosts, Windows, virtualisation (--hosts FILE.csv).",
                de: "Nicht angesehen: andere Rechner, Windows, Virtualisierung (--hosts DATEI.csv)."),
            say("Go through it line by line, then run \"zwilling check\".", de: "Zeile für Zeile durchgehen, dann „zwilling check“."),
        ])
    }

    private static func table(_ argument: PathArgument) throws -> [Found] {
        let path = try argument.absolute()
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Machine.readWhole(path, upTo: Blueprint.bytesMax)
        } catch { throw error.trouble(Words("Cannot read the table", de: "Tabelle nicht lesbar:")) }
        let (found, findings) = HostTable.read(bytes, name: printable(argument.bytes))
        for finding in findings { tell(finding.text) }
        guard !findings.contains(where: { $0.severity == .error }) else {
            throw Trouble(
                .wrongUse,
                Words("The table about hosts has errors; no blueprint was written.", de: "Die Tabelle über Rechner hat Fehler; es wurde kein Bauplan geschrieben."),
                advice: Words("Mend the lines above.", de: "Die Zeilen oben beheben."))
        }
        return found
    }

    private struct Fields: Encodable {
        let blueprint: PathFields
        let found: Int
        let told: Int
        let unseen: [String]
    }
}
