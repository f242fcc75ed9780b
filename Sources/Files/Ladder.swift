// SPDX-License-Identifier: EUPL-1.2
import Glibc

/// A walk through the directories below a root, one step at a time: so a path may be of any
/// length, and no symlink is ever followed.
///
/// It keeps the directories of the last path open, so that a walk in tree order opens each but
/// once, and no more than `rungsMax` of them besides the root. One for each worker: it is not Sendable.
package final class Ladder {
    /// How many directories stay open; with two workers far from the usual limit of 1,024.
    package static let rungsMax = 63

    private final class Rung {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private let root: Descriptor
    /// The steps to the last rung.
    private var path: [[UInt8]] = []
    /// The lowest directories of `path`, the last one last; the ones above are closed.
    private var rungs: [Rung] = []

    package init(root: consuming Descriptor) { self.root = root }

    /// Runs `body` with the directory at `path`, whose steps start below the root; with none it is
    /// the root itself. Errors of the walk carry the path as far as it came, joined by `/`.
    package func withDirectory<Result: ~Copyable>(
        _ path: [[UInt8]], _ body: (borrowing Descriptor) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try climb(path, creating: false)
        if let last = rungs.last { return try body(last.descriptor) }
        return try body(root)
    }

    /// Opens the directories of `path`, and creates those that do not exist for the owner alone.
    package func makeDirectories(_ path: [[UInt8]]) throws(SystemError) {
        try climb(path, creating: true)
    }

    /// Closes all but the root. Needed after a directory was replaced by another of the same name,
    /// because the ladder would go on in the old one.
    package func forget() {
        path = []
        rungs = []
    }

    private func climb(_ wish: [[UInt8]], creating: Bool) throws(SystemError) {
        var kept = 0
        while kept < min(path.count, wish.count), path[kept] == wish[kept] { kept += 1 }
        let tooDeep = path.count - kept
        if tooDeep < rungs.count || kept == 0 {
            rungs.removeLast(min(tooDeep, rungs.count))
            path.removeLast(tooDeep)
        } else if tooDeep > 0 {
            // That rung was closed on the way down.
            forget()
        }
        for step in wish[path.count...] {
            let next = try opened(step, creating: creating)
            if rungs.count == Self.rungsMax { rungs.removeFirst() }
            rungs.append(Rung(next))
            path.append(step)
        }
    }

    private func opened(_ step: [UInt8], creating: Bool) throws(SystemError) -> Descriptor {
        do {
            if let last = rungs.last {
                return try Self.open(step, in: last.descriptor, creating: creating)
            }
            return try Self.open(step, in: root, creating: creating)
        } catch {
            throw error.at(Array((path + [step]).joined(separator: [UInt8(ascii: "/")])))
        }
    }

    private static func open(
        _ step: [UInt8], in directory: borrowing Descriptor, creating: Bool
    ) throws(SystemError) -> Descriptor {
        do {
            return try directory.directory(step)
        } catch {
            // Many a /home lets people through who may not list it.
            if error.code == EACCES { return try directory.passage(step) }
            guard creating, error.code == ENOENT else { throw error }
        }
        do {
            try directory.makeDirectory(step, permissions: 0o700)
        } catch {
            // Another worker may have been quicker.
            guard error.code == EEXIST else { throw error }
        }
        return try directory.directory(step)
    }
}
