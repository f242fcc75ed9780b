// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// What the file system says of entries, drawn together: while it stays the same, their content
/// need not be read again.
///
/// The change time (ctime) is what makes this safe: the kernel alone sets it, at every change of
/// content or attributes. The device is left out, since many get another number at each start of
/// the machine; but it stands in link identities, so it counts for files with several names.
struct Fingerprint {
    private var writer = ByteWriter(reserving: 4096)
    private var directory: TreePath = []

    init(_ label: String) { writer.text(label) }

    mutating func add(content item: Scan.Item) {
        addName(item)
        addContent(item.status)
    }

    mutating func add(entry item: Scan.Item) {
        addName(item)
        addContent(item.status)
        let status = item.status
        writer.u8(status.kind.rawValue)
        writer.u32(UInt32(status.permissions))
        writer.u32(status.user)
        writer.u32(status.group)
        writer.u32(status.major)
        writer.u32(status.minor)
        writer.u64(status.links)
        writer.u64(status.kind != .directory && status.links > 1 ? status.device : 0)
    }

    private mutating func addName(_ item: Scan.Item) {
        if item.directory != directory {
            directory = item.directory
            writer.u8(1)
            writer.varint(directory.count)
            for name in directory { writer.block(name) }
        } else {
            writer.u8(0)
        }
        writer.block(item.name)
    }

    private mutating func addContent(_ status: FileStatus) {
        writer.u64(UInt64(bitPattern: status.size))
        writer.u64(status.inode)
        writer.u64(UInt64(bitPattern: status.modified.seconds))
        writer.u32(status.modified.nanoseconds)
        writer.u64(UInt64(bitPattern: status.changed.seconds))
        writer.u32(status.changed.nanoseconds)
    }

    func finish() -> Digest { Sealing.hash(writer.bytes) }
}
