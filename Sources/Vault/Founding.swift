// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

// How a vault begins, and how its keyring changes. Every change is a new keyring with the next
// number, put so that only one of two who try can win.
extension Vault {
    /// Makes a vault at an empty site, with its first writer.
    ///
    /// - Returns: the vault, and the keys that the first writer's machine must keep.
    package static func create(
        at site: any Site, passphrase: [UInt8], writerNamed name: String,
        companions: [(name: String, bytes: [UInt8])], world: World
    ) async throws(Trouble) -> (Vault, WriterKeys) {
        guard try await site.list("keyring/").isEmpty else {
            throw Trouble(
                .exists,
                Words(
                    "There is a vault at \"\(site.label)\" already.",
                    de: "In „\(site.label)“ ist schon ein Tresor."),
                advice: Words(
                    "Choose another place, or add this machine as a writer with \"zwilling keys add\".",
                    de: "Anderen Ort wählen, oder diesen Rechner mit „zwilling keys add“ als Schreiber hinzufügen."
                ))
        }
        let unlocked: UnlockedKeyring
        let keys: WriterKeys
        let object: [UInt8]
        do {
            let first = try Keyring.new(
                passphrase: passphrase, companions: list(companions), world: world)
            (unlocked, keys) = try first.adding(writerNamed: name, after: nil, world: world)
            object = try unlocked.encoded
        } catch { throw .impossible("to make keys") }
        try await put(companions, at: site)
        try await put(object, number: unlocked.keyring.number, at: site)
        return (try await Vault(at: site, remembering: nil), keys)
    }

    /// Adds a writer, and brings the companions up to date.
    package func adding(
        writerNamed name: String, with unlocked: UnlockedKeyring,
        companions: [(name: String, bytes: [UInt8])], world: World
    ) async throws(Trouble) -> (Vault, WriterKeys) {
        do {
            // Programs for other kinds of machines stay.
            let new = Self.list(companions)
            let kept = keyring.companions.filter { old in !new.contains { $0.name == old.name } }
            let (changed, keys) = try unlocked.adding(
                writerNamed: name, after: keyringHash, companions: kept + new, world: world)
            try await Self.put(companions, at: site)
            return (try await put(changed), keys)
        } catch let error as Trouble {
            throw error
        } catch { throw .impossible("to make keys") }
    }

    /// Retires a writer: what it has stated so far counts, whatever it may state later does not.
    ///
    /// - Parameter memory: what this machine has seen, so that a site that shows less cannot have
    ///   the shorter chain settled for ever. Leave it out to accept exactly that.
    package func retiring(
        _ id: Identifier, with unlocked: UnlockedKeyring, remembering memory: Memory?,
        world: World
    ) async throws(Trouble) -> Vault {
        guard let writer = keyring.writer(id), case .active = writer.state else {
            throw Trouble(
                .wrongUse,
                Words(
                    "There is no active writer \(id).", de: "Es gibt keinen aktiven Schreiber \(id)."
                ),
                advice: Words(
                    "\"zwilling keys list\" shows them.", de: "„zwilling keys list“ zeigt sie."))
        }
        let chain = try await Chain(
            of: writer, in: self, remembered: memory?.heads[id] ?? .start)
        // A chain with a hole must not be closed over it: what lies behind would be lost.
        if let trouble = chain.troubles.first { throw trouble }
        let head = chain.head ?? .start
        return try await put(
            unlocked.retiring(
                id, lastSequence: head.sequence, lastRecord: head.hash, after: keyringHash,
                world: world))
    }

    /// Seals what comes to a new reader, under a new passphrase. No object is touched.
    package func rotating(
        to passphrase: [UInt8], with unlocked: UnlockedKeyring, world: World,
        roundsExponent: UInt8 = PassphraseWrap.roundsExponent
    ) async throws(Trouble) -> Vault {
        let changed: UnlockedKeyring
        do { changed = try unlocked.rotating(to: passphrase, after: keyringHash, world: world, roundsExponent: roundsExponent) } catch {
            throw .impossible("to make keys")
        }
        return try await put(changed)
    }

