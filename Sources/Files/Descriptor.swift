// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc
import Ground

// Files is the one fenced room for the calls of Linux: nobody above it calls the system, and what
// it hands out cannot be used in a way that is unsafe.

/// An open file or directory; it closes when its owner lets go of it.
///
/// Every operation with a `name` acts on that entry of this directory and follows no symlink. A
/// name is the bytes of one step: empty, `.`, `..` and anything with a `/` or a NUL is refused with
/// `EINVAL`, so that no name from a foreign vault leads out of the directory.
///
/// A close is never checked: what must not be lost goes through `synchronize` first.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32
    /// What it was opened by, for errors: a name, or the path of a root.
    package let name: [UInt8]

    init(owning raw: Int32, name: [UInt8]) {
        self.raw = raw
        self.name = name
    }

    deinit { close(raw) }
}

// MARK: - Opening

extension Descriptor {
    /// Opens what the user named, through symlinks; a path may be relative to the working directory
    /// and of any length.
    package static func directory(_ absolutePath: [UInt8]) throws(SystemError) -> Descriptor {
        try directory(absolutePath, O_RDONLY)
    }

    /// The same to get to what lies in it: takes no right to read the directory.
    static func passage(_ path: [UInt8]) throws(SystemError) -> Descriptor {
        try directory(path, clinux_o_path)
    }

    private static func directory(
        _ absolutePath: [UInt8], _ access: Int32
    ) throws(SystemError) -> Descriptor {
        let flags = access | O_DIRECTORY
        var rest = absolutePath[...]
        var base: Int32 = AT_FDCWD
        var held: Descriptor?
        // The system takes no path of PATH_MAX or more, but it takes one relative to the last.
        while rest.count >= pathBytesMax {
            guard let cut = rest.prefix(pathBytesMax - 1).lastIndex(of: UInt8(ascii: "/")) else {
                throw SystemError(code: ENAMETOOLONG, operation: "openat", path: absolutePath)
            }
            let step = Array(rest[...cut])
            let next = try open(step, in: base, clinux_o_path | O_DIRECTORY, label: absolutePath)
            base = next.raw
            held = consume next
            rest = rest[(cut + 1)...].drop { $0 == UInt8(ascii: "/") }
        }
        let last = rest.isEmpty && held != nil ? [UInt8(ascii: ".")] : Array(rest)
        let result = try open(last, in: base, flags, label: absolutePath)
        _ = consume held
        return result
    }

    /// Opens a directory for reading.
    package func directory(_ name: [UInt8]) throws(SystemError) -> Descriptor {
        try entry(name, O_RDONLY | O_DIRECTORY | clinux_o_noatime)
    }

    /// Opens a directory that one may enter but not list, to get to what lies in it.
    func passage(_ name: [UInt8]) throws(SystemError) -> Descriptor {
        try entry(name, clinux_o_path | O_DIRECTORY)
    }

    /// Opens a file for reading, without waiting for anybody at the other end of a fifo. What was
    /// opened need not be what `status` showed a moment ago: compare with `status()` of the result.
    ///
    /// A file server may hold a lease on a file for a client that has it open. The first refusal
    /// asks it to let go, and after /proc/sys/fs/lease-break-time, usually 45 s, the kernel takes
    /// the lease away. So this tries again for `leaseMilliseconds`; then it is `EAGAIN`. See
    /// F_SETLEASE in fcntl(2).
    ///
    /// - Parameter pause: lets so many milliseconds pass, on the thread of whoever asks.
    package func file(
        _ name: [UInt8], pause: (_ milliseconds: Int) -> Void = Machine.pause
    ) throws(SystemError) -> Descriptor {
        var waited = 0
        while true {
            do { return try entry(name, O_RDONLY | clinux_o_noatime) } catch {
                guard error.code == EAGAIN, waited < Self.leaseMilliseconds else { throw error }
            }
            // Most clients let go at once; those that are gone are not asked all the time.
            let next = min(max(waited, 1), 250, Self.leaseMilliseconds - waited)
            pause(next)
            waited += next
        }
    }

    /// How long a lease may keep one waiting.
    package static let leaseMilliseconds = 60_000

    /// Creates a file for writing that must not exist. The umask applies to the permissions.
    package func create(
        _ name: [UInt8], permissions: UInt16 = 0o600
    ) throws(SystemError) -> Descriptor {
        try entry(name, O_WRONLY | O_CREAT | O_EXCL, permissions)
    }

    /// Opens a file that exists for reading and writing.
    package func openForWriting(_ name: [UInt8]) throws(SystemError) -> Descriptor {
        try entry(name, O_RDWR)
    }

    /// This directory once more, with a place of its own in the listing: one for each worker.
    package func again() throws(SystemError) -> Descriptor {
        try Self.open([UInt8(ascii: ".")], in: raw, O_RDONLY | O_DIRECTORY, label: name)
    }

