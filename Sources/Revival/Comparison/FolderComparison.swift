// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

/// One path at which an original and its twin differ.
package struct FolderDifference: Sendable {
    package enum Change: String, Encodable, Sendable {
        case onlyOriginal, onlyTwin
        /// A file became a directory, or the like.
        case kind
        /// The bytes of a file, the target of a link, the numbers of a device.
        case content
        case permissions
    }

    /// From below the directories that are compared.
    package let path: TreePath
    package let change: Change
    package let original: FileKind?
    package let twin: FileKind?
    /// Nil without a base.
    package let changer: Changer?
}

package struct ComparedFolder: Encodable, Sendable {
    package internal(set) var entries = DifferenceCounts()
    /// Those with the same content that other people may read or change.
    package internal(set) var permissions = 0
    /// What could not be compared.
    package internal(set) var unreadable: [Unreadable] = []

    package struct Unreadable: Encodable, Sendable {
        package let path: TreePath
        package let trouble: Trouble

        private enum CodingKeys: CodingKey { case path, reason }

        package func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(printable(slashed(path)), forKey: .path)
            try fields.encode(trouble.message.english, forKey: .reason)
        }
    }

    package var isEqual: Bool { entries.total == 0 && permissions == 0 && unreadable.isEmpty }
}

/// Two directory trees that were one once, path by path and byte by byte, without following a link.
///
/// What differs only in times is the same: every copy has some of its own. Nor do owners count: their
/// numbers mean other people on another machine, and a twin may run as somebody else. Permissions do,
/// but apart from content: whoever closed a file to others meant it.
package struct FolderComparison: Sendable {
    private let original: [UInt8]
    private let twin: [UInt8]
    private let base: [UInt8]?
    private let exclusion: Exclusion

    /// - Parameters:
    ///   - base: how both were when the twin began; tells who has changed what since.
    ///   - exclusion: what the twin was never given, such as caches.
    package init(
        original: [UInt8], twin: [UInt8], base: [UInt8]? = nil, excluding exclusion: Exclusion = .none
    ) {
        (self.original, self.twin, self.base, self.exclusion) = (original, twin, base, exclusion)
    }

    /// One entry that is to be looked at, with the sides of which the directory above it exists.
    private struct Wanted {
        let path: TreePath
        let original, twin, base: FolderSide?
    }

    /// In tree order. What cannot be read is named in the result.
    package func run(_ body: (FolderDifference) throws(Trouble) -> Void) throws(Trouble) -> ComparedFolder {
        var result = ComparedFolder()
        let hasBase = base != nil
        let top = Wanted(
            path: [], original: try FolderSide(original), twin: try FolderSide(twin),
            base: try base.map { base throws(Trouble) in try FolderSide(base) })
        var waiting: [Wanted] = []
        try descend(top, &waiting, &result)
        while let wanted = waiting.popLast() {
            let found: (difference: FolderDifference?, below: Wanted?)
            do throws(SystemError) { found = try compare(wanted, hasBase: hasBase) } catch {
                result.unreadable.append(.init(path: wanted.path, trouble: error.unreadable(wanted.path)))
                continue
            }
            if let difference = found.difference {
                if difference.change == .permissions {
                    result.permissions += 1
                } else {
                    result.entries.add(
                        inOriginal: difference.original != nil, inTwin: difference.twin != nil,
                        by: difference.changer)
                }
                try body(difference)
            }
            if let below = found.below { try descend(below, &waiting, &result) }
        }
        return result
    }

    private func compare(
        _ wanted: Wanted, hasBase: Bool
    ) throws(SystemError) -> (difference: FolderDifference?, below: Wanted?) {
        let path = wanted.path
        let original = try wanted.original?.entry(path)
        let twin = try wanted.twin?.entry(path)
        let base = try wanted.base?.entry(path)
        let isDirectory = [original, twin].contains { $0?.status.kind == .directory }
        guard original != nil || twin != nil, !exclusion.excludes(path, isDirectory: isDirectory) else {
            return (nil, nil)
        }
        func below(_ side: FolderSide?, _ entry: FolderSide.Entry?) -> FolderSide? {
            entry?.status.kind == .directory ? side : nil
        }
        let next = isDirectory
            ? Wanted(
                path: path, original: below(wanted.original, original), twin: below(wanted.twin, twin),
                base: below(wanted.base, base)) : nil
        guard let change = try FolderSide.change(original, twin) else { return (nil, next) }
        func moved(_ entry: FolderSide.Entry?) throws(SystemError) -> Bool {
            guard let moved = try FolderSide.change(entry, base) else { return false }
            return moved != .permissions || change == .permissions
        }
        let changer = try hasBase ? Changer(originalMoved: moved(original), twinMoved: moved(twin)) : nil
        return (
            FolderDifference(
                path: path, change: change, original: original?.status.kind, twin: twin?.status.kind,
                changer: changer), next
        )
    }

    /// Lets what lies in a directory be looked at next, in order.
    private func descend(
        _ directory: Wanted, _ waiting: inout [Wanted], _ result: inout ComparedFolder
    ) throws(Trouble) {
        do throws(SystemError) {
            let here = try directory.original?.names(directory.path) ?? []
            let there = try directory.twin?.names(directory.path) ?? []
            let names = Set(here).union(there).sorted { $1.lexicographicallyPrecedes($0) }
            waiting += names.map {
                Wanted(
                    path: directory.path + [$0], original: directory.original, twin: directory.twin,
                    base: directory.base)
            }
        } catch {
            result.unreadable.append(.init(path: directory.path, trouble: error.unreadable(directory.path)))
        }
    }
}

