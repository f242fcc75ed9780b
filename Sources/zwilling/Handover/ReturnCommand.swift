// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Revival
import Vault

struct ReturnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "return",
        abstract: say("Take the work back from the twin, to the original or a new one.", de: "Die Arbeit vom Zwilling zurückholen, ins Original oder ein neues."),
        discussion: say(
            """
            Run it on the machine that is to have the work again. The data come while the twin goes on
            serving. Where this machine still has what the original had, both are compared, row by row
            and file by file, with how it was when the twin began: what the original alone has is
            shown, and both versions are written into a new directory. Only then it asks, and without
            --confirm it ends there; the same command goes on. What the original alone has does not
            come over by itself: it is for people to decide.
              zwilling return --to town-hall --vault /mnt/backup/vault
            """,
            de: """
                Auf dem Rechner aufrufen, der die Arbeit wieder haben soll. Die Daten kommen, während der
                Zwilling weiterarbeitet. Hat dieser Rechner noch, was das Original hatte, wird beides
                verglichen, Zeile für Zeile und Datei für Datei, mit dem Stand zu Beginn des Zwillings:
                Was nur das Original hat, wird gezeigt, und beide Fassungen kommen in ein neues
                Verzeichnis. Erst dann wird gefragt, und ohne --confirm endet es dort; derselbe Befehl
                macht weiter. Was nur das Original hat, kommt nicht von selbst hinüber: Das entscheiden
                Menschen.
                  zwilling return --to rathaus --vault /mnt/backup/tresor
                """))

    @OptionGroup var options: MoveOptions

    @Option(
        help: ArgumentHelp(
            say("A new directory for both versions of what differs.", de: "Ein neues Verzeichnis für beide Fassungen dessen, was verschieden ist."),
            valueName: say("dir", de: "verz")))
    var export: PathArgument?

    @Option(
        help: ArgumentHelp(
            say(
                "How to reach the original's server of a data set as somebody who may read its tables, where the blueprint's connection may not: register-db='host=/run/postgresql user=postgres'.",
                de: "Wie der Server des Originals zu einem Datenbestand zu erreichen ist, als jemand, der seine Tabellen lesen darf, wenn es die Verbindung im Bauplan nicht darf: register-db='host=/run/postgresql user=postgres'."),
            valueName: say("id=connection", de: "kennung=verbindung")))
    var original: [String] = []

    /// By data set.
    private func originals() throws(Trouble) -> [String: ServerAddress] {
        var all: [String: ServerAddress] = [:]
        for text in original {
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw .option("--original", Words("a data set and its connection, such as register-db='host=/run/postgresql user=postgres'", de: "ein Datenbestand und seine Verbindung, etwa register-db='host=/run/postgresql user=postgres'"))
            }
            do throws(ServerError) {
                all[String(text[..<sign])] = try ServerAddress(String(text[text.index(after: sign)...]))
            } catch { throw error.trouble }
        }
        return all
    }

    mutating func run() async throws {
        let (given, originals) = (try export?.absolute(), try originals())
        if let given { try ActivationPlace(given).checkEmpty() }
        try await HandoverRun(options: options, mode: .return).run { look in
            let folder = given ?? look.place.path + Array("-versions-\(World.real.now().seconds)".utf8)
            let versions = Versions(look, originals, at: folder)
            try await versions.compare()
            try look.confirm()
            try versions.checkGone()
        }
    }
}

/// What came, before it is decided.
struct HandoverLook: Sendable {
    let activation: Activation
    let plan: RevivalPlan
    let builder: LaunchBuilder
    let place: ActivationPlace
    let open: OpenVault
    /// By which this machine has written, while it had the work.
    let ownWriter: Identifier?
    /// Asks people whether it goes on.
    let confirm: @Sendable () throws(Trouble) -> Void
}

