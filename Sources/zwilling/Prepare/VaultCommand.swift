// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Sites
import Vault

struct VaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault",
        abstract: say(
            "Make a vault, or print its recovery sheet again.",
            de: "Einen Tresor anlegen oder sein Wiederherstellungsblatt neu schreiben."),
        subcommands: [CreateCommand.self, SheetCommand.self])
}

struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: say("Make a new vault in a directory or a bucket.", de: "Einen neuen Tresor in einem Verzeichnis oder Bucket anlegen."),
        discussion: say(
            """
            The directory is made where it does not exist; the one above it must be there. This
            machine becomes the vault's first writer, and every key goes where it belongs.
              zwilling vault create /mnt/backup/vault
              zwilling vault create /mnt/backup/vault --name townhall --sheet ~/sheet.html
              zwilling vault create ./vault --passphrase-file /root/passphrase
            A bucket must be there; "zwilling sites login" lets this machine in.
              zwilling vault create s3://s3.example.eu/town-vault
            """,
            de: """
                Das Verzeichnis wird angelegt, wenn es fehlt; das darüber muss es geben. Dieser
                Rechner wird der erste Schreiber, und jeder Schlüssel kommt dahin, wo er hingehört.
                  zwilling vault create /mnt/backup/tresor
                  zwilling vault create /mnt/backup/tresor --name rathaus --sheet ~/blatt.html
                  zwilling vault create ./tresor --passphrase-file /root/passphrase
                Ein Bucket muss da sein; „zwilling sites login“ lässt diesen Rechner ein.
                  zwilling vault create s3://s3.example.eu/stadt-tresor
                """))

    @Argument(
        help: ArgumentHelp(
            say("A directory, empty or new, s3://HOST/BUCKET/PREFIX or sftp://HOST/PATH.",
                de: "Verzeichnis, leer oder neu, s3://HOST/BUCKET/PRÄFIX oder sftp://RECHNER/PFAD."),
            valueName: say("site", de: "standort")))
    var directory: PathArgument

    @Option(
        help: ArgumentHelp(
            say(
                "Name of this machine as a writer; else its host name.",
                de: "Name dieses Rechners als Schreiber; sonst sein Rechnername.")))
    var name: String?

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let writer = try writerName(name)
        let place = try VaultPlace(directory)
        let given = try passphrase.fromFile()
        if let given { try PassphraseOptions.check(given) }
        if let file = sheet.sheet {
            try refuse(try file.absolute(), inside: place)
            try RecoverySheet.refuseExisting(try file.absolute())
        }
        let states = try StateDirectory()
        try states.prepare()
        let site = try await place.create(in: states)
        let secret = try given ?? passphrase.newPassphrase()
        let (vault, keys) = try await Vault.create(
            at: site, passphrase: secret, writerNamed: writer, companions: try Companions.all(),
            world: .real)
        let state = states.state(of: vault.keyring.vault)
        try state.write(.writerKey, keys.encoded)
        for other in try states.vaults() where try other.place() == place {
            try other.forgetPlace()
        }
        try state.write(.place, place.bytes)
        try state.write(.memory, Memory(of: vault).encoded)
        let report = CreationReport(
            vault: vault, place: place, keyFile: state.path(.writerKey),
            sheet: try RecoverySheet(vault: vault, place: place).write(to: sheet.sheet))
        try output.json ? showJSON(report.fields) : report.show()
    }
}

struct SheetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say(
                "Where the recovery sheet goes; else zwilling-recovery-….html here.",
                de: "Wohin das Wiederherstellungsblatt soll; sonst zwilling-recovery-….html hier."),
            valueName: say("file", de: "datei")))
    var sheet: PathArgument?
}

struct SheetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sheet",
        abstract: say(
            "Write the recovery sheet once more.",
            de: "Das Wiederherstellungsblatt noch einmal schreiben."),
        discussion: say(
            """
            It holds no secret; the passphrase is written on the paper by hand.
              zwilling vault sheet
              zwilling vault sheet --vault /mnt/backup/vault --sheet /tmp/sheet.html
            """,
            de: """
                Es enthält kein Geheimnis; die Passphrase wird von Hand aufs Papier geschrieben.
                  zwilling vault sheet
                  zwilling vault sheet --vault /mnt/backup/tresor --sheet /tmp/blatt.html
                """))

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let path = try RecoverySheet(vault: known.vault, place: known.place).write(to: sheet.sheet)
        try output.json ? showJSON(PathFields(bytes: path)) : show([printable(path)])
    }
}

/// The name given, else the host's. The format keeps 255 bytes for it.
func writerName(_ wish: String?) throws(Trouble) -> String {
    let name = wish ?? Machine.hostName()
    guard (1...255).contains(name.utf8.count), printable(Array(name.utf8)) == name else {
        throw Trouble(
            .wrongUse,
            Words(
                "A writer cannot have this name.", de: "So kann ein Schreiber nicht heißen."),
            advice: Words(
                "Take 1 to 255 bytes of plain text, for example --name townhall.",
                de: "1 bis 255 Bytes einfacher Text, zum Beispiel --name rathaus."))
    }
    return name
}
