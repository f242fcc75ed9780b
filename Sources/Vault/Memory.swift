// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a machine has seen of a vault, so that a site that shows less is caught: the root, the
/// newest keyring, and the newest record of each writer. It holds no secret.
package struct Memory: Sendable {
    package let vault: Identifier
    package let root: Digest
    package private(set) var keyringNumber: UInt32
    package private(set) var keyringHash: Digest
    package private(set) var heads: [Identifier: ChainHead]
    /// Of the steward's newest statement; 0 while there was none.
    package private(set) var statement: UInt64 = 0

    package init(of vault: Vault) {
        self.vault = vault.keyring.vault
        root = vault.keyring.root.fingerprint
        keyringNumber = vault.keyring.number
        keyringHash = vault.keyringHash
        heads = [:]
    }

    package mutating func note(_ vault: Vault) {
        guard vault.keyring.number > keyringNumber else { return }
        keyringNumber = vault.keyring.number
        keyringHash = vault.keyringHash
    }

    package mutating func note(_ writer: Identifier, _ head: ChainHead) {
        if head.sequence > (heads[writer]?.sequence ?? 0) { heads[writer] = head }
    }

    package mutating func note(statement number: UInt64) { statement = max(statement, number) }

    /// - Throws: `.stale` where this machine has seen a newer one.
    func check(_ newest: Statement?, site: String) throws(Trouble) {
        guard newest?.number ?? 0 < statement else { return }
        throw Trouble(
            .stale,
            Words(
                "Site \"\(site)\" does not show \(Statement.name(statement)), which this machine has seen.",
                de: "Standort „\(site)“ zeigt \(Statement.name(statement)) nicht, das dieser Rechner gesehen hat."),
            advice: Words(
                "It says which snapshots were let go. Bring it back from another copy of the vault.",
                de: "Darin steht, welche Stände aufgegeben wurden. Aus einer anderen Kopie des Tresors zurückholen."))
    }

    /// - Throws: `.wrongKey` for another root, `.stale` for an older keyring than was seen.
    func check(_ keyring: Keyring, _ hash: Digest, site: String) throws(Trouble) {
        guard keyring.vault == vault, keyring.root.fingerprint == root else {
            throw Trouble(
                .wrongKey,
                Words(
                    "The vault at \"\(site)\" is signed by another root than the one this machine knows.",
                    de: "Der Tresor „\(site)“ ist von einer anderen Wurzel signiert als der, die dieser Rechner kennt."),
                advice: Words(
                    "Compare the root fingerprint on the recovery sheet. Do not type the passphrase before it fits.",
                    de: "Den Wurzel-Fingerabdruck auf dem Wiederherstellungsblatt vergleichen. Vorher keine Passphrase eingeben."
                ))
        }
        guard keyring.number > keyringNumber
            || (keyring.number == keyringNumber && hash == keyringHash)
        else {
            throw Trouble(
                .stale,
                Words(
                    "Site \"\(site)\" shows keyring \(keyring.number), but this machine has seen \(keyringNumber): \(Keyring.name(keyringNumber)) is missing or was replaced.",
                    de: "Standort „\(site)“ zeigt Schlüsselring \(keyring.number), dieser Rechner kennt aber \(keyringNumber): \(Keyring.name(keyringNumber)) fehlt oder wurde ersetzt."
                ),
                advice: Words(
                    "Bring the newer keyring back from another copy of the vault.",
                    de: "Den neueren Schlüsselring aus einer anderen Kopie des Tresors zurückholen."))
        }
    }

    private static let magic = Array("ZWILLING MEMORY 1\n".utf8)

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.raw(Self.magic)
        writer.raw(vault.bytes)
        writer.digest(root)
        writer.u32(keyringNumber)
        writer.digest(keyringHash)
        let known = heads.sorted { $0.key < $1.key }
        writer.varint(known.count)
        for (id, head) in known {
            writer.raw(id.bytes)
            writer.u64(head.sequence)
            writer.digest(head.hash)
        }
        // Older programs know none.
        if statement > 0 { writer.u64(statement) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard try reader.raw(Self.magic.count) == Self.magic else {
            throw Malformed("not a memory of a vault", at: 0)
        }
        vault = try reader.identifier()
        root = try reader.digest()
        keyringNumber = try reader.u32()
        keyringHash = try reader.digest()
        let pairs = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (
                try reader.identifier(),
                ChainHead(sequence: try reader.sequence(), hash: try reader.digest())
            )
        }
        heads = Dictionary(pairs) { first, _ in first }
        if reader.remaining > 0 { statement = try reader.u64() }
        try reader.end()
    }
}
