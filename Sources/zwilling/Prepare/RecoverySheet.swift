// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// The page that a person prints and keeps away from the machine. It holds no secret: the
/// passphrase is written onto the paper by hand.
struct RecoverySheet {
    let vault: Vault
    let place: VaultPlace

    static func defaultName(_ vault: Vault) -> String {
        "zwilling-recovery-\(short(vault.keyring.vault)).html"
    }

    /// - Parameter file: nil for the default name in the working directory.
    /// - Returns: where it was written. Never over something that is there already.
    func write(to file: PathArgument?) throws(Trouble) -> [UInt8] {
        guard let file = file ?? PathArgument(argument: Self.defaultName(vault)) else {
            preconditionFailure("the default name is not empty")
        }
        let path = try file.absolute()
        try refuse(path, inside: place)
        try Self.refuseExisting(path)
        do throws(SystemError) {
            try Machine.writeDurably(path, Array(html.utf8), permissions: 0o600)
        } catch {
            throw error.trouble(
                Words(
                    "Cannot write the recovery sheet",
                    de: "Wiederherstellungsblatt lässt sich nicht schreiben:"),
                advice: Words(
                    "The vault is made all the same. Write the sheet elsewhere with "
                        + "\"zwilling vault sheet --sheet FILE\".",
                    de: "Der Tresor ist trotzdem angelegt. Das Blatt mit "
                        + "„zwilling vault sheet --sheet DATEI“ anderswohin schreiben."))
        }
        return path
    }

    static func refuseExisting(_ path: [UInt8]) throws(Trouble) {
        do throws(SystemError) {
            _ = try Machine.realPath(path)
        } catch {
            if error.kind == .missing { return }
            throw error.trouble(
                Words(
                    "Cannot write the recovery sheet",
                    de: "Wiederherstellungsblatt lässt sich nicht schreiben:"))
        }
        throw Trouble(
            .exists,
            Words(
                "\"\(printable(path))\" exists already and was left alone.",
                de: "„\(printable(path))“ gibt es schon; die Datei blieb unberührt."),
            advice: Words(
                "Name another file with --sheet FILE.",
                de: "Mit --sheet DATEI eine andere Datei nennen."))
    }

    // MARK: What is on it

    private var html: String {
        let keyring = vault.keyring
        let title = say("Recovery sheet", de: "Wiederherstellungsblatt")
        return """
            <!DOCTYPE html>
            <html lang="\(language.rawValue)">
            <head>
            <meta charset="utf-8">
            <title>Zwilling: \(title) \(short(keyring.vault))</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <h1>Zwilling: \(title)</h1>
            \(introduction)
            <table>
            \(row(say("Vault", de: "Tresor"), code(inGroups(keyring.vault.description))))
            \(row(say("Root fingerprint", de: "Wurzel-Fingerabdruck"), code(fingerprint)))
            \(sites)
            \(row(say("On machine", de: "Auf Rechner"), code(Machine.hostName())))
            \(row(say("Made on", de: "Angelegt am"), localDay(keyring.made)))
            </table>
            \(passphraseBox)
            \(withProgram)
            \(withRescue)
            </body>
            </html>

            """
    }

    /// Where copies lie: any one is enough.
    private var sites: String {
        let plan = vault.keyring.plan
        let shown = plan.sites.isEmpty
            ? [code(place.shown)]
            : plan.sites.map { site in
                let facts = [site.operatorName, site.country, site.isRemovable ? say("removable", de: "Wechselstandort") : ""]
                return code(plain(site.address)) + escaped((["", plain(site.name)] + facts.filter { !$0.isEmpty }.map { plain($0) }).joined(separator: " · "))
            }
        return shown.map { row(say("Site", de: "Standort"), $0) }.joined(separator: "\n")
    }

    private static let style = """
        @page { size: A4; margin: 18mm }
        body { font: 10.5pt/1.4 sans-serif; max-width: 174mm; margin: 0 auto }
        h1 { font-size: 17pt; margin: 0 0 2mm } h2 { font-size: 12pt; margin: 5mm 0 1mm }
        p { margin: 1mm 0 } td { padding: .5mm 4mm .5mm 0; vertical-align: top }
        code, pre { font: 9.5pt/1.35 monospace } pre { margin: 1mm 0 1mm 4mm }
        .box { border: 1px solid; height: 20mm; margin: 2mm 0; padding: 1mm 2mm; font-size: 8pt }
        """

