// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// Where every key of a new vault is: the one moment at which a person will read it.
struct CreationReport {
    let vault: Vault
    let place: VaultPlace
    let keyFile: [UInt8]
    let sheet: [UInt8]

    struct Fields: Encodable {
        let vault: String
        let place: PathFields
        let root: String
        let keyFile: PathFields
        let sheet: PathFields
    }

    var fields: Fields {
        Fields(
            vault: vault.keyring.vault.description, place: PathFields(bytes: place.bytes),
            root: vault.keyring.root.fingerprint.hex, keyFile: PathFields(bytes: keyFile),
            sheet: PathFields(bytes: sheet))
    }

    func show() throws(Trouble) {
        try zwilling.show(language == .german ? german : english)
        tell(
            say(
                """

                Vault and keys can both be reached from this machine now. That protects against loss
                and prying eyes elsewhere, but against nobody who is root here.
                Next: print the sheet, write the passphrase on it, then "zwilling protect PATH".
                """,
                de: """

                    Tresor und Schlüssel sind jetzt beide von diesem Rechner aus erreichbar. Das
                    schützt vor Verlust und vor fremden Augen anderswo, aber vor niemandem, der hier
                    root ist.
                    Weiter: Blatt drucken, Passphrase daraufschreiben, dann „zwilling protect PFAD“.
                    """))
    }

    private var id: String { vault.keyring.vault.description }
    private var root: String { inGroups(vault.keyring.root.fingerprint.hex) }

    private var english: [String] {
        [
            "Vault \(id) made in \(place.shown)",
            "On this machine: \(printable(keyFile)), the writer's and the observer's key: "
                + "can add and list, cannot read content",
            "Reader key: in the vault, wrapped by the passphrase, and nowhere else",
            "Root key: likewise; its fingerprint is \(root)",
            "Recovery sheet: \(printable(sheet)): print it, keep it away from this machine",
        ]
    }

    private var german: [String] {
        [
            "Tresor \(id) angelegt in \(place.shown)",
            "Auf diesem Rechner: \(printable(keyFile)), Schreiber- und Beobachterschlüssel: "
                + "kann hinzufügen und auflisten, aber keine Inhalte lesen",
            "Leserschlüssel: im Tresor, durch die Passphrase verschlossen, und nirgends sonst",
            "Wurzelschlüssel: ebenso; sein Fingerabdruck ist \(root)",
            "Wiederherstellungsblatt: \(printable(sheet)): drucken, fern vom Rechner aufbewahren",
        ]
    }
}
