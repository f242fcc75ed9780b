// SPDX-License-Identifier: EUPL-1.2
import CZstd
import FoundationEssentials

/// One zstd compressor with its memory, reused from chunk to chunk (RFC 8878). One per worker.
@safe package final class Compressor {
    // Safe because only this class, which frees it, ever sees the pointer.
    private let context: OpaquePointer

    /// - Parameter level: -1 (fast) to 19 (small).
    package init(level: Int32) {
        guard let context = unsafe ZSTD_createCCtx() else {
            preconditionFailure("no memory for a compressor")
        }
        unsafe self.context = context
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        // What is usual here was measured with chunks as they come (docs/performance.md): within a percent as
        // small as zstd's own choice, and a tenth faster.
        let tuned: [Int32: (hashLog: Int32, minMatch: Int32)] = [-1: (14, 5), 2: (15, 6)]
        guard let tuned = tuned[level] else { return }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_strategy, Int32(ZSTD_fast.rawValue))
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, tuned.hashLog)
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, tuned.minMatch)
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    package static func bound(_ plainBytes: Int) -> Int { ZSTD_compressBound(plainBytes) }

    /// Compresses into `output` from `offset`. Returns the length, or nil where the result would
    /// be no smaller than seven eighths of the plain bytes: then it is not worth opening later.
    package func compress(
        _ plain: ArraySlice<UInt8>, into output: inout [UInt8], at offset: Int
    ) -> Int? {
        let room = min(Self.bound(plain.count), output.count - offset)
        // Safe because source and target stay in place for the call and their lengths are theirs.
        let count = unsafe plain.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                unsafe ZSTD_compress2(
                    context, target.baseAddress.map { unsafe $0 + offset }, room, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(count) == 0, count < plain.count - plain.count / 8 else { return nil }
        return count
    }
}

/// One zstd decompressor with its memory. One per worker.
@safe package final class Decompressor {
    // Safe because only this class, which frees it, ever sees the pointer.
    private let context: OpaquePointer

    package init() {
        guard let context = unsafe ZSTD_createDCtx() else {
            preconditionFailure("no memory for a decompressor")
        }
        unsafe self.context = context
        unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 24)
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    /// Decompresses one frame into the start of `output`, which must hold at least `plainBytes`.
    /// False where the bytes are no frame of exactly that many plain bytes.
    package func decompress(
        _ packed: some ContiguousBytes, into output: inout [UInt8], plainBytes: Int
    ) -> Bool {
        precondition(plainBytes <= output.count)
        // Safe because source and target stay in place for the call and their lengths are theirs.
        let count = unsafe packed.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                unsafe ZSTD_decompressDCtx(
                    context, target.baseAddress, plainBytes, source.baseAddress, source.count)
            }
        }
        return ZSTD_isError(count) == 0 && count == plainBytes
    }
}
