// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

extension CaptureWorker {
    /// Reads small files into one chunk, unless what is known of them still holds.
    func readGroup(_ job: SectionJob, _ members: [Int]) async throws(Trouble) {
        let draft = job.draft
        let fingerprint = draft.fingerprint(of: .group(members))
        if let fingerprint, let known = capturing.known(fingerprint, entries: members.count),
            let chunk = known.chunks.first
        {
            takeOver(job, members, chunk, in: known.uses.all.first?.pack)
            return
        }
        var group = OpenGroup()
        var isWhole = true
        // Files that have grown out of the group. They are read after it is stored, because that
        // takes the same buffer.
        var grown: [Int] = []
        for member in members {
            if group.bytes + Limits.smallFileBytes > Limits.dataChunkBytesMax {
                // Files that grew since the scan filled it early.
                try await store(&group, job)
                isWhole = false
            }
            switch readSmall(draft, member, at: group.bytes) {
            case .read(let file, let count):
                group.members.append((member, file, group.bytes))
                group.bytes += count
                if !file.status.isUnchanged(since: draft.items[member].status)
                    || capturing.isYoung(file.status)
                {
                    isWhole = false
                }
            case .large:
                grown.append(member)
                isWhole = false
            case .not(let found):
                job.note(member, found)
                isWhole = false
            }
        }
        let stored = try await store(&group, job)
        if isWhole, let fingerprint, let (chunk, pack) = stored {
            capturing.keep(
                fingerprint,
                .init(chunks: [chunk], areLists: false, regions: nil, uses: PackUses(pack, bytes: chunk.bytes)))
        }
        for member in grown { job.note(member, try await readFile(job, member)) }
    }

    private struct OpenGroup {
        var members: [(item: Int, file: CapturedFile, offset: Int)] = []
        var bytes = 0
    }

    private func takeOver(
        _ job: SectionJob, _ members: [Int], _ chunk: ChunkReference, in pack: UInt32?
    ) {
        var offset = 0
        for member in members {
            let status = job.draft.items[member].status
            job.note(
                member,
                .captured(
                    CapturedFile(
                        status: status, size: UInt64(status.size), stream: .slice(chunk, offset: offset),
                        uses: pack.map { PackUses($0, bytes: Int(status.size)) } ?? PackUses())))
            offset += Int(status.size)
        }
        capturing.done(UInt64(offset))
    }

    @discardableResult
    private func store(
        _ group: inout OpenGroup, _ job: SectionJob
    ) async throws(Trouble) -> (ChunkReference, UInt32)? {
        defer { group = OpenGroup() }
        guard group.bytes > 0 else {
            for (item, file, _) in group.members { job.note(item, .captured(file)) }
            return nil
        }
        let (chunk, pack) = try await chunks.store(buffer[..<group.bytes], .data)
        for (item, file, offset) in group.members {
            var file = file
            if file.size > 0 {
                file.stream = .slice(chunk, offset: offset)
                file.uses = PackUses(pack, bytes: Int(file.size))
            }
            job.note(item, .captured(file))
        }
        capturing.done(UInt64(group.bytes))
        return (chunk, pack)
    }

    private enum SmallFile {
        case read(CapturedFile, bytes: Int)
        /// It has grown out of groups since the scan.
        case large
        case not(SectionJob.Found)
    }

    /// Reads one file to a place in the buffer, again where it changed meanwhile.
    private func readSmall(_ draft: SectionDraft, _ item: Int, at offset: Int) -> SmallFile {
        let path = draft.items[item]
        var expected = path.status
        do throws(SystemError) {
            let file = try open(path)
            for attempt in 1...Self.attemptsMax {
                guard expected.size < Int64(Limits.smallFileBytes) else { return .large }
                let count = try file.read(
                    into: &buffer, at: offset, count: Int(expected.size), from: 0)
                let attributes = try file.attributes()
                let status = try file.status()
                guard status.kind == .file else { return .not(.vanished) }
                let isUnchanged = status.isUnchanged(since: expected) && count == Int(expected.size)
                if isUnchanged || attempt == Self.attemptsMax {
                    if !isUnchanged { capturing.changed(draft.path(item)) }
                    let captured = CapturedFile(
                        status: status, attributes: attributes, size: UInt64(count),
                        stream: .empty, hasChanged: !isUnchanged)
                    return .read(captured, bytes: count)
                }
                expected = status
            }
            return .large
        } catch { return .not(notRead(draft.path(item), error)) }
    }

    func open(_ item: Scan.Item) throws(SystemError) -> Descriptor {
        try ladder.withDirectory(item.directory) { directory throws(SystemError) in
            try directory.file(item.name)
        }
    }

    /// What became of a file that could not be read: it is gone, or it is left out and named.
    func notRead(_ path: TreePath, _ error: SystemError) -> SectionJob.Found {
        if error.kind == .missing {
            capturing.vanished(path)
            return .vanished
        }
        capturing.leaveOut(path, error, Words("Cannot read", de: "Nicht lesbar:"))
        return .leftOut
    }
}
