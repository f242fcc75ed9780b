// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// A whole file of a tree that was made from a stream: content without holes or neighbours.
struct StreamedFile {
    let path: TreePath
    let chunks: [ChunkReference]
    /// Whether it can be read from one end to the other by its chunks alone.
    let isPlain: Bool
}

extension TreeReader {
    /// Every file with the chunks of its content, in tree order: for trees of few files.
    func files() async throws(Trouble) -> [StreamedFile] {
        let reader = chunkReader()
        var found: [StreamedFile] = []
        for reference in sections {
            let section = try await vault.section(reference, reader)
            var entries: [(TreePath, Entry)] = []
            section.forEach { path, entry in
                if entry.kind == .file { entries.append((path, entry)) }
            }
            for (path, entry) in entries {
                var chunks: [ChunkReference] = []
                switch entry.content.stream {
                case .empty, .slice: break
                case .chunks(let numbers): chunks = numbers.map { section.chunks[$0] }
                case .lists(let numbers):
                    for number in numbers {
                        chunks += try await vault.list(section.chunks[number], reader)
                    }
                }
                var isSlice = false
                if case .slice = entry.content.stream { isSlice = true }
                found.append(
                    StreamedFile(
                        path: path, chunks: chunks,
                        isPlain: entry.content.regions == nil && !isSlice))
            }
        }
        return found
    }
}