/// The original on this machine beside the twin that has come, and both as they were when they parted.
private struct Versions {
    private let look: HandoverLook
    private let folder: [UInt8]
    /// Whose copies are of the original.
    private let writer: Identifier?
    private let originals: [String: ServerAddress]
    /// Of files that are named on the terminal; all are in the export.
    private static let linesMax = 20

    init(_ look: HandoverLook, _ originals: [String: ServerAddress], at folder: [UInt8]) {
        (self.look, self.originals, self.folder) = (look, originals, folder)
        // On another machine it was whoever began.
        writer = look.ownWriter ?? look.open.observed.snapshots.first { fact in
            look.plan.institution.data.contains { $0.id.value == fact.body.dataSet }
        }?.writer.id
    }

    func compare() async throws {
        var (compared, differing) = (0, 0)
        // What the twin did not take was lost with the original, and nobody has deleted it.
        let parts = if let writer { try await look.open.firstActivation(from: writer)?.parts ?? [] } else { [ActivationState.Part]() }
        for data in look.plan.institution.data {
            do {
                let part = parts.first { $0.dataSet == data.id.value }
                guard let isEqual = try await compare(data, part) else { continue }
                compared += 1
                differing += isEqual ? 0 : 1
            } catch {
                try await look.activation.removePast(data)
                throw error
            }
            try await look.activation.removePast(data)
        }
        guard compared > 0 else {
            return tell(say("Nothing of an original is on this machine; there is nothing to compare.", de: "Auf diesem Rechner ist nichts von einem Original; zu vergleichen gibt es nichts."))
        }
        tell(
            differing == 0
                ? say("The original has nothing that the twin has not seen.", de: "Das Original hat nichts, was der Zwilling nicht gesehen hätte.")
                : say(
                    "\(differing) of \(compared) data sets differ; both versions lie in \(printable(folder)). What the original alone has does not come over by itself.",
                    de: "\(differing) von \(compared) Datenbeständen unterscheiden sich; beide Fassungen liegen in \(printable(folder)). Was nur das Original hat, kommt nicht von selbst hinüber."))
    }

    /// What had the work here before must not stand in the way, nor go on beside.
    func checkGone() throws {
        try Leases(StateDirectory()).revokeAll()
        for data in look.plan.institution.data {
            guard case .postgres(let postgres) = data.source, server(data, postgres) != nil else { continue }
            throw Trouble(
                .busy,
                Words(
                    "The original's server still runs: \(plain(postgres.connection.value)).",
                    de: "Der Server des Originals läuft noch: \(plain(postgres.connection.value))."),
                advice: Words(
                    "Stop what is left of the original, its applications before its servers; the same command goes on. Both versions are kept.",
                    de: "Was vom Original noch läuft, anhalten, die Anwendungen vor den Servern; derselbe Befehl macht weiter. Beide Fassungen bleiben."))
        }
    }

    /// The original's, where it answers.
    private func server(_ data: DataSet, _ postgres: DataSet.Postgres) -> ServerAddress? {
        do throws(ServerError) {
            let address: ServerAddress
            if let named = originals[data.id.value] { address = named } else { address = try ServerAddress(postgres.connection.value) }
            _ = try Connection(to: address, for: .questions(database: "postgres")).ask("SELECT 1", .seconds(10))
            return address
        } catch { return nil }
    }

    private struct Summary: Encodable {
        let data: String
        var path: String?
        var cluster: ComparedCluster?
        var folder: ComparedFolder?
    }

    /// - Returns: nil where the original's is not here.
    private func compare(_ data: DataSet, _ part: ActivationState.Part?) async throws -> Bool? {
        switch data.source {
        case .postgres(let postgres): try await compare(data, postgres, part)
        case .files(let files): try await compare(data, files, part)
        case .command, .secret: nil
        }
    }

