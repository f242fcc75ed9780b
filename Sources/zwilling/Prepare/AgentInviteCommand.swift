// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Vault

struct AgentInviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: say(
            "Make a token with which another machine becomes a writer.",
            de: "Ein Token machen, mit dem ein anderer Rechner Schreiber wird."),
        discussion: say(
            """
            Needs the passphrase, here and not on the other machine. The token works once; until it
            is used, whoever has it and reaches the vault can become that writer. It is shown on the
            terminal, or goes to a file that only you can read.
              zwilling agent invite library
              zwilling agent invite library --valid 2h --token-file /root/token
              zwilling agent invite library --token-file - | ssh library zwilling agent enrol --vault /mnt/backup/vault --token-file -
            """,
            de: """
                Braucht die Passphrase, hier und nicht auf dem anderen Rechner. Das Token gilt
                einmal; bis dahin kann jeder damit Schreiber werden, der es hat und an den Tresor
                kommt. Es erscheint auf dem Terminal oder geht in eine Datei, die nur Sie lesen.
                  zwilling agent invite bücherei
                  zwilling agent invite bücherei --valid 2h --token-file /root/token
                  zwilling agent invite bücherei --token-file - | ssh bücherei zwilling agent enrol --vault /mnt/backup/tresor --token-file -
                """))

    @Argument(
        help: ArgumentHelp(
            say("Name of the other machine as a writer.", de: "Name des Rechners als Schreiber.")))
    var name: String

    @Option(
        help: ArgumentHelp(
            say(
                "How long the token is valid: 30min, 24h, 7d; 30 days at most.",
                de: "Wie lange das Token gilt: 30min, 24h, 7d; höchstens 30 Tage."),
            valueName: say("span", de: "spanne")))
    var valid = "24h"

    @Option(
        help: ArgumentHelp(
            say(
                "Put the token into this new file, - for standard output.",
                de: "Das Token in diese neue Datei schreiben, - für die Standardausgabe."),
            valueName: say("file", de: "datei")))
    var tokenFile: PathArgument?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if output.json, tokenFile?.bytes == [UInt8(ascii: "-")] {
            throw ValidationError(
                say(
                    "Standard output takes either the token or JSON.",
                    de: "Auf die Standardausgabe geht entweder das Token oder JSON."))
        }
    }

    mutating func run() async throws {
        let writer = try writerName(name)
        let seconds = try Self.seconds(valid)
        let known = try await KnownVault(vault)
        let target = try TokenTarget(file: tokenFile, vault: known.place)
        let unlocked = try known.unlocked(passphrase)
        let token = Token(for: unlocked.keyring.root.fingerprint, from: .real)
        // A token that cannot be kept must not be made valid.
        try target.keep(token)
        let (changed, invitation): (Vault, Invitation)
        do {
            (changed, invitation) = try await known.vault.inviting(
                writerNamed: writer, by: token, for: seconds, with: unlocked,
                companions: try Companions.all(), world: .real)
        } catch {
            target.discard()
            throw error
        }
        known.remember(of: changed)
        let report = InvitationReport(
            vault: changed, invitation: invitation, name: writer, target: target)
        try output.json ? showJSON(report.fields) : report.show()
        tellNewCompanions(known.vault, changed)
        try target.show(token)
    }

    private static let secondsMax = 30 * 86_400

    private static func seconds(_ text: String) throws(Trouble) -> Int64 {
        if let span = Span(text), span.seconds <= secondsMax { return Int64(span.seconds) }
        throw Trouble(
            .wrongUse,
            Words(
                "A token cannot be valid for \"\(plain(text))\".",
                de: "„\(plain(text))“ kann ein Token nicht gelten."),
            advice: Words(
                "Give a span of 30 days at most, for example --valid 2h.",
                de: "Eine Spanne von höchstens 30 Tagen nennen, zum Beispiel --valid 2h."))
    }
}

/// Whom a token makes a writer, and where it is.
struct InvitationReport {
    let vault: Vault
    let invitation: Invitation
    let name: String
    let target: TokenTarget

    struct Fields: Encodable {
        let vault: String
        let keyring: UInt32
        let writer, name, expires: String
        let tokenFile: PathFields?
    }

    var fields: Fields {
        Fields(
            vault: vault.keyring.vault.description, keyring: vault.keyring.number,
            writer: invitation.writer.description, name: name,
            expires: isoTime(invitation.expires), tokenFile: target.path.map(PathFields.init(bytes:)))
    }

    /// Where standard output takes the token, nothing else goes there.
    func show() throws(Trouble) {
        let lines = [
            say(
                "Invited: writer \"\(plain(name))\" (\(short(invitation.writer))), until "
                    + localTime(invitation.expires),
                de: "Eingeladen: Schreiber „\(plain(name))“ (\(short(invitation.writer))), bis "
                    + localTime(invitation.expires))
        ]
        target.isOutput ? lines.forEach(tell) : try zwilling.show(lines)
        if let path = target.path {
            let file = printable(path)
            tell(
                say(
                    "The token is in \"\(file)\". Bring it to the machine on a way that only you "
                        + "can read, and remove the file after use.",
                    de: "Das Token steht in „\(file)“. Auf einem Weg, den nur Sie lesen können, "
                        + "zum Rechner bringen und die Datei nach Gebrauch löschen."))
        }
        tell(
            say(
                "Next, on that machine: \"zwilling agent enrol --vault DIR\". \"zwilling agent "
                    + "list\" shows whether it was taken up.",
                de: "Weiter, auf jenem Rechner: „zwilling agent enrol --vault VERZ“. Ob es "
                    + "eingelöst wurde, zeigt „zwilling agent list“."))
    }
}
