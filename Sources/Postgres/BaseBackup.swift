// SPDX-License-Identifier: EUPL-1.2
import CPostgres
import Ground

/// A copy of a whole cluster as it runs, streamed by the server.
///
/// It is of use only with all WAL from `start` to `end`, which it does not hold itself: begin a
/// `WALStream` from `start` beforehand, or let a slot keep it.
package final class BaseBackup {
    package struct Options: Sendable {
        package var label = "zwilling"
        /// Whether the server writes everything at once instead of over minutes.
        package var isFast = true
        /// Whether it brings the log that it needs, in pg_wal.
        package var includesLog = false
        /// 32 to 1,048,576; nil for as fast as it goes.
        package var kilobytesPerSecondMax: Int?

        package init() {}
    }

    package struct Tablespace: Hashable, Sendable {
        package let oid: UInt32
        /// Where it lies at the original.
        package let location: String

        package init(oid: UInt32, location: String) {
            self.oid = oid
            self.location = location
        }
    }

    package struct Place: Hashable, Sendable {
        package let lsn: LSN
        package let timeline: UInt32
    }

    /// From here on WAL is needed.
    package let start: Place
    package let tablespaces: [Tablespace]
    /// Up to here WAL is needed; known when all has arrived.
    package private(set) var end: Place?

    private enum Phase {
        case starting, between, archive, manifest, over
    }

    private let connection: Connection
    /// In the order in which servers before 15 send them.
    private var archives: ArraySlice<BackupArchive>
    private let isTyped: Bool
    private var phase = Phase.starting
    private var tar = TarReader()
    private var seen: Set<BackupArchive> = []
    private var hasManifest = false

    /// The connection is the backup's until it is over.
    ///
    /// - Parameter patience: must do for the checkpoint, which takes minutes where it is not fast.
    package init(
        _ replication: Replication, _ options: Options = Options(), _ patience: Patience
    ) throws(ServerError) {
        connection = replication.connection
        isTyped = connection.version.major >= 15
        try connection.send(Self.command(options, isTyped), patience)
        start = try Self.place(connection.nextRows(patience))
        let rows = try connection.nextRows(patience)
        var archives: [BackupArchive] = []
        var tablespaces: [Tablespace] = []
        for row in 0..<rows.count {
            guard let number = rows[row, 0] else {
                archives.append(.base)
                continue
            }
            guard let oid = UInt32(number), let location = rows[row, 1] else {
                throw .malformed("the list of tablespaces")
            }
            archives.append(.tablespace(oid))
            tablespaces.append(Tablespace(oid: oid, location: location))
        }
        guard archives.contains(.base), Set(archives).count == archives.count else {
            throw .malformed("the list of archives")
        }
        self.archives = archives[...]
        self.tablespaces = tablespaces
    }

    private static func command(_ options: Options, _ isTyped: Bool) -> String {
        let label = literal(options.label)
        if isTyped {
            let rate = options.kilobytesPerSecondMax.map { ", MAX_RATE \($0)" } ?? ""
            return "BASE_BACKUP (LABEL \(label), WAIT false, TABLESPACE_MAP true, "
                + "WAL \(options.includesLog), "
                + "CHECKPOINT '\(options.isFast ? "fast" : "spread")', MANIFEST 'yes'\(rate))"
        }
        let rate = options.kilobytesPerSecondMax.map { " MAX_RATE \($0)" } ?? ""
        return "BASE_BACKUP LABEL \(label)\(options.isFast ? " FAST" : "")"
            + "\(options.includesLog ? " WAL" : "") NOWAIT\(rate) "
            + "TABLESPACE_MAP MANIFEST 'yes'"
    }

    private static func place(_ rows: Rows) throws(ServerError) -> Place {
        guard let lsn = rows[0, 0].flatMap({ LSN($0) }),
            let timeline = rows[0, 1].flatMap({ UInt32($0) })
        else { throw .malformed("a place in the WAL") }
        return Place(lsn: lsn, timeline: timeline)
    }
}

// MARK: - Receiving

