// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Who may say what of a vault is no longer needed: the one role that can make something go. It sees
/// records, and no content.
package struct Steward: Sendable {
    package let id: Identifier
    package let name: String
    /// Ed25519 and ML-DSA-65, as root's.
    package let identity: RootIdentity
    package let added: Moment
    /// Its statements behind this one are not accepted; nil while it is active.
    package let lastStatement: UInt64?

    package var isActive: Bool { lastStatement == nil }

    static let tag = 3

    package func retired(after lastStatement: UInt64) -> Steward {
        Steward(id: id, name: name, identity: identity, added: added, lastStatement: lastStatement)
    }

    static func encode(_ all: [Steward]) -> [UInt8] {
        var output = ByteWriter()
        output.varint(all.count)
        for one in all {
            output.raw(one.id.bytes)
            output.text(one.name)
            output.raw(one.identity.classical)
            output.raw(one.identity.postQuantum)
            output.moment(one.added)
            output.u8(one.isActive ? 0 : 1)
            if let last = one.lastStatement { output.u64(last) }
        }
        return output.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(Malformed) -> [Steward] {
        var reader = ByteReader(bytes)
        let all = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            Steward(
                id: try reader.identifier(), name: try reader.text(upTo: 255),
                identity: RootIdentity(
                    classical: try reader.raw(RootIdentity.classicalBytes),
                    postQuantum: try reader.raw(RootIdentity.postQuantumBytes)),
                added: try reader.moment(), lastStatement: try reader.flag() ? try reader.u64() : nil)
        }
        try reader.end()
        return all
    }
}

/// What stays on the machine that prunes: it can say what may go and see records, and reads no content.
package struct StewardKeys: Sendable {
    package let vault: Identifier
    /// The root's fingerprint: which keyrings to believe.
    package let root: Digest
    package let steward: Identifier
    let classicalSeed: [UInt8]
    let postQuantumSeed: [UInt8]
    let observerSeed: [UInt8]

    package var signingKey: RootKey {
        get throws(Unopened) { try RootKey(classicalSeed: classicalSeed, postQuantumSeed: postQuantumSeed) }
    }

    package var observer: Sealing.RecipientKey {
        get throws(Unopened) { try Strongbox.recipientKey(observerSeed) }
    }

    private static let magic = Array("ZWILLING STEWARD KEYS 1\n".utf8)

    /// The file that the machine keeps, readable by its owner only.
    package var encoded: [UInt8] {
        var output = ByteWriter()
        output.raw(Self.magic)
        output.raw(vault.bytes)
        output.digest(root)
        output.raw(steward.bytes)
        for seed in [classicalSeed, postQuantumSeed, observerSeed] { output.raw(seed) }
        return output.bytes
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard try reader.raw(Self.magic.count) == Self.magic else { throw Malformed("not a file of steward keys", at: 0) }
        vault = try reader.identifier()
        root = try reader.digest()
        steward = try reader.identifier()
        classicalSeed = try reader.raw(RootKey.seedBytes)
        postQuantumSeed = try reader.raw(RootKey.seedBytes)
        observerSeed = try reader.raw(32)
        try reader.end()
    }

    fileprivate init(of unlocked: UnlockedKeyring, from world: World) {
        vault = unlocked.keyring.vault
        root = unlocked.keyring.root.fingerprint
        steward = Identifier(from: world)
        (classicalSeed, postQuantumSeed) = (world.random(RootKey.seedBytes), world.random(RootKey.seedBytes))
        observerSeed = unlocked.strongbox.observerSeed
    }
}

extension Vault {
    /// Adds a steward.
    ///
    /// - Returns: the vault, and the keys that the steward's machine must keep.
    package func adding(
        stewardNamed name: String, with unlocked: UnlockedKeyring, world: World
    ) async throws(Trouble) -> (Vault, StewardKeys) {
        let keys = StewardKeys(of: unlocked, from: world)
        let identity: RootIdentity
        do { identity = try keys.signingKey.identity } catch { throw .impossible("to make keys") }
        let steward = Steward(id: keys.steward, name: name, identity: identity, added: world.now(), lastStatement: nil)
        return (try await with(keyring.stewards + [steward], unlocked, world), keys)
    }

    /// Accepts nothing more from a steward: what it has stated so far counts.
    package func retiring(steward id: Identifier, with unlocked: UnlockedKeyring, world: World) async throws(Trouble) -> Vault {
        let last = try await statements().all.last?.number ?? 0
        return try await with(keyring.stewards.map { $0.id == id ? $0.retired(after: last) : $0 }, unlocked, world)
    }

    private func with(_ stewards: [Steward], _ unlocked: UnlockedKeyring, _ world: World) async throws(Trouble) -> Vault {
        try await put(unlocked.stewarding(stewards, after: keyringHash, world: world))
    }
}
