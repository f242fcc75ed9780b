// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Vault

struct ProtectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect",
        abstract: say("Take a snapshot of files.", de: "Dateien sichern."),
        discussion: say(
            """
            Everything below the paths goes into the vault, as far as it is not there yet. Patterns
            are those of .gitignore. What cannot be read is named, and the exit code is 3.
              zwilling protect /home /etc
              zwilling protect /srv --name shares --exclude '*.tmp' --exclude-caches
              zwilling protect / --one-file-system --exclude-file /etc/zwilling.exclude
            """,
            de: """
                Alles unter den Pfaden kommt in den Tresor, soweit es noch nicht darin ist. Muster
                gelten wie in .gitignore. Was nicht lesbar ist, wird genannt; der Rückgabewert ist
                dann 3.
                  zwilling protect /home /etc
                  zwilling protect /srv --name ablage --exclude '*.tmp' --exclude-caches
                  zwilling protect / --one-file-system --exclude-file /etc/zwilling.exclude
                """))

    @Argument(
        help: ArgumentHelp(
            say("What to protect.", de: "Was gesichert wird."), valueName: say("path", de: "pfad")))
    var paths: [PathArgument]

    @Option(
        help: ArgumentHelp(
            say(
                "Name of the data set; else the paths.",
                de: "Name des Datenbestands; sonst die Pfade.")))
    var name: String?

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        Machine.keepMemory()
        let protected = try ProtectedPaths(paths)
        let known = try await KnownVault(vault)
        let writer = try VaultWriter(known.vault, keys: try known.writerKeys(), world: .real)
        let options = try selection.options(leavingOut: known.place, of: protected)
        let lock = try WriterLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        let nearby = protected.onSameDisk(as: known.place)
        for path in nearby { warn(Self.sameDisk(path)) }
        try await known.vault.completeCopies()
        let (cache, wasRebuilt) = try await writer.knowledge(
            cache: known.state.cache(for: writer.domain),
            memory: try known.state.memory() ?? Memory(of: known.vault))
        let progress = ProgressLine(output)
        defer { progress.end() }
        let captured = try await FileCapture(
            writer, dataSet: name ?? protected.name, host: Machine.hostName(),
            paths: protected.paths, options: options
        ).run(cache: cache) { now in
            progress.update(
                bytesDone: now.bytesDone, of: now.bytesFound,
                entries(now.entriesFound))
        }
        let report = CaptureReport(
            captured, of: known, cacheRebuilt: wasRebuilt, sameDisk: nearby,
            bytesLookedAt: progress.bytesDone, seconds: progress.seconds)
        progress.end()
        known.keep(captured, for: writer)
        try output.json ? showJSON(report.fields) : report.show()
        if !captured.leftOut.isEmpty { throw ExitCode(3) }
    }

    private static func sameDisk(_ path: TreePath) -> Words {
        Words(
            "the vault is on the same disk as \(shown(path)): a broken disk takes both.",
            de: "Der Tresor liegt auf demselben Datenträger wie \(shown(path)): Fällt er aus, ist "
                + "beides verloren.")
    }
}

extension KnownVault {
    /// The snapshot exists, whatever happens to the notes about it.
    fileprivate func keep(_ captured: Captured, for writer: VaultWriter) {
        do throws(Trouble) {
            try state.write(.cache, captured.cache.encoded(for: writer.domain))
            // From now on this is where the vault is, wherever it was before.
            if try state.place() != place { try state.write(.place, place) }
        } catch {
            warn(
                Words(
                    "the next run will be slower. \(error.message.english)",
                    de: "Der nächste Lauf wird langsamer. \(error.message.german)"))
        }
        remember([writer.writer.id: captured.head])
    }
}
