// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: say(
            "List the keys; add or retire machines that may write.",
            de: "Schlüssel auflisten; Rechner, die schreiben dürfen, anmelden oder stilllegen."),
        subcommands: [KeysListCommand.self, KeysAddCommand.self, KeysRetireCommand.self, KeysStewardCommand.self, KeysRotateCommand.self])
}

struct KeysListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: say("List the keys of a vault.", de: "Die Schlüssel eines Tresors auflisten."),
        discussion: say(
            """
            Needs no key. Compare the root's fingerprint with the recovery sheet.
              zwilling keys list
              zwilling keys list --vault /mnt/backup/vault --json
            """,
            de: """
                Braucht keinen Schlüssel. Den Fingerabdruck der Wurzel mit dem
                Wiederherstellungsblatt vergleichen.
                  zwilling keys list
                  zwilling keys list --vault /mnt/backup/tresor --json
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let mine = try known.state.keys()?.writer
        let list = KeyList(keyring: known.vault.keyring, mine: mine)
        try output.json ? showJSON(list.fields) : show(list.lines)
    }
}

struct KeysAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: say(
            "Make this machine a writer of a vault.",
            de: "Diesen Rechner zum Schreiber eines Tresors machen."),
        discussion: say(
            """
            Each machine has a key of its own, so that one can be retired without the others. Needs
            the passphrase. It also brings the programs in the vault up to date.
              zwilling keys add --vault /mnt/backup/vault
              zwilling keys add --vault /mnt/backup/vault --name library
            """,
            de: """
                Jeder Rechner hat einen eigenen Schlüssel, damit man einen ohne die anderen
                stilllegen kann. Braucht die Passphrase. Bringt auch die Programme im Tresor auf den
                neuesten Stand.
                  zwilling keys add --vault /mnt/backup/tresor
                  zwilling keys add --vault /mnt/backup/tresor --name bücherei
                """))

    @Option(
        help: ArgumentHelp(
            say(
                "Name of this machine as a writer; else its host name.",
                de: "Name dieses Rechners als Schreiber; sonst sein Rechnername.")))
    var name: String?

    @Flag(
        help: ArgumentHelp(
            say(
                "Even if this machine has a key already, which is then forgotten here.",
                de: "Auch wenn dieser Rechner schon einen Schlüssel hat; der wird hier vergessen.")
        ))
    var replace = false

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let writer = try writerName(name)
        let known = try await KnownVault(vault)
        let lock = try WriterLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        if !replace { try known.refuseSecondWriter() }
        let unlocked = try known.unlocked(passphrase)
        let (changed, keys) = try await known.vault.adding(
            writerNamed: writer, with: unlocked, companions: try Companions.all(), world: .real)
        try known.state.write(.writerKey, keys.encoded)
        known.remember(of: changed)
        let list = KeyList(keyring: changed.keyring, mine: keys.writer)
        try output.json ? showJSON(list.fields) : show(list.lines)
        tellNewCompanions(known.vault, changed)
        tell(
            say(
                "This machine may add to the vault now: \"zwilling protect PATH\". An old writer "
                    + "that is no longer needed goes with \"zwilling keys retire\".",
                de: "Dieser Rechner darf jetzt in den Tresor schreiben: „zwilling protect PFAD“. "
                    + "Ein alter Schreiber, der nicht mehr gebraucht wird, geht mit "
                    + "„zwilling keys retire“."))
    }
}

struct KeysRetireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: say(
            "Accept nothing more from a writer or steward.", de: "Von einem Schreiber oder Verwalter nichts mehr annehmen."),
        discussion: say(
            """
            What it has stored so far stays. It cannot be taken back, so it wants to be confirmed.
            An invitation that was left for it goes. Needs the passphrase.
              zwilling keys retire library --confirm library
              zwilling keys retire 5e0c22aa --confirm library
            """,
            de: """
                Was er gespeichert hat, bleibt. Es lässt sich nicht zurücknehmen und will daher
                bestätigt sein. Eine Einladung für ihn verschwindet. Braucht die Passphrase.
                  zwilling keys retire bücherei --confirm bücherei
                  zwilling keys retire 5e0c22aa --confirm bücherei
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "The writer's name, or the first digits of its id.",
                de: "Name des Schreibers oder die ersten Stellen seiner Kennung."),
            valueName: say("writer", de: "schreiber")))
    var writer: String

    @Option(
        help: ArgumentHelp(
            say("The writer's name once more.", de: "Noch einmal der Name des Schreibers."),
            valueName: say("name", de: "name")))
    var confirm: String?

    @Flag(
        help: ArgumentHelp(
            say(
                "Accept that the vault shows fewer records than this machine has seen.",
                de: "Hinnehmen, dass der Tresor weniger Einträge zeigt, als dieser Rechner sah.")))
    var acceptLoss = false

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        if let steward = known.activeSteward(writer) {
            try checkConfirmed(steward.name)
            let unlocked = try known.unlocked(passphrase)
            let changed = try await known.vault.retiring(steward: steward.id, with: unlocked, world: .real)
            known.remember(of: changed)
            let list = KeyList(keyring: changed.keyring, mine: try known.state.keys()?.writer)
            return try output.json ? showJSON(list.fields) : show(list.lines)
        }
        let wanted = try known.activeWriter(writer)
        try checkConfirmed(wanted.name)
        let unlocked = try known.unlocked(passphrase)
        let changed = try await known.vault.retiring(
            wanted.id, with: unlocked, remembering: acceptLoss ? nil : known.memory, world: .real)
        known.remember(of: changed)
        do throws(Trouble) { try await changed.removingInvitations(of: wanted.id) } catch {
            // The writer is retired, so nobody can take the invitation up any more.
            warn(
                Words(
                    "its invitation could not be removed. \(error.message.english)",
                    de: "Die Einladung ließ sich nicht entfernen. \(error.message.german)"))
        }
        let list = KeyList(keyring: changed.keyring, mine: try known.state.keys()?.writer)
        try output.json ? showJSON(list.fields) : show(list.lines)
        tellSlots(of: wanted)
    }

    private func checkConfirmed(_ name: String) throws(Trouble) {
        guard confirm != name else { return }
        throw Trouble(
            .wrongUse,
            Words(
                "Retiring \"\(plain(name))\" cannot be taken back; it must be confirmed.",
                de: "„\(plain(name))“ stillzulegen lässt sich nicht zurücknehmen und muss bestätigt werden."),
            advice: Words("Add --confirm '\(plain(name))'.", de: "--confirm '\(plain(name))' hinzufügen."))
    }

    /// Whether it followed the log of a cluster only that server knows.
    private func tellSlots(of writer: Writer) {
        let query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^zwilling_.*_\(short(writer.id))$' AND NOT active;"
        tell(
            say(
                "Where it followed the log of a PostgreSQL cluster, its slot stays at the server and keeps log until it is dropped there: \(query)",
                de: "Wo er dem Protokoll eines PostgreSQL-Clusters folgte, bleibt sein Slot am Server und hält Protokoll zurück, bis er dort entfernt wird: \(query)"))
    }
}

/// The recovery sheet has checksums of the programs, which a new keyring may have renewed.
func tellNewCompanions(_ before: Vault, _ after: Vault) {
    guard before.keyring.companions != after.keyring.companions else { return }
    tell(
        say(
            "The programs in the vault are newer now, so the checksums on the recovery sheet have "
                + "changed: print it again with \"zwilling vault sheet\".",
            de: "Die Programme im Tresor sind jetzt neuer, daher haben sich die Prüfsummen auf dem "
                + "Wiederherstellungsblatt geändert: mit „zwilling vault sheet“ neu drucken."))
}
