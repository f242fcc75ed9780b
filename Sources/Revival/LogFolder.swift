// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Postgres

/// The `pg_wal` of a data directory, to which log is brought in pieces of any length.
final class LogFolder {
    private let folder: [UInt8]
    private let segmentBytes: UInt64

    private static let act = Words("Cannot bring the log back:", de: "Kann das Protokoll nicht zurückholen:")

    /// - Parameter directory: a restored data directory.
    init(in directory: [UInt8], segmentBytes: UInt64) throws(Trouble) {
        folder = directory + Array("/pg_wal".utf8)
        self.segmentBytes = segmentBytes
        do throws(SystemError) { try Machine.makeDirectories(folder) } catch {
            throw error.trouble(Self.act)
        }
    }

    private func name(of lsn: LSN, _ timeline: UInt32) -> [UInt8] {
        guard let segment = WALSegment(holding: lsn, timeline: timeline, byteCount: segmentBytes)
        else { preconditionFailure("the size was checked when the record was read") }
        return Array(segment.fileName.utf8)
    }

    func write(_ bytes: ArraySlice<UInt8>, at start: LSN, timeline: UInt32) throws(Trouble) {
        do throws(SystemError) {
            let directory = try Descriptor.directory(folder)
            var (rest, at) = (bytes, start)
            while !rest.isEmpty {
                let offset = at.value % segmentBytes
                let count = Int(min(UInt64(rest.count), segmentBytes - offset))
                let file = try Self.file(name(of: at, timeline), in: directory)
                // The server takes whole segments only.
                if try file.status().size != Int64(segmentBytes) {
                    try file.truncate(to: Int64(segmentBytes))
                }
                try file.write(rest.prefix(count), at: Int64(offset))
                (rest, at) = (rest.dropFirst(count), at + count)
            }
        } catch { throw error.at(folder).trouble(Self.act) }
    }

    /// A segment in which a new timeline begins has the bytes of the old one up to there.
    func carry(from old: UInt32, to new: UInt32, at lsn: LSN) throws(Trouble) {
        let count = Int(lsn.value % segmentBytes)
        guard count > 0 else { return }
        do throws(SystemError) {
            let directory = try Descriptor.directory(folder)
            let from: Descriptor
            do throws(SystemError) { from = try directory.file(name(of: lsn, old)) } catch {
                // It lies before the base, so nobody needs it.
                if error.kind == .missing { return }
                throw error
            }
            var bytes = [UInt8](repeating: 0, count: count)
            let got = try from.read(into: &bytes, at: 0, count: count, from: 0)
            let to = try Self.file(name(of: lsn, new), in: directory)
            if try to.status().size != Int64(segmentBytes) {
                try to.truncate(to: Int64(segmentBytes))
            }
            try to.write(bytes[..<got], at: 0)
        } catch { throw error.at(folder).trouble(Self.act) }
    }

    func write(histories: [UInt32: [UInt8]]) throws(Trouble) {
        for (timeline, content) in histories.sorted(by: { $0.key < $1.key }) {
            do throws(SystemError) {
                try Machine.writeDurably(path(ofHistory: timeline), content)
            } catch { throw error.trouble(Self.act) }
        }
    }

    /// What the base brought; empty where it brought none.
    func history(of timeline: UInt32) throws(Trouble) -> [UInt8] {
        do throws(SystemError) {
            return try Machine.readWhole(path(ofHistory: timeline), upTo: 1 << 20)
        } catch {
            if error.kind == .missing { return [] }
            throw error.trouble(Self.act)
        }
    }

    private func path(ofHistory timeline: UInt32) -> [UInt8] {
        folder + Array("/\(TimelineHistory(timeline: timeline).fileName)".utf8)
    }

    /// Everything in it belongs to whom the data directory belongs.
    func settle() throws(Trouble) {
        do throws(SystemError) {
            let directory = try Descriptor.directory(folder)
            let owner = try Descriptor.directory(folder + Array("/..".utf8)).status()
            for name in try directory.names() {
                let status = try directory.status(name)
                guard status.user != owner.user || status.group != owner.group else { continue }
                try directory.setOwner(name, user: owner.user, group: owner.group)
            }
            let own = try directory.status()
            if own.user != owner.user || own.group != owner.group {
                try directory.setOwner(user: owner.user, group: owner.group)
            }
        } catch { throw error.at(folder).trouble(Self.act) }
    }

    private static func file(
        _ name: [UInt8], in directory: borrowing Descriptor
    ) throws(SystemError) -> Descriptor {
        do throws(SystemError) { return try directory.openForWriting(name) } catch {
            guard error.kind == .missing else { throw error }
            return try directory.create(name)
        }
    }
}
