// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// One of the workers of a capture: scans directories, reads units, closes sections. What it needs
/// for that it keeps to itself, so that nothing is shared between two packs.
final class CaptureWorker {
    let capturing: Capturing
    let chunks: ChunkWriter
    let ladder: Ladder
    /// What is read at a time, at least two of the largest chunks.
    var buffer = untouched(bufferBytes)
    static let bufferBytes = 2 * Limits.dataChunkBytesMax

    /// How often a file that changes while it is read is read again.
    static let attemptsMax = 3

    init(_ capturing: Capturing, root: consuming Descriptor) {
        self.capturing = capturing
        chunks = capturing.run.chunkWriter()
        ladder = Ladder(root: root)
    }

    func work(on board: CaptureBoard) async throws(Trouble) {
        while let job = await board.next() {
            switch job {
            case .scan(let pending):
                let found = scan(pending)
                board.done { $0.scanned(pending, found) }
            case .unit(let unit):
                try await read(unit)
                board.done()
            }
        }
        try await chunks.flush()
    }

    private func read(_ unit: Unit) async throws(Trouble) {
        let job = unit.section
        switch unit.work {
        case .group(let members): try await readGroup(job, members)
        case .file(let item): job.note(item, try await readFile(job, item))
        case .segment(let item, let number): try await readSegment(job, item, number)
        case .names: break
        }
        if let found = job.unitDone() { try await close(job, found) }
    }

    // MARK: Scanning

    private func scan(_ pending: Scan.Pending) -> [Scan.Entry] {
        do throws(SystemError) {
            return try ladder.withDirectory(pending.path) { directory throws(SystemError) in
                try entries(of: directory, pending)
            }
        } catch {
            if error.kind == .missing {
                capturing.vanished(pending.path)
            } else {
                capturing.leaveOut(
                    pending.path, error,
                    Words("Cannot read directory", de: "Kann Verzeichnis nicht lesen:"))
            }
            return []
        }
    }

    private func entries(
        of directory: borrowing Descriptor, _ pending: Scan.Pending
    ) throws(SystemError) -> [Scan.Entry] {
        let options = capturing.options
        var names = try directory.names()
        names.sort { $0.lexicographicallyPrecedes($1) }
        if options.excludesCaches, isCache(directory, names) { names = [cachedirTagName] }
        let inside = Array(pending.path.dropFirst(pending.rootDepth))
        var found: [Scan.Entry] = []
        found.reserveCapacity(names.count)
        for name in names {
            if !options.leavesOut.isEmpty, options.leavesOut.contains(pending.path + [name]) {
                continue
            }
            let status: FileStatus
            do throws(SystemError) { status = try directory.status(name) } catch {
                // Names come and go while a directory is read.
                if error.kind != .missing {
                    capturing.leaveOut(
                        pending.path + [name], error, Words("Cannot look at", de: "Kein Zugriff auf"))
                }
                continue
            }
            let isDirectory = status.kind == .directory
            if options.exclusion.excludes(inside + [name], isDirectory: isDirectory) { continue }
            let crosses = options.staysOnFileSystem && status.device != pending.device
            found.append(
                Scan.Entry(name: name, status: status, isEntered: isDirectory && !crosses))
        }
        return found
    }

    /// A tag that cannot be read makes no cache.
    private func isCache(_ directory: borrowing Descriptor, _ names: [[UInt8]]) -> Bool {
        guard names.contains(cachedirTagName) else { return false }
        do throws(SystemError) {
            guard try directory.status(cachedirTagName).kind == .file else { return false }
            var first = [UInt8](repeating: 0, count: 64)
            let tag = try directory.file(cachedirTagName)
            let count = try tag.read(into: &first, at: 0, count: 64, from: 0)
            return isCacheDirectoryTag(Array(first[..<count]))
        } catch { return false }
    }

    // MARK: Closing

    /// Stores what a section says once everything that it names is stored.
    private func close(
        _ job: SectionJob, _ found: [Int: SectionJob.Found]
    ) async throws(Trouble) {
        var drawing = SectionDrawing()
        var isSettled = true
        for (index, item) in job.draft.items.enumerated() {
            isSettled = isSettled && !capturing.isYoung(item.status)
            let file: CapturedFile?
            switch found[index] {
            case .captured(let captured):
                file = captured
                if captured.hasChanged { isSettled = false }
            case .vanished, .leftOut:
                isSettled = false
                continue
            case nil: file = nil
            }
            guard let entry = try await entry(of: item, file, &drawing) else {
                isSettled = false
                continue
            }
            drawing.add(entry, in: item.directory, file)
        }
        guard let section = drawing.section else { return }
        let (reference, pack) = try await store(section, drawing)
        drawing.uses.add(pack, bytes: reference.bytes)
        capturing.close(
            job,
            as: SectionReference(
                chunk: reference, entries: section.entries.count,
                first: section.parent + [section.entries[0].entry.name]),
            drawing, isSettled: isSettled && drawing.isWhole)
    }

    private func store(
        _ section: Section, _ drawing: SectionDrawing
    ) async throws(Trouble) -> (ChunkReference, UInt32) {
        let bytes = section.encoded
        guard bytes.count <= Limits.treeChunkBytesMax else {
            let parent = printable(slashed(section.parent))
            throw Trouble(
                .system,
                Words(
                    "The names and attributes below \"\(parent)\" take \(bytes.count) bytes, more than a section can hold.",
                    de: "Namen und Attribute unter „\(parent)“ brauchen \(bytes.count) Bytes, mehr als ein Abschnitt fasst."
                ),
                advice: Words(
                    "Exclude the largest or most fragmented files there (docs/limits.md).",
                    de: "Die größten oder am stärksten zerstückelten Dateien dort ausschließen (docs/limits.md)."
                ))
        }
        return try await chunks.store(bytes[...], .tree)
    }

    /// The entry as it will stand in the section; nil where it went away or cannot be read.
    private func entry(
        of item: Scan.Item, _ file: CapturedFile?, _ drawing: inout SectionDrawing
    ) async throws(Trouble) -> Entry? {
        var entry = Entry(name: item.name, status: file?.status ?? item.status)
        let attributes: [Attribute]
        do throws(SystemError) {
            if let known = file?.attributes {
                attributes = known
            } else {
                attributes = try ladder.withDirectory(item.directory) {
                    directory throws(SystemError) in
                    if entry.kind == .symlink { entry.target = try directory.linkTarget(item.name) }
                    return try directory.attributes(of: item.name)
                }
            }
        } catch {
            let path = item.directory + [item.name]
            if error.kind == .missing {
                capturing.vanished(path)
            } else {
                capturing.leaveOut(
                    path, error, Words("Cannot read attributes of", de: "Attribute nicht lesbar von"))
            }
            // A directory stays: what is in it stands in other sections. The next run looks again.
            if entry.kind != .directory { return nil }
            drawing.isWhole = false
            attributes = []
        }
        let bytes = attributes.reduce(0) { $0 + $1.name.count + $1.value.count }
        if bytes > Limits.inlineAttributeBytesMax {
            let (reference, pack) = try await chunks.store(
                AttributeList.encode(attributes)[...], .tree)
            drawing.uses.add(pack, bytes: reference.bytes)
            entry.attributes = .chunk(drawing.number(of: reference))
        } else {
            entry.attributes = .here(attributes)
        }
        return entry
    }
}
