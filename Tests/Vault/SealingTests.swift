// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Testing
import Vault

private func bytes(_ hex: String) throws -> [UInt8] { try #require([UInt8](hex: hex)) }

@Suite("The algorithms")
struct SealingTests {
    private let key = SymmetricKey(data: [UInt8](repeating: 5, count: 32))

    /// HKDF in the words of RFC 5869, section 2.
    private func hkdf(_ secret: [UInt8], info: [UInt8]) -> [UInt8] {
        let empty = SymmetricKey(data: [UInt8](repeating: 0, count: 32))
        let extracted = Array(HMAC<SHA256>.authenticationCode(for: secret, using: empty))
        return Array(
            HMAC<SHA256>.authenticationCode(
                for: info + [1], using: SymmetricKey(data: extracted)))
    }

    @Test("hash as FIPS 180-4 and RFC 4231 have it")
    func hashes() {
        #expect(
            Sealing.hash(Array("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let code = Sealing.keyedHash(
            Array("what do ya want for nothing?".utf8),
            SymmetricKey(data: Array("Jefe".utf8)))
        #expect(
            code.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("derive keys by HKDF of RFC 5869 with an empty salt")
    func derive() throws {
        // RFC 5869, appendix A.3, shows that the words above are the right ones.
        #expect(
            hkdf([UInt8](repeating: 0x0b, count: 22), info: []).hex
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
        let derived = Sealing.derive(key, "zwilling test", [1, 2])
        #expect(derived.bytes == hkdf(key.bytes, info: Array("zwilling test".utf8) + [0, 1, 2]))
    }

    @Test("derive another key for another label, context or secret")
    func separation() {
        let keys = [
            Sealing.derive(key, "a"), Sealing.derive(key, "b"), Sealing.derive(key, "a", [0]),
            Sealing.derive(SymmetricKey(data: [UInt8](repeating: 6, count: 32)), "a"),
        ]
        #expect(Set(keys.map { $0.bytes }).count == keys.count)
    }

    @Test("stretch passphrases as RFC 7914 has it")
    func scrypt() throws {
        let key = try Sealing.stretch(
            passphrase: Array("password".utf8), salt: Array("NaCl".utf8), rounds: 1024,
            blockSize: 8, parallelism: 16)
        // The first half of section 12's second vector: the last step of scrypt is PBKDF2, whose
        // blocks do not depend on how many are asked for.
        #expect(
            key.bytes.hex == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
    }

    @Test("seal by AES-256-GCM as McGrew and Viega have it")
    func gcm() throws {
        let zero = SymmetricKey(data: [UInt8](repeating: 0, count: 32))
        #expect(
            Array(Sealing.seal([UInt8](), under: zero, binding: [])).hex
                == "530f8afbc74536b9a963b4f1c4cb738b")
        #expect(
            Array(Sealing.seal([UInt8](repeating: 0, count: 16), under: zero, binding: [])).hex
                == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    }

    @Test("count nonces in the last eight bytes, most significant first")
    func nonces() {
        #expect(Sealing.nonce(0) == [UInt8](repeating: 0, count: 12))
        #expect(Sealing.nonce(0x0102_0304_0506_0708) == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("open nothing under another key, counter or binding, and no changed byte")
    func refusals() throws {
        let plain = Array("secret".utf8)
        let sealed = Sealing.seal(plain, under: key, counter: 3, binding: [1])
        #expect(try Array(Sealing.open(sealed, under: key, counter: 3, binding: [1])) == plain)
        let other = SymmetricKey(data: [UInt8](repeating: 6, count: 32))
        #expect(throws: Unopened.self) {
            try Sealing.open(sealed, under: other, counter: 3, binding: [1])
        }
        #expect(throws: Unopened.self) {
            try Sealing.open(sealed, under: key, counter: 4, binding: [1])
        }
        #expect(throws: Unopened.self) {
            try Sealing.open(sealed, under: key, counter: 3, binding: [2])
        }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x10
            #expect(throws: Unopened.self) {
                try Sealing.open(changed, under: key, counter: 3, binding: [1])
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: Unopened.self) {
                try Sealing.open(sealed.prefix(count), under: key, counter: 3, binding: [1])
            }
        }
    }

    @Test("make X-Wing keys as draft-connolly-cfrg-xwing-kem has it")
    func xwing() throws {
        let seed = try bytes("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
        let key = try Strongbox.recipientKey(seed)
        let publicKey = Array(key.publicKey.rawRepresentation)
        #expect(publicKey.count == Sealing.publicKeyBytes)
        #expect(
            Array(publicKey.prefix(32)).hex
                == "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5")
    }

    @Test("open by HPKE only with the right key, the right info and unchanged bytes")
    func hpke() throws {
        let key = try Strongbox.recipientKey([UInt8](repeating: 1, count: 32))
        let other = try Strongbox.recipientKey([UInt8](repeating: 2, count: 32))
        let plain = noise(32)
        let sealed = try Sealing.seal(plain, to: key.publicKey, info: [7])
        #expect(sealed.count == Sealing.wrappedKeyBytes)
        #expect(try Sealing.open(sealed, with: key, info: [7]) == plain)
        #expect(throws: Unopened.self) { try Sealing.open(sealed, with: other, info: [7]) }
        #expect(throws: Unopened.self) { try Sealing.open(sealed, with: key, info: [8]) }
        for index in Array(stride(from: 0, to: sealed.count, by: 37)) + [1119, 1120, 1167] {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: Unopened.self) { try Sealing.open(changed, with: key, info: [7]) }
        }
        for count in [0, 1, 1119, 1120, 1135, sealed.count - 1] {
            #expect(throws: Unopened.self) {
                try Sealing.open(Array(sealed.prefix(count)), with: key, info: [7])
            }
        }
    }

    @Test("never seal by HPKE twice to the same bytes")
    func freshEncapsulation() throws {
        let key = try Strongbox.recipientKey([UInt8](repeating: 1, count: 32)).publicKey
        let one = try Sealing.seal([1], to: key, info: [])
        #expect(try Sealing.seal([1], to: key, info: []) != one)
    }
}

@Suite("The root's signatures")
struct RootTests {
    @Test("hold only together, over the same bytes, by the same root")
    func bothSignatures() throws {
        let root = try RootKey(
            classicalSeed: [UInt8](repeating: 1, count: 32),
            postQuantumSeed: [UInt8](repeating: 2, count: 32))
        let other = try RootKey(
            classicalSeed: [UInt8](repeating: 3, count: 32),
            postQuantumSeed: [UInt8](repeating: 4, count: 32))
        let message = Array("message".utf8)
        let signatures = try root.signatures(of: message)
        let others = try other.signatures(of: message)
        #expect(signatures.count == RootIdentity.signatureBytes)
        #expect(root.identity.hasSigned(message, signatures))
        #expect(!root.identity.hasSigned(message + [0], signatures))
        #expect(!root.identity.hasSigned(message, others))
        // One of the two forged is not enough.
        #expect(!root.identity.hasSigned(message, Array(others[..<64] + signatures[64...])))
        #expect(!root.identity.hasSigned(message, Array(signatures[..<64] + others[64...])))
        #expect(!root.identity.hasSigned(message, []))
        #expect(root.identity.fingerprint != other.identity.fingerprint)
    }
}
