// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One of the archives of a base backup.
package enum BackupArchive: Hashable, Sendable {
    /// The data directory.
    case base
    /// A tablespace, by its OID.
    case tablespace(UInt32)
}

/// A file, directory or symlink of a base backup.
package struct BackupEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file
        case directory
        case symlink(target: [UInt8])
    }

    /// Relative, of one or more steps, none of which is empty, `.` or `..`.
    package let path: [UInt8]
    package let kind: Kind
    /// The twelve bits of permissions.
    package let mode: UInt16
    package let owner: UInt32
    package let group: UInt32
    /// Seconds since 1970.
    package let modified: Int64
    /// Bytes of content that follow; 0 for all but files.
    package let size: Int64
}

/// What a base backup is handed to, piece by piece, in the order in which it arrives: an archive
/// begins; each of its entries, its content in pieces, and its end; the archive ends; and after
/// all of them the manifest, in pieces.
package protocol BackupSink: ~Copyable {
    mutating func begin(_ archive: BackupArchive) throws(Trouble)
    mutating func begin(_ entry: BackupEntry) throws(Trouble)
    mutating func content(_ bytes: Span<UInt8>) throws(Trouble)
    mutating func endEntry() throws(Trouble)
    mutating func endArchive() throws(Trouble)
    mutating func manifest(_ bytes: Span<UInt8>) throws(Trouble)
}

/// Names what goes wrong in a sink as such.
func sinking(_ body: () throws(Trouble) -> Void) throws(ServerError) {
    do { try body() } catch { throw .sink(error) }
}