    private func compare(_ data: DataSet, _ postgres: DataSet.Postgres, _ part: ActivationState.Part?) async throws -> Bool? {
        guard let original = server(data, postgres) else {
            tell(
                say("\(plain(data.id.value)): no server of the original answers here, so it is not compared. If its data are still here, start that server by itself, without the applications, and begin again; name it with --original where it has another address.",
                    de: "\(plain(data.id.value)): Hier antwortet kein Server des Originals, darum wird nicht verglichen. Sind seine Daten noch hier, diesen Server allein starten, ohne die Anwendungen, und neu beginnen; hat er eine andere Adresse, sie mit --original nennen."))
            return nil
        }
        var base: ServerAddress?
        if let writer { base = try await look.activation.bringPast(data, postgres, by: writer, part) }
        let export = try ComparisonExport(at: subfolder(data))
        var rows = ClusterExport(export, hasBase: base != nil)
        let twin = try look.builder.address(of: data, postgres, database: "postgres")
        let result = try ClusterComparison(original: original, twin: twin, base: base).run(into: &rows)
        try rows.end()
        try export.write(Summary(data: data.id.value, cluster: result))
        tell("\(plain(data.id.value)):")
        for line in result.lines(hasBase: base != nil) { tell("  " + line) }
        if result.databases.contains(where: { $0.unreadable != nil || $0.tables.contains { $0.unreadable != nil } }) {
            warn(
                Words(
                    "\(plain(data.id.value)) could not be compared wholly; name somebody who may read all of it with --original \(plain(data.id.value))='…'.",
                    de: "\(plain(data.id.value)) ließ sich nicht ganz vergleichen; mit --original \(plain(data.id.value))='…' jemanden nennen, der alles lesen darf."))
        }
        return result.isEqual
    }

    private func compare(_ data: DataSet, _ files: DataSet.Files, _ part: ActivationState.Part?) async throws -> Bool? {
        let there = files.paths.map(\.value).filter { Self.isFolder(Array($0.utf8)) }
        guard !there.isEmpty else {
            tell(
                say("\(plain(data.id.value)): not on this machine, so it is not compared.",
                    de: "\(plain(data.id.value)): nicht auf diesem Rechner, darum wird nicht verglichen."))
            return nil
        }
        var base: [UInt8]?
        if let writer { base = try await look.activation.bringPast(files: data, by: writer, part) }
        var isEqual = true
        // Of each side: what the original alone has must not drown in what the twin has done.
        var shown: [FolderDifference.Change: Int] = [:]
        tell("\(plain(data.id.value)):")
        for (number, path) in there.enumerated() {
            let (original, twin) = (Array(path.utf8), look.place.files(data.id.value, path))
            guard Self.isFolder(twin) else { continue }
            // Two paths may hold the same names.
            let export = try ComparisonExport(at: subfolder(data) + (there.count > 1 ? Array("/\(number + 1)".utf8) : []))
            let exported = try FolderExport(export, original: original, twin: twin)
            let result = try FolderComparison(
                original: original, twin: twin, base: base.map { $0 + original }, excluding: files.exclusion
            ).run {
                (difference) throws(Trouble) in
                try exported.add(difference)
                shown[difference.change, default: 0] += 1
                let count = shown[difference.change] ?? 0
                if count <= Self.linesMax { tell("  " + difference.line) }
                if count == Self.linesMax + 1 { tell("  …") }
            }
            try exported.end()
            try export.write(Summary(data: data.id.value, path: path, folder: result))
            isEqual = isEqual && result.isEqual
            tell("  " + result.summary(hasBase: base != nil))
        }
        return isEqual
    }

    private static func isFolder(_ path: [UInt8]) -> Bool {
        do throws(SystemError) {
            _ = try Descriptor.directory(path)
            return true
        } catch { return false }
    }

    private func subfolder(_ data: DataSet) throws(Trouble) -> [UInt8] {
        do throws(SystemError) { try Machine.makeDirectories(folder, permissions: 0o700) } catch {
            throw error.trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:"))
        }
        return folder + Array("/\(data.id.value)".utf8)
    }
}
