// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// Puts the files of a stream, which came in any order, into a tree.
struct StreamedTree {
    private let run: WriterRun
    private let files: [Streaming.File]
    private let begun: Moment

    init(_ run: WriterRun, _ files: [Streaming.File], begun: Moment) {
        (self.run, self.files, self.begun) = (run, files, begun)
    }

    func store() async throws(Trouble) -> (rootChunks: [Digest], counts: RecordBody.Counts) {
        let chunks = run.chunkWriter()
        var sections: [SectionReference] = []
        var counts = RecordBody.Counts()
        for draft in try drafts() {
            let (section, added) = try await store(draft, chunks)
            counts += added
            sections.append(section)
        }
        var rootChunks: [Digest] = []
        for part in RootChunk.cut(sections) {
            rootChunks.append(try await chunks.store(RootChunk.encode(part)[...], .tree).reference.id)
        }
        try await chunks.flush()
        return (rootChunks, counts)
    }

    private struct Draft {
        var items: [(item: Scan.Item, file: Streaming.File)] = []
    }

    /// Entries in tree order, each behind its directories, cut into sections as files are.
    private func drafts() throws(Trouble) -> [Draft] {
        let sorted = try whole().sorted { treePrecedes($0.entry.path, $1.entry.path) }
        var sectioner = Sectioner()
        var drafts: [Draft] = []
        var draft = Draft()
        for file in sorted {
            let path = file.entry.path
            let item = Scan.Item(
                directory: Array(path.dropLast()), name: path[path.count - 1],
                status: file.entry.status, isLeading: false)
            if sectioner.add(item, domain: run.domain) != nil {
                drafts.append(draft)
                draft = Draft()
            }
            draft.items.append((item, file))
        }
        return draft.items.isEmpty ? drafts : drafts + [draft]
    }

    /// The files, and directories for those that came without.
    private func whole() throws(Trouble) -> [Streaming.File] {
        var kinds: [TreePath: FileKind] = [:]
        for file in files {
            let path = file.entry.path
            guard !path.isEmpty, path.allSatisfy(isPlainName), kinds[path] == nil else {
                throw Self.refused(path)
            }
            kinds[path] = file.entry.status.kind
        }
        var all = files
        for file in files {
            var parent = Array(file.entry.path.dropLast())
            while !parent.isEmpty, kinds[parent] == nil {
                kinds[parent] = .directory
                let entry = StreamedEntry(
                    parent, kind: .directory, permissions: 0o700, modified: begun)
                all.append(Streaming.File(entry: entry))
                parent.removeLast()
            }
            guard parent.isEmpty || kinds[parent] == .directory else {
                throw Self.refused(file.entry.path)
            }
        }
        return all
    }

    private static func refused(_ path: TreePath) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "The source gave an entry that cannot stand in a tree: \"\(printable(slashed(path)))\".",
                de: "Die Quelle lieferte einen Eintrag, der in keinem Baum stehen kann: „\(printable(slashed(path)))“."
            ),
            advice: Words(
                "No snapshot was taken; earlier ones are untouched.",
                de: "Es wurde kein Stand angelegt; frühere sind unberührt."))
    }

    private func store(
        _ draft: Draft, _ chunks: ChunkWriter
    ) async throws(Trouble) -> (SectionReference, RecordBody.Counts) {
        var drawing = SectionDrawing()
        for (item, file) in draft.items {
            var entry = Entry(name: item.name, status: item.status)
            entry.target = file.entry.target
            let isFile = item.status.kind == .file
            drawing.add(entry, in: item.directory, isFile ? try await content(of: file, chunks) : nil)
        }
        guard let section = drawing.section else { preconditionFailure("no draft is empty") }
        let (chunk, _) = try await chunks.store(section.encoded[...], .tree)
        let first = section.parent + [section.entries[0].entry.name]
        return (
            SectionReference(chunk: chunk, entries: section.entries.count, first: first),
            drawing.counts
        )
    }

    private func content(
        of file: Streaming.File, _ chunks: ChunkWriter
    ) async throws(Trouble) -> CapturedFile {
        let all = file.parts.sorted { $0.key < $1.key }.flatMap(\.value)
        let size = all.reduce(0) { $0 + UInt64($1.bytes) }
        var captured = CapturedFile(
            status: file.entry.status, size: size, stream: all.isEmpty ? .empty : .chunks(all))
        guard all.count > Limits.inlineChunksMax else { return captured }
        var lists: [ChunkReference] = []
        for segment in Self.segments(all) {
            lists.append(try await chunks.store(ChunkList.encode(segment)[...], .tree).reference)
        }
        captured.stream = .lists(lists)
        return captured
    }

    /// The chunks of each 64 MiB, where every stream is cut.
    private static func segments(_ all: [ChunkReference]) -> [[ChunkReference]] {
        var segments: [[ChunkReference]] = []
        var segment: [ChunkReference] = []
        var bytes = 0
        for chunk in all {
            segment.append(chunk)
            bytes += chunk.bytes
            guard bytes >= Limits.segmentBytes else { continue }
            segments.append(segment)
            (segment, bytes) = ([], 0)
        }
        return segment.isEmpty ? segments : segments + [segment]
    }
}
