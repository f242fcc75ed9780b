// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// Either the original or the vault does not go along: the first leaves out one file, the second
/// ends the run.
private enum ReadTrouble: Error {
    case original(SystemError)
    case vault(Trouble)
}

extension CaptureWorker {
    /// Reads a file of its own, again where it changed meanwhile, and marks it if it never held
    /// still.
    func readFile(_ job: SectionJob, _ item: Int) async throws(Trouble) -> SectionJob.Found {
        let place = job.draft.items[item]
        let identity = place.status.fileLink
        let fingerprint = job.draft.fingerprint(of: .file(item))
        if let identity, let file = capturing.link(identity),
            file.status.isUnchanged(since: place.status)
        {
            capturing.done(job.bytesToReport(of: item))
            if let fingerprint { keep(fingerprint, file) }
            return .captured(file)
        }
        if let fingerprint, let known = capturing.known(fingerprint, entries: 1) {
            return .captured(takeOver(known, job, item))
        }
        let path = job.draft.path(item)
        do throws(ReadTrouble) {
            guard let file = try await readWhole(job, item) else { return .vanished }
            let isKept =
                !file.hasChanged && file.status.isUnchanged(since: place.status)
                && !capturing.isYoung(file.status)
            if isKept, let fingerprint { keep(fingerprint, file) }
            if isKept, let identity { capturing.keep(identity, file) }
            return .captured(file)
        } catch {
            switch error {
            case .original(let error): return notRead(path, error)
            case .vault(let trouble): throw trouble
            }
        }
    }

    private func takeOver(
        _ known: WriterCache.KnownContent, _ job: SectionJob, _ item: Int
    ) -> CapturedFile {
        capturing.done(job.bytesToReport(of: item))
        let status = job.draft.items[item].status
        return CapturedFile(
            status: status, size: UInt64(status.size), regions: known.regions,
            stream: known.chunks.isEmpty
                ? .empty : known.areLists ? .lists(known.chunks) : .chunks(known.chunks),
            uses: known.uses)
    }

    private func keep(_ fingerprint: Digest, _ file: CapturedFile) {
        let (chunks, areLists): ([ChunkReference], Bool)
        switch file.stream {
        case .chunks(let list): (chunks, areLists) = (list, false)
        case .lists(let list): (chunks, areLists) = (list, true)
        case .empty: (chunks, areLists) = ([], false)
        case .slice: return
        }
        capturing.keep(
            fingerprint,
            .init(chunks: chunks, areLists: areLists, regions: file.regions, uses: file.uses))
    }

    private func readWhole(
        _ job: SectionJob, _ item: Int
    ) async throws(ReadTrouble) -> CapturedFile? {
        let place = job.draft.items[item]
        let file = try original { () throws(SystemError) in try open(place) }
        var status = try original { () throws(SystemError) in try file.status() }
        guard status.kind == .file else { return nil }
        for attempt in 1...Self.attemptsMax {
            let regions = try original { () throws(SystemError) in
                status.mayHaveHoles ? try Self.regions(of: file, size: status.size) : nil
            }
            let extents = regions.map(Self.extents) ?? [0..<status.size]
            let read = try await stream(file, extents, isReported: job.isReported(item))
            let attributes = try original { () throws(SystemError) in try file.attributes() }
            let after = try original { () throws(SystemError) in try file.status() }
            let isUnchanged = after.isUnchanged(since: status) && !read.endedEarly
            if isUnchanged || attempt == Self.attemptsMax {
                if !isUnchanged { capturing.changed(job.draft.path(item)) }
                var captured = CapturedFile(
                    status: after, attributes: attributes, size: UInt64(status.size),
                    regions: regions, stream: .empty, hasChanged: !isUnchanged)
                if read.endedEarly {
                    // It shrank under our hands: what was read is what it is.
                    captured.size = UInt64(read.bytes)
                    captured.regions = nil
                }
                try await fill(&captured, read.segments, read.uses)
                return captured
            }
            status = after
        }
        return nil
    }

    /// One segment of a large file; whoever brings the last one puts the file together.
    func readSegment(_ job: SectionJob, _ item: Int, _ number: Int) async throws(Trouble) {
        let place = job.draft.items[item]
        let fingerprint = job.draft.fingerprint(of: .file(item))
        if let fingerprint,
            let known = capturing.known(fingerprint, entries: number == 0 ? 1 : 0)
        {
            if number == 0 { job.note(item, .captured(takeOver(known, job, item))) }
            return
        }
        let start = Int64(number) * Int64(Limits.segmentBytes)
        let end = min(place.status.size, start + Int64(Limits.segmentBytes))
        var segment = SectionJob.Segment(chunks: [], uses: PackUses(), bytes: 0)
        do throws(ReadTrouble) {
            if !job.isRefused(item) {
                let file = try original { () throws(SystemError) in try open(place) }
                let read = try await stream(
                    file, [start..<end], isReported: job.isReported(item))
                segment = SectionJob.Segment(
                    chunks: read.segments.flatMap { $0 }, uses: read.uses, bytes: read.bytes)
            }
        } catch {
            // The original's troubles show again, and are told, when the file is put together.
            if case .vault(let trouble) = error { throw trouble }
            job.refuse(item)
        }
        guard
            let all = job.note(item, segment: segment, number: number, of: place.status.segments)
        else { return }
        job.note(item, try await assemble(job, item, all))
    }