    private var fingerprint: String { inGroups(vault.keyring.root.fingerprint.hex) }

    private var introduction: String {
        paragraph(
            say(
                "With this sheet, the vault and its passphrase you get everything back, on any "
                    + "Linux machine. Print it and keep it away from the machine. Without the "
                    + "passphrase nobody can, and nobody can replace it.",
                de: "Mit diesem Blatt, dem Tresor und seiner Passphrase bekommen Sie alles zurück, "
                    + "auf jedem Linux-Rechner. Bitte ausdrucken und fern vom Rechner aufbewahren. "
                    + "Ohne die Passphrase kann das niemand, und niemand kann sie ersetzen."))
    }

    private var passphraseBox: String {
        heading(say("Passphrase", de: "Passphrase"))
            + "\n<div class=\"box\">"
            + say(
                "By hand, or where it is kept. Who has this sheet and the vault can then read all.",
                de: "Von Hand, oder wo sie verwahrt ist. Wer Blatt und Tresor hat, kann dann alles "
                    + "lesen.")
            + "</div>"
    }

    private var withProgram: String {
        heading(say("Getting everything back", de: "Alles zurückholen")) + "\n"
            + paragraph(
                say(
                    "The program lies in the vault; compare its checksum first. VAULT is the "
                        + "vault's directory on the new machine, TARGET an empty directory.",
                    de: "Das Programm liegt im Tresor; zuerst seine Prüfsumme vergleichen. TRESOR "
                        + "ist das Verzeichnis des Tresors auf dem neuen Rechner, ZIEL ein leeres "
                        + "Verzeichnis."))
            + block([
                "sha256sum \(vaultWord)/\(Companions.programName)",
                checksum(Companions.programName),
                "cp \(vaultWord)/\(Companions.programName) /tmp/zwilling",
                "chmod +x /tmp/zwilling",
                "/tmp/zwilling keys list --vault \(vaultWord)",
                "/tmp/zwilling snapshots --vault \(vaultWord)",
                "/tmp/zwilling restore latest --vault \(vaultWord) --to \(targetWord)",
            ])
            + paragraph(
                say(
                    "Type the passphrase only if \"keys list\" shows the root fingerprint above.",
                    de: "Die Passphrase nur eingeben, wenn „keys list“ den Wurzel-Fingerabdruck "
                        + "von oben zeigt."))
    }

    private var withRescue: String {
        heading(say("Without the program", de: "Ohne das Programm")) + "\n"
            + paragraph(
                say(
                    "Python 3.11 or newer is enough. First compare the checksum of rescue.py, "
                        + "because it will ask for the passphrase:",
                    de: "Python ab 3.11 genügt. Zuerst die Prüfsumme von rescue.py vergleichen, "
                        + "denn es fragt nach der Passphrase:"))
            + block([
                "sha256sum \(vaultWord)/rescue.py",
                checksum("rescue.py"),
                "python3 \(vaultWord)/rescue.py \(vaultWord) --list",
                "python3 \(vaultWord)/rescue.py \(vaultWord) --to \(targetWord)",
            ])
    }

    /// What the keyring, which root has signed, says of a companion.
    private func checksum(_ name: String) -> String {
        let digest = vault.keyring.companions.first { $0.name == name }?.digest
        return "    = " + (digest.map { inGroups($0.hex) } ?? "?")
    }

    private var vaultWord: String { say("VAULT", de: "TRESOR") }
    private var targetWord: String { say("TARGET", de: "ZIEL") }

    private func heading(_ text: String) -> String { "<h2>\(escaped(text))</h2>" }
    private func paragraph(_ text: String) -> String { "<p>\(escaped(text))</p>\n" }
    private func code(_ text: String) -> String { "<code>\(escaped(text))</code>" }
    private func row(_ name: String, _ html: String) -> String {
        "<tr><td>\(escaped(name))</td><td>\(html)</td></tr>"
    }
    private func block(_ lines: [String]) -> String {
        "<pre>\(escaped(lines.joined(separator: "\n")))</pre>\n"
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
