// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: say(
            "Let other machines write, by a token instead of the passphrase.",
            de: "Andere Rechner schreiben lassen, mit einem Token statt der Passphrase."),
        subcommands: [
            AgentInviteCommand.self, AgentEnrolCommand.self, AgentListCommand.self,
        ])
}

struct AgentEnrolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrol",
        abstract: say(
            "Make this machine a writer of a vault, with a token.",
            de: "Diesen Rechner mit einem Token zum Schreiber eines Tresors machen."),
        discussion: say(
            """
            The token comes from "zwilling agent invite" and works once. It fits only the vault that
            it was made for. Interrupted, the same command goes on where it was.
              zwilling agent enrol --vault /mnt/backup/vault
              zwilling agent enrol --vault /mnt/backup/vault --token-file /root/token
            """,
            de: """
                Das Token kommt von „zwilling agent invite“ und gilt einmal. Es passt nur zu dem
                Tresor, für den es gemacht ist. Nach einer Unterbrechung macht derselbe Befehl dort
                weiter, wo er war.
                  zwilling agent enrol --vault /mnt/backup/tresor
                  zwilling agent enrol --vault /mnt/backup/tresor --token-file /root/token
                """))

    @Option(
        help: ArgumentHelp(
            say(
                "Read the token from a file, - for standard input, instead of asking.",
                de: "Token aus einer Datei lesen, - für die Standardeingabe, statt zu fragen."),
            valueName: say("file", de: "datei")))
    var tokenFile: PathArgument?

    @Flag(
        help: ArgumentHelp(
            say(
                "Even if this machine has a key already, which is then forgotten here.",
                de: "Auch wenn dieser Rechner schon einen Schlüssel hat; der wird hier vergessen.")
        ))
    var replace = false

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let token = try TokenSource(file: tokenFile).token(of: known.vault.site.label)
        let lock = try WriterLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        let before = try known.state.claimant()
        let open = try await known.vault.opening(token, as: before, now: World.real.now())
        // The same writer: an earlier attempt got as far as keeping the keys.
        if !replace, try known.state.keys()?.writer != open.writer.id {
            try known.refuseSecondWriter()
        }
        let claimant = Claimant(
            id: before ?? Identifier(from: .real), host: Machine.hostName())
        // Before the claim, so that this machine knows it for its own whenever it is interrupted.
        if before == nil { try known.state.write(.claimant, claimant.id.bytes) }
        let keys = try await known.vault.claim(open, as: claimant, now: World.real.now())
        try known.state.write(.writerKey, keys.encoded)
        known.remember()
        // Last, since until now the keys could not be had from anywhere else.
        await remove(open.invitation, from: known)
        let report = EnrolmentReport(
            known: known, writer: open.writer, host: claimant.host, tokenFile: tokenFile)
        try output.json ? showJSON(report.fields) : report.show()
    }

    private func remove(_ invitation: Invitation, from known: KnownVault) async {
        do throws(Trouble) { try await known.vault.removing(invitation.name) } catch {
            warn(
                Words(
                    "the invitation could not be removed; whoever has the token can still read "
                        + "this machine's keys from it, so destroy the token. "
                        + error.message.english,
                    de: "Die Einladung ließ sich nicht entfernen; wer das Token hat, kann die "
                        + "Schlüssel dieses Rechners noch daraus lesen. Das Token also vernichten. "
                        + error.message.german))
        }
    }
}

/// That this machine is a writer now, and what to do next.
struct EnrolmentReport {
    let known: KnownVault
    let writer: Writer
    let host: String
    let tokenFile: PathArgument?

    struct Fields: Encodable {
        let vault, root, writer, name, host: String
        let keyFile: PathFields
    }

    var fields: Fields {
        Fields(
            vault: known.vault.keyring.vault.description,
            root: known.vault.keyring.root.fingerprint.hex, writer: writer.id.description,
            name: writer.name, host: host,
            keyFile: PathFields(bytes: known.state.path(.writerKey)))
    }

    func show() throws(Trouble) {
        let name = plain(writer.name)
        let root = inGroups(known.vault.keyring.root.fingerprint.hex)
        let file = printable(known.state.path(.writerKey))
        try zwilling.show([
            say(
                "This machine is writer \"\(name)\" (\(short(writer.id))) of vault ",
                de: "Dieser Rechner ist Schreiber „\(name)“ (\(short(writer.id))) des Tresors ")
                + known.vault.keyring.vault.description,
            say("Root ", de: "Wurzel ") + root
                + say(", for which the token was made", de: ", für die das Token gemacht ist"),
            say(
                "Its key: \(file): can add and list, cannot read content",
                de: "Sein Schlüssel: \(file): kann hinzufügen und auflisten, aber keine Inhalte "
                    + "lesen"),
        ])
        tell(
            say(
                "Next: put the blueprint here, \"zwilling check\", then \"zwilling protect\" "
                    + "captures what it names for host \(plain(host)).",
                de: "Weiter: den Bauplan hierher legen, „zwilling check“; danach sichert "
                    + "„zwilling protect“, was er für den Rechner \(plain(host)) nennt."))
        if let tokenFile, tokenFile.bytes != [UInt8(ascii: "-")] {
            let path = printable(tokenFile.bytes)
            tell(
                say(
                    "Remove \"\(path)\": with an old copy of the vault the token still opens "
                        + "these keys.",
                    de: "„\(path)“ löschen: Mit einer alten Kopie des Tresors öffnet das Token "
                        + "diese Schlüssel noch."))
        }
    }
}
