// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc
import Ground

/// What lies under a name. The numbers are those of the vault's format.
package enum FileKind: UInt8, Sendable, CaseIterable {
    case file = 0
    case directory
    case symlink
    case fifo
    case socket
    case characterDevice
    case blockDevice

    /// nil for a mode that Linux does not define; some FUSE file systems hand out such.
    init?(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symlink
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        default: return nil
        }
    }
}

/// Everything that stat(2) tells of a file and a backup can use.
package struct FileStatus: Hashable, Sendable {
    package var kind: FileKind
    /// The twelve bits 07777: set-user-id, set-group-id, sticky, and three times `rwx`.
    package var permissions: UInt16
    /// How many names the file has.
    package var links: UInt64
    package var user: UInt32
    package var group: UInt32
    /// Bytes.
    package var size: Int64
    /// Allocated blocks of 512 bytes, whatever the file system's own block size.
    package var blocks: Int64
    /// The file system on which it lies, and its number there; together they identify the file
    /// as long as it exists.
    package var device: UInt64
    package var inode: UInt64
    /// For device nodes, else 0.
    package var major: UInt32
    package var minor: UInt32
    /// When the content changed last (mtime).
    package var modified: Moment
    /// When anything about it changed last (ctime); only the kernel sets it.
    package var changed: Moment

    package init(
        kind: FileKind, permissions: UInt16, links: UInt64, user: UInt32, group: UInt32,
        size: Int64, blocks: Int64, device: UInt64, inode: UInt64, major: UInt32, minor: UInt32,
        modified: Moment, changed: Moment
    ) {
        self.kind = kind
        self.permissions = permissions
        self.links = links
        self.user = user
        self.group = group
        self.size = size
        self.blocks = blocks
        self.device = device
        self.inode = inode
        self.major = major
        self.minor = minor
        self.modified = modified
        self.changed = changed
    }

    init?(_ status: stat) {
        guard let kind = FileKind(mode: status.st_mode) else { return nil }
        let isDevice = kind == .characterDevice || kind == .blockDevice
        self.init(
            kind: kind, permissions: UInt16(status.st_mode & 0o7777),
            links: UInt64(status.st_nlink), user: status.st_uid, group: status.st_gid,
            size: Int64(status.st_size), blocks: Int64(status.st_blocks),
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            major: isDevice ? clinux_major(UInt64(status.st_rdev)) : 0,
            minor: isDevice ? clinux_minor(UInt64(status.st_rdev)) : 0,
            modified: Moment(status.st_mtim), changed: Moment(status.st_ctim))
    }
}

extension Moment {
    init(_ time: timespec) {
        self.init(
            seconds: Int64(time.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: time.tv_nsec))
    }
}
