// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Postgres
import Synchronization
import Vault

/// A whole PostgreSQL cluster as it runs, file by file: `/pgdata/…`, and `/tablespaces/OID/…`
/// (docs/format.md, section 6). It holds the log that it needs, so that it starts by itself.
package final class PostgresBase: StreamSource {
    private struct Inside {
        let replication: Replication
        let backup: BaseBackup
        /// What has come beside files.
        var progress = BaseSink.Progress()
    }

    private let inside: Mutex<Inside>
    private let now: @Sendable () -> Moment
    /// A server that says nothing for so long has gone.
    private static let secondsMax = 300

    /// Connects and begins the backup, which waits for a checkpoint.
    package init(
        _ address: ServerAddress, now: @escaping @Sendable () -> Moment
    ) throws(Trouble) {
        self.now = now
        do throws(ServerError) {
            let replication = try Replication(to: address)
            var options = BaseBackup.Options()
            options.includesLog = true
            let backup = try BaseBackup(replication, options, .seconds(Self.secondsMax))
            inside = Mutex(Inside(replication: replication, backup: backup))
        } catch { throw error.trouble }
    }

    package func next(_ batch: inout StreamBatch) async throws(Trouble) -> Bool {
        try inside.withLock { inside throws(Trouble) in
            var sink = BaseSink(batch, inside.progress, now: now())
            defer { (batch, inside.progress) = (sink.batch, sink.progress) }
            // The batch is the sink's meanwhile, so that it is never copied.
            batch = batch.emptied
            do throws(ServerError) {
                return try inside.backup.step(into: &sink, .seconds(Self.secondsMax))
            } catch { throw error.trouble }
        }
    }

    /// What the record says of it, once all has come.
    package func span() throws(Trouble) -> PostgresSpan {
        try inside.withLock { inside throws(Trouble) in
            guard let end = inside.backup.end, end.timeline == inside.backup.start.timeline else {
                throw Trouble(
                    .system,
                    Words(
                        "The server changed its timeline during the backup.",
                        de: "Der Server wechselte während der Sicherung die Zeitlinie."),
                    advice: Words("Protect again.", de: "Noch einmal sichern."))
            }
            return PostgresSpan(
                system: inside.replication.systemIdentifier, timeline: end.timeline,
                start: inside.backup.start.lsn.value, end: end.lsn.value,
                segmentBytes: UInt32(inside.replication.segmentBytes), received: now())
        }
    }
}

/// Puts a base backup into batches.
private struct BaseSink: BackupSink {
    struct Progress {
        var root: TreePath = []
        /// Directories above what the server sends: they are the server's own too.
        var made: Set<TreePath> = []
        var hasManifest = false
        /// The user as whom the server runs.
        var owner: (user: UInt32, group: UInt32) = (0, 0)
    }

    var batch: StreamBatch
    var progress: Progress
    private let now: Moment

    /// Relations change page by page in place: 32 pages of 8 KiB a chunk.
    private static let blockBytes = 256 << 10

    init(_ batch: StreamBatch, _ progress: Progress, now: Moment) {
        (self.batch, self.progress, self.now) = (batch, progress, now)
    }

    mutating func begin(_ archive: BackupArchive) throws(Trouble) {
        switch archive {
        case .base: progress.root = [PostgresTree.data]
        case .tablespace(let oid): progress.root = [PostgresTree.tablespaces, Array("\(oid)".utf8)]
        }
    }

    mutating func begin(_ entry: BackupEntry) throws(Trouble) {
        progress.owner = (entry.owner, entry.group)
        for depth in 1...progress.root.count { makeDirectory(Array(progress.root[..<depth])) }
        let path = progress.root + entry.path.split(separator: UInt8(ascii: "/")).map(Array.init)
        let kind: FileKind
        var target: [UInt8] = []
        switch entry.kind {
        case .file: kind = .file
        case .directory: kind = .directory
        case .symlink(let place): (kind, target) = (.symlink, place)
        }
        let time = Moment(seconds: entry.modified)
        var streamed = StreamedEntry(
            path,
            FileStatus(
                kind: kind, permissions: entry.mode, links: 1, user: entry.owner,
                group: entry.group, size: 0, blocks: 0, device: 0, inode: 0, major: 0, minor: 0,
                modified: time, changed: time))
        streamed.target = target
        streamed.cutting = .inBlocks(bytes: Self.blockBytes)
        batch.begin(streamed)
    }

    private mutating func makeDirectory(_ path: TreePath) {
        guard progress.made.insert(path).inserted else { return }
        batch.begin(own(StreamedEntry(path, kind: .directory, permissions: 0o700, modified: now)))
    }

    private func own(_ entry: StreamedEntry) -> StreamedEntry {
        var entry = entry
        (entry.status.user, entry.status.group) = progress.owner
        return entry
    }

    mutating func content(_ bytes: Span<UInt8>) throws(Trouble) { batch.append(bytes) }

    mutating func endEntry() throws(Trouble) {}
    mutating func endArchive() throws(Trouble) {}

    mutating func manifest(_ bytes: Span<UInt8>) throws(Trouble) {
        if !progress.hasManifest {
            progress.hasManifest = true
            let path = [PostgresTree.data, Array("backup_manifest".utf8)]
            batch.begin(own(StreamedEntry(path, permissions: 0o600, modified: now)))
        }
        batch.append(bytes)
    }
}

/// Where things stand in the tree of a base.
package enum PostgresTree {
    package static let data = Array("pgdata".utf8)
    package static let tablespaces = Array("tablespaces".utf8)
}
