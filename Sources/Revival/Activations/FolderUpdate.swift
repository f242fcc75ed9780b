// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Vault

/// Files that came back from one snapshot → as another has them, by touching only what differs.
struct FolderUpdate {
    private let vault: OpenVault
    private let old, new: Observed.Fact

    init(_ vault: OpenVault, from old: Observed.Fact, to new: Observed.Fact) {
        (self.vault, self.old, self.new) = (vault, old, new)
    }

    /// - Returns: what is not as it should be, each with its reason.
    func run(at target: [UInt8]) async throws(Trouble) -> [LeftOut] {
        var (changed, removed): (Set<TreePath>, [TreePath]) = ([], [])
        try await TreeReader.differences(from: TreeReader(vault, old), to: TreeReader(vault, new)) { difference in
            if [.removed, .kind].contains(difference.change) { removed.append(difference.path) }
            if difference.change != .removed { changed.insert(difference.path) }
        }
        for path in removed { try Self.remove(path, below: target) }
        guard !changed.isEmpty else { return [] }
        var options = RestoreOptions()
        options.only = changed
        options.overwrites = true
        options.mindsOwners = Machine.isRoot
        return try await Restore(vault, new, options: options).run(to: target) { _ in }.notRestored
    }

    /// Never through a link.
    private static func remove(_ path: TreePath, below target: [UInt8]) throws(Trouble) {
        guard let name = path.last else { return }
        do throws(SystemError) {
            var folder = try Descriptor.directory(target)
            for part in path.dropLast() { folder = try folder.directory(part) }
            try remove(name, in: folder)
        } catch {
            // With what was above it.
            guard error.kind != .missing else { return }
            throw error.trouble(Words("Cannot remove", de: "Lässt sich nicht entfernen:"))
        }
    }

    private static func remove(_ name: [UInt8], in folder: borrowing Descriptor) throws(SystemError) {
        if try folder.status(name).kind == .directory {
            let inner = try folder.directory(name)
            for one in try inner.names() { try remove(one, in: inner) }
            try folder.removeDirectory(name)
        } else {
            try folder.remove(name)
        }
    }
}
