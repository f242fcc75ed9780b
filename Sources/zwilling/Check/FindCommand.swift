// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Revival
import Vault

struct FindCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find",
        abstract: say("Search snapshots by name.", de: "In Ständen nach Namen suchen."),
        discussion: say(
            """
            Patterns are those of .gitignore: without a slash they mean names, with one whole paths.
              zwilling find 'budget*.ods'
              zwilling find '/home/*/Documents/**' --snapshot 3f9a1b2c
              zwilling find passwd shadow --all
            """,
            de: """
                Muster gelten wie in .gitignore: ohne Schrägstrich für Namen, mit einem für ganze
                Pfade.
                  zwilling find 'haushalt*.ods'
                  zwilling find '/home/*/Dokumente/**' --snapshot 3f9a1b2c
                  zwilling find passwd shadow --all
                """))

    @Argument(
        help: ArgumentHelp(
            say("What to look for.", de: "Was gesucht wird."),
            valueName: say("pattern", de: "muster")))
    var patterns: [String]

    @Option(
        help: ArgumentHelp(
            say("The snapshot to search.", de: "Der Stand, in dem gesucht wird."),
            valueName: say("snapshot", de: "stand")))
    var snapshot = "latest"

    @Flag(help: ArgumentHelp(say("Search all snapshots.", de: "In allen Ständen suchen.")))
    var all = false

    @OptionGroup var dataSet: DataSetOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let wanted = try zwilling.patterns(patterns)
        let open = try await KnownVault(vault).opened(passphrase)
        let observed = open.observed
        let facts =
            all
            ? observed.snapshots.filter { dataSet.data == nil || $0.body.dataSet == dataSet.data }
            : [try observed.snapshot(snapshot, of: dataSet.data)]
        var entries: [EntryView.Fields] = []
        let page = Page()
        for fact in facts {
            let tree = try await TreeReader(open, fact)
            try await tree.forEach { path, entry in
                let isDirectory = entry.kind == .directory
                guard wanted.contains(where: { $0.matches(path, isDirectory: isDirectory) }) else {
                    return page.isOpen
                }
                let view = EntryView(path: path, entry: entry)
                if output.json {
                    entries.append(view.fields(snapshot: fact.id))
                } else {
                    page.line("\(fact.id.short)  " + Self.line(view))
                }
                return page.isOpen
            }
        }
        if output.json { try showJSON(["entries": entries]) }
        try page.end()
        if all { tellFindings(observed.troubles) }
        if all, !observed.troubles.isEmpty { throw ExitCode(1) }
    }

    private static func line(_ view: EntryView) -> String {
        let bytes = view.entry.kind == .file ? size(view.entry.content.size) : "-"
        let padding = String(repeating: " ", count: max(0, 10 - bytes.count))
        return localTime(view.entry.modified) + "  " + padding + bytes + "  " + view.name
    }
}
