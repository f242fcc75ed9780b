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
            """,
            de: """
                Braucht den Tresor und die Passphrase, und nichts von dem Rechner, der ihn angelegt
                hat. Mit Pfad kommt nur zurück, was darunter ist, und steht im Ziel selbst.
                  zwilling restore latest --to /srv/zurück
                  zwilling restore 3f9a1b2c:/home/anna --to /home/anna --overwrite
                  zwilling restore --to /tmp/r --include '*.ods' --include '/etc/ssl/'
                  zwilling restore --data register-db --load
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "Snapshot by its first digits or \"latest\", and a path in it.",
                de: "Stand nach seinen ersten Stellen oder „latest“, und ein Pfad darin."),
            valueName: say("snapshot[:path]", de: "stand[:pfad]")))
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
                "Hand the data set to the \"load\" command that the blueprint gives for it.",
                de: "Den Datenbestand dem Befehl „load“ übergeben, den der Bauplan dafür nennt.")))
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

    @OptionGroup var dataSet: DataSetOptions
    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if load == (to != nil) {
            throw ValidationError(
                say("Name a target with --to, or a data set with --data and --load.",
                    de: "Mit --to ein Ziel nennen, oder einen Datenbestand mit --data und --load."))
        }
    }

    mutating func run() async throws {
        guard let to else { return try await runLoad() }
        let target = try to.absolute()
        let included = try patterns(include)
        let known = try await KnownVault(vault)
        try refuse(target, inside: known.place)
        let open = try await known.opened(passphrase)
        let fact = try open.observed.snapshot(snapshot.wish, of: dataSet.data)
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
        var server: PostgresCopy?
        if let span = fact.body.postgres, snapshot.path == nil, include.isEmpty,
            report.exitCode != 1
        {
            let copy = PostgresCopy(at: try to.absolute(), span)
            try copy.settle()
            server = copy
        }
        try output.json ? showJSON(report.fields) : report.show()
        if let server {
            tell(
                say(
                    "Start it as the user to whom it belongs: pg_ctl -D \(printable(server.directory)) start",
                    de: "Starten als der Benutzer, dem es gehört: pg_ctl -D \(printable(server.directory)) start"))
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    private func runLoad() async throws {
        let institution = try blueprint.blueprint().institution
        let program = try institution.loader(of: dataSet.data ?? "")
        let known = try await KnownVault(vault, of: institution)
        let open = try await known.opened(passphrase)
        let fact = try open.observed.snapshot(snapshot.wish, of: dataSet.data)
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

/// What came of a restore, for people and for programs.
struct RestoreReport {
    private static let linesMax = 100

    let restored: Restored
    let snapshot: Observed.Fact
    let target: [UInt8]
    let seconds: Double

    /// 1 where the vault is damaged, 3 where the target would not take something.
    var exitCode: Int32 {
        let kinds = restored.notRestored.map(\.trouble.kind)
        if kinds.contains(where: { [.damaged, .missing, .newerFormat].contains($0) }) { return 1 }
        return kinds.isEmpty ? 0 : 3
    }

    func show() throws(Trouble) {
        let missed = restored.notRestored
        if !missed.isEmpty {
            tell(say("Not restored, or not wholly:", de: "Nicht oder nicht ganz zurückgeholt:"))
        }
        for one in missed.prefix(Self.linesMax) {
            tell("  \(shown(one.path)): \(say(one.trouble.message))")
        }
        let rest = missed.count - Self.linesMax
        if rest > 0 {
            tell(
                say(
                    "  and \(figure(rest)) more (all of them with --json)",
                    de: "  und \(figure(rest)) weitere (alle mit --json)"))
        }
        if let advice = missed.first?.trouble.advice { tell("  " + say(advice)) }
        let begun = localTime(snapshot.body.begun)
        let counts = CountFields(restored.counts)
        try zwilling.show([
            say(
                "Snapshot \(snapshot.id.short) of \(begun) restored to \(printable(target))",
                de: "Sicherungsstand \(snapshot.id.short) vom \(begun) zurückgeholt nach "
                    + printable(target)),
            "  " + counts.text,
            "  " + pace(counts.bytes, in: seconds),
        ])
    }

    struct Fields: Encodable {
        let snapshot: String
        let target: PathFields
        let counts: CountFields
        let seconds: Double
        let notRestored: [LeftOutFields]
    }

    var fields: Fields {
        Fields(
            snapshot: snapshot.id.hex, target: PathFields(bytes: target),
            counts: CountFields(restored.counts), seconds: seconds,
            notRestored: restored.notRestored.map(LeftOutFields.init))
    }
}
