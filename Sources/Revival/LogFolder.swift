// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Postgres

/// The `pg_wal` of a data directory, to which log is brought in pieces of any length.
package final class LogFolder {
    /// For messages.
    private let label: [UInt8]
    private let segmentBytes: UInt64
    private let folder: Descriptor
    private let owner: FileStatus

    private static let act = Words("Cannot bring the log back:", de: "Kann das Protokoll nicht zurückholen:")
    private static let name = Array("pg_wal".utf8)

    /// Never through a link: the tree is whatever a writer has put.
    ///
    /// - Parameter directory: a restored data directory.
    package init(in directory: [UInt8], segmentBytes: UInt64) throws(Trouble) {
        label = directory + [UInt8(ascii: "/")] + Self.name
        self.segmentBytes = segmentBytes
        do throws(SystemError) {
            let above = try Descriptor.directory(
                Array(directory.dropLast(PostgresTree.data.count)))
            let data = try above.directory(PostgresTree.data)
            owner = try data.status()
            do throws(SystemError) { try data.makeDirectory(Self.name, permissions: 0o700) } catch {
                guard error.kind == .exists else { throw error }
            }
            folder = try data.directory(Self.name)
        } catch { throw error.at(directory).trouble(Self.act) }
    }

    private func name(of lsn: LSN, _ timeline: UInt32) -> [UInt8] {
        guard let segment = WALSegment(holding: lsn, timeline: timeline, byteCount: segmentBytes)
        else { preconditionFailure("the size was checked when the record was read") }
        return Array(segment.fileName.utf8)
    }

    package func write(_ bytes: ArraySlice<UInt8>, at start: LSN, timeline: UInt32) throws(Trouble) {
        do throws(SystemError) {
            var (rest, at) = (bytes, start)
            while !rest.isEmpty {
                let offset = at.value % segmentBytes
                let count = Int(min(UInt64(rest.count), segmentBytes - offset))
                let file = try file(name(of: at, timeline))
                // The server takes whole segments only.
                if try file.status().size != Int64(segmentBytes) {
                    try file.truncate(to: Int64(segmentBytes))
                }
                try file.write(rest.prefix(count), at: Int64(offset))
                (rest, at) = (rest.dropFirst(count), at + count)
            }
        } catch { throw error.at(label).trouble(Self.act) }
    }

    /// A segment in which a new timeline begins has the bytes of the old one up to there.
    func carry(from old: UInt32, to new: UInt32, at lsn: LSN) throws(Trouble) {
        let count = Int(lsn.value % segmentBytes)
        guard count > 0 else { return }
        do throws(SystemError) {
            let from: Descriptor
            do throws(SystemError) { from = try folder.file(name(of: lsn, old)) } catch {
                // It lies before the base, so nobody needs it.
                if error.kind == .missing { return }
                throw error
            }
            var bytes = [UInt8](repeating: 0, count: count)
            let got = try from.read(into: &bytes, at: 0, count: count, from: 0)
            let to = try file(name(of: lsn, new))
            if try to.status().size != Int64(segmentBytes) {
                try to.truncate(to: Int64(segmentBytes))
            }
            try to.write(bytes[..<got], at: 0)
        } catch { throw error.at(label).trouble(Self.act) }
    }

    func write(histories: [UInt32: [UInt8]]) throws(Trouble) {
        for (timeline, content) in histories.sorted(by: { $0.key < $1.key }) {
            do throws(SystemError) {
                try folder.replace(Self.name(ofHistory: timeline), by: content)
            } catch { throw error.at(label).trouble(Self.act) }
        }
    }

    /// What the base brought; empty where it brought none.
    func history(of timeline: UInt32) throws(Trouble) -> [UInt8] {
        do throws(SystemError) {
            return try folder.contents(Self.name(ofHistory: timeline), upTo: 1 << 20)
        } catch {
            if error.kind == .missing { return [] }
            throw error.at(label).trouble(Self.act)
        }
    }

    private static func name(ofHistory timeline: UInt32) -> [UInt8] {
        Array(TimelineHistory(timeline: timeline).fileName.utf8)
    }

    /// Everything in it belongs to whom the data directory belongs.
    package func settle() throws(Trouble) {
        do throws(SystemError) {
            for name in try folder.again().names() {
                let status = try folder.status(name)
                guard status.user != owner.user || status.group != owner.group else { continue }
                try folder.setOwner(name, user: owner.user, group: owner.group)
            }
            let own = try folder.status()
            if own.user != owner.user || own.group != owner.group {
                try folder.setOwner(user: owner.user, group: owner.group)
            }
        } catch { throw error.at(label).trouble(Self.act) }
    }

    private func file(_ name: [UInt8]) throws(SystemError) -> Descriptor {
        do throws(SystemError) { return try folder.openForWriting(name) } catch {
            guard error.kind == .missing else { throw error }
            return try folder.create(name)
        }
    }
}
