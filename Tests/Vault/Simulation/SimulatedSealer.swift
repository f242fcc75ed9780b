// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Vault

/// HPKE and root's signatures as they should be, made from a seed and without the time they take: only who
/// has the key opens, only what was signed is signed. All else is as in production.
final class SimulatedSealer: SimulatedSealing, @unchecked Sendable {
    private var dice: Seeded
    /// Of each recipient's key.
    private var publicKeys: [[UInt8]: [UInt8]]
    private var checked: [Digest: Bool]
    private var lastKey: [UInt8]?
    private let repeatsKeys: Bool

    /// Known to nobody in the town.
    private static let secret = SymmetricKey(data: [UInt8](repeating: 0x5a, count: 32))

    /// - Parameter other: what it has seen need not be worked out again.
    init(seed: UInt64, knowing other: SimulatedSealer? = nil, repeatsKeys: Bool = false) {
        dice = Seeded(seed)
        self.repeatsKeys = repeatsKeys
        (publicKeys, checked) = (other?.publicKeys ?? [:], other?.checked ?? [:])
    }

    func newKey() -> SymmetricKey {
        if repeatsKeys, let lastKey, dice.chance(10) { return SymmetricKey(data: lastKey) }
        let key = dice.bytes(32)
        lastKey = key
        return SymmetricKey(data: key)
    }

    private func key(_ recipient: [UInt8], _ encapsulated: some Sequence<UInt8>, _ info: [UInt8]) -> SymmetricKey {
        Sealing.derive(Self.secret, "simulated", recipient + encapsulated + info)
    }

    func seal(_ plain: [UInt8], to recipient: Sealing.Recipient, info: [UInt8]) -> [UInt8] {
        let encapsulated = dice.bytes(Sealing.encapsulatedBytes)
        let key = key(Array(recipient.rawRepresentation), encapsulated, info)
        return encapsulated + Array(Sealing.seal(plain, under: key, binding: []))
    }

    func open(_ sealed: [UInt8], with key: Sealing.RecipientKey, info: [UInt8]) throws(Unopened) -> [UInt8] {
        let seed = Array(key.seedRepresentation)
        let mine = publicKeys[seed] ?? Array(key.publicKey.rawRepresentation)
        publicKeys[seed] = mine
        let (encapsulated, rest) = (sealed[..<Sealing.encapsulatedBytes], sealed[Sealing.encapsulatedBytes...])
        return Array(try Sealing.open(rest, under: self.key(mine, encapsulated, info), binding: []))
    }

    func signatures(of message: [UInt8], by root: RootIdentity) -> [UInt8] {
        let tag = Sealing.keyedHash(root.classical + root.postQuantum + message, Self.secret)
        return tag.bytes + [UInt8](repeating: 0, count: RootIdentity.signatureBytes - Digest.byteCount)
    }

    func hasSigned(_ root: RootIdentity, _ message: [UInt8], _ signatures: [UInt8]) -> Bool {
        signatures == self.signatures(of: message, by: root)
    }

    func isSignature(_ signature: [UInt8], of message: [UInt8], by writer: [UInt8], _ check: () -> Bool) -> Bool {
        let id = Sealing.hash(writer + signature + message)
        if let known = checked[id] { return known }
        let isRight = check()
        checked[id] = isRight
        return isRight
    }
}
