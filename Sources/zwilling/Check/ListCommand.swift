// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Revival
import Vault

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: say("List what is in a snapshot.", de: "Auflisten, was in einem Stand ist."),
        discussion: say(
            """
            Without a path it begins at the protected paths. Needs the passphrase.
              zwilling ls
              zwilling ls -l latest:/home/anna
              zwilling ls -R 3f9a1b2c:/etc
            """,
            de: """
                Ohne Pfad beginnt die Liste bei den gesicherten Pfaden. Braucht die Passphrase.
                  zwilling ls
                  zwilling ls -l latest:/home/anna
                  zwilling ls -R 3f9a1b2c:/etc
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "Snapshot by its first digits or \"latest\", and a path in it.",
                de: "Stand nach seinen ersten Stellen oder „latest“, und ein Pfad darin."),
            valueName: say("snapshot[:path]", de: "stand[:pfad]")))
    var snapshot = SnapshotArgument.latest

    @Flag(
        name: .shortAndLong,
        help: ArgumentHelp(
            say(
                "Show permissions, owner, size and time.",
                de: "Rechte, Eigentümer, Größe und Zeit zeigen.")))
    var long = false

    @Flag(
        name: [.customShort("R"), .long],
        help: ArgumentHelp(say("Everything below too.", de: "Auch alles darunter.")))
    var recursive = false

    @OptionGroup var dataSet: DataSetOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let open = try await KnownVault(vault).opened(passphrase)
        let fact = try open.observed.snapshot(snapshot.wish, of: dataSet.data)
        let tree = try await TreeReader(open, fact)
        // What came as a stream has no protected paths: it begins at the top.
        let own = fact.body.paths.isEmpty ? [[]] : fact.body.paths.compactMap(treePath)
        let bases = snapshot.path.map { [$0] } ?? own
        var entries: [EntryView.Fields] = []
        let page = Page()
        var isEmpty = true
        for base in bases {
            try await tree.forEach(below: base) { path, entry in
                isEmpty = false
                guard isWanted(path, entry, below: base) else { return page.isOpen }
                let view = EntryView(path: path, entry: entry)
                if output.json {
                    entries.append(view.fields())
                } else {
                    page.line(long ? view.longLine : view.name)
                }
                return page.isOpen
            }
        }
        if isEmpty, let base = snapshot.path, !base.isEmpty {
            throw Trouble.nothing(at: base, in: fact)
        }
        if output.json {
            try showJSON(Fields(snapshot: fact.id.hex, entries: entries))
        }
        try page.end()
    }

    /// What is directly in the directory asked for; a file by itself.
    private func isWanted(_ path: TreePath, _ entry: Entry, below base: TreePath) -> Bool {
        if recursive { return true }
        return path.count == base.count ? entry.kind != .directory : path.count == base.count + 1
    }

    private struct Fields: Encodable {
        let snapshot: String
        let entries: [EntryView.Fields]
    }
}
