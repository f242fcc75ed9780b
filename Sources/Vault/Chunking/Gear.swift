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
    precondition(gear.count == 256)
    guard end > Limits.chunkBytesMin else { return end }
    var fingerprint: UInt64 = 0
    var index = Limits.chunkBytesMin
    for (stop, mask) in [(min(end, Limits.chunkBytesNormal), maskBeforeNormal), (end, maskAfterNormal)] {
        while index &+ 8 <= stop {
            var cut = cutInFour(bytes, at: index, gear, &fingerprint, mask)
            if cut > 0 { return index &+ cut }
            index &+= 4
            cut = cutInFour(bytes, at: index, gear, &fingerprint, mask)
            if cut > 0 { return index &+ cut }
            index &+= 4
        }
        while index < stop {
            fingerprint = fingerprint << 1 &+ gear[Int(bytes[index])]
            index &+= 1
            if fingerprint & mask == 0 { return index }
        }
    }
    return end
}

/// Each of the four fingerprints is worked out from the one before all of them, so that none has to wait for
/// its neighbour: 1.4 times as fast as one after the other.
///
/// - Returns: behind how many bytes a border lies; 0 for none.
@inline(__always)
private func cutInFour(_ bytes: Span<UInt8>, at index: Int, _ gear: Span<UInt64>, _ fingerprint: inout UInt64, _ mask: UInt64) -> Int {
    // Safe because the caller has looked that four bytes are there, and no byte is beyond a table of 256.
    let first = unsafe gear[unchecked: Int(bytes[unchecked: index])]
    let second = unsafe first << 1 &+ gear[unchecked: Int(bytes[unchecked: index &+ 1])]
    let third = unsafe second << 1 &+ gear[unchecked: Int(bytes[unchecked: index &+ 2])]
    let fourth = unsafe third << 1 &+ gear[unchecked: Int(bytes[unchecked: index &+ 3])]
    if (fingerprint << 1 &+ first) & mask == 0 { return 1 }
    if (fingerprint << 2 &+ second) & mask == 0 { return 2 }
    if (fingerprint << 3 &+ third) & mask == 0 { return 3 }
    fingerprint = fingerprint << 4 &+ fourth
    return fingerprint & mask == 0 ? 4 : 0
}