extension BaseBackup {
    /// Receives all of it. The patience counts for each message.
    package func receive(
        into sink: inout some BackupSink & ~Copyable, secondsMax: Int = 120, wake: Wake? = nil
    ) throws(ServerError) {
        while try step(into: &sink, .seconds(secondsMax, or: wake)) {}
    }

    /// Receives one message, some tens of KiB; false when all is received and `end` is known. After
    /// any error the backup is lost.
    package func step(
        into sink: inout some BackupSink & ~Copyable, _ patience: Patience
    ) throws(ServerError) -> Bool {
        switch phase {
        case .over: return false
        case .starting:
            try connection.expect(cpostgres_copy_out, patience)
            if isTyped { phase = .between } else { try beginNext(&sink) }
        case .between, .archive, .manifest:
            if let message = try connection.nextCopied(patience) {
                try message.read { bytes throws(ServerError) in
                    if isTyped { try take(bytes, &sink) } else { try content(bytes, &sink) }
                }
                return true
            }
            try endPart(&sink)
            if isTyped || hasManifest { try finish(patience) } else { phase = .starting }
        }
        return phase != .over
    }

    /// A message from 15 on says by its first byte what it is.
    private func take(
        _ bytes: Span<UInt8>, _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        switch bytes[0] {
        case UInt8(ascii: "n"):
            try endPart(&sink)
            try begin(try Self.archive(array(bytes, 1..<bytes.count)), &sink)
        case UInt8(ascii: "m"):
            try endPart(&sink)
            try beginManifest()
        case UInt8(ascii: "d"): try content(bytes.extracting(1..<bytes.count), &sink)
        case UInt8(ascii: "p"): break
        case let kind: throw .malformed("a message of kind \(kind) in a backup")
        }
    }

    /// `base.tar` or `16384.tar`, and where it lies, each with a NUL.
    private static func archive(_ text: [UInt8]) throws(ServerError) -> BackupArchive {
        let name = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        if name == "base.tar" { return .base }
        guard name.hasSuffix(".tar"), let oid = UInt32(name.dropLast(4)) else {
            throw .malformed("an archive without a name")
        }
        return .tablespace(oid)
    }

    /// Before 15 each archive is a copy of its own, in the order of the list, then the manifest.
    private func beginNext(_ sink: inout some BackupSink & ~Copyable) throws(ServerError) {
        if let next = archives.popFirst() { return try begin(next, &sink) }
        try beginManifest()
    }

    private func begin(
        _ archive: BackupArchive, _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        var isKnown = archive == .base
        if case .tablespace(let oid) = archive { isKnown = tablespaces.contains { $0.oid == oid } }
        guard !hasManifest, isKnown, seen.insert(archive).inserted else {
            throw .malformed("an archive that nobody announced")
        }
        phase = .archive
        tar = TarReader()
        try sinking { () throws(Trouble) in try sink.begin(archive) }
    }

    private func beginManifest() throws(ServerError) {
        guard seen.count == tablespaces.count + 1, !hasManifest else {
            throw .malformed("a manifest before all archives, or a second one")
        }
        hasManifest = true
        phase = .manifest
    }

    private func content(
        _ bytes: Span<UInt8>, _ sink: inout some BackupSink & ~Copyable
    ) throws(ServerError) {
        switch phase {
        case .archive: try tar.feed(bytes, &sink)
        case .manifest: try sinking { () throws(Trouble) in try sink.manifest(bytes) }
        default: throw .malformed("content of nothing in a backup")
        }
    }

    private func endPart(_ sink: inout some BackupSink & ~Copyable) throws(ServerError) {
        if phase == .archive {
            try tar.finish(mustBeMarked: isTyped)
            try sinking { () throws(Trouble) in try sink.endArchive() }
        }
        phase = .between
    }

    /// The server refuses here where it found damaged pages on the way (`XX001`).
    private func finish(_ patience: Patience) throws(ServerError) {
        guard hasManifest else { throw .malformed("a backup without a manifest") }
        let place = try Self.place(connection.nextRows(patience))
        while try connection.nextReply(patience) != nil {}
        phase = .over
        end = place
    }
}
