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

extension OpenVault {
    /// The files of a small snapshot that was made from a stream, such as the blueprint.
    package func contents(
        of snapshot: Observed.Fact, upTo limit: Int
    ) async throws(Trouble) -> [(name: String, bytes: [UInt8])] {
        let tree = try await TreeReader(self, snapshot, .whole)
        let reader = tree.chunkReader()
        var all: [(name: String, bytes: [UInt8])] = []
        for file in try await tree.files() {
            var bytes: [UInt8] = []
            for chunk in file.chunks where bytes.count <= limit {
                bytes += try await reader.read(chunk, .data)
            }
            let name = file.path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
            // What is larger than any that is captured is none.
            if bytes.count <= limit { all.append((name, bytes)) }
        }
        return all
    }
}
