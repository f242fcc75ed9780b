// SPDX-License-Identifier: EUPL-1.2
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

// The moves of bytes that the hot path makes, each at the speed of memory.

/// Puts `source` into `target` from `offset`; both must have the room.
package func copy(_ source: some ContiguousBytes, into target: inout [UInt8], at offset: Int) {
    // Safe because the length is checked against the room before the copy.
    unsafe source.withUnsafeBytes { from in
        unsafe target.withUnsafeMutableBytes { to in
            precondition(offset >= 0 && from.count <= to.count - offset)
            guard let start = to.baseAddress, let first = from.baseAddress else { return }
            unsafe memcpy(start + offset, first, from.count)
        }
    }
}

/// Whether both hold the same bytes.
package func equal(_ one: some ContiguousBytes, _ other: some ContiguousBytes) -> Bool {
    // Safe because both lengths are equal before a byte is compared.
    unsafe one.withUnsafeBytes { a in
        unsafe other.withUnsafeBytes { b in
            guard a.count == b.count else { return false }
            guard let first = a.baseAddress, let second = b.baseAddress else { return true }
            return unsafe memcmp(first, second, a.count) == 0
        }
    }
}

/// Overwrites a secret before its memory is given back, which no optimizer may leave out.
package func wipe(_ bytes: inout [UInt8]) {
    // Safe because exactly the buffer's own bytes are overwritten.
    unsafe bytes.withUnsafeMutableBytes { buffer in
        guard let start = buffer.baseAddress else { return }
        unsafe explicit_bzero(start, buffer.count)
    }
}

/// Makes a buffer at least `count` long. It grows by doubling and never shrinks, because fresh
/// memory costs a page fault for each 4 KiB.
package func grow(_ buffer: inout [UInt8], to count: Int) {
    guard buffer.count < count else { return }
    let wanted = max(count, min(2 * buffer.count, buffer.count + 8 << 20), 64 << 10)
    buffer.append(contentsOf: repeatElement(0, count: wanted - buffer.count))
}
