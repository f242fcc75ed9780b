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
        (vault, memory) = try await VaultSites(states).open(place)
        state = states.state(of: vault.keyring.vault)
        // What it sees for the first time it believes only once a key has opened it.
        if memory != nil { remember() }
        tellSites()
    }

    /// Its sites, where it has several.
    var spread: SpreadSite? { vault.site as? SpreadSite }

    /// What is not as it should be with one of several sites, while the others do.
    func tellSites() {
        guard let spread else { return }
        for member in spread.members where !member.isRemovable {
            if let words = SiteStanding.words(member.name, member.standing) { warn(words) }
        }
        if spread.mayBeStale {
            warn(
                Words(
                    "too few sites answer to know what is newest: what they show may be stale.",
                    de: "Zu wenige Standorte antworten, um das Neueste zu kennen: Was sie zeigen, kann veraltet sein."))
        }
    }

    /// Keeps what the vault has shown. A machine on which nothing can be kept can still read.
    func remember(_ heads: [Identifier: ChainHead] = [:], statement: UInt64? = nil, of newer: Vault? = nil) {
        do throws(Trouble) {
            try state.alone { () throws(Trouble) in
                var memory = try state.memory() ?? Memory(of: vault)
                let before = memory.encoded
                memory.note(newer ?? vault)
                for (writer, head) in heads { memory.note(writer, head) }
                if let statement { memory.note(statement: statement) }
                if self.memory == nil || memory.encoded != before {
                    try state.write(.memory, memory.encoded)
                }
                // A service that goes on for long may know an older one.
                let keyring = (newer ?? vault).keyring
                if keyring.number == memory.keyringNumber, try state.plan() != keyring.plan {
                    try state.write(.plan, keyring.plan.encoded)
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
            try state.keep(captured.cache, for: writer.domain)
            // From now on this is where the vault is, wherever it was before.
            if try state.place() != place { try state.write(.place, place.bytes) }
        } catch {
            warn(
                Words(
                    "the next run will be slower. \(error.message.english)",
                    de: "Der nächste Lauf wird langsamer. \(error.message.german)"))
        }
        remember([writer.writer.id: captured.head])
        tellSites()
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

    func observed(with keys: WriterKeys, isBundled: Bool = true) async throws(Trouble) -> Observed {
        try await observed(keys.root, isBundled: isBundled) { () throws(Unopened) in try keys.observer }
    }

    /// Bundles are not believed by whoever lets something go.
    func observed(with keys: StewardKeys) async throws(Trouble) -> Observed {
        try await observed(keys.root, isBundled: false) { () throws(Unopened) in try keys.observer }
    }

    private func observed(
        _ root: Digest, isBundled: Bool, by key: () throws(Unopened) -> Sealing.RecipientKey
    ) async throws(Trouble) -> Observed {
        guard root == vault.keyring.root.fingerprint else { throw foreignRoot }
        let observer: Sealing.RecipientKey
        do { observer = try key() } catch {
            throw Trouble(
                .damaged,
                Words(
                    "The observer's key of this machine is damaged.",
                    de: "Der Beobachterschlüssel dieses Rechners ist beschädigt."))
        }
        let observed = try await Observed(vault, with: observer, remembering: memory, isBundled: isBundled)
        remember(observed.heads, statement: observed.newest?.number)
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

    func opened(_ passphrase: PassphraseOptions, isBundled: Bool = true) async throws -> OpenVault {
        let open = try await OpenVault(vault, unlocked(passphrase), remembering: memory, isBundled: isBundled)
        remember(open.observed.heads, statement: open.observed.newest?.number)
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
