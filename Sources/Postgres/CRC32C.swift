// SPDX-License-Identifier: EUPL-1.2
import CPostgres

/// The checksum of WAL records and manifests: CRC-32C (RFC 3720, B.4).
package struct CRC32C: Sendable {
    private var state: UInt32 = 0xffff_ffff
    private let isPlain: Bool

    /// - Parameter isPlain: without the processor's own instruction, for tests.
    package init(isPlain: Bool = false) { self.isPlain = isPlain }

    package mutating func update(_ bytes: Span<UInt8>) {
        // Safe because the function reads no more than the count it is given.
        state = unsafe bytes.withUnsafeBufferPointer {
            unsafe cpostgres_crc32c(state, $0.baseAddress, $0.count, isPlain ? 1 : 0)
        }
    }

    package var value: UInt32 { ~state }
}
