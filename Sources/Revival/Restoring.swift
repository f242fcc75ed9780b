// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Synchronization
import Vault

/// What the workers of one restore share.
final class Restoring: Sendable {
    let tree: TreeReader
    let options: RestoreOptions
    private let report: @Sendable (RestoreProgress) -> Void

    private struct State {
        var result = Restored()
        var progress = RestoreProgress()
        /// Where the first name of a file with several stands.
        var links: [LinkedFile: TreePath] = [:]
        var laterNames: [Placed] = []
        var directories: [Placed] = []
        /// With patterns only: directories that may be on the way, and those that are.
        var leading: [Placed] = []
        var used: Set<TreePath> = []
    }

    /// Those of different kinds are different files, whatever their identity says.
    private struct LinkedFile: Hashable {
        let link: Entry.Link
        let kind: FileKind

        init?(_ entry: Entry) {
            guard let link = entry.link else { return nil }
            (self.link, kind) = (link, entry.kind)
        }
    }

    private let state = Mutex(State())

    init(
        _ tree: TreeReader, _ options: RestoreOptions,
        _ report: @escaping @Sendable (RestoreProgress) -> Void
    ) {
        (self.tree, self.options, self.report) = (tree, options, report)
    }

    var result: Restored { state.withLock { $0.result } }
    var laterNames: [Placed] { state.withLock { $0.laterNames } }
    /// Deepest first, so that what is inside is finished before.
    var directories: [Placed] {
        state.withLock { state in
            let leading = state.leading.filter { state.used.contains($0.path) }
            return (state.directories + leading).sorted { $0.path.count > $1.path.count }
        }
    }

    func expect(entries: Int, _ snapshot: Observed.Fact) {
        state.withLock {
            $0.progress.entriesTotal = entries
            $0.progress.bytesTotal = snapshot.body.counts.bytes
        }
    }

    /// Where an entry goes below the target; nil where it is not wanted.
    func place(_ path: TreePath, isDirectory: Bool) -> TreePath? {
        let subtree = options.subtree
        guard path.starts(with: subtree), options.only?.contains(path) ?? true else { return nil }
        if let include = options.include,
            !include.includesUnderParents(path, isDirectory: isDirectory)
        {
            return nil
        }
        // What the subtree names itself becomes the target, unless it is no directory.
        let below = Array(path.dropFirst(subtree.count))
        return below.isEmpty && !isDirectory ? Array(path.suffix(1)) : below
    }

    /// True for the first name of a file: it is restored; the others become links to it.
    func isFirstName(_ placed: Placed) -> Bool {
        guard let file = LinkedFile(placed.entry) else { return true }
        return state.withLock { state in
            guard state.links[file] != nil else {
                state.links[file] = placed.path
                return true
            }
            state.laterNames.append(placed)
            return false
        }
    }

    func firstName(of entry: Entry) -> TreePath? {
        LinkedFile(entry).flatMap { file in state.withLock { $0.links[file] } }
    }

    /// A directory that is not wanted itself but may lead to something that is.
    func leadingPlace(_ path: TreePath) -> TreePath? {
        guard options.include != nil || options.only != nil, path.starts(with: options.subtree) else { return nil }
        return Array(path.dropFirst(options.subtree.count))
    }

    func keep(leading: Placed) { state.withLock { $0.leading.append(leading) } }

    /// Something was put into this directory.
    func used(_ directory: TreePath) {
        guard options.include != nil || options.only != nil else { return }
        state.withLock { state in
            var path = directory
            while state.used.insert(path).inserted, !path.isEmpty { path.removeLast() }
        }
    }

    func keep(directory: Placed) { state.withLock { $0.directories.append(directory) } }

    func notRestored(_ path: TreePath, _ trouble: Trouble) {
        state.withLock {
            $0.result.notRestored.append(LeftOut(path: path, trouble: trouble))
            $0.result.counts.leftOut += 1
        }
    }

    func done(_ entry: Entry, bytes: UInt64 = 0) {
        let progress = state.withLock { state in
            switch entry.kind {
            case .file: state.result.counts.files += 1
            case .directory: state.result.counts.directories += 1
            default: state.result.counts.others += 1
            }
            state.result.counts.bytes += bytes
            state.progress.entriesDone += 1
            state.progress.bytesDone += bytes
            return state.progress
        }
        report(progress)
    }

    func wrote(_ bytes: UInt64) {
        let progress = state.withLock { state in
            state.result.counts.bytes += bytes
            state.progress.bytesDone += bytes
            return state.progress
        }
        report(progress)
    }
}
