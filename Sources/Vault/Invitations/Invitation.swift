// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// The keys of a writer that no machine holds yet, sealed under a token (docs/format.md, section
/// 11). Signed by root, so that damage shows without the token.
package struct Invitation: Sendable {
    /// Derived from the token.
    package let name: Identifier
    package let writer: Identifier
    package let made: Moment
    /// After this a machine that minds the time does not take it up. A convenience: whoever has
    /// the token can set a clock.
    package let expires: Moment
    private let front: [UInt8]
    private let sealed: [UInt8]

    package static let folder = "invitations/"
    private static let signedLabel = "zwilling invitation"
    /// Signing seed, domain, domain secret, observer's seed.
    private static let sealedBytes = 32 + Identifier.byteCount + 32 + 32 + Sealing.tagBytes

    package static func name(_ name: Identifier) -> ObjectName {
        guard let object = ObjectName("\(folder)\(name)") else {
            preconditionFailure("hex makes a name")
        }
        return object
    }

    /// Seals the keys under the token, and signs.
    static func seal(
        _ keys: WriterKeys, under token: Token, made: Moment, expires: Moment, by root: RootKey
    ) throws(Unopened) -> [UInt8] {
        var writer = ByteWriter()
        Magic.write("I", to: &writer)
        writer.raw([0, 0])
        writer.raw(keys.vault.bytes)
        writer.raw(token.name(vault: keys.vault, root: keys.root).bytes)
        writer.raw(keys.writer.bytes)
        writer.moment(made)
        writer.moment(expires)
        let secrets =
            keys.signingSeed + keys.domain.bytes + keys.domainSecret + keys.observerSeed
        writer.raw(
            Sealing.seal(
                secrets, under: token.key(vault: keys.vault, root: keys.root),
                binding: keys.root.bytes + writer.bytes))
        writer.raw(try root.signatures(of: Sealing.labelled(signedLabel, writer.bytes)))
        return writer.bytes
    }

    /// Reads an invitation, and checks that the root of this keyring has signed it for a writer
    /// that the keyring names.
    package init(decoding bytes: [UInt8], of keyring: Keyring) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("I", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        guard try reader.identifier() == keyring.vault else {
            throw Malformed("of another vault", at: 8)
        }
        name = try reader.identifier()
        writer = try reader.identifier()
        made = try reader.moment()
        expires = try reader.moment()
        front = Array(bytes[..<reader.offset])
        sealed = try reader.raw(Self.sealedBytes)
        let signed = Array(bytes[..<reader.offset])
        let signatures = try reader.raw(RootIdentity.signatureBytes)
        try reader.end()
        guard keyring.root.hasSigned(Sealing.labelled(Self.signedLabel, signed), signatures) else {
            throw Malformed("root's signatures do not fit", at: signed.count)
        }
        guard keyring.writer(writer) != nil else {
            throw Malformed("for a writer that the keyring does not name", at: 40)
        }
    }

    /// The keys, for one who has the token. They are those that the keyring names, or none.
    func keys(with token: Token, of keyring: Keyring) throws(Unopened) -> WriterKeys {
        let root = keyring.root.fingerprint
        let plain = try Sealing.open(
            sealed, under: token.key(vault: keyring.vault, root: root),
            binding: root.bytes + front)
        var reader = ByteReader(Array(plain))
        let keys: WriterKeys
        do throws(Malformed) {
            keys = WriterKeys(
                vault: keyring.vault, root: root, writer: writer,
                signingSeed: try reader.raw(32), domain: try reader.identifier(),
                domainSecret: try reader.raw(Domain.secretBytes),
                observerSeed: try reader.raw(32))
            try reader.end()
        } catch { throw Unopened() }
        guard let writer = keyring.writer(writer), try keys.publicKey == writer.publicKey,
            keys.domain == writer.domain,
            try keys.observer.publicKey.rawRepresentation == keyring.observer.rawRepresentation
        else { throw Unopened() }
        return keys
    }
}
