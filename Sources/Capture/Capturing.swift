// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization
import Vault

/// How far a capture is.
package struct CaptureProgress: Sendable {
    package var entriesFound = 0
    package var bytesFound: UInt64 = 0
    package var bytesDone: UInt64 = 0
}

/// What the workers of one capture share: what was known before, what has come of it so far.
final class Capturing: Sendable {
    let run: WriterRun
    let options: CaptureOptions
    let started: Moment
    private let before: WriterCache.DataSetMemory
    private let report: @Sendable (CaptureProgress) -> Void

    struct Outcome: Sendable {
        var sections: [Int: SectionReference] = [:]
        var counts = RecordBody.Counts()
        var memory = WriterCache.DataSetMemory()
        var leftOut: [LeftOut] = []
        var changed: [TreePath] = []
        var vanished: [TreePath] = []
        var entriesTakenOver = 0
    }

    private struct State {
        var outcome = Outcome()
        var progress = CaptureProgress()
        var links: [Entry.Link: CapturedFile] = [:]
        /// Files with several names: of which one is planned, and of which one counts.
        var linksPlanned: Set<Entry.Link> = []
        var linksCounted: Set<Entry.Link> = []

        /// Sections count each name with its content, for they may be taken over without the
        /// others; in the snapshot a content counts once.
        mutating func count(_ names: [LinkedName]) {
            for name in names where !linksCounted.insert(name.link).inserted {
                outcome.counts.bytes -= min(name.bytes, outcome.counts.bytes)
            }
        }
    }

    private let state = Mutex(State())

    init(
        _ run: WriterRun, before: WriterCache.DataSetMemory, options: CaptureOptions,
        started: Moment, report: @escaping @Sendable (CaptureProgress) -> Void
    ) {
        (self.run, self.before, self.options) = (run, before, options)
        (self.started, self.report) = (started, report)
    }

    var outcome: Outcome { state.withLock { $0.outcome } }

    /// Whether something may have changed after this run began, so that its fingerprint must not
    /// be trusted by the next: the clock of files ticks too coarsely to tell.
    func isYoung(_ status: FileStatus) -> Bool { status.changed >= started }

    // MARK: Sections

    /// Units of a section, or none where it is taken over whole.
    func plan(_ draft: SectionDraft) -> [Unit] {
        var fingerprint = Fingerprint("section")
        for item in draft.items { fingerprint.add(entry: item) }
        let job = SectionJob(
            draft, fingerprint: fingerprint.finish(), laterNames: laterNames(in: draft))
        if let known = before.sections[job.fingerprint], run.known.use(known.uses) {
            let names = linkedNames(in: draft)
            change { state in
                state.outcome.sections[draft.number] = known.reference
                state.outcome.counts += known.counts
                state.count(names)
                state.outcome.memory.sections[job.fingerprint] = known
                state.outcome.entriesTakenOver += known.reference.entries
                state.progress.entriesFound += draft.items.count
            }
            keepContents(of: draft)
            return []
        }
        let works = draft.units(for: job, domain: run.domain)
        job.expect(works.count)
        let bytes = draft.items.indices.reduce(0) { $0 + job.bytesToReport(of: $1) }
        change {
            $0.progress.entriesFound += draft.items.count
            $0.progress.bytesFound += bytes
        }
        return works.map { Unit(section: job, work: $0) }
    }

    /// Those files of a section of which another name came before, in tree order.
    private func laterNames(in draft: SectionDraft) -> Set<Int> {
        state.withLock { state in
            Set(
                draft.items.indices.filter { item in
                    guard let link = draft.items[item].status.fileLink else { return false }
                    return !state.linksPlanned.insert(link).inserted
                })
        }
    }

    /// The names of a section that is taken over, as they were counted when it was read.
    private func linkedNames(in draft: SectionDraft) -> [LinkedName] {
        draft.items.enumerated().compactMap { index, item in
            guard let link = item.status.fileLink else { return nil }
            guard item.status.mayHaveHoles,
                let content = draft.fingerprint(of: .file(index)).flatMap({ before.contents[$0] })
            else { return LinkedName(link: link, bytes: item.status.occupiedBytes) }
            let size = UInt64(item.status.size)
            let bytes = content.regions.map { $0.reduce(0) { $0 + $1.length } } ?? size
            return LinkedName(link: link, bytes: bytes)
        }
    }

    /// What is known of the contents of a section outlives runs in which the section as a whole
    /// was taken over.
    private func keepContents(of draft: SectionDraft) {
        let job = SectionJob(draft, fingerprint: .zero, laterNames: [])
        for work in draft.units(for: job, domain: run.domain) {
            guard let fingerprint = draft.fingerprint(of: work),
                let known = before.contents[fingerprint]
            else { continue }
            state.withLock { $0.outcome.memory.contents[fingerprint] = known }
        }
    }

    /// What is known of a content, where it still holds: then it is taken over unread.
    func known(_ fingerprint: Digest, entries: Int) -> WriterCache.KnownContent? {
        guard let known = before.contents[fingerprint], run.known.use(known.uses) else {
            return nil
        }
        state.withLock {
            $0.outcome.memory.contents[fingerprint] = known
            $0.outcome.entriesTakenOver += entries
        }
        return known
    }

    func keep(_ fingerprint: Digest, _ content: WriterCache.KnownContent) {
        state.withLock { $0.outcome.memory.contents[fingerprint] = content }
    }

    func close(
        _ job: SectionJob, as reference: SectionReference, _ drawing: SectionDrawing,
        isSettled: Bool
    ) {
        state.withLock { state in
            state.outcome.sections[job.draft.number] = reference
            state.outcome.counts += drawing.counts
            state.count(drawing.linkedNames)
            guard isSettled else { return }
            state.outcome.memory.sections[job.fingerprint] = WriterCache.KnownSection(
                reference: reference, counts: drawing.counts, uses: drawing.uses)
        }
    }

    // MARK: Files

    func link(_ identity: Entry.Link) -> CapturedFile? { state.withLock { $0.links[identity] } }

    func keep(_ identity: Entry.Link, _ file: CapturedFile) {
        state.withLock { $0.links[identity] = file }
    }

    func leaveOut(_ path: TreePath, _ error: SystemError, _ act: Words) {
        let trouble = error.at(slashed(path)).trouble(act)
        state.withLock {
            $0.outcome.leftOut.append(LeftOut(path: path, trouble: trouble))
            $0.outcome.counts.leftOut += 1
        }
    }

    func vanished(_ path: TreePath) { state.withLock { $0.outcome.vanished.append(path) } }

    func changed(_ path: TreePath) { state.withLock { $0.outcome.changed.append(path) } }

    func done(_ bytes: UInt64) { change { $0.progress.bytesDone += bytes } }

    private func change(_ body: (inout State) -> Void) {
        let progress = state.withLock { state in
            body(&state)
            return state.progress
        }
        report(progress)
    }
}
