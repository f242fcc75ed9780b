// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Sites
import Vault

/// A vault, and what this machine knows of it. Whatever it shows that is newer is remembered at
/// once, so that an older state is noticed from then on.
struct KnownVault {
    let vault: Vault
    let state: VaultState
    /// From earlier runs; nil where this machine sees the vault for the first time.
    let memory: Memory?
    let place: VaultPlace

    /// - Parameter institution: whose blueprint may name the vault.
    init(_ options: VaultOptions, of institution: Institution? = nil) async throws(Trouble) {
        let states = try StateDirectory()
        place = try options.place(in: states, orElse: institution?.vault?.value)
        let site = try place.open(in: states)
        let known = try await Self.state(of: site, at: place, in: states)
        memory = try known?.memory()
        vault = try await Vault(at: site, remembering: memory)
        state = states.state(of: vault.keyring.vault)
        // What it sees for the first time it believes only once a key has opened it.
        if memory != nil { remember() }
    }

    /// What is known of the vault that this site claims to be. Where another was at this place
    /// before, it may be another disk, or somebody has put up a forgery.
    private static func state(
        of site: any Site, at place: VaultPlace, in states: StateDirectory
    ) async throws(Trouble) -> VaultState? {
        let all = try states.vaults()
        let claimed = await claimedVault(site)
        if let known = all.first(where: { $0.vault == claimed }) { return known }
        let places = try all.map { state throws(Trouble) in try state.place() }
        guard let other = zip(all, places).first(where: { $0.1 == place })?.0 else { return nil }
        // One that cannot even be read is what the known vault has become.
        guard let claimed else { return other }
        let file = printable(other.path(.place))
        throw Trouble(
            .wrongKey,
            Words(
                "\"\(site.label)\" is not the vault that this machine knows there: it was "
                    + "\(short(other.vault)), now it is \(short(claimed)).",
                de: "„\(site.label)“ ist nicht der Tresor, den dieser Rechner dort kennt: bisher "
                    + "\(short(other.vault)), jetzt \(short(claimed))."),
            advice: Words(
                "Do not type a passphrase yet. If it is meant to be another vault, remove "
                    + "\"\(file)\", try again, and compare the fingerprint of its root with the "
                    + "recovery sheet.",
                de: "Noch keine Passphrase eingeben. Falls es ein anderer Tresor sein soll: "
                    + "„\(file)“ löschen, noch einmal versuchen und den Fingerabdruck der Wurzel "
                    + "mit dem Wiederherstellungsblatt vergleichen."))
    }

    /// nil where there is no first keyring, or none that can be read: opening will say why.
    private static func claimedVault(_ site: any Site) async -> Identifier? {
        do {
            let bytes = try await site.get(Keyring.name(1), in: 0..<Limits.statementBytesMax)
            return try Keyring(decoding: bytes).vault
        } catch { return nil }
    }

    /// Keeps what the vault has shown. A machine on which nothing can be kept can still read.
    func remember(_ heads: [Identifier: ChainHead] = [:], of newer: Vault? = nil) {
        do throws(Trouble) {
            try state.alone { () throws(Trouble) in
                var memory = try state.memory() ?? Memory(of: vault)
                let before = memory.encoded
                memory.note(newer ?? vault)
                for (writer, head) in heads { memory.note(writer, head) }
                if self.memory == nil || memory.encoded != before {
                    try state.write(.memory, memory.encoded)
                }
            }
            if try state.place() == nil { try state.write(.place, place.bytes) }
        } catch {
            warn(
                Words(
                    "this machine cannot remember what it saw of the vault. "
                        + error.message.english,
                    de: "Dieser Rechner kann sich nicht merken, was er vom Tresor gesehen hat. "
                        + error.message.german))
        }
    }
}

extension KnownVault {
    /// The snapshot exists, whatever happens to the notes about it.
    func keep(_ captured: Captured, for writer: VaultWriter) {
        do throws(Trouble) {
            try state.write(.cache, captured.cache.encoded(for: writer.domain))
            // From now on this is where the vault is, wherever it was before.
            if try state.place() != place { try state.write(.place, place.bytes) }
        } catch {
            warn(
                Words(
                    "the next run will be slower. \(error.message.english)",
                    de: "Der nächste Lauf wird langsamer. \(error.message.german)"))
        }
        remember([writer.writer.id: captured.head])
    }
}

