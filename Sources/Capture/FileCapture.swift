// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// What to take and what not.
package struct CaptureOptions: Sendable {
    package var exclusion = Exclusion.none
    /// Left out wherever the patterns say otherwise, absolute: the vault itself.
    package var leavesOut: Set<TreePath> = []
    /// Directories with a CACHEDIR.TAG keep only that.
    package var excludesCaches = false
    /// Mount points below a protected path stay empty.
    package var staysOnFileSystem = false
    /// The directory that stands for `/`: what is recorded lies below it.
    package var root = [UInt8(ascii: "/")]
    /// zstd level.
    package var level: Int32 = 2
    /// Workers.
    package var width = Machine.cores

    package init() {}
}

/// What came of a capture.
package struct Captured: Sendable {
    /// Hash of the record: the name of the snapshot.
    package let id: Digest
    package let head: ChainHead
    package let body: RecordBody
    package let packsPut: Int
    package let leftOut: [LeftOut]
    package let changed: [TreePath]
    package let vanished: [TreePath]
    package let entriesTakenOver: Int
    package let lostPacks: [PackReference]
    /// To keep for the next run.
    package let cache: WriterCache
}

/// Files of the original → a snapshot in the vault.
package struct FileCapture: Sendable {
    package let writer: VaultWriter
    package let dataSet: String
    package let host: String
    /// Absolute, resolved, none inside another.
    package let paths: [TreePath]
    package let options: CaptureOptions

    package init(
        _ writer: VaultWriter, dataSet: String, host: String, paths: [TreePath],
        options: CaptureOptions
    ) {
        (self.writer, self.dataSet, self.host) = (writer, dataSet, host)
        self.paths = Self.outermost(paths)
        self.options = options
    }

    private static func outermost(_ paths: [TreePath]) -> [TreePath] {
        var kept: [TreePath] = []
        for path in paths.sorted(by: treePrecedes) {
            if let last = kept.last, path.starts(with: last) { continue }
            kept.append(path)
        }
        return kept
    }

    /// Captures everything and ends with the record that makes the snapshot exist.
    ///
    /// - Throws: `Trouble` where a protected path is not there, or the vault does not go along;
    ///   then no snapshot exists, and what was put helps the next run.
    package func run(
        cache: WriterCache, report: @escaping @Sendable (CaptureProgress) -> Void
    ) async throws(Trouble) -> Captured {
        let started = Machine.fileClock()
        let draft = RecordBody(
            kind: .snapshot, begun: writer.world.now(), dataSet: dataSet, host: host,
            paths: paths.map(slashed))
        let run = try await WriterRun(writer, cache: cache, draft: draft, level: options.level)
        let capturing = Capturing(
            run, before: cache.dataSets[dataSet] ?? .init(), options: options, started: started,
            report: report)
        let work = CaptureWork(try scan(), domain: writer.domain, plan: capturing.plan)
        let board = CaptureBoard(work) { $0.take() }
        try await Crew.together(width: options.width) { () async throws(Trouble) in
            do throws(Trouble) {
                try await CaptureWorker(capturing, root: try root()).work(on: board)
            } catch {
                board.abandon()
                throw error
            }
        }

        let outcome = capturing.outcome
        let sections = outcome.sections.sorted { $0.key < $1.key }.map(\.value)
        let last = run.chunkWriter()
        var rootChunks: [Digest] = []
        for part in RootChunk.cut(sections) {
            rootChunks.append(try await last.store(RootChunk.encode(part)[...], .tree).reference.id)
        }
        try await last.flush()
        let done = try await run.commit(
            rootChunks: rootChunks, counts: outcome.counts, memory: outcome.memory, cache: cache)
        return Captured(
            id: done.head.hash, head: done.head, body: done.body,
            packsPut: run.known.putPacks.count, leftOut: outcome.leftOut,
            changed: outcome.changed, vanished: outcome.vanished,
            entriesTakenOver: outcome.entriesTakenOver, lostPacks: run.lostPacks,
            cache: done.cache)
    }

    private func root() throws(Trouble) -> Descriptor {
        do throws(SystemError) { return try Descriptor.directory(options.root) } catch {
            throw error.trouble(Words("Cannot open", de: "Kann nicht öffnen:"))
        }
    }

    // MARK: The way to the protected paths

    /// Begins with the directories from `/` to the protected paths, with nothing else in them.
    private func scan() throws(Trouble) -> Scan {
        let root = try root()
        if paths == [[]] {
            do throws(SystemError) { return Scan(wholeOf: try root.status().device) } catch {
                throw error.trouble(Words("Cannot protect", de: "Kann nicht sichern:"))
            }
        }
        return Scan(top: try leading(to: paths, below: [], Ladder(root: root)))
    }

    private func leading(
        to paths: [TreePath], below directory: TreePath, _ ladder: Ladder
    ) throws(Trouble) -> [Scan.Entry] {
        var entries: [Scan.Entry] = []
        let depth = directory.count
        for name in Set(paths.map { $0[depth] }).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let path = directory + [name]
            let below = paths.filter { $0.starts(with: path) }
            let status: FileStatus
            do throws(SystemError) {
                status = try ladder.withDirectory(directory) { (parent) throws(SystemError) in
                    try parent.status(name)
                }
            } catch {
                throw error.at(slashed(path)).trouble(Words("Cannot protect", de: "Kann nicht sichern:"))
            }
            let isProtected = below.contains(path)
            let inside = isProtected ? nil : try leading(to: below, below: path, ladder)
            entries.append(
                Scan.Entry(
                    name: name, status: status,
                    isEntered: isProtected && status.kind == .directory, inside: inside))
        }
        return entries
    }
}