    private func entry(
        _ name: [UInt8], _ flags: Int32, _ permissions: UInt16 = 0
    ) throws(SystemError) -> Descriptor {
        let flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let mode = mode_t(permissions)
        var result = unsafe name.asName { unsafe openat(raw, $0, flags, mode) }
        if result.code == EPERM, flags & clinux_o_noatime != 0 {
            // Only the owner and root may read without leaving a trace in the time of access.
            let plain = flags & ~clinux_o_noatime
            result = unsafe name.asName { unsafe openat(raw, $0, plain, mode) }
        }
        return Descriptor(owning: Int32(try result.checked("openat", name)), name: name)
    }

    /// Opens a path that may lead through symlinks.
    static func open(
        _ path: [UInt8], in base: Int32, _ flags: Int32, label: [UInt8]
    ) throws(SystemError) -> Descriptor {
        let result = unsafe path.asPath { unsafe openat(base, $0, flags | O_CLOEXEC) }
        return Descriptor(owning: Int32(try result.checked("openat", label)), name: label)
    }
}

// MARK: - Looking

extension Descriptor {
    /// What this is.
    package func status() throws(SystemError) -> FileStatus {
        var status = stat()
        try settled { unsafe fstat(raw, &status) }.checked("fstat", name)
        return try Self.known(status, name)
    }

    /// What lies under a name; a symlink is itself.
    package func status(_ name: [UInt8]) throws(SystemError) -> FileStatus {
        var status = stat()
        let result = unsafe name.asName {
            unsafe fstatat(raw, $0, &status, AT_SYMLINK_NOFOLLOW)
        }
        try result.checked("fstatat", name)
        return try Self.known(status, name)
    }

    private static func known(_ status: stat, _ name: [UInt8]) throws(SystemError) -> FileStatus {
        guard let status = FileStatus(status) else {
            throw SystemError(code: ENOTSUP, operation: "fstat", path: name)
        }
        return status
    }

    /// Where a symlink points, as it was written.
    package func linkTarget(_ name: [UInt8]) throws(SystemError) -> [UInt8] {
        var size = 1024
        while true {
            let target = try linkTarget(name, upTo: size)
            // A buffer filled to the brim may have cut the target off.
            if target.count < size { return target }
            size *= 16
        }
    }

    private func linkTarget(_ name: [UInt8], upTo size: Int) throws(SystemError) -> [UInt8] {
        // Safe because the call is told the size, and only bytes that it wrote are read.
        let (target, result) = unsafe withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: size
        ) { buffer -> ([UInt8], Outcome) in
            guard let start = buffer.baseAddress else { return ([], .failure(EFAULT)) }
            let outcome = unsafe name.asName { unsafe readlinkat(raw, $0, start, size) }
            let bytes = unsafe UnsafeRawBufferPointer(buffer).prefix(outcome.result)
            return unsafe ([UInt8](bytes), outcome)
        }
        try result.checked("readlinkat", name)
        return target
    }

    /// The names in this directory without `.` and `..`, in no order. Not from two threads at once:
    /// the place in the listing belongs to the descriptor.
    package func names() throws(SystemError) -> [[UInt8]] {
        let rewound = settled { lseek(raw, 0, SEEK_SET) }
        // A directory that was opened only to pass through it cannot be listed.
        if rewound.code == EBADF {
            throw SystemError(code: EACCES, operation: "getdents64", path: name)
        }
        try rewound.checked("lseek", name)
        var names: [[UInt8]] = []
        let size = 65_536
        // Safe because the kernel is told the size of the buffer, and `append` reads only within
        // the bytes that it filled.
        let result = unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { buffer in
            while true {
                let outcome = settled { unsafe clinux_getdents64(raw, buffer.baseAddress, size) }
                if outcome.result == 0 { return outcome }
                let entries = unsafe UnsafeRawBufferPointer(buffer).prefix(outcome.result)
                unsafe Self.append(entries, to: &names)
            }
        }
        try result.checked("getdents64", name)
        return names
    }

    /// Reads entries as getdents64(2) lays them out: inode and offset of 8 bytes each, the length
    /// of the entry in 2, the kind in 1, then the name with a NUL.
    private static func append(
        _ entries: Slice<UnsafeRawBufferPointer>, to names: inout [[UInt8]]
    ) {
        var start = unsafe entries.startIndex
        // Safe because slices check their bounds in every build.
        while unsafe start < entries.endIndex {
            let length = unsafe Int(entries[start + 16]) | Int(entries[start + 17]) << 8
            let field = unsafe entries[start + 19..<start + length]
            let name = unsafe field.prefix { $0 != 0 }
            start += length
            if unsafe name.count > 2 || !name.allSatisfy({ $0 == UInt8(ascii: ".") }) {
                names.append(unsafe Array(name))
            }
        }
    }
}
