// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// Stores chunks for one worker of a run: knows them, or seals them into its own packs.
///
/// Not thread-safe: one per worker, so that nothing waits for anything between two packs.
package final class ChunkWriter {
    private let run: WriterRun
    private var open: [PackContent: Open] = [:]

    private struct Open {
        let builder: PackBuilder
        /// nil until it has a chunk.
        var number: UInt32?
    }

    init(for run: WriterRun) { self.run = run }

    /// Stores a chunk, unless it is known, and says in which pack it lies.
    package func store(
        _ plain: ArraySlice<UInt8>, _ content: PackContent
    ) async throws(Trouble) -> (reference: ChunkReference, pack: UInt32) {
        let most = content == .data ? Limits.dataChunkBytesMax : Limits.treeChunkBytesMax
        // What no reader would take must not get into a pack.
        guard plain.count <= most else { throw .tooLarge("a chunk", plain.count, most) }
        let id = run.domain.chunkId(of: plain, content)
        let reference = ChunkReference(id: id, bytes: plain.count)
        let pack = try opened(content)
        switch run.known.claim(id, bytes: plain.count, for: pack.number) {
        case .known(let number):
            return (reference, number)
        case .mine(let number):
            open[content]?.number = number
            try pack.builder.append(plain, id: id)
            if pack.builder.isFull { try await put(content, pack, number) }
            return (reference, number)
        }
    }

    /// Puts what is still open. Only after this may a record name it.
    package func flush() async throws(Trouble) {
        for content in [PackContent.data, .tree] {
            if let pack = open[content], let number = pack.number { try await put(content, pack, number) }
        }
        open = [:]
    }

    private func opened(_ content: PackContent) throws(Trouble) -> Open {
        if let pack = open[content] { return pack }
        do {
            let pack = Open(
                builder: try PackBuilder(
                    content: content, sealing: run.sealing, level: run.level))
            open[content] = pack
            return pack
        } catch { throw .impossible("to seal a key for the reader") }
    }

    private func put(_ content: PackContent, _ pack: Open, _ number: UInt32) async throws(Trouble) {
        try await run.put(pack.builder.finish(), number: number)
        do { try pack.builder.reset() } catch {
            throw .impossible("to seal a key for the reader")
        }
        open[content]?.number = nil
    }
}
