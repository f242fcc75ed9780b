// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: say("Write a first blueprint.", de: "Einen ersten Bauplan schreiben."),
        discussion: say(
            """
            Fills in the services that were needed first in real crises, with times to start from,
            and what it finds on this machine, each guess marked. It cannot see other hosts,
            Windows or virtualisation: describe those by hand.
              zwilling init --template gemeinde --name "Gemeinde Musterstadt"
              zwilling init --template krankenhaus -f clinic/institution.yaml
            """,
            de: """
                Trägt die Leistungen ein, die in echten Krisen zuerst gebraucht wurden, mit Zeiten
                als Anfang, und was es auf diesem Rechner findet, jede Vermutung gekennzeichnet.
                Andere Rechner, Windows und Virtualisierung sieht es nicht: Sie von Hand
                beschreiben.
                  zwilling init --template gemeinde --name "Gemeinde Musterstadt"
                  zwilling init --template krankenhaus -f klinik/institution.yaml
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
        let found = Surroundings.found()
        let text = template.blueprint(of: name ?? Machine.hostName(), found: found, in: language)
        do throws(SystemError) {
            try Machine.writeDurably(path, Array(text.utf8), permissions: 0o644)
        } catch { throw error.trouble(Words("Cannot write the blueprint", de: "Bauplan lässt sich nicht schreiben:")) }
        if output.json { return try showJSON(Fields(blueprint: PathFields(bytes: path), found: found.count)) }
        try show([
            say("Written to \(printable(path)).", de: "Geschrieben nach \(printable(path))."),
            say(
                "Found on this machine and marked in it: \(found.count). Not looked at: other hosts, Windows, virtualisation.",
                de: "Auf diesem Rechner gefunden und darin gekennzeichnet: \(found.count). Nicht angesehen: andere Rechner, Windows, Virtualisierung."),
            say("Go through it line by line, then run \"zwilling check\".", de: "Zeile für Zeile durchgehen, dann „zwilling check“."),
        ])
    }

    private struct Fields: Encodable {
        let blueprint: PathFields
        let found: Int
    }
}

/// What looks like data of applications on this machine.
enum Surroundings {
    /// Where programs usually keep what people have made (Filesystem Hierarchy Standard 3.0).
    private static let usual = ["/srv", "/var/www", "/var/lib/mysql", "/opt"]
    private static let clusters = "/var/lib/postgresql"

    static func found() -> [Found] {
        var found: [Found] = []
        for version in names(in: clusters) {
            for cluster in names(in: "\(clusters)/\(version)") {
                let place = "\(clusters)/\(version)/\(cluster)"
                guard let port = port("\(place)/postmaster.pid") else { continue }
                found.append(.postgres(directory: place, port: port))
            }
        }
        for place in usual where !names(in: place).isEmpty {
            found.append(.directory(path: place))
        }
        return found
    }

    /// What cannot be read is not found.
    private static func names(in path: String) -> [String] {
        do throws(SystemError) {
            return try Descriptor.directory(Array(path.utf8)).names()
                .map { String(decoding: $0, as: UTF8.self) }.sorted()
        } catch { return [] }
    }

    /// The fourth line of a running server's own file; nil where none runs.
    private static func port(_ file: String) -> Int? {
        do throws(SystemError) {
            let bytes = try Machine.readWhole(Array(file.utf8), upTo: 4096)
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            return lines.count > 3 ? Int(lines[3]) : nil
        } catch { return nil }
    }
}
