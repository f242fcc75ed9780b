// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct KeysStewardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steward",
        abstract: say(
            "Let this machine say what of a vault may go.",
            de: "Diesen Rechner sagen lassen, was aus einem Tresor weg darf."),
        discussion: say(
            """
            Only a steward prunes. It sees which snapshots there are and reads no content. Best it is a
            machine that protects nothing, so that whoever breaks in there cannot make copies go. Needs
            the passphrase; "zwilling prune" then needs none.
              zwilling keys steward --vault /mnt/backup/vault
              zwilling keys steward --name "data centre"
            """,
            de: """
                Nur ein Verwalter räumt auf. Er sieht, welche Stände es gibt, und liest keinen Inhalt. Am
                besten ist er ein Rechner, der selbst nichts sichert, damit dort niemand einbrechen und
                Kopien verschwinden lassen kann. Braucht die Passphrase; „zwilling prune“ braucht dann
                keine.
                  zwilling keys steward --vault /mnt/backup/tresor
                  zwilling keys steward --name Rechenzentrum
                """))

    @Option(
        help: ArgumentHelp(
            say("Name of this machine as a steward; else its host name.", de: "Name dieses Rechners als Verwalter; sonst sein Rechnername.")))
    var name: String?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let name = try writerName(name)
        let known = try await KnownVault(vault)
        if let keys = try known.state.stewardKeys(), known.vault.keyring.stewards.contains(where: { $0.id == keys.steward && $0.isActive }) {
            throw Trouble(
                .exists,
                Words("This machine is a steward of this vault already.", de: "Dieser Rechner ist schon Verwalter dieses Tresors."),
                advice: Words("\"zwilling prune --keep-daily 14\" prunes.", de: "„zwilling prune --keep-daily 14“ räumt auf."))
        }
        let unlocked = try known.unlocked(passphrase)
        let (changed, keys) = try await known.vault.adding(stewardNamed: name, with: unlocked, world: .real)
        try known.state.write(.stewardKey, keys.encoded)
        known.remember(of: changed)
        let list = KeyList(keyring: changed.keyring, mine: try known.state.keys()?.writer)
        try output.json ? showJSON(list.fields) : show(list.lines)
        tell(
            say(
                "This machine may prune the vault now: \"zwilling prune --keep-daily 14 --dry-run\" shows what would go.",
                de: "Dieser Rechner darf den Tresor jetzt aufräumen: „zwilling prune --keep-daily 14 --dry-run“ zeigt, was gehen würde."))
    }
}
