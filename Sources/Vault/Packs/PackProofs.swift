// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// What packs were proven to be by the hash that is their name, kept so that any stretch of one
/// that is read again proves itself, without the rest and without hashing: a tag of each block,
/// by AES-GCM over associated data alone (GMAC, NIST SP 800-38D), under a key that only this run
/// knows, so that no site can make one up.
package struct PackProofs: Sendable {
    private static let blockBytes = Vault.alignment

    private let key = SymmetricKey(size: .bits256)
    /// Of each block of a pack.
    private var tags: [Digest: [Data]] = [:]

    package init() {}

    /// The tags of a whole pack that was just proven.
    package func tags(of bytes: [UInt8]) -> [Data] {
        Self.blocks(bytes).map { block in
            do {
                let box = try AES.GCM.seal([UInt8](), using: key, authenticating: block)
                guard let combined = box.combined else { preconditionFailure("12-byte nonce") }
                return combined
            } catch { preconditionFailure("AES-256-GCM takes every input: \(error)") }
        }
    }

    package mutating func keep(_ tags: [Data], of pack: Digest) { self.tags[pack] = tags }

    /// Whether these are the bytes that the pack had there when it was proven.
    ///
    /// - Parameter start: a multiple of 256 KiB.
    package func prove(_ bytes: [UInt8], of pack: Digest, from start: Int) -> Bool {
        guard let tags = tags[pack] else { return false }
        let known = tags.dropFirst(start / Self.blockBytes)
        let blocks = Self.blocks(bytes)
        guard start % Self.blockBytes == 0, known.count >= blocks.count else { return false }
        return zip(blocks, known).allSatisfy { block, tag in
            do {
                _ = try AES.GCM.open(AES.GCM.SealedBox(combined: tag), using: key, authenticating: block)
                return true
            } catch { return false }
        }
    }

    private static func blocks(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: bytes.count, by: blockBytes).map {
            bytes[$0..<min($0 + blockBytes, bytes.count)]
        }
    }
}
