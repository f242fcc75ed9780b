// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
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
            """,
            de: """
                Braucht den Tresor und die Passphrase, und nichts von dem Rechner, der ihn angelegt
                hat. Mit Pfad kommt nur zurück, was darunter ist, und steht im Ziel selbst.
                  zwilling restore latest --to /srv/zurück
                  zwilling restore 3f9a1b2c:/home/anna --to /home/anna --overwrite
                  zwilling restore --to /tmp/r --include '*.ods' --include '/etc/ssl/'
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
    var to: PathArgument

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

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let target = try to.absolute()
        let known = try await KnownVault(vault)
        try refuse(target, inside: known.place)
        let open = try await known.opened(passphrase)
        let fact = try open.observed.snapshot(snapshot.wish)
        var options = RestoreOptions()
        options.subtree = snapshot.path ?? []
        options.overwrites = overwrite
        if !include.isEmpty {
            options.include = Exclusion(try patterns(include))
        }
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
        try output.json ? showJSON(report.fields) : report.show()
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
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
