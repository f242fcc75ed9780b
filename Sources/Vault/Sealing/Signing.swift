// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// The root of trust: signs keyrings by Ed25519 and ML-DSA-65, so that a forger must break both.
package struct RootKey: Sendable {
    package static let seedBytes = 32

    private let classical: Curve25519.Signing.PrivateKey
    private let postQuantum: MLDSA65.PrivateKey

    package init(classicalSeed: [UInt8], postQuantumSeed: [UInt8]) throws(Unopened) {
        do {
            classical = try .init(rawRepresentation: classicalSeed)
            postQuantum = try .init(seedRepresentation: postQuantumSeed, publicKey: nil)
        } catch { throw Unopened() }
    }

    package var identity: RootIdentity {
        RootIdentity(
            classical: Array(classical.publicKey.rawRepresentation),
            postQuantum: Array(postQuantum.publicKey.rawRepresentation))
    }

    /// Both signatures, one after the other.
    package func signatures(of message: [UInt8]) throws(Unopened) -> [UInt8] {
        if let simulated = Sealing.simulated { return simulated.signatures(of: message, by: identity) }
        do {
            return Array(try classical.signature(for: message))
                + Array(try postQuantum.signature(for: message))
        } catch { throw Unopened() }
    }
}

/// The public half of the root key.
package struct RootIdentity: Hashable, Sendable {
    package static let classicalBytes = 32
    package static let postQuantumBytes = 1952
    package static let signatureBytes = 64 + 3309

    package let classical: [UInt8]
    package let postQuantum: [UInt8]

    /// What the recovery sheet prints, and what every role remembers.
    package var fingerprint: Digest {
        Sealing.hash(Sealing.labelled("zwilling root", classical + postQuantum))
    }

    package func hasSigned(_ message: [UInt8], _ signatures: [UInt8]) -> Bool {
        guard signatures.count == Self.signatureBytes else { return false }
        if let simulated = Sealing.simulated { return simulated.hasSigned(self, message, signatures) }
        do {
            let first = try Curve25519.Signing.PublicKey(rawRepresentation: classical)
                .isValidSignature(signatures[..<64], for: message)
            let second = try MLDSA65.PublicKey(rawRepresentation: postQuantum)
                .isValidSignature(signatures[64...], for: message)
            return first && second
        } catch { return false }
    }
}

extension ByteReader {
    /// The end of an object that a writer has signed: its Ed25519 signature (RFC 8032) of the label and
    /// of all that was read before.
    mutating func signature(_ label: String, by publicKey: [UInt8]) throws(Malformed) {
        let signed = bytes[..<offset]
        let signature = try raw(64)
        try end()
        do {
            let key = try Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
            let message = Sealing.labelled(label, signed)
            func fits() -> Bool { key.isValidSignature(signature, for: message) }
            guard Sealing.simulated?.isSignature(signature, of: message, by: publicKey, fits) ?? fits() else { throw Malformed("the writer's signature does not fit", at: signed.count) }
        } catch let error as Malformed {
            throw error
        } catch { throw Malformed("the writer's key is no key", at: signed.count) }
    }
}
