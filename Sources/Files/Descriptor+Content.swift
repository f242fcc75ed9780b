// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc

extension Descriptor {
    /// Reads up to `count` bytes to `bufferOffset`; fewer only at the end of the file.
    ///
    /// - Precondition: the buffer holds `bufferOffset + count` bytes already.
    package func read(
        into buffer: inout [UInt8], at bufferOffset: Int, count: Int, from fileOffset: Int64
    ) throws(SystemError) -> Int {
        let range = bufferOffset..<bufferOffset + count
        precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count)
        // Safe because the range lies within the buffer, and the kernel is told its length.
        let result = unsafe buffer.withUnsafeMutableBytes { bytes -> Outcome in
            var done = 0
            while done < count {
                let rest = unsafe bytes[(bufferOffset + done)..<range.upperBound]
                let place = unsafe UnsafeMutableRawBufferPointer(rebasing: rest)
                let offset = off_t(fileOffset) + done
                let got = settled { unsafe pread(raw, place.baseAddress, place.count, offset) }
                if got.code != 0 { return got }
                if got.result == 0 { break }
                done += got.result
            }
            return .success(done)
        }
        return try result.checked("pread", name)
    }

    /// Reads on where the last such call ended, nothing at the end: for pipes, which have no
    /// offsets.
    func readOn(upTo count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Safe because the kernel is told the size of the array.
        let result = settled { unsafe Glibc.read(raw, &bytes, count) }
        return Array(bytes.prefix(try result.checked("read", name)))
    }

    /// Writes all of the bytes at an offset.
    package func write(_ bytes: borrowing RawSpan, at offset: Int64) throws(SystemError) {
        // Safe because the kernel is told the length of what is left.
        let result = unsafe bytes.withUnsafeBytes { bytes -> Outcome in
            var done = 0
            while done < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
                let place = off_t(offset) + done
                let put = settled { unsafe pwrite(raw, rest.baseAddress, rest.count, place) }
                if put.code != 0 { return put }
                // POSIX leaves this open; going round for ever would be the worst answer.
                if put.result == 0 { return .failure(ENOSPC) }
                done += put.result
            }
            return .success(done)
        }
        try result.checked("pwrite", name)
    }

    /// Writes all of the bytes at an offset.
    package func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(SystemError) {
        // Safe because bytes have no padding: all of them are initialized.
        unsafe try write(bytes.span.bytes, at: offset)
    }

    /// Writes all of the bytes at an offset.
    package func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        try write(bytes[...], at: offset)
    }

    /// The first byte at or after an offset that is not in a hole; nil where only a hole, or
    /// nothing, follows. File systems without holes have data everywhere.
    package func nextData(from offset: Int64) throws(SystemError) -> Int64? {
        let result = settled { lseek(raw, off_t(offset), clinux_seek_data) }
        switch result.code {
        case ENXIO: return nil
        case EINVAL, ENOTSUP: return offset < (try status().size) ? offset : nil
        default: return Int64(try result.checked("lseek", name))
        }
    }

    /// Where the data that begins at or before an offset ends: at the next hole, or with the file.
    /// The offset itself where the file has become shorter than that.
    package func nextHole(from offset: Int64) throws(SystemError) -> Int64 {
        let result = settled { lseek(raw, off_t(offset), clinux_seek_hole) }
        switch result.code {
        case ENXIO: return offset
        case EINVAL, ENOTSUP: return max(offset, try status().size)
        default: return Int64(try result.checked("lseek", name))
        }
    }

    /// Cuts a file, or lengthens it with a hole, to a size in bytes.
    package func truncate(to size: Int64) throws(SystemError) {
        try settled { ftruncate(raw, off_t(size)) }.checked("ftruncate", name)
    }

    /// When this returns, the content survives a loss of power; of a directory: its names.
    package func synchronize() throws(SystemError) {
        try settled { fsync(raw) }.checked("fsync", name)
    }

    /// Takes the lock of this file for as long as it is open; false where another process, or
    /// another descriptor of this one, holds it.
    package func tryLock() throws(SystemError) -> Bool {
        let result = settled { flock(raw, LOCK_EX | LOCK_NB) }
        if result.code == EWOULDBLOCK { return false }
        try result.checked("flock", name)
        return true
    }

    /// The same, but waits for whoever holds it.
    package func lock() throws(SystemError) {
        try settled { flock(raw, LOCK_EX) }.checked("flock", name)
    }
}
