// SPDX-License-Identifier: EUPL-1.2
import Crypto
import CryptoExtras
import FoundationEssentials
import Ground

/// Sealed bytes that do not open: another key, or not the bytes that were sealed.
package struct Unopened: Error, Sendable {}

/// The algorithms of docs/format.md, section 3, and nothing else: the only file that chooses them.
package enum Sealing {
    package static let tagBytes = 16
    package static let encapsulatedBytes = 1120
    package static let publicKeyBytes = 1216
    /// A 32-byte key sealed by HPKE.
    package static let wrappedKeyBytes = encapsulatedBytes + 32 + tagBytes

    package typealias Recipient = XWingMLKEM768X25519.PublicKey
    package typealias RecipientKey = XWingMLKEM768X25519.PrivateKey

    private static let suite = HPKE.Ciphersuite.XWingMLKEM768X25519_SHA256_AES_GCM_256

    /// A label, a zero byte and what follows: two different uses never see the same input.
    package static func labelled(_ label: String, _ context: some Sequence<UInt8>) -> [UInt8] {
        Array(label.utf8) + [0] + Array(context)
    }

    /// HKDF-SHA-256 (RFC 5869) with an empty salt.
    package static func derive(
        _ secret: SymmetricKey, _ label: String, _ context: [UInt8] = []
    ) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret, salt: [UInt8](), info: labelled(label, context),
            outputByteCount: 32)
    }

    /// scrypt (RFC 7914). Takes 128 · r · N bytes of memory while it runs.
    package static func stretch(
        passphrase: [UInt8], salt: [UInt8], rounds: Int, blockSize: Int, parallelism: Int
    ) throws(Unopened) -> SymmetricKey {
        do {
            return try KDF.Scrypt.deriveKey(
                from: passphrase, salt: salt, outputByteCount: 32, rounds: rounds,
                blockSize: blockSize, parallelism: parallelism)
        } catch { throw Unopened() }
    }

    package static func hash(_ bytes: some DataProtocol) -> Digest {
        digest(SHA256.hash(data: bytes))
    }

    package static func keyedHash(_ bytes: some DataProtocol, _ key: SymmetricKey) -> Digest {
        digest(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    }

    fileprivate static func digest(_ bytes: some Sequence<UInt8>) -> Digest {
        guard let digest = Digest(bytes) else { preconditionFailure("SHA-256 has 32 bytes") }
        return digest
    }

    // MARK: AES-256-GCM

    /// Four zero bytes, then the counter, most significant byte first.
    package static func nonce(_ counter: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12)
        for index in 0..<8 {
            bytes[11 - index] = UInt8(truncatingIfNeeded: counter >> UInt64(8 * index))
        }
        return bytes
    }

    /// Cipher text with the tag behind it.
    package static func seal(
        _ plain: some DataProtocol, under key: SymmetricKey, counter: UInt64 = 0, binding: [UInt8]
    ) -> Data {
        do {
            let box = try AES.GCM.seal(
                plain, using: key, nonce: AES.GCM.Nonce(data: nonce(counter)),
                authenticating: binding)
            guard let combined = box.combined else { preconditionFailure("12-byte nonce") }
            return combined.dropFirst(12)
        } catch { preconditionFailure("AES-256-GCM takes every input: \(error)") }
    }

    package static func open(
        _ sealed: some DataProtocol, under key: SymmetricKey, counter: UInt64 = 0,
        binding: [UInt8]
    ) throws(Unopened) -> Data {
        guard sealed.count >= tagBytes else { throw Unopened() }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce(counter)),
                ciphertext: sealed.dropLast(tagBytes), tag: sealed.suffix(tagBytes))
            return try AES.GCM.open(box, using: key, authenticating: binding)
        } catch { throw Unopened() }
    }

    // MARK: HPKE

    /// The encapsulated key, then the cipher text with its tag.
    package static func seal(
        _ plain: some DataProtocol, to recipient: Recipient, info: [UInt8]
    ) throws(Unopened) -> [UInt8] {
        if let simulated { return simulated.seal(Array(plain), to: recipient, info: info) }
        do {
            var sender = try HPKE.Sender(
                recipientKey: recipient, ciphersuite: suite, info: Data(info))
            let sealed = try sender.seal(plain)
            return Array(sender.encapsulatedKey) + Array(sealed)
        } catch { throw Unopened() }
    }

    package static func open(
        _ sealed: [UInt8], with key: RecipientKey, info: [UInt8]
    ) throws(Unopened) -> [UInt8] {
        guard sealed.count >= encapsulatedBytes + tagBytes else { throw Unopened() }
        if let simulated { return try simulated.open(sealed, with: key, info: info) }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: suite, info: Data(info),
                encapsulatedKey: Data(sealed[..<encapsulatedBytes]))
            return Array(try recipient.open(Data(sealed[encapsulatedBytes...])))
        } catch { throw Unopened() }
    }

    /// The first 16 bytes of the SHA-256 of an HPKE public key.
    package static func fingerprint(_ recipient: Recipient) -> [UInt8] {
        Array(hash(recipient.rawRepresentation).bytes.prefix(16))
    }
}

/// SHA-256 of what comes piece by piece.
package struct RunningHash: Sendable {
    private var hash = SHA256()

    package init() {}

    package mutating func add(_ bytes: some DataProtocol) { hash.update(data: bytes) }

    package var digest: Digest { Sealing.digest(hash.finalize()) }
}

extension SymmetricKey {
    package var bytes: [UInt8] {
        // Safe because the buffer is copied before the closure ends.
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}