    /// Changes where the vault lies, and what must hold of that.
    ///
    /// - Parameter site: the sites of the plan; what is new there is filled later.
    /// - Throws: `.wrongUse` with the rule that would not hold.
    package func planning(
        _ plan: SitePlan, at site: any Site, with unlocked: UnlockedKeyring, world: World
    ) async throws(Trouble) -> Vault {
        let breaches = plan.rules.breaches(plan.sites)
        guard breaches.isEmpty else { throw .breached(breaches) }
        return try await put(unlocked.planning(plan, after: keyringHash, world: world), at: site)
    }

    func put(_ changed: UnlockedKeyring) async throws(Trouble) -> Vault {
        try await put(changed, at: site)
    }

    private func put(
        _ changed: UnlockedKeyring, at site: any Site, isDecided: Bool = false
    ) async throws(Trouble) -> Vault {
        let object: [UInt8]
        do { object = try changed.encoded } catch { throw .impossible("to sign the keyring") }
        try await Self.put(object, number: changed.keyring.number, at: site, isDecided: isDecided)
        try await completeCopies()
        return try await Vault(at: site, remembering: nil)
    }

    /// Puts copies of keyrings that are missing. It only adds: one that is damaged stays for
    /// somebody to look at.
    package func completeCopies() async throws(Trouble) {
        for (missing, whole) in missingCopies {
            let bytes = try await object(whole, upTo: Limits.statementBytesMax)
            do throws(Trouble) { try await site.put(missing, bytes[...], existing: .refuse) } catch {
                // With the least rights a writer may not; whoever may does it later.
                guard error.kind == .denied else { throw error }
            }
        }
    }

    /// By the one site that decides, or not at all.
    func putDecided(_ changed: UnlockedKeyring) async throws(Trouble) -> Vault {
        try await put(changed, at: site, isDecided: true)
    }

    /// The first put decides who wins; the copy follows it.
    private static func put(
        _ object: [UInt8], number: UInt32, at site: any Site, isDecided: Bool = false
    ) async throws(Trouble) {
        let name = Keyring.name(number)
        if isDecided { try await site.putDecided(name, object[...]) } else {
            try await site.put(name, object[...], existing: .refuse)
        }
        try await site.put(
            Keyring.name(number, in: Keyring.folders[1]), object[...], existing: .replace)
        await site.settle()
    }

    private static func list(_ companions: [(name: String, bytes: [UInt8])]) -> [Companion] {
        companions.map {
            Companion(name: $0.name, size: $0.bytes.count, digest: Sealing.hash($0.bytes))
        }
    }

    private static func put(
        _ companions: [(name: String, bytes: [UInt8])], at site: any Site
    ) async throws(Trouble) {
        for (name, bytes) in companions {
            guard let object = ObjectName(name) else {
                preconditionFailure("companions have plain names")
            }
            try await site.put(object, bytes[...], existing: .replace)
        }
    }
}

extension Trouble {
    /// Rules that do not hold.
    package static func breached(_ breaches: [SiteRules.Breach]) -> Trouble {
        let english = breaches.map { "\($0.rule): \($0.words.english)" }.joined(separator: "; ")
        let german = breaches.map { "\($0.rule): \($0.words.german)" }.joined(separator: "; ")
        return Trouble(
            .wrongUse,
            Words(
                "The rules of this vault do not hold. \(english).", de: "Die Regeln dieses Tresors sind nicht eingehalten. \(german)."),
            advice: Words(
                "Choose other sites, say more of them with \"zwilling sites add\", or change the rules with \"zwilling sites rules\".",
                de: "Andere Standorte wählen, mit „zwilling sites add“ mehr über sie sagen oder die Regeln mit „zwilling sites rules“ ändern."))
    }
}
