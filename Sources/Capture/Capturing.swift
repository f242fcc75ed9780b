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
        var bytes: UInt64 = 0
        for item in draft.items {
            fingerprint.add(entry: item)
            if item.status.kind == .file { bytes += item.status.occupiedBytes }
        }
        let job = SectionJob(draft, fingerprint: fingerprint.finish())
        if let known = before.sections[job.fingerprint], run.known.use(known.packs) {
            change { state in
                state.outcome.sections[draft.number] = known.reference
                state.outcome.counts += known.counts
                state.outcome.memory.sections[job.fingerprint] = known
                state.outcome.entriesTakenOver += known.reference.entries
                state.progress.entriesFound += draft.items.count
            }
            keepContents(of: draft)
            return []
        }
        let works = draft.units(for: job, domain: run.domain)
        job.expect(works.count)
        change {
            $0.progress.entriesFound += draft.items.count
            $0.progress.bytesFound += bytes
        }
        return works.map { Unit(section: job, work: $0) }
    }

    /// What is known of the contents of a section outlives runs in which the section as a whole
    /// was taken over.
    private func keepContents(of draft: SectionDraft) {
        let job = SectionJob(draft, fingerprint: .zero)
        for work in draft.units(for: job, domain: run.domain) {
            guard let fingerprint = draft.fingerprint(of: work),
                let known = before.contents[fingerprint]
            else { continue }
            state.withLock { $0.outcome.memory.contents[fingerprint] = known }
        }
    }

    /// What is known of a content, where it still holds: then it is taken over unread.
    func known(_ fingerprint: Digest, entries: Int) -> WriterCache.KnownContent? {
        guard let known = before.contents[fingerprint], run.known.use(known.packs) else {
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
        _ job: SectionJob, as reference: SectionReference, counts: RecordBody.Counts,
        packs: [UInt32], isSettled: Bool
    ) {
        state.withLock { state in
            state.outcome.sections[job.draft.number] = reference
            state.outcome.counts += counts
            guard isSettled else { return }
            state.outcome.memory.sections[job.fingerprint] = WriterCache.KnownSection(
                reference: reference, counts: counts, packs: packs)
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

extension SectionDraft {
    func path(_ item: Int) -> TreePath { items[item].directory + [items[item].name] }

    /// Drawn from all that a unit would read; nil for a piece of a file, which has none.
    func fingerprint(of work: Unit.Work) -> Digest? {
        var fingerprint = Fingerprint("content")
        switch work {
        case .group(let members): for member in members { fingerprint.add(content: items[member]) }
        case .file(let item): fingerprint.add(content: items[item])
        case .segment(let item, let number):
            guard number == 0 else { return nil }
            fingerprint.add(content: items[item])
        case .names: return nil
        }
        return fingerprint.finish()
    }
}

extension FileStatus {
    /// Bytes that must be read: holes need not.
    var occupiedBytes: UInt64 { UInt64(max(0, min(size, allocatedBytes))) }
}