// MARK: - Keys

extension KnownVault {
    /// The records, by the observer's key of this machine, else by the passphrase.
    func observed(_ passphrase: PassphraseOptions) async throws -> Observed {
        guard passphrase.passphraseFile == nil, let keys = try state.keys() else {
            return try await opened(passphrase).observed
        }
        return try await observed(with: keys)
    }

    func observed(with keys: WriterKeys) async throws(Trouble) -> Observed {
        guard keys.root == vault.keyring.root.fingerprint else { throw foreignRoot }
        let observer: Sealing.RecipientKey
        do { observer = try keys.observer } catch {
            throw Trouble(
                .damaged,
                Words(
                    "The observer's key of this machine is damaged.",
                    de: "Der Beobachterschlüssel dieses Rechners ist beschädigt."))
        }
        let observed = try await Observed(vault, with: observer, remembering: memory)
        remember(observed.heads)
        return observed
    }

    private var foreignRoot: Trouble {
        Trouble(
            .wrongKey,
            Words(
                "The vault at \"\(vault.site.label)\" is signed by another root than this "
                    + "machine's key belongs to.",
                de: "Der Tresor „\(vault.site.label)“ ist von einer anderen Wurzel signiert als "
                    + "der, zu der der Schlüssel dieses Rechners gehört."),
            advice: Words(
                "Compare \"zwilling keys list\" with the recovery sheet. Do not type the "
                    + "passphrase before it fits.",
                de: "„zwilling keys list“ mit dem Wiederherstellungsblatt vergleichen. Vorher "
                    + "keine Passphrase eingeben."))
    }

    func unlocked(_ passphrase: PassphraseOptions) throws -> UnlockedKeyring {
        introduce()
        // Only now is memory kept: the 128 MiB that a passphrase takes are to be given back.
        defer { Machine.keepMemory() }
        return try vault.unlock(passphrase: try passphrase.passphrase(of: vault.site.label))
    }

    func opened(_ passphrase: PassphraseOptions) async throws -> OpenVault {
        let open = try await OpenVault(vault, unlocked(passphrase), remembering: memory)
        remember(open.observed.heads)
        return open
    }

    /// A forged vault could be made to collect a passphrase. Nobody but the person with the
    /// recovery sheet can tell, and only the first time.
    private func introduce() {
        guard memory == nil else { return }
        let root = inGroups(vault.keyring.root.fingerprint.hex)
        tell(
            say(
                "This machine sees this vault for the first time. Fingerprint of its root:\n"
                    + "  \(root)\nCompare it with the recovery sheet before you type the "
                    + "passphrase.",
                de: "Dieser Rechner sieht diesen Tresor zum ersten Mal. Fingerabdruck der Wurzel:\n"
                    + "  \(root)\nVor der Eingabe der Passphrase mit dem Wiederherstellungsblatt "
                    + "vergleichen."))
    }

    /// This machine's keys for adding to the vault.
    func writerKeys() throws(Trouble) -> WriterKeys {
        if let keys = try state.keys() { return keys }
        throw Trouble(
            .missing,
            Words(
                "This machine has no key for adding to the vault at \"\(vault.site.label)\".",
                de: "Dieser Rechner hat keinen Schlüssel, um in den Tresor „\(vault.site.label)“ "
                    + "zu schreiben."),
            advice: Words(
                "Make it a writer with \"zwilling agent enrol\", which needs a token, or with "
                    + "\"zwilling keys add\", which needs the passphrase.",
                de: "Ihn zum Schreiber machen: mit „zwilling agent enrol“, das ein Token braucht, "
                    + "oder mit „zwilling keys add“, das die Passphrase braucht."))
    }
}

/// Enough of an id for people to tell it from others.
func short(_ id: Identifier) -> String { String(id.description.prefix(8)) }
