// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// One name of a file with several, and how many bytes it was counted with.
struct LinkedName: Sendable {
    let link: Entry.Link
    let bytes: UInt64
}

/// A section in the making: numbers its chunks, counts its entries.
struct SectionDrawing {
    private var parent: TreePath?
    private var depth = 0
    private var entries: [(up: Int, entry: Entry)] = []
    private var chunks: [ChunkReference] = []
    private var numbers: [Digest: Int] = [:]
    /// Each name with its content, also where files have several.
    private(set) var counts = RecordBody.Counts()
    private(set) var linkedNames: [LinkedName] = []
    var uses = PackUses()
    /// Whether everything in it could be read.
    var isWhole = true

    var section: Section? {
        parent.map { Section(parent: $0, chunks: chunks, entries: entries) }
    }

    mutating func number(of reference: ChunkReference) -> Int {
        if let known = numbers[reference.id] { return known }
        numbers[reference.id] = chunks.count
        chunks.append(reference)
        return chunks.count - 1
    }

    mutating func add(_ draft: Entry, in directory: TreePath, _ file: CapturedFile?) {
        var entry = draft
        switch entry.kind {
        case .file:
            counts.files += 1
            if let file { fill(&entry, from: file) }
            let bytes = entry.content.streamBytes
            counts.bytes += bytes
            if let link = entry.link { linkedNames.append(LinkedName(link: link, bytes: bytes)) }
        case .directory: counts.directories += 1
        default: counts.others += 1
        }
        if parent == nil {
            parent = directory
            depth = directory.count
        }
        entries.append((up: depth - directory.count, entry: entry))
        depth = directory.count + (entry.kind == .directory ? 1 : 0)
    }

    private mutating func fill(_ entry: inout Entry, from file: CapturedFile) {
        entry.content.size = file.size
        entry.content.regions = file.regions
        entry.changedWhileRead = file.hasChanged
        if file.hasChanged { counts.changedWhileRead += 1 }
        switch file.stream {
        case .empty: entry.content.stream = .empty
        case .slice(let reference, let offset):
            entry.content.stream = .slice(chunk: number(of: reference), offset: offset)
        case .chunks(let references):
            entry.content.stream = .chunks(references.map { number(of: $0) })
        case .lists(let references):
            entry.content.stream = .lists(references.map { number(of: $0) })
        }
        uses += file.uses
    }
}
