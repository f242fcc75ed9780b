// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// One of the workers of a restore. What it needs for that it keeps to itself.
final class RestoreWorker {
    let restoring: Restoring
    let ladder: Ladder
    let reader: ChunkReader

    /// Bytes of a stream that one worker writes at a time. So many, because two workers that write
    /// to one file wait for each other in the kernel.
    private static let partBytes = 512 << 20

    init(_ restoring: Restoring, root: consuming Descriptor) {
        self.restoring = restoring
        ladder = Ladder(root: root)
        reader = restoring.tree.chunkReader()
    }

    func work(on board: RestoreBoard) async throws(Trouble) {
        while let job = await board.next() {
            switch job {
            case .section(let reference):
                let pieces = try await read(reference)
                board.done { $0.add(pieces) }
            case .piece(let piece):
                try await write(piece)
                board.done { $0.finish(piece) }
            }
        }
    }

    // MARK: Sections

    /// Makes everything of a section that has no content, and gives the rest as pieces.
    private func read(_ reference: SectionReference) async throws(Trouble) -> [RestorePiece] {
        let section: Section
        do throws(Trouble) {
            section = try await restoring.tree.vault.section(reference, reader)
        } catch {
            restoring.notRestored(reference.first, error)
            return []
        }
        var found: [(TreePath, TreePath, Entry)] = []
        var leading: [(TreePath, TreePath, Entry)] = []
        section.forEach { path, entry in
            let isDirectory = entry.kind == .directory
            if let place = restoring.place(path, isDirectory: isDirectory) {
                found.append((path, place, entry))
            } else if isDirectory, let place = restoring.leadingPlace(path) {
                leading.append((path, place, entry))
            }
        }
        for (path, place, entry) in leading {
            guard let attributes = await attributes(of: entry, section, path) else { continue }
            restoring.keep(leading: Placed(path: place, entry: entry, attributes: attributes))
        }
        var pieces: [RestorePiece] = []
        var slices: (chunk: Int, files: [Placed])?
        func endSlices() {
            if let open = slices {
                pieces.append(.slices(section.chunks[open.chunk], open.files))
            }
            slices = nil
        }
        for (path, place, entry) in found {
            guard let attributes = await attributes(of: entry, section, path) else { continue }
            let placed = Placed(path: place, entry: entry, attributes: attributes)
            guard restoring.isFirstName(placed) else { continue }
            guard entry.kind == .file else {
                try make(placed)
                continue
            }
            switch entry.content.stream {
            case .slice(let chunk, _):
                if slices?.chunk != chunk {
                    endSlices()
                    slices = (chunk, [])
                }
                slices?.files.append(placed)
            case .empty:
                try makeFile(placed, parts: 0)
            case .chunks(let numbers):
                pieces += try parts(of: placed, numbers.map { section.chunks[$0] })
            case .lists(let numbers):
                guard
                    let chunks = await chunks(of: placed, numbers.map { section.chunks[$0] }, path)
                else { continue }
                pieces += try parts(of: placed, chunks)
            }
        }
        endSlices()
        return pieces
    }

    private func attributes(
        of entry: Entry, _ section: Section, _ path: TreePath
    ) async -> [Attribute]? {
        switch entry.attributes {
        case .here(let attributes): return attributes
        case .chunk(let number):
            do throws(Trouble) {
                let bytes = Array(try await reader.read(section.chunks[number], .tree))
                do { return try AttributeList.decode(bytes) } catch {
                    throw .malformed("attributes", at: restoring.tree.vault.vault.site.label, error)
                }
            } catch {
                restoring.notRestored(path, error)
                return nil
            }
        }
    }

    private func chunks(
        of placed: Placed, _ lists: [ChunkReference], _ path: TreePath
    ) async -> [ChunkReference]? {
        var chunks: [ChunkReference] = []
        var bytes: UInt64 = 0
        for list in lists {
            do throws(Trouble) {
                let next = try await restoring.tree.vault.list(list, reader)
                bytes += next.reduce(0) { $0 + UInt64($1.bytes) }
                // A list that names more than the file has must not take all the memory there is.
                guard bytes <= placed.entry.content.streamBytes else {
                    throw wrongLength(bytes, placed.entry)
                }
                chunks += next
            } catch {
                restoring.notRestored(path, error)
                return nil
            }
        }
        return chunks
    }

    private func parts(
        of placed: Placed, _ chunks: [ChunkReference]
    ) throws(Trouble) -> [RestorePiece] {
        var parts: [(start: UInt64, chunks: [ChunkReference])] = []
        var start: UInt64 = 0
        var part: (start: UInt64, bytes: Int, chunks: [ChunkReference]) = (0, 0, [])
        for chunk in chunks {
            part.chunks.append(chunk)
            part.bytes += chunk.bytes
            start += UInt64(chunk.bytes)
            if part.bytes >= Self.partBytes {
                parts.append((part.start, part.chunks))
                part = (start, 0, [])
            }
        }
        if !part.chunks.isEmpty { parts.append((part.start, part.chunks)) }
        guard start == placed.entry.content.streamBytes else {
            restoring.notRestored(placed.path, wrongLength(start, placed.entry))
            return []
        }
        guard try makeFile(placed, parts: parts.count) else { return [] }
        let file = FileInParts(placed, parts: parts.count)
        return parts.map { .part(file, $0.chunks, start: $0.start) }
    }

    func wrongLength(_ bytes: UInt64, _ entry: Entry) -> Trouble {
        .damaged(
            "file \(printable(entry.name))", at: restoring.tree.vault.vault.site.label,
            Words(
                "its chunks have \(bytes) bytes instead of \(entry.content.streamBytes)",
                de: "ihre Stücke haben \(bytes) statt \(entry.content.streamBytes) Bytes"))
    }

    // MARK: Directories and links, at the end

    /// Gives files their other names.
    ///
    /// - Parameter others: a ladder beside the worker's own, since the first name may stand anywhere.
    func makeLinks(from others: Ladder) async throws(Trouble) {
        for placed in restoring.laterNames {
            guard let first = restoring.firstName(of: placed.entry), let name = placed.path.last,
                let target = first.last
            else { continue }
            try inParent(of: placed) { (parent) throws(SystemError) in
                try clear(name, in: parent)
                try others.withDirectory(Array(first.dropLast())) { (source) throws(SystemError) in
                    try parent.makeLink(name, to: target, in: source)
                }
                // Its content was counted with the first name.
                restoring.done(placed.entry)
            }
        }
    }

    /// Directories get their attributes last, since everything put into them changes their times,
    /// and some of them do not let anybody in.
    func finishDirectories() async throws(Trouble) {
        for placed in restoring.directories {
            try guarded(placed) { () throws(SystemError) in
                try ladder.withDirectory(placed.path) { (directory) throws(SystemError) in
                    try restoreAttributes(of: placed, to: directory)
                }
            }
        }
    }
}
