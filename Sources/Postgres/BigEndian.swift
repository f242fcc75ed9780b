// SPDX-License-Identifier: EUPL-1.2
import Ground

// The replication protocol writes numbers most significant byte first.

func bigEndian64(_ bytes: Span<UInt8>, at start: Int) throws(ServerError) -> UInt64 {
    guard start >= 0, bytes.count >= 8, start <= bytes.count - 8 else {
        throw .malformed("a message ends too early", at: bytes.count)
    }
    var value: UInt64 = 0
    for index in start..<start + 8 { value = value << 8 | UInt64(bytes[index]) }
    return value
}

func appendBigEndian(_ value: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
}
