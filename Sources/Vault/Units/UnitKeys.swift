// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// The keys of a session's units, one after the other, on the writer's side. It holds what gives
/// the next key and nothing that gives an earlier one: HKDF does not run backwards, and
/// swift-crypto overwrites a key when its last holder lets go.
package struct UnitRatchet: ~Copyable {
    private var chain: SymmetricKey

    package init(_ secret: SymmetricKey) { chain = Self.first(secret) }

    package mutating func next() -> SymmetricKey {
        let key = Self.key(chain)
        chain = Self.after(chain)
        return key
    }

    /// All that it knows, for the test that tries to go back with it.
    package var held: SymmetricKey { chain }

    static func first(_ secret: SymmetricKey) -> SymmetricKey {
        Sealing.derive(secret, "zwilling unit")
    }
    static func key(_ chain: SymmetricKey) -> SymmetricKey {
        Sealing.derive(chain, "zwilling unit key")
    }
    static func after(_ chain: SymmetricKey) -> SymmetricKey {
        Sealing.derive(chain, "zwilling unit next")
    }

    /// GCM alone does not commit to its key (docs/format.md, section 10).
    package static func commitment(to key: SymmetricKey) -> Digest {
        var bytes = key.bytes
        defer { wipe(&bytes) }
        var hash = SHA256()
        hash.update(data: Sealing.labelled("zwilling unit commitment", []))
        hash.update(data: bytes)
        guard let digest = Digest(hash.finalize()) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        return digest
    }
}

/// The same keys for one who has the session's secret: any of them, fastest in order.
package struct UnitKeys: Sendable {
    private let first: SymmetricKey
    private var chain: SymmetricKey
    private var number: UInt32 = 0

    package init(_ secret: SymmetricKey) {
        first = UnitRatchet.first(secret)
        chain = first
    }

    package mutating func key(of wanted: UInt32) -> SymmetricKey {
        precondition(wanted < Limits.unitsInSessionMax)
        if wanted < number { (chain, number) = (first, 0) }
        while number < wanted {
            chain = UnitRatchet.after(chain)
            number += 1
        }
        return UnitRatchet.key(chain)
    }
}
