// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Vault

struct KeysRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: say("Change the passphrase, and the key that reads what comes.", de: "Die Passphrase ändern, und den Schlüssel, der liest, was kommt."),
        discussion: say(
            """
            From now on everything is sealed to a new key, which only the new passphrase opens; nothing
            is uploaded again. What lies in the vault already the old passphrase still opens, for
            whoever has a copy of the vault. Services that protect go over to the new key by
            themselves within seconds. Write the new passphrase on the recovery sheet.
              zwilling keys rotate
              zwilling keys rotate --passphrase-file old --new-passphrase-file new
            """,
            de: """
                Von jetzt an wird alles für einen neuen Schlüssel versiegelt, den nur die neue Passphrase
                öffnet; nichts wird noch einmal übertragen. Was schon im Tresor liegt, öffnet die alte
                weiterhin, wenn jemand eine Kopie des Tresors hat. Dienste, die sichern, gehen in
                Sekunden von selbst zum neuen Schlüssel über. Die neue Passphrase auf das
                Wiederherstellungsblatt schreiben.
                  zwilling keys rotate
                  zwilling keys rotate --passphrase-file alt --new-passphrase-file neu
                """))

    @Option(
        help: ArgumentHelp(
            say("Read the new passphrase from a file instead of asking.", de: "Die neue Passphrase aus einer Datei lesen, statt zu fragen."),
            valueName: say("file", de: "datei")))
    var newPassphraseFile: PathArgument?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let given = try newPassphraseFile.map { file throws(Trouble) in try PassphraseOptions.read(file) }
        if let given { try PassphraseOptions.check(given) }
        let known = try await KnownVault(vault)
        let unlocked = try known.unlocked(passphrase)
        let new = try given ?? passphrase.newPassphrase()
        do throws(Trouble) { _ = try known.vault.unlock(passphrase: new) } catch {
            return try await rotate(known, to: new, with: unlocked)
        }
        throw Trouble(
            .wrongUse,
            Words("The new passphrase is the one that opens the vault now.", de: "Die neue Passphrase ist die, die den Tresor schon jetzt öffnet."),
            advice: Words("Choose another.", de: "Eine andere wählen."))
    }

    private func rotate(_ known: KnownVault, to new: [UInt8], with unlocked: UnlockedKeyring) async throws {
        let changed = try await known.vault.rotating(to: new, with: unlocked, world: .real)
        known.remember(of: changed)
        let list = KeyList(keyring: changed.keyring, mine: try known.state.keys()?.writer)
        try output.json ? showJSON(list.fields) : show(list.lines)
        tell(
            say(
                "What comes is opened by the new passphrase alone (epoch \(changed.keyring.currentEpoch.number)). Whoever has the old one and a copy of the vault can still read what lay in it, and can pass for its root: if that happened, make a new vault.",
                de: "Was kommt, öffnet allein die neue Passphrase (Epoche \(changed.keyring.currentEpoch.number)). Wer die alte hat und eine Kopie des Tresors, kann weiter lesen, was darin lag, und sich als dessen Wurzel ausgeben: Ist das geschehen, einen neuen Tresor anlegen."))
    }
}
