// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Programs
import Revival
import Vault

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: say("Bring files back.", de: "Dateien zurückholen."),
        discussion: say(
            """
            Needs the vault and the passphrase, and nothing of the machine that made it. With a path
            only what is below it comes back, and stands at the target itself.
              zwilling restore latest --to /srv/restored
              zwilling restore 3f9a1b2c:/home/anna --to /home/anna --overwrite
              zwilling restore --to /tmp/r --include '*.ods' --include '/etc/ssl/'
              zwilling restore --data register-db --load
              zwilling restore --data images --load
            A PostgreSQL cluster comes back as far as its log leads, to a moment, to a place in its
            log, or to a point that was named at the server.
              zwilling restore --data db --to /srv/db
              zwilling restore '2026-11-25 14:29:30' --data db --to /srv/db
              zwilling restore --data db --restore-point before-the-import --to /srv/db
            A moment without --data brings back every data set of the blueprint (that of the vault,
            or -f), each to a directory of its name, as "zwilling moments" has them: consistent, the
            rows of an application no newer than its files. With --data the one goes to exactly that
            moment, and need not fit the others.
              zwilling restore '2026-11-25 14:29:30.250' --to /srv/twin
            """,
            de: """
                Braucht den Tresor und die Passphrase, und nichts von dem Rechner, der ihn angelegt
                hat. Mit Pfad kommt nur zurück, was darunter ist, und steht im Ziel selbst.
                  zwilling restore latest --to /srv/zurück
                  zwilling restore 3f9a1b2c:/home/anna --to /home/anna --overwrite
                  zwilling restore --to /tmp/r --include '*.ods' --include '/etc/ssl/'
                  zwilling restore --data register-db --load
                  zwilling restore --data images --load
                Ein PostgreSQL-Cluster kommt zurück, so weit sein Protokoll führt, zu einem
                Zeitpunkt, zu einer Stelle des Protokolls oder zu einem am Server benannten Punkt.
                  zwilling restore --data db --to /srv/db
                  zwilling restore '2026-11-25 14:29:30' --data db --to /srv/db
                  zwilling restore --data db --restore-point vor-dem-import --to /srv/db
                Ein Zeitpunkt ohne --data holt jeden Datenbestand des Bauplans zurück (der im Tresor
                liegt, oder -f), jeden in ein Verzeichnis seines Namens, so wie „zwilling moments“ sie
                nennt: stimmig, keine Zeile einer Anwendung neuer als ihre Dateien. Mit --data geht der
                eine genau auf den Zeitpunkt, und muss zu den anderen nicht passen.
                  zwilling restore '2026-11-25 14:29:30.250' --to /srv/zwilling
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "Snapshot by its first digits or \"latest\", and a path in it; or a moment.",
                de: "Stand nach seinen ersten Stellen oder „latest“, und ein Pfad darin; oder ein Zeitpunkt."),
            valueName: say("snapshot[:path]|moment", de: "stand[:pfad]|zeitpunkt")))
    var snapshot = SnapshotArgument.latest

    @Option(
        help: ArgumentHelp(
            say(
                "The directory to restore to, empty or new.",
                de: "Zielverzeichnis, leer oder neu."),
            valueName: say("dir", de: "verz")))
    var to: PathArgument?

    @Flag(
        help: ArgumentHelp(
            say(
                "Hand the data set to the \"load\" command that the blueprint gives for it; container images to Podman's store.",
                de: "Den Datenbestand dem Befehl „load“ übergeben, den der Bauplan dafür nennt; Container-Abbilder dem Speicher von Podman.")))
    var load = false

    @Option(
        help: ArgumentHelp(
            say(
                "Only what matches, as in .gitignore; several are possible.",
                de: "Nur, was passt, wie in .gitignore; mehrfach möglich."),
            valueName: say("pattern", de: "muster")))
    var include: [String] = []

    @Flag(
        help: ArgumentHelp(
            say(
                "Replace files of the same name in the target.",
                de: "Gleichnamige Dateien im Ziel ersetzen.")))
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            say(
                "Bring a PostgreSQL cluster back to this place in its log, such as 0/3000A28.",
                de: "Einen PostgreSQL-Cluster bis zu dieser Stelle seines Protokolls zurückholen, etwa 0/3000A28."),
            valueName: "lsn"))
    var lsn: LSNArgument?

    @Option(
        help: ArgumentHelp(
            say(
                "Bring it back to the point of this name (pg_create_restore_point).",
                de: "Bis zum Punkt dieses Namens zurückholen (pg_create_restore_point)."),
            valueName: "name"))
    var restorePoint: String?

    @OptionGroup var dataSet: DataSetOptions
    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if lsn != nil || restorePoint != nil {
            let ways = [lsn != nil, restorePoint != nil, !snapshot.isLatest || snapshot.path != nil]
            guard ways.count(where: { $0 }) == 1, dataSet.data != nil, !load, include.isEmpty else {
                throw ValidationError(
                    say("A place in a log needs --data and --to, and nothing else that says what.",
                        de: "Eine Stelle im Protokoll braucht --data und --to, und keine andere Angabe, was."))
            }
        }
        if load == (to != nil) {
            throw ValidationError(
                say("Name a target with --to, or a data set with --data and --load.",
                    de: "Mit --to ein Ziel nennen, oder einen Datenbestand mit --data und --load."))
        }
    }

    /// nil for a snapshot that is named: it comes back as it is.
    private var goal: RecoveryGoal? {
        if let lsn { return .lsn(lsn.lsn) }
        if let restorePoint { return .restorePoint(restorePoint) }
        if let moment = snapshot.moment { return .moment(moment) }
        return snapshot.isLatest && snapshot.path == nil && include.isEmpty ? .latest : nil
    }

    /// A moment that is not said to be of one data set is that of all.
    private var isOfTwin: Bool { snapshot.moment != nil && dataSet.data == nil && include.isEmpty }

    mutating func run() async throws {
        try snapshot.check()
        guard let to else { return try await runLoad() }
        let target = try to.absolute()
        let included = try patterns(include)
        let named = try isOfTwin && blueprint.file != nil ? blueprint.blueprint().institution : nil
        let known = try await KnownVault(vault, of: named)
        try refuse(target, inside: known.place)
        let open = try await known.opened(passphrase)
        if isOfTwin, let moment = snapshot.moment {
            var institution = named
            if institution == nil { institution = try await StoredBlueprint(open, at: moment)?.institution }
            if let institution {
                let code = try await TwinRestore(
                    open: open, institution: institution, moment: moment, target: target,
                    overwrites: overwrite, output: output
                ).run()
                if code != 0 { throw ExitCode(code) }
                return
            }
        }
        let recovery = try await ClusterRecovery(open, of: dataSet.data, to: goal)
        let fact = try recovery?.base ?? snapshot(among: open.observed)
        var options = RestoreOptions()
        options.subtree = snapshot.path ?? []
        options.overwrites = overwrite
        if !include.isEmpty { options.include = Exclusion(included) }
        let progress = ProgressLine(output)
        defer { progress.end() }
        let restored = try await Restore(open, fact, options: options).run(to: target) { now in
            progress.update(
                bytesDone: now.bytesDone, of: now.bytesTotal,
                entries(now.entriesDone))
        }
        progress.end()
        let report = RestoreReport(
            restored: restored, snapshot: fact, target: try to.absolute(),
            seconds: progress.seconds)
        if restored.isEmpty { throw nothing(in: fact) }
        var cluster: RecoveredCluster?
        if snapshot.path == nil, include.isEmpty, report.exitCode != 1 {
            cluster = try await RecoveredCluster(recovery, fact, at: try to.absolute())
        }
        try output.json
            ? showJSON(report.fields(cluster)) : report.show()
        cluster?.tell()
        if fact.body.dataSet == DataSetCapture.images, snapshot.path == nil, include.isEmpty,
            report.exitCode != 1, !output.json
        {
            try show(try ImageLayout(at: try to.absolute()).howToLoad)
        }
        let code = report.exitCode != 0 ? report.exitCode : cluster?.exitCode ?? 0
        if code != 0 { throw ExitCode(code) }
    }

    func snapshot(among observed: Observed) throws(Trouble) -> Observed.Fact {
        guard let moment = snapshot.moment else {
            return try observed.snapshot(snapshot.wish, of: dataSet.data)
        }
        let ids = Set(observed.snapshots.map(\.body.dataSet)).sorted()
        guard dataSet.data != nil || ids.count < 2 else { throw Self.ofWhich(ids) }
        return try observed.snapshot(by: moment, of: dataSet.data)
    }

    private static func ofWhich(_ ids: [String]) -> Trouble {
        let list = ids.map { plain($0) }.joined(separator: ", ")
        return Trouble(
            .wrongUse,
            Words(
                "The vault has several data sets: of which one is that moment?",
                de: "Der Tresor hat mehrere Datenbestände: Um welchen geht es bei dem Zeitpunkt?"),
            advice: Words(
                "Name one with --data: \(list). All of them come back with the blueprint, by -f FILE and without --include.",
                de: "Mit --data einen nennen: \(list). Alle zusammen kommen mit dem Bauplan zurück, mit -f DATEI und ohne --include."))
    }

    private func runLoad() async throws {
        if dataSet.data == DataSetCapture.images { return try await loadImages() }
        let institution = try blueprint.blueprint().institution
        let program = try institution.loader(of: dataSet.data ?? "")
        let known = try await KnownVault(vault, of: institution)
        let open = try await known.opened(passphrase)
        let fact = try snapshot(among: open.observed)
        let bytes = try await Load(open, fact).run(program)
        let loaded = LoadFields(
            snapshot: fact.id.hex, dataSet: fact.body.dataSet, bytes: bytes)
        try output.json
            ? showJSON(loaded)
            : show([
                say(
                    "Snapshot \(fact.id.short) of \"\(plain(fact.body.dataSet))\" loaded: \(size(bytes))",
                    de: "Sicherungsstand \(fact.id.short) von „\(plain(fact.body.dataSet))“ geladen: \(size(bytes))")
            ])
    }

    private struct LoadFields: Encodable {
        let snapshot, dataSet: String
        let bytes: UInt64
    }

    /// Nothing came back, which nobody asks for.
    private func nothing(in fact: Observed.Fact) -> Trouble {
        if include.isEmpty, let path = snapshot.path { return .nothing(at: path, in: fact) }
        return Trouble(
            .wrongUse,
            Words(
                "Nothing in snapshot \(fact.id.short) matches.",
                de: "Im Sicherungsstand \(fact.id.short) passt nichts."),
            advice: Words(
                "\"zwilling find PATTERN\" shows what would.",
                de: "„zwilling find MUSTER“ zeigt, was passen würde."))
    }
}

extension Institution {
    /// The program that takes a data set back in.
    fileprivate func loader(of id: String) throws(Trouble) -> Program {
        guard case .command(let command)? = data.first(where: { $0.id.value == id })?.source,
            let load = command.load
        else {
            throw Trouble(
                .wrongUse,
                Words(
                    "The blueprint gives no \"load\" command for data set \"\(plain(id))\".",
                    de: "Der Bauplan nennt keinen Befehl „load“ für den Datenbestand „\(plain(id))“."),
                advice: Words(
                    "Name a data set of kind \"command\" with --data, or bring it back with --to DIR.",
                    de: "Mit --data einen Datenbestand der Art „command“ nennen oder ihn mit --to VERZ zurückholen."))
        }
        return Program(shell: load.value, timeout: .seconds(command.timeout.seconds))
    }
}
