// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites
import Testing
import Vault

/// A keyring taken apart, so that a test can change what stands in it and sign it again.
struct KeyringParts {
    static let fixedBytes = 2044

    /// All before the length of the body.
    var front: [UInt8]
    var body: [UInt8]

    init(_ object: [UInt8]) throws {
        var reader = ByteReader(object, in: Self.fixedBytes..<object.count)
        let count = Int(try reader.u32())
        front = Array(object[..<Self.fixedBytes])
        body = try reader.raw(count)
        #expect(reader.remaining == RootIdentity.signatureBytes)
    }

    var number: UInt32 {
        get {
            front[24..<28].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        set {
            var writer = ByteWriter()
            writer.u32(newValue)
            front.replaceSubrange(24..<28, with: writer.bytes)
        }
    }

    mutating func setPrevious(_ digest: Digest) {
        front.replaceSubrange(28..<60, with: digest.bytes)
    }

    mutating func setRoot(_ root: RootKey) {
        front.replaceSubrange(60..<92, with: root.identity.classical)
        front.replaceSubrange(92..<2044, with: root.identity.postQuantum)
    }

    /// Where the list of ways to the access key begins: behind the time.
    func waysStart() throws -> Int {
        var reader = ByteReader(body)
        _ = try reader.moment()
        return reader.offset
    }

    func signed(by root: RootKey) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.raw(front)
        writer.u32(UInt32(body.count))
        writer.raw(body)
        let message = Sealing.labelled("zwilling keyring", writer.bytes)
        return writer.bytes + (try root.signatures(of: message))
    }
}

/// A record taken apart, so that a test can change what stands in it, seal and sign it again.
struct RecordParts {
    static let infoBytes = 104
    static let sealedStart = 1228

    /// All that is bound into the sealing.
    var info: [UInt8]
    var body: [UInt8]

    init(_ object: [UInt8], _ observer: Sealing.RecipientKey) throws {
        info = Array(object[..<Self.infoBytes])
        let sealed =
            object[Self.infoBytes..<Self.sealedStart - 4]
            + object[Self.sealedStart..<object.count - 64]
        body = try Sealing.open(Array(sealed), with: observer, info: info)
    }

    func sealed(to observer: Sealing.Recipient, signedBy seed: [UInt8]) throws -> [UInt8] {
        let sealed = try Sealing.seal(body, to: observer, info: info)
        var writer = ByteWriter()
        writer.raw(info)
        writer.raw(sealed[..<Sealing.encapsulatedBytes])
        writer.u32(UInt32(sealed.count - Sealing.encapsulatedBytes))
        writer.raw(sealed[Sealing.encapsulatedBytes...])
        return try signed(writer.bytes, by: seed)
    }
}

/// A record's bytes with a signature that fits.
func signed(
    _ bytes: [UInt8], as label: String = "zwilling record", by seed: [UInt8]
) throws -> [UInt8] {
    let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
    return bytes + (try key.signature(for: Sealing.labelled(label, bytes)))
}

/// The same for a unit.
func signedUnit(_ bytes: [UInt8], by seed: [UInt8]) throws -> [UInt8] {
    try signed(bytes, as: "zwilling unit", by: seed)
}

extension TestVault {
    func keyringParts() async throws -> KeyringParts {
        try KeyringParts(try await site.bytes(Keyring.name(1)))
    }

    func recordParts(_ sequence: UInt64 = 1) async throws -> RecordParts {
        try RecordParts(try await site.bytes(record(sequence)), observer)
    }

    func signed(_ parts: RecordParts) throws -> [UInt8] {
        try parts.sealed(to: observer.publicKey, signedBy: keys.signingSeed)
    }

    /// A pack with other bytes under the name that then fits, and a record that names it: what a
    /// writer could do that lies.
    func vouch(for packs: [(bytes: [UInt8], content: PackContent)], roots: [Digest]) async throws {
        var body = draft()
        for pack in packs {
            let name = Sealing.hash(pack.bytes)
            try await site.replace(packName(name), by: pack.bytes)
            body.packsAdded.append(PackReference(name: name, bytes: pack.bytes.count))
        }
        body.rootChunks = roots
        let head = try await observed().heads[keys.writer] ?? .start
        let object = try Record.seal(
            body, sequence: head.sequence + 1, previous: head.hash, by: keys,
            to: vault.keyring.observer)
        try await site.replace(record(head.sequence + 1), by: object)
    }
}
