// SPDX-License-Identifier: EUPL-1.2
import CLinux
import Glibc
import Ground

/// Whole files by their path, for the few that belong to the program or are named by the user:
/// keys, settings, state. Symlinks on the way are followed.
extension Machine {
    /// A file, a pipe or a device to its end; `EFBIG` where it has more than `limit` bytes.
    package static func readWhole(
        _ path: [UInt8], upTo limit: Int
    ) throws(SystemError) -> [UInt8] {
        let (folder, name) = split(path)
        let file: Descriptor
        do throws(SystemError) {
            let directory = try Descriptor.passage(folder)
            file = try Descriptor.open(name, in: directory.raw, O_RDONLY, label: path)
        } catch {
            throw error.at(path)
        }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let piece = try file.readOn(upTo: min(limit + 1 - bytes.count, 65_536))
            if piece.isEmpty { return bytes }
            bytes += piece
        }
        throw SystemError(code: EFBIG, operation: "read", path: path)
    }

    /// Writes a file so that it has the old content or the new one, whatever happens, and the new
    /// one for good when this returns. A symlink under the name is replaced, not followed.
    ///
    /// - Parameter replacing: whether a name that is taken is written over; else `EEXIST`.
    package static func writeDurably(
        _ path: [UInt8], _ bytes: [UInt8], permissions: UInt16 = 0o600, replacing: Bool = true
    ) throws(SystemError) {
        let (folder, name) = split(path)
        let temporary = Array(".zwilling-\(random(8).hex)".utf8)
        do throws(SystemError) {
            let directory = try Descriptor.directory(folder)
            let file = try directory.create(temporary, permissions: 0o600)
            do throws(SystemError) {
                try file.write(bytes, at: 0)
                try file.setPermissions(permissions)
                try file.synchronize()
                try directory.rename(temporary, to: name, replacing: replacing)
            } catch {
                directory.discard(temporary)
                throw error
            }
            try directory.synchronize()
        } catch {
            throw error.at(path)
        }
    }

    /// A file without a name to write and read, gone with whoever has it open: in `TMPDIR`, else in
    /// /var/tmp, since /tmp often is memory.
    package static func namelessFile() throws(SystemError) -> Descriptor {
        let named = Terminal.environment("TMPDIR").map(Terminal.bytes(of:)) ?? []
        let folder = try Descriptor.passage(named.isEmpty ? Array("/var/tmp".utf8) : named)
        let name = Array(".zwilling-\(random(8).hex)".utf8)
        _ = try folder.create(name)
        defer { folder.discard(name) }
        return try folder.openForWriting(name)
    }

    /// Creates those directories of a path that do not exist, durably. The umask applies to the
    /// permissions.
    package static func makeDirectories(
        _ absolutePath: [UInt8], permissions: UInt16 = 0o700
    ) throws(SystemError) {
        let slash = UInt8(ascii: "/")
        let start = absolutePath.first == slash ? [slash] : [UInt8(ascii: ".")]
        var current = try Descriptor.passage(start)
        do throws(SystemError) {
            for step in absolutePath.split(separator: slash).map(Array.init) {
                current = try made(step, in: current, permissions)
            }
        } catch {
            throw error.at(absolutePath)
        }
    }

    private static func made(
        _ step: [UInt8], in parent: borrowing Descriptor, _ permissions: UInt16
    ) throws(SystemError) -> Descriptor {
        let flags = clinux_o_path | O_DIRECTORY
        do {
            return try Descriptor.open(step, in: parent.raw, flags, label: step)
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        do {
            try parent.makeDirectory(step, permissions: permissions)
        } catch {
            // Somebody may have been quicker; a symlink to nowhere fails below.
            guard error.code == EEXIST else { throw error }
        }
        try parent.again().synchronize()
        return try Descriptor.open(step, in: parent.raw, flags, label: step)
    }

    /// Whether something is there, or may be.
    package static func exists(_ path: [UInt8]) -> Bool {
        do throws(SystemError) {
            _ = try realPath(path)
            return true
        } catch { return error.kind != .missing }
    }

    /// The path and those above it at which there is nothing yet, the lowest first.
    package static func missing(_ absolutePath: [UInt8]) -> [[UInt8]] {
        let slash = UInt8(ascii: "/")
        var path = absolutePath
        var missing: [[UInt8]] = []
        while true {
            path.removeLast(path.reversed().prefix { $0 == slash }.count)
            guard !path.isEmpty, !exists(path) else { return missing }
            missing.append(path)
            path.removeLast(path.reversed().prefix { $0 != slash }.count)
        }
    }

    /// Removes a file that nobody needs; where that fails it stays.
    package static func discardFile(_ path: [UInt8]) {
        let (folder, name) = split(path)
        do throws(SystemError) { try Descriptor.passage(folder).discard(name) } catch {
            // The folder cannot be entered, so nothing in it can be removed either.
        }
    }

    /// Removes a directory in which there is nothing; one with something in it stays.
    package static func discardDirectory(_ path: [UInt8]) {
        let (folder, name) = split(path)
        do throws(SystemError) { try Descriptor.passage(folder).removeDirectory(name) } catch {
            // It stays, empty or not, and harms nobody.
        }
    }

    /// The directory of a path, and the name in it.
    private static func split(_ path: [UInt8]) -> (folder: [UInt8], name: [UInt8]) {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
            return ([UInt8(ascii: ".")], path)
        }
        return (Array(path[...slash]), Array(path[(slash + 1)...]))
    }
}