/// One of the trees.
private final class FolderSide {
    struct Entry {
        let side: FolderSide
        let path: TreePath
        let status: FileStatus
        let target: [UInt8]
    }

    private let ladder: Ladder

    init(_ root: [UInt8]) throws(Trouble) {
        do throws(SystemError) { ladder = Ladder(root: try Descriptor.directory(root)) } catch {
            throw error.at(root).trouble(Words("Cannot look at", de: "Nicht einsehbar:"))
        }
    }

    func names(_ path: TreePath) throws(SystemError) -> [[UInt8]] {
        try ladder.withDirectory(path) { (directory) throws(SystemError) in try directory.names() }
    }

    /// Nil where there is nothing.
    func entry(_ path: TreePath) throws(SystemError) -> Entry? {
        do throws(SystemError) {
            let (status, target) = try ladder.withDirectory(path.dropLast()) { (directory) throws(SystemError) in
                let name = path.last ?? []
                let status = try directory.status(name)
                return try (status, status.kind == .symlink ? directory.linkTarget(name) : [])
            }
            return Entry(side: self, path: path, status: status, target: target)
        } catch {
            guard error.kind == .missing else { throw error }
            return nil
        }
    }

    private func file(_ path: TreePath) throws(SystemError) -> Descriptor {
        try ladder.withDirectory(path.dropLast()) { (directory) throws(SystemError) in
            try directory.file(path.last ?? [])
        }
    }

    static func change(_ original: Entry?, _ twin: Entry?) throws(SystemError) -> FolderDifference.Change? {
        guard let original else { return twin == nil ? nil : .onlyTwin }
        guard let twin else { return .onlyOriginal }
        let (one, other) = (original.status, twin.status)
        if one.kind != other.kind { return .kind }
        let isSame = original.target == twin.target && (one.major, one.minor) == (other.major, other.minor)
        if !isSame { return .content }
        if one.kind == .file {
            guard one.size == other.size, try hasSameBytes(original, twin) else { return .content }
        }
        // Linux uses none of a symlink.
        return one.permissions == other.permissions || one.kind == .symlink ? nil : .permissions
    }

    private static let pieceBytes = 1 << 18

    private static func hasSameBytes(_ original: Entry, _ twin: Entry) throws(SystemError) -> Bool {
        let here = try original.side.file(original.path)
        let there = try twin.side.file(twin.path)
        // What has their names by now may be something else, which nobody must wait for.
        guard try here.status().kind == .file, try there.status().kind == .file else { return false }
        var one = [UInt8](repeating: 0, count: pieceBytes)
        var other = one
        var offset: Int64 = 0
        while true {
            let got = try here.read(into: &one, at: 0, count: pieceBytes, from: offset)
            let gotThere = try there.read(into: &other, at: 0, count: pieceBytes, from: offset)
            guard got == gotThere, one[..<got] == other[..<got] else { return false }
            if got < pieceBytes { return true }
            offset += Int64(got)
        }
    }
}

extension SystemError {
    fileprivate func unreadable(_ path: TreePath) -> Trouble {
        at(slashed(path)).trouble(Words("Cannot compare", de: "Kein Vergleich von"))
    }
}
