// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization
import Vault

/// What a worker found of a regular file.
struct CapturedFile: Sendable {
    enum Stream: Sendable {
        case empty
        case slice(ChunkReference, offset: Int)
        case chunks([ChunkReference])
        case lists([ChunkReference])
    }

    var status: FileStatus
    /// nil where the file was not opened: they are read by name when the section is closed.
    var attributes: [Attribute]?
    var size: UInt64
    var regions: [Content.Region]?
    var stream: Stream
    var uses = PackUses()
    var hasChanged = false
}

/// Why an entry is not in the snapshot.
package struct LeftOut: Sendable {
    /// Absolute.
    package let path: TreePath
    package let trouble: Trouble

    package init(path: TreePath, trouble: Trouble) {
        self.path = path
        self.trouble = trouble
    }
}

/// A section while its units are being read. The worker that ends the last unit closes it.
final class SectionJob: Sendable {
    enum Found: Sendable {
        case captured(CapturedFile)
        /// It went away between the scan and the reading: it does not exist, so nothing is missing.
        case vanished
        case leftOut
    }

    let draft: SectionDraft
    let fingerprint: Digest
    /// Files of which another name came before.
    private let laterNames: Set<Int>

    private struct State {
        var remaining: Int
        var found: [Int: Found] = [:]
        var segments: [Int: [Int: Segment]] = [:]
        var refused: Set<Int> = []
    }

    /// One piece of a large file.
    struct Segment: Sendable {
        let chunks: [ChunkReference]
        let uses: PackUses
        let bytes: Int
    }

    private let state = Mutex(State(remaining: 0))

    init(_ draft: SectionDraft, fingerprint: Digest, laterNames: Set<Int>) {
        (self.draft, self.fingerprint, self.laterNames) = (draft, fingerprint, laterNames)
    }

    /// Whether reading this file is progress: each content counts once, whoever reads it.
    func isReported(_ item: Int) -> Bool { !laterNames.contains(item) }

    func bytesToReport(of item: Int) -> UInt64 {
        let status = draft.items[item].status
        return status.kind == .file && isReported(item) ? status.occupiedBytes : 0
    }

    func expect(_ units: Int) { state.withLock { $0.remaining = units } }

    func note(_ item: Int, _ found: Found) { state.withLock { $0.found[item] = found } }

    /// Adds a segment; gives all of them, in order, to the one that brought the last.
    func note(_ item: Int, segment: Segment, number: Int, of count: Int) -> [Segment]? {
        state.withLock { state in
            state.segments[item, default: [:]][number] = segment
            guard let all = state.segments[item], all.count == count else { return nil }
            state.segments[item] = nil
            return all.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// Notes that a file cannot be opened, so that not each of its segments waits for it again.
    func refuse(_ item: Int) { _ = state.withLock { $0.refused.insert(item) } }

    func isRefused(_ item: Int) -> Bool { state.withLock { $0.refused.contains(item) } }

    /// Says that a unit is done; gives everything found to the one that ended the last.
    func unitDone() -> [Int: Found]? {
        state.withLock { state in
            state.remaining -= 1
            return state.remaining == 0 ? state.found : nil
        }
    }
}
