// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// The space in which chunks are deduplicated, and the keys that come from its secret
/// (docs/format.md, section 5). A site that lacks the secret can tell neither which chunks are
/// equal nor where they begin and end.
package struct Domain: Sendable {
    package static let secretBytes = 32

    package let id: Identifier
    package let secret: SymmetricKey
    private let dataIdKey, treeIdKey: SymmetricKey
    package let gear: Gear

    package init(id: Identifier, secret: SymmetricKey) {
        self.id = id
        self.secret = secret
        dataIdKey = Sealing.derive(secret, "zwilling data id")
        treeIdKey = Sealing.derive(secret, "zwilling tree id")
        gear = Gear(key: Sealing.derive(secret, "zwilling gear"))
    }

    package func chunkId(of plain: ArraySlice<UInt8>, _ content: PackContent) -> Digest {
        Sealing.keyedHash(plain, content == .data ? dataIdKey : treeIdKey)
    }

    package func tableKey(of pack: Identifier) -> SymmetricKey {
        Sealing.derive(secret, "zwilling chunk table", pack.bytes)
    }

    /// Where groups and sections may end is decided by names alone, so that the borders stay
    /// where they are when contents change, and by a secret, so that sites cannot foresee them.
    package func border(_ name: [UInt8]) -> Border { Border(fingerprint: gear.fingerprint(name)) }
}

/// What the name of a file says about the borders of groups and sections.
package struct Border: Sendable {
    package let endsGroup: Bool
    package let endsSection: Bool

    init(fingerprint: UInt64) {
        endsGroup = fingerprint >> 60 == 0
        endsSection = (fingerprint >> 50) & 0x3ff == 0
    }
}
