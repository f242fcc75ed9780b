// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Postgres
import Revival
import Vault

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: say(
            "Show what an original and its twin do not have in common.",
            de: "Zeigen, was Original und Zwilling nicht gemeinsam haben."),
        discussion: say(
            """
            Of two PostgreSQL servers row by row, of two directories file by file. It changes nothing;
            either may be in use, and the twin a standby. With --base, a copy of how both were when
            the twin began, it says who has changed what since. --to writes all of it into a new
            directory, as CSV and as files: other people's data, for you alone to read.
            A connection is one of libpq; a password belongs into ~/.pgpass. Files: < only in the
            original, > only in the twin, M content, T kind, U permissions. Exit code 3 says that
            something differs, or could not be compared.
              zwilling compare --data register --original 'host=old user=postgres' \\
                --twin 'host=/run/twin user=postgres' --to /root/return
              zwilling compare --data files --original /srv/files --twin /srv/twin/files
            """,
            de: """
                Bei zwei PostgreSQL-Servern Zeile für Zeile, bei zwei Verzeichnissen Datei für Datei.
                Verändert nichts; beide dürfen in Betrieb sein, der Zwilling auch ein Standby. Mit
                --base, einer Kopie von beiden zu Beginn des Zwillings, steht dabei, wer seither was
                geändert hat. --to schreibt alles in ein neues Verzeichnis, als CSV und als Dateien:
                Daten anderer Menschen, nur für Sie lesbar.
                Eine Verbindung ist eine von libpq; ein Passwort gehört in ~/.pgpass. Dateien: < nur im
                Original, > nur im Zwilling, M Inhalt, T Art, U Rechte. Rückgabewert 3: Etwas ist
                verschieden oder nicht vergleichbar.
                  zwilling compare --data register --original 'host=alt user=postgres' \\
                    --twin 'host=/run/zwilling user=postgres' --to /root/rueckkehr
                  zwilling compare --data ablage --original /srv/ablage --twin /srv/zwilling/ablage
                """))

    @Option(
        help: ArgumentHelp(
            say("What to call it in the result: the data set's id.", de: "Wie es im Ergebnis heißt: Kennung des Datenbestands."),
            valueName: say("id", de: "kennung")))
    var data: String

    @Option(help: Self.help(Words("The original.", de: "Das Original.")))
    var original: PathArgument

    @Option(help: Self.help(Words("Its twin.", de: "Sein Zwilling.")))
    var twin: PathArgument

    @Option(help: Self.help(Words("Both as they were when the twin began.", de: "Beide zu Beginn des Zwillings.")))
    var base: PathArgument?

    @Option(
        help: ArgumentHelp(
            say("Write what differs into this new directory.", de: "Was verschieden ist, in dieses neue Verzeichnis schreiben."),
            valueName: say("dir", de: "verz")))
    var to: PathArgument?

    @OptionGroup var output: OutputOptions

    private static func help(_ words: Words) -> ArgumentHelp {
        ArgumentHelp(say(words), valueName: say("connection|dir", de: "verbindung|verz"))
    }

    private struct Summary: Encodable {
        let data, original, twin: String
        let base: String?
        var cluster: ComparedCluster?
        var folder: ComparedFolder?
        var changes: [Change]?
    }

    private struct Change: Encodable {
        let path: String
        let pathHex: String?
        let change: FolderDifference.Change
        let changer: Changer?

        init(_ difference: FolderDifference) {
            let fields = PathFields(difference.path)
            (path, pathHex) = (fields.path, fields.pathHex)
            (change, changer) = (difference.change, difference.changer)
        }
    }

    mutating func run() async throws {
        let sides = try [original, twin, base].map { argument throws(Trouble) in try argument.map(ComparedPlace.init) }
        var summary = Summary(
            data: data, original: sides[0]?.shown ?? "", twin: sides[1]?.shown ?? "", base: sides[2]?.shown)
        let isEqual: Bool
        switch (sides[0], sides[1], sides[2]) {
        case (.cluster(let one), .cluster(let other), nil): isEqual = try compare(one, other, nil, &summary)
        case (.cluster(let one), .cluster(let other), .cluster(let base)):
            isEqual = try compare(one, other, base, &summary)
        case (.folder(let one), .folder(let other), nil): isEqual = try compare(one, other, nil, &summary)
        case (.folder(let one), .folder(let other), .folder(let base)):
            isEqual = try compare(one, other, base, &summary)
        default:
            throw Trouble(
                .wrongUse,
                Words(
                    "A server can only be compared with a server, and a directory with a directory.",
                    de: "Ein Server lässt sich nur mit einem Server vergleichen, ein Verzeichnis nur mit einem Verzeichnis."),
                advice: Words(
                    "A connection reads like 'host=old user=postgres', a directory like /srv/data.",
                    de: "Eine Verbindung lautet etwa 'host=alt user=postgres', ein Verzeichnis /srv/daten."))
        }
        if output.json { try showJSON(summary) }
        if !isEqual { throw ExitCode(3) }
    }

    private func compare(
        _ original: ServerAddress, _ twin: ServerAddress, _ base: ServerAddress?, _ summary: inout Summary
    ) throws -> Bool {
        let comparison = ClusterComparison(original: original, twin: twin, base: base)
        let result: ComparedCluster
        if let to {
            let export = try ComparisonExport(at: to.absolute())
            var rows = ClusterExport(export, hasBase: base != nil)
            result = try comparison.run(into: &rows)
            try rows.end()
            summary.cluster = result
            try export.write(summary)
        } else {
            var nowhere = Nowhere()
            result = try comparison.run(into: &nowhere)
            summary.cluster = result
        }
        if !output.json { try show(result.lines(hasBase: base != nil)) }
        return result.isEqual
    }

    private func compare(
        _ original: [UInt8], _ twin: [UInt8], _ base: [UInt8]?, _ summary: inout Summary
    ) throws -> Bool {
        let export = try to.map { to throws(Trouble) in try ComparisonExport(at: to.absolute()) }
        let files = try export.map { export throws(Trouble) in
            try FolderExport(export, original: original, twin: twin)
        }
        let page = Page()
        var changes: [Change] = []
        let result = try FolderComparison(original: original, twin: twin, base: base).run {
            (difference) throws(Trouble) in
            try files?.add(difference)
            if output.json { changes.append(Change(difference)) } else { page.line(difference.line) }
        }
        try files?.end()
        summary.folder = result
        try export?.write(summary)
        summary.changes = changes
        for missing in result.unreadable { warn(missing.trouble.message) }
        if !output.json {
            try page.end()
            tell(result.summary(hasBase: base != nil))
        }
        return result.isEqual
    }
}

/// Rows that are only counted.
private struct Nowhere: ComparisonSink {
    mutating func begin(_ columns: ComparedColumns) {}
    mutating func row(_ row: DifferingRow) {}
}

/// A server or a directory, as it was named.
private enum ComparedPlace {
    case cluster(ServerAddress)
    case folder([UInt8])

    /// A directory may have any name, so one that is there is meant.
    init(_ argument: PathArgument) throws(Trouble) {
        let text = String(decoding: argument.bytes, as: UTF8.self)
        let isConnection = text.contains("=") || ["postgres://", "postgresql://"].contains(where: text.hasPrefix)
        guard isConnection, !Machine.exists(argument.bytes) else {
            self = .folder(argument.bytes)
            return
        }
        do throws(ServerError) { self = .cluster(try ServerAddress(text)) } catch { throw error.trouble }
    }

    var shown: String {
        switch self {
        case .cluster(let address): address.shown
        case .folder(let path): printable(path)
        }
    }
}
