// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// What stays on the machine that protects: it can add to the vault and see its metadata, and can
/// read nothing back.
package struct WriterKeys: Sendable {
    package let vault: Identifier
    /// The root's fingerprint: which keyrings to believe.
    package let root: Digest
    package let writer: Identifier
    package let signingSeed: [UInt8]
    package let domain: Identifier
    package let domainSecret: [UInt8]
    package let observerSeed: [UInt8]

    package var publicKey: [UInt8] {
        get throws(Unopened) { Array(try signingKey.publicKey.rawRepresentation) }
    }

    var signingKey: Curve25519.Signing.PrivateKey {
        get throws(Unopened) {
            do {
                return try Curve25519.Signing.PrivateKey(rawRepresentation: signingSeed)
            } catch { throw Unopened() }
        }
    }

    package var observer: Sealing.RecipientKey {
        get throws(Unopened) { try Strongbox.recipientKey(observerSeed) }
    }

    package var openDomain: Domain {
        Domain(id: domain, secret: SymmetricKey(data: domainSecret))
    }

    private static let magic = Array("ZWILLING WRITER KEYS 1\n".utf8)

    /// The file that the machine keeps, readable by its owner only.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.raw(Self.magic)
        writer.raw(vault.bytes)
        writer.digest(root)
        writer.raw(self.writer.bytes)
        writer.raw(signingSeed)
        writer.raw(domain.bytes)
        writer.raw(domainSecret)
        writer.raw(observerSeed)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard try reader.raw(Self.magic.count) == Self.magic else {
            throw Malformed("not a file of writer keys", at: 0)
        }
        vault = try reader.identifier()
        root = try reader.digest()
        writer = try reader.identifier()
        signingSeed = try reader.raw(32)
        domain = try reader.identifier()
        domainSecret = try reader.raw(Domain.secretBytes)
        observerSeed = try reader.raw(32)
        try reader.end()
    }

    init(
        vault: Identifier, root: Digest, writer: Identifier, signingSeed: [UInt8],
        domain: Identifier, domainSecret: [UInt8], observerSeed: [UInt8]
    ) {
        (self.vault, self.root, self.writer) = (vault, root, writer)
        (self.signingSeed, self.domain) = (signingSeed, domain)
        (self.domainSecret, self.observerSeed) = (domainSecret, observerSeed)
    }
}
