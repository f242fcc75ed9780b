// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// Content-defined cutting: FastCDC with normalized chunking over a keyed gear table.
///
/// The borders depend on the bytes around them only, so that an insertion moves no border but its
/// neighbours; and on the key, so that their places say nothing about the content.
///
/// Source: Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
/// Deduplication", USENIX ATC 2016; docs/format.md, section 9.
package struct Gear: Sendable {
    package let table: [UInt64]

    package init(key: SymmetricKey) {
        let keyed = HMAC<SHA256>(key: key)
        table = (0..<256).map { index in
            var code = keyed
            code.update(data: [UInt8(index)])
            return code.finalize().prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    package func fingerprint(_ bytes: [UInt8]) -> UInt64 {
        var fingerprint: UInt64 = 0
        for byte in bytes { fingerprint = fingerprint << 1 &+ table[Int(byte)] }
        return fingerprint
    }

    /// The length of the first chunk of `bytes`, which hold the rest of the segment or at least
    /// the longest chunk.
    package func cut(_ bytes: ArraySlice<UInt8>) -> Int {
        firstCut(bytes.span, table.span)
    }
}

private let maskBeforeNormal: UInt64 = ~(UInt64.max >> 21)
private let maskAfterNormal: UInt64 = ~(UInt64.max >> 17)

/// A free function over spans, because this loop sees every byte of every large file.
private func firstCut(_ bytes: Span<UInt8>, _ gear: Span<UInt64>) -> Int {
    let end = min(bytes.count, Limits.dataChunkBytesMax)
    guard end > Limits.chunkBytesMin else { return end }
    let normal = min(end, Limits.chunkBytesNormal)
    var fingerprint: UInt64 = 0
    var index = Limits.chunkBytesMin
    while index < normal {
        fingerprint = fingerprint << 1 &+ gear[Int(bytes[index])]
        index &+= 1
        if fingerprint & maskBeforeNormal == 0 { return index }
    }
    while index < end {
        fingerprint = fingerprint << 1 &+ gear[Int(bytes[index])]
        index &+= 1
        if fingerprint & maskAfterNormal == 0 { return index }
    }
    return end
}
