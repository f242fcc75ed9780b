// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Synchronization
import Vault

package struct RestoreOptions: Sendable {
    /// nil: everything.
    package var include: Exclusion?
    /// Only these entries, each by itself; nil: all that the others say.
    package var only: Set<TreePath>?
    /// Only what is at or below this path, put at the target itself.
    package var subtree: TreePath = []
    /// Takes a target with something in it, and replaces files of the same name.
    package var overwrites = false
    /// Whether an entry that does not come back to its owner is told; else it is whose this is.
    package var mindsOwners = true
    package var width = Machine.cores

    package init() {}
}

package struct RestoreProgress: Sendable {
    package var entriesDone = 0
    package var entriesTotal = 0
    package var bytesDone: UInt64 = 0
    package var bytesTotal: UInt64 = 0
}

/// What came of a restore.
package struct Restored: Sendable {
    package var counts = RecordBody.Counts()
    /// Entries, or attributes of entries, that are not back, each with its reason.
    package var notRestored: [LeftOut] = []

    /// Nothing in the snapshot was asked for.
    package var isEmpty: Bool { counts == RecordBody.Counts() && notRestored.isEmpty }
}

/// A snapshot → files.
package struct Restore: Sendable {
    private let vault: OpenVault
    private let snapshot: Observed.Fact
    private let options: RestoreOptions
    private static let farWidth = 4

    package init(_ vault: OpenVault, _ snapshot: Observed.Fact, options: RestoreOptions) {
        (self.vault, self.snapshot) = (vault, snapshot)
        var options = options
        // Whoever waits for a line leaves the processor to others.
        if vault.vault.site.isFar { options.width = max(options.width, Self.farWidth) }
        self.options = options
    }

    /// Brings the files back below `target`, which must be empty or not exist yet.
    ///
    /// Nothing is ever written through a symbolic link: every directory is opened by its own name
    /// from the one above. Damage in the vault costs the files that need it and nothing else.
    package func run(
        to target: [UInt8], report: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws(Trouble) -> Restored {
        let isWhole = options.include == nil && options.only == nil && options.subtree.isEmpty
        let tree = try await TreeReader(
            vault, snapshot, width: options.width, isWhole ? .whole : .stretches)
        let made = Machine.missing(target)
        let root = try prepare(target)
        let restoring = Restoring(tree, options, report)
        restoring.expect(entries: tree.sections.reduce(0) { $0 + $1.entries }, snapshot)
        let sections = tree.sections(below: options.subtree)
        let board = RestoreBoard(RestoreWork(sections: sections)) { $0.take() }
        let shared = SharedRoot(root)
        try await Crew.together(width: options.width) { () async throws(Trouble) in
            do throws(Trouble) {
                let worker = RestoreWorker(restoring, root: try shared.again(target))
                try await worker.work(on: board)
            } catch {
                board.abandon()
                throw error
            }
        }
        let last = RestoreWorker(restoring, root: try shared.again(target))
        try await last.makeLinks(from: Ladder(root: try shared.again(target)))
        try await last.finishDirectories()
        var result = restoring.result
        if result.isEmpty { for directory in made { Machine.discardDirectory(directory) } }
        if let unplaced = result.notRestored.first(where: { $0.trouble.cause is UnplacedChunk }) {
            let trouble = await vault.explained(unplaced.trouble, of: snapshot)
            result.notRestored = result.notRestored.map {
                $0.trouble.cause is UnplacedChunk ? LeftOut(path: $0.path, trouble: trouble) : $0
            }
        }
        return result
    }

    private func prepare(_ target: [UInt8]) throws(Trouble) -> Descriptor {
        let act = Words("Cannot restore to", de: "Kann nicht wiederherstellen nach")
        let isEmpty: Bool
        do throws(SystemError) {
            try Machine.makeDirectories(target, permissions: 0o700)
            let root = try Descriptor.directory(target)
            isEmpty = try root.names().isEmpty
            if isEmpty || options.overwrites { return root }
        } catch { throw error.at(target).trouble(act) }
        throw Trouble(
            .exists,
            Words(
                "\"\(printable(target))\" is not empty.",
                de: "„\(printable(target))“ ist nicht leer."),
            advice: Words(
                "Choose an empty directory, or replace files of the same name with --overwrite.",
                de: "Ein leeres Verzeichnis wählen oder mit --overwrite gleichnamige Dateien ersetzen."
            ))
    }
}

/// The target directory, from which every worker starts.
private final class SharedRoot: Sendable {
    private let root: Descriptor

    init(_ root: consuming Descriptor) { self.root = root }

    func again(_ target: [UInt8]) throws(Trouble) -> Descriptor {
        do throws(SystemError) { return try root.again() } catch {
            throw error.at(target).trouble(
                Words("Cannot restore to", de: "Kann nicht wiederherstellen nach"))
        }
    }
}

/// What the workers of a restore do: read sections, which brings pieces, and write those.
enum RestoreJob: Sendable {
    case section(SectionReference)
    case piece(RestorePiece)
}

struct RestoreWork: Sendable {
    private var sections: ArraySlice<SectionReference>
    private var pieces: [RestorePiece] = []
    /// Files that workers are writing to, and how many are. Two in one file wait for each other in
    /// the kernel, which costs more than what they write.
    private var busy: [ObjectIdentifier: Int] = [:]

    init(sections: [SectionReference]) { self.sections = sections[...] }

    /// Pieces first, so that few wait in memory; of a file at which nobody is, if there is one.
    mutating func take() -> RestoreJob? {
        let free = pieces.lastIndex { piece in piece.file.map { busy[$0] == nil } ?? true }
        guard let index = free ?? (sections.isEmpty ? pieces.indices.last : nil) else {
            return sections.popFirst().map { .section($0) }
        }
        let piece = pieces.remove(at: index)
        if let file = piece.file { busy[file, default: 0] += 1 }
        return .piece(piece)
    }

    mutating func finish(_ piece: RestorePiece) {
        guard let file = piece.file, let count = busy[file] else { return }
        busy[file] = count > 1 ? count - 1 : nil
    }

    mutating func add(_ new: [RestorePiece]) { pieces = new.reversed() + pieces }
}

typealias RestoreBoard = WorkBoard<RestoreWork, RestoreJob>

/// An entry and where it goes.
struct Placed: Sendable {
    /// Below the target.
    let path: TreePath
    let entry: Entry
    let attributes: [Attribute]
}

/// Something that one worker writes by itself.
enum RestorePiece: Sendable {
    /// Small files out of one chunk.
    case slices(ChunkReference, [Placed])
    /// Some chunks of a file, from a place in its stream. Whoever writes the last part finishes it.
    case part(FileInParts, [ChunkReference], start: UInt64)

    /// Only where others may write to the same.
    var file: ObjectIdentifier? {
        if case .part(let file, _, _) = self { ObjectIdentifier(file) } else { nil }
    }
}

/// A file that several workers may write to.
final class FileInParts: Sendable {
    let placed: Placed
    private let left: Mutex<(parts: Int, isDamaged: Bool)>

    init(_ placed: Placed, parts: Int) {
        self.placed = placed
        left = Mutex((parts, false))
    }

    enum Outcome { case goesOn, complete, damaged }

    func partDone(isDamaged: Bool) -> Outcome {
        left.withLock { left in
            left.parts -= 1
            left.isDamaged = left.isDamaged || isDamaged
            guard left.parts == 0 else { return .goesOn }
            return left.isDamaged ? .damaged : .complete
        }
    }
}