    private func assemble(
        _ job: SectionJob, _ item: Int, _ segments: [SectionJob.Segment]
    ) async throws(Trouble) -> SectionJob.Found {
        let place = job.draft.items[item]
        do throws(ReadTrouble) {
            let file = try original { () throws(SystemError) in try open(place) }
            let status = try original { () throws(SystemError) in try file.status() }
            let bytes = segments.reduce(0) { $0 + $1.bytes }
            guard status.isUnchanged(since: place.status), bytes == Int(status.size) else {
                return try await again(job, item)
            }
            var captured = CapturedFile(
                status: status,
                attributes: try original { () throws(SystemError) in try file.attributes() },
                size: UInt64(status.size), stream: .empty)
            let uses = segments.reduce(into: PackUses()) { $0 += $1.uses }
            try await fill(&captured, segments.map(\.chunks), uses)
            if !capturing.isYoung(status), let fingerprint = job.draft.fingerprint(of: .file(item)) {
                keep(fingerprint, captured)
            }
            return .captured(captured)
        } catch {
            switch error {
            case .original(let error): return notRead(job.draft.path(item), error)
            case .vault(let trouble): throw trouble
            }
        }
    }

    private func again(
        _ job: SectionJob, _ item: Int
    ) async throws(ReadTrouble) -> SectionJob.Found {
        do throws(Trouble) { return try await readFile(job, item) } catch { throw .vault(error) }
    }

    // MARK: Streams

    private struct ReadStream {
        /// Chunks of each segment of 64 MiB.
        var segments: [[ChunkReference]] = []
        var uses = PackUses()
        var bytes = 0
        var endedEarly = false
    }

    /// Reads, cuts and stores the bytes of some extents, one after the other.
    private func stream(
        _ file: borrowing Descriptor, _ extents: [Range<Int64>], isReported: Bool
    ) async throws(ReadTrouble) -> ReadStream {
        var rest = extents[...]
        var result = ReadStream()
        var left = extents.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) }
        while left > 0, !result.endedEarly {
            var segmentLeft = min(left, Limits.segmentBytes)
            left -= segmentLeft
            var segment: [ChunkReference] = []
            var start = 0
            var end = 0
            while start < end || segmentLeft > 0 {
                if end - start < Limits.dataChunkBytesMax, segmentLeft > 0 {
                    moveToFront(start..<end)
                    (start, end) = (0, end - start)
                    let wanted = min(segmentLeft, Self.bufferBytes - end)
                    let count = try original { () throws(SystemError) in
                        try fillBuffer(at: end, count: wanted, from: file, &rest)
                    }
                    end += count
                    segmentLeft -= count
                    if count < wanted {
                        result.endedEarly = true
                        segmentLeft = 0
                    }
                    continue
                }
                let length = capturing.run.domain.gear.cut(buffer[start..<end])
                let (reference, pack) = try await store(buffer[start..<start + length], .data)
                segment.append(reference)
                result.uses.add(pack, bytes: length)
                start += length
                result.bytes += length
                if isReported { capturing.done(UInt64(length)) }
            }
            result.segments.append(segment)
        }
        return result
    }

    private func moveToFront(_ range: Range<Int>) {
        guard range.lowerBound > 0, !range.isEmpty else { return }
        // Safe because the range lies in the buffer, and copying allows overlap.
        unsafe buffer.withUnsafeMutableBytes { bytes in
            let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<range.count])
                .copyMemory(from: source)
        }
    }

    private func fillBuffer(
        at offset: Int, count: Int, from file: borrowing Descriptor,
        _ rest: inout ArraySlice<Range<Int64>>
    ) throws(SystemError) -> Int {
        var done = 0
        while done < count, let extent = rest.popFirst() {
            let wanted = min(count - done, Int(extent.upperBound - extent.lowerBound))
            let got = try file.read(
                into: &buffer, at: offset + done, count: wanted, from: extent.lowerBound)
            done += got
            if got < wanted { break }
            let next = extent.lowerBound + Int64(got)
            if next < extent.upperBound { rest = [next..<extent.upperBound] + rest }
        }
        return done
    }

    /// Small files name their chunks themselves; large ones by lists, one for each segment, so
    /// that a small change in a large file changes little of the tree.
    private func fill(
        _ file: inout CapturedFile, _ segments: [[ChunkReference]], _ uses: PackUses
    ) async throws(ReadTrouble) {
        let all = segments.flatMap { $0 }
        file.uses = uses
        guard all.count > Limits.inlineChunksMax else {
            file.stream = all.isEmpty ? .empty : .chunks(all)
            return
        }
        var lists: [ChunkReference] = []
        for segment in segments {
            let (reference, pack) = try await store(ChunkList.encode(segment)[...], .tree)
            lists.append(reference)
            file.uses.add(pack, bytes: reference.bytes)
        }
        file.stream = .lists(lists)
    }

    private func store(
        _ plain: ArraySlice<UInt8>, _ content: PackContent
    ) async throws(ReadTrouble) -> (ChunkReference, UInt32) {
        do throws(Trouble) {
            let stored = try await chunks.store(plain, content)
            return (stored.reference, stored.pack)
        } catch { throw .vault(error) }
    }

    private func original<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(ReadTrouble) -> Result {
        do throws(SystemError) { return try body() } catch { throw .original(error) }
    }
}
