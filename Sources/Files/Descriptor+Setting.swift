// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc
import Ground

// The order matters to whoever sets several: a new owner clears set-user-id and capabilities, and
// new attributes touch no time but ctime, so: owner, permissions, attributes, times.

// Safe because every name that goes to the kernel ends with NUL and stays for the call, and the
// kernel is told the size of every buffer.
extension Descriptor {
    /// Of a symlink: its own.
    package func setOwner(
        _ name: [UInt8], user: UInt32, group: UInt32
    ) throws(SystemError) {
        let result = unsafe name.asName {
            unsafe fchownat(raw, $0, user, group, AT_SYMLINK_NOFOLLOW)
        }
        try result.checked("fchownat", name)
    }

    package func setOwner(user: UInt32, group: UInt32) throws(SystemError) {
        try settled { fchown(raw, user, group) }.checked("fchown", name)
    }

    /// Never follows: a symlink, whose permissions Linux does not use, is refused with `ENOTSUP`.
    package func setPermissions(_ name: [UInt8], _ permissions: UInt16) throws(SystemError) {
        // fchmodat(2) always follows symlinks, and fchmodat2(2) came only with Linux 6.6. Opening
        // with O_PATH pins the entry without touching it, and its path in /proc leads to exactly
        // that entry, whatever takes the name meanwhile.
        let flags = clinux_o_path | O_NOFOLLOW | O_CLOEXEC
        let opened = unsafe name.asName { unsafe openat(raw, $0, flags) }
        let pinned = Descriptor(owning: Int32(try opened.checked("openat", name)), name: name)
        guard try pinned.status().kind != .symlink else {
            throw SystemError(code: ENOTSUP, operation: "chmod", path: name)
        }
        let result = unsafe pinned.processPath.asPath { unsafe chmod($0, mode_t(permissions)) }
        try result.checked("chmod", name)
    }

    package func setPermissions(_ permissions: UInt16) throws(SystemError) {
        try settled { fchmod(raw, mode_t(permissions)) }.checked("fchmod", name)
    }

    /// Of a symlink: its own. The time of access stays as it is.
    package func setTimes(_ name: [UInt8], modified: Moment) throws(SystemError) {
        var times = Self.times(modified)
        let result = unsafe name.asName {
            unsafe utimensat(raw, $0, &times, AT_SYMLINK_NOFOLLOW)
        }
        try result.checked("utimensat", name)
    }

    package func setTimes(modified: Moment) throws(SystemError) {
        var times = Self.times(modified)
        try settled { unsafe futimens(raw, &times) }.checked("futimens", name)
    }

    private static func times(_ modified: Moment) -> [timespec] {
        [
            timespec(tv_sec: 0, tv_nsec: clinux_utime_omit),
            timespec(tv_sec: time_t(modified.seconds), tv_nsec: Int(modified.nanoseconds)),
        ]
    }

    /// A path that leads to exactly this open file, for calls that take no descriptor.
    var processPath: [UInt8] { Array("/proc/self/fd/\(raw)".utf8) }
}
