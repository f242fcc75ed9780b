// SPDX-License-Identifier: EUPL-1.2

/// A buffer whose memory costs nothing until it is written to. What it holds at first is anything.
package func untouched(_ count: Int) -> [UInt8] {
    // Safe because every value of a byte is a byte, and nobody reads before writing.
    unsafe [UInt8](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
}
