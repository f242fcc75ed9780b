// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization

/// A site in a directory: every object is a plain file, at its name below the directory.
///
/// A put writes to `.tmp-…` beside the object's place, calls fsync, renames, and calls fsync on
/// the directory. So wherever the power fails, an object is wholly there or not at all, and what
/// is left over is no object, for no object name begins with a dot. It shares the directory with
/// the object because a rename within one directory is what every file system makes durable best.
///
/// Nothing below the directory is reached through a symbolic link, so nobody who can write there
/// can lead Zwilling elsewhere. The directory itself stays open for as long as the site lives:
/// what is mounted over it later does not catch half of the objects.
package final class DirectorySite: Site {
    package let label: String
    let path: [UInt8]
    let root: Descriptor
    let world: World
    /// Tells the temporary files of this site object from those of others.
    private let token: String
    private let temporaryFiles = Atomic<Int>(0)
    /// Directories, by their path below the root, that this site object has made durable and swept.
    let settled = Mutex<Set<String>>([])

    /// The directory of a site that exists.
    ///
    /// - Parameter path: Absolute; symbolic links in it are followed, for the user named them.
    /// - Throws: `Trouble` of kind `.missing` where nothing is there, `.wrongUse` where it is no
    ///   directory or the path is not absolute, `.denied` or `.system`.
    package init(opening path: [UInt8], world: World = .real) throws(Trouble) {
        label = printable(path)
        self.path = path
        guard path.first == UInt8(ascii: "/") else { throw .relativePath(label) }
        do throws(SystemError) {
            root = try Descriptor.directory(path)
        } catch {
            throw .unopened(label, error)
        }
        self.world = world
        token = world.random(8).hex
    }

    package func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing
    ) async throws(Trouble) {
        try store(name, bytes, existing)
    }

    func store(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, _ existing: Existing = .replace
    ) throws(Trouble) {
        guard bytes.count <= SiteLimits.objectBytesMax else { throw .oversized(name, at: label) }
        do throws(SystemError) {
            try makingParent(of: name) { parent, last throws(SystemError) in
                try store(bytes, as: last, in: parent, replacing: existing == .replace)
            }
        } catch {
            throw unstored(name, error)
        }
    }

    private func store(
        _ bytes: ArraySlice<UInt8>, as name: [UInt8], in parent: borrowing Descriptor,
        replacing: Bool
    ) throws(SystemError) {
        let temporary = try createTemporary(in: parent)
        do throws(SystemError) {
            // Safe because bytes have no padding that could be read uninitialised.
            try unsafe temporary.file.write(bytes.span.bytes, at: 0)
            try temporary.file.synchronize()
            try parent.rename(temporary.name, to: name, replacing: replacing)
        } catch {
            parent.discard(temporary.name)
            throw error
        }
        try parent.synchronizeNames()
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        let reading: Reading
        do throws(SystemError) {
            reading = try withParent(of: name) { parent, last throws(SystemError) in
                try Self.read(last, in: parent, range)
            }
        } catch {
            throw unread(name, error)
        }
        switch reading {
        case .whole(let bytes): return bytes
        case .short(let count, let size): throw .shortObject(name, at: label, count, of: size)
        case .oversized: throw .oversized(name, at: label)
        case .noFile: throw unread(name, nil)
        }
    }

    private enum Reading {
        case whole([UInt8])
        case short(Int, of: Int)
        case oversized
        case noFile
    }

    private static func read(
        _ name: [UInt8], in parent: borrowing Descriptor, _ range: Range<Int>?
    ) throws(SystemError) -> Reading {
        let file = try parent.file(name)
        let status = try file.status()
        guard status.kind == .file else { return .noFile }
        let size = Int(status.size)
        let wanted = (range ?? 0..<size).clamped(to: 0..<size)
        // A planted file may claim any size: nothing is allocated for what no put ever wrote.
        guard wanted.count <= SiteLimits.objectBytesMax else { return .oversized }
        var bytes = untouched(wanted.count)
        let count = try file.read(
            into: &bytes, at: 0, count: wanted.count, from: Int64(wanted.lowerBound))
        guard count == wanted.count else { return .short(wanted.lowerBound + count, of: size) }
        return .whole(bytes)
    }

    /// Removes an object for good: when this returns, a loss of power does not bring it back. So
    /// a record that is removed before its packs never outlives them.
    package func remove(_ name: ObjectName) async throws(Trouble) {
        do throws(SystemError) {
            try withParent(of: name) { parent, last throws(SystemError) in
                try parent.remove(last)
                try parent.synchronizeNames()
            }
        } catch {
            if let trouble = unremoved(name, error) { throw trouble }
        }
        if name.text.hasPrefix("probe/") { discardFolders(of: name) }
    }

    /// What tried the site out leaves nothing behind, so that an empty site stays one.
    private func discardFolders(of name: ObjectName) {
        var folder = name.segments.dropLast()
        while !folder.isEmpty {
            Machine.discardDirectory(path + folder.flatMap { [UInt8(ascii: "/")] + $0 })
            folder = folder.dropLast()
        }
        settled.withLock { $0 = [] }
    }

    // MARK: Temporary files

    static let temporaryPrefix = Array(".tmp-".utf8)

    private struct Temporary: ~Copyable {
        let name: [UInt8]
        let file: Descriptor
    }

    private func createTemporary(
        in parent: borrowing Descriptor
    ) throws(SystemError) -> Temporary {
        while true {
            let number = temporaryFiles.add(1, ordering: .relaxed).newValue
            let name = Self.temporaryPrefix + Array("\(token)-\(number)".utf8)
            do throws(SystemError) {
                return Temporary(name: name, file: try parent.create(name, permissions: 0o444))
            } catch {
                // Left by a process that was killed and threw the same dice, as in a replay.
                guard error.kind == .exists else { throw error }
            }
        }
    }
}
