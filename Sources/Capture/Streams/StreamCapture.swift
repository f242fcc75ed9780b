// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization
import Vault

/// A stream → a snapshot in the vault.
package struct StreamCapture: Sendable {
    package let writer: VaultWriter
    /// What the record will say: data set, host, time, and what kind of source it is.
    package let draft: RecordBody
    package var level: Int32 = 2
    /// Workers that store, beside the one that reads.
    package var width = Machine.cores

    package init(_ writer: VaultWriter, draft: RecordBody) {
        (self.writer, self.draft) = (writer, draft)
    }

    /// Everything that a source gave, stored but not stated: no record names it yet.
    package struct Stored: Sendable {
        fileprivate let run: WriterRun
        fileprivate let cache: WriterCache
        fileprivate let rootChunks: [Digest]
        fileprivate let counts: RecordBody.Counts

        var hasContent: Bool { counts.bytes > 0 }
    }

    /// Stores everything that the source gives.
    ///
    /// - Throws: what the source or the vault throws. What was put until then helps the next run.
    package func store(
        _ source: some StreamSource, cache: WriterCache,
        report: @escaping @Sendable (CaptureProgress) -> Void = { _ in }
    ) async throws(Trouble) -> Stored {
        let run = try await WriterRun(writer, cache: cache, draft: draft, level: level)
        let streaming = Streaming(run, report)
        let board = WorkBoard(StreamWork(StreamBatch(writer.domain.gear))) { $0.take() }
        try await Crew.together(width: width + 1) { () async throws(Trouble) in
            let chunks = run.chunkWriter()
            do throws(Trouble) {
                while let job = await board.next() {
                    switch job {
                    case .read(let batch):
                        let brought = try await Self.fill(batch, from: source)
                        streaming.note(brought.full)
                        board.done { $0.add(brought) }
                    case .store(let batch):
                        try await streaming.store(batch, chunks)
                        board.done()
                    }
                }
                try await chunks.flush()
            } catch {
                board.abandon()
                throw error
            }
        }
        let tree = StreamedTree(run, streaming.files, begun: draft.begun)
        let (rootChunks, counts) = try await tree.store()
        return Stored(run: run, cache: cache, rootChunks: rootChunks, counts: counts)
    }

    /// States what was stored: with the record the snapshot exists.
    ///
    /// - Parameter amend: adds to the record what is known only at the end.
    package func commit(
        _ stored: Stored, amend: (inout RecordBody) -> Void = { _ in }
    ) async throws(Trouble) -> Captured {
        let done = try await stored.run.commit(
            rootChunks: stored.rootChunks, counts: stored.counts, memory: .init(),
            cache: stored.cache, amend: amend)
        return Captured(
            id: done.head.hash, head: done.head, body: done.body,
            packsPut: stored.run.known.putPacks.count, leftOut: [], changed: [], vanished: [],
            entriesTakenOver: 0, lostPacks: stored.run.lostPacks, cache: done.cache)
    }

    private static func fill(
        _ open: StreamBatch, from source: some StreamSource
    ) async throws(Trouble) -> StreamWork.Brought {
        var batch = open
        batch.makeRoom()
        while !batch.isFull {
            guard try await source.next(&batch) else {
                batch.endFile()
                return StreamWork.Brought(full: batch.takeFull(), rest: nil)
            }
        }
        return StreamWork.Brought(full: batch.takeFull(), rest: batch)
    }
}

/// What the workers of a stream do.
enum StreamJob: Sendable {
    case read(StreamBatch)
    case store(StreamBatch)
}

/// One worker at a time reads; the others store what it brought.
struct StreamWork: Sendable {
    struct Brought: Sendable {
        let full: StreamBatch
        /// nil at the end of the stream.
        let rest: StreamBatch?
    }

    /// Batches that may wait, so that a quick source does not fill the memory.
    private static let waitingMax = 4

    /// nil while a worker reads into it, and at the end.
    private var open: StreamBatch?
    private var waiting: [StreamBatch] = []

    init(_ batch: StreamBatch) { open = batch }

    mutating func take() -> StreamJob? {
        if waiting.count < Self.waitingMax, let batch = open.take() { return .read(batch) }
        return waiting.isEmpty ? nil : .store(waiting.removeFirst())
    }

    mutating func add(_ brought: Brought) {
        waiting.append(brought.full)
        open = brought.rest
    }
}

/// What has been stored of each file so far.
final class Streaming: Sendable {
    struct File: Sendable {
        let entry: StreamedEntry
        /// By batch, since batches are stored in any order.
        var parts: [Int: [ChunkReference]] = [:]
    }

    private struct State {
        var files: [Int: File] = [:]
        var progress = CaptureProgress()
    }

    private let run: WriterRun
    private let report: @Sendable (CaptureProgress) -> Void
    private let state = Mutex(State())

    init(_ run: WriterRun, _ report: @escaping @Sendable (CaptureProgress) -> Void) {
        (self.run, self.report) = (run, report)
    }

    /// In the order in which they came.
    var files: [File] {
        state.withLock { $0.files.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// A batch as it was brought: entries are noted before anybody stores a chunk of theirs.
    func note(_ batch: StreamBatch) {
        state.withLock { state in
            for entry in batch.entries { state.files[state.files.count] = File(entry: entry) }
            state.progress.entriesFound = state.files.count
            state.progress.bytesFound += UInt64(batch.bytes.count)
        }
    }

    func store(_ batch: StreamBatch, _ chunks: ChunkWriter) async throws(Trouble) {
        var stored: [(file: Int, ChunkReference)] = []
        for chunk in batch.chunks {
            stored.append((chunk.file, try await chunks.store(batch.bytes[chunk.bytes], .data).reference))
        }
        let progress = state.withLock { state in
            for (file, reference) in stored { state.files[file]?.parts[batch.number, default: []].append(reference) }
            state.progress.bytesDone += UInt64(batch.bytes.count)
            return state.progress
        }
        report(progress)
    }
}
