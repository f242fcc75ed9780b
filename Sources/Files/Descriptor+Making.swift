// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc

// Safe because every name that goes to the kernel ends with NUL and stays for the call, and the
// kernel is told the size of every buffer.
extension Descriptor {
    package func makeSymlink(_ name: [UInt8], to target: [UInt8]) throws(SystemError) {
        let result = unsafe target.asPath { target in
            unsafe name.asName { unsafe symlinkat(target, raw, $0) }
        }
        try result.checked("symlinkat", name)
    }

    /// The umask applies to the permissions.
    package func makeDirectory(
        _ name: [UInt8], permissions: UInt16 = 0o700
    ) throws(SystemError) {
        let result = unsafe name.asName { unsafe mkdirat(raw, $0, mode_t(permissions)) }
        try result.checked("mkdirat", name)
    }

    /// Makes a fifo, a socket or a device node; the numbers count for device nodes only, and the
    /// umask applies to the permissions. Other kinds are refused with `EINVAL`.
    package func makeNode(
        _ name: [UInt8], kind: FileKind, permissions: UInt16, major: UInt32 = 0, minor: UInt32 = 0
    ) throws(SystemError) {
        var mode = mode_t(permissions)
        switch kind {
        case .fifo: mode |= S_IFIFO
        case .socket: mode |= S_IFSOCK
        case .characterDevice: mode |= S_IFCHR
        case .blockDevice: mode |= S_IFBLK
        case .file, .directory, .symlink:
            throw SystemError(code: EINVAL, operation: "mknodat", path: name)
        }
        let isDevice = kind == .characterDevice || kind == .blockDevice
        let device = isDevice ? clinux_makedev(major, minor) : 0
        let result = unsafe name.asName { unsafe mknodat(raw, $0, mode, dev_t(device)) }
        try result.checked("mknodat", name)
    }

    /// Gives the file `target` of `directory` one more name here. A symlink gets it itself.
    package func makeLink(
        _ name: [UInt8], to target: [UInt8], in directory: borrowing Descriptor
    ) throws(SystemError) {
        let other = directory.raw
        let result = unsafe target.asName { target in
            unsafe name.asName { unsafe linkat(other, target, raw, $0, 0) }
        }
        try result.checked("linkat", name)
    }

    /// Removes anything but a directory.
    package func remove(_ name: [UInt8]) throws(SystemError) {
        try unsafe name.asName { unsafe unlinkat(raw, $0, 0) }.checked("unlinkat", name)
    }

    /// Removes what nobody needs; where that fails a stray file stays, and nothing worse. For the
    /// way out after an error that says more than a second one would.
    package func discard(_ name: [UInt8]) {
        _ = unsafe name.asName { unsafe unlinkat(raw, $0, 0) }
    }

    /// Removes an empty directory.
    package func removeDirectory(_ name: [UInt8]) throws(SystemError) {
        try unsafe name.asName { unsafe unlinkat(raw, $0, AT_REMOVEDIR) }.checked("unlinkat", name)
    }

    /// Renames within this directory, in one step: whoever looks sees the one name or the other.
    /// Unless `replacing`, a name that is taken is refused with `EEXIST`, also where two try at
    /// the same moment. It survives a loss of power after `synchronize()` of the directory.
    package func rename(
        _ from: [UInt8], to: [UInt8], replacing: Bool
    ) throws(SystemError) {
        let result = unsafe from.asName { from in
            unsafe to.asName { to in
                unsafe replacing
                    ? renameat(raw, from, raw, to) : clinux_rename_noreplace(raw, from, to)
            }
        }
        if !replacing, [EINVAL, ENOSYS, ENOTSUP].contains(result.code), from.isName, to.isName {
            return try renameByLink(from, to: to)
        }
        try result.checked("renameat", to)
    }

    /// NFS and some FUSE file systems cannot refuse while renaming, but whatever has hard links
    /// refuses to link to a name that is taken.
    private func renameByLink(_ from: [UInt8], to: [UInt8]) throws(SystemError) {
        guard try status(from).kind == .directory else {
            try makeLink(to, to: from, in: self)
            return try remove(from)
        }
        // A directory has one name only. It replaces nothing but an empty directory, so nothing is
        // lost should one appear between the look and the step.
        let taken = unsafe to.asName { unsafe faccessat(raw, $0, F_OK, AT_SYMLINK_NOFOLLOW) }
        guard taken.code == ENOENT else {
            throw SystemError(code: EEXIST, operation: "renameat", path: to)
        }
        try rename(from, to: to, replacing: true)
    }
}
