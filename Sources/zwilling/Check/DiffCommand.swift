// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Revival
import Vault

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: say(
            "Show what changed between two snapshots.",
            de: "Zeigen, was sich zwischen zwei Ständen geändert hat."),
        discussion: say(
            """
            + added, - removed, M content changed, U only owner, permissions, times or attributes,
            T became something of another kind. Needs the passphrase.
              zwilling diff 3f9a1b2c latest
              zwilling diff 3f9a1b2c 77e01d4f --json
            """,
            de: """
                + neu, - entfernt, M Inhalt geändert, U nur Eigentümer, Rechte, Zeiten oder
                Attribute, T von anderer Art geworden. Braucht die Passphrase.
                  zwilling diff 3f9a1b2c latest
                  zwilling diff 3f9a1b2c 77e01d4f --json
                """))

    @Argument(
        help: ArgumentHelp(
            say("The older snapshot.", de: "Der ältere Stand."), valueName: "a"))
    var old: String

    @Argument(
        help: ArgumentHelp(
            say("The newer snapshot.", de: "Der neuere Stand."), valueName: "b"))
    var new: String

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let open = try await KnownVault(vault).opened(passphrase)
        let before = try open.observed.snapshot(old)
        let after = try open.observed.snapshot(new)
        let page = Page()
        var counts: [String: Int] = [:]
        var changes: [Fields.Change] = []
        try await TreeReader.differences(
            from: TreeReader(open, before), to: TreeReader(open, after)
        ) { difference in
            counts[difference.change.rawValue, default: 0] += 1
            if output.json {
                changes.append(Fields.Change(difference))
            } else {
                let isDirectory = (difference.new ?? difference.old)?.kind == .directory
                page.line(
                    "\(difference.change.letter) \(shown(difference.path))"
                        + (isDirectory ? "/" : ""))
            }
        }
        if output.json {
            try showJSON(
                Fields(old: before.id.hex, new: after.id.hex, counts: counts, changes: changes))
        }
        try page.end()
        if !output.json { tell(summary(counts)) }
    }

    private func summary(_ counts: [String: Int]) -> String {
        func number(_ change: TreeDifference.Change) -> String {
            figure(counts[change.rawValue] ?? 0)
        }
        return say(
            "\(number(.added)) added, \(number(.removed)) removed, \(number(.content)) with other "
                + "content, \(number(.attributes)) with other attributes, \(number(.kind)) of "
                + "another kind",
            de: "\(number(.added)) neu, \(number(.removed)) entfernt, \(number(.content)) mit "
                + "anderem Inhalt, \(number(.attributes)) mit anderen Attributen, "
                + "\(number(.kind)) von anderer Art")
    }

    private struct Fields: Encodable {
        struct Change: Encodable {
            let path: String
            let pathHex: String?
            let change: String

            init(_ difference: TreeDifference) {
                let fields = PathFields(difference.path)
                (path, pathHex) = (fields.path, fields.pathHex)
                change = difference.change.rawValue
            }
        }
        let old: String
        let new: String
        let counts: [String: Int]
        let changes: [Change]
    }
}

extension TreeDifference.Change {
    fileprivate var letter: String {
        switch self {
        case .added: "+"
        case .removed: "-"
        case .content: "M"
        case .attributes: "U"
        case .kind: "T"
        }
    }
}
