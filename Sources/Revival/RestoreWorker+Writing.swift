// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Vault

extension RestoreWorker {
    // MARK: Pieces

    func write(_ piece: RestorePiece) async throws(Trouble) {
        switch piece {
        case .slices(let chunk, let files): try await write(chunk, to: files)
        case .part(let file, let chunks, let start): try await write(file, chunks, start)
        }
    }

    private func write(_ chunk: ChunkReference, to files: [Placed]) async throws(Trouble) {
        let plain: ArraySlice<UInt8>
        do throws(Trouble) { plain = try await reader.read(chunk, .data) } catch {
            for file in files { restoring.notRestored(file.path, error) }
            return
        }
        for placed in files {
            guard case .slice(_, let offset) = placed.entry.content.stream else { continue }
            let bytes = Int(placed.entry.content.streamBytes)
            guard offset <= plain.count, bytes <= plain.count - offset else {
                restoring.notRestored(
                    placed.path, wrongLength(UInt64(max(0, plain.count - offset)), placed.entry))
                continue
            }
            try inParent(of: placed) { (parent) throws(SystemError) in
                let file = try create(placed, in: parent)
                do throws(SystemError) {
                    try write(
                        plain[offset..<offset + bytes], at: 0, of: placed.entry.content, to: file)
                } catch {
                    // Half a file under its own name would pass for a whole one.
                    parent.discard(placed.path.last ?? [])
                    throw error
                }
                try finish(placed, file)
                restoring.done(placed.entry, bytes: UInt64(bytes))
            }
        }
    }

    private func write(
        _ file: FileInParts, _ chunks: [ChunkReference], _ start: UInt64
    ) async throws(Trouble) {
        var isDamaged = false
        var place = start
        for chunk in chunks {
            do throws(Trouble) {
                let plain = try await reader.read(chunk, .data)
                let isWritten = try inParent(of: file.placed) { (parent) throws(SystemError) in
                    let open = try parent.openForWriting(file.placed.path.last ?? [])
                    try write(plain, at: place, of: file.placed.entry.content, to: open)
                }
                guard isWritten else {
                    isDamaged = true
                    break
                }
                restoring.wrote(UInt64(chunk.bytes))
            } catch {
                guard error.kind == .damaged || error.kind == .missing else { throw error }
                restoring.notRestored(file.placed.path, error)
                isDamaged = true
                break
            }
            place += UInt64(chunk.bytes)
        }
        switch file.partDone(isDamaged: isDamaged) {
        case .goesOn: return
        case .damaged:
            try inParent(of: file.placed) { (parent) throws(SystemError) in
                parent.discard(file.placed.path.last ?? [])
            }
        case .complete:
            try inParent(of: file.placed) { (parent) throws(SystemError) in
                let open = try parent.openForWriting(file.placed.path.last ?? [])
                try finish(file.placed, open)
                restoring.done(file.placed.entry)
            }
        }
    }

    /// Writes a stretch of the stream where its regions lie.
    private func write(
        _ bytes: ArraySlice<UInt8>, at start: UInt64, of content: Content,
        to file: borrowing Descriptor
    ) throws(SystemError) {
        guard let regions = content.regions else {
            return try file.write(bytes, at: Int64(start))
        }
        var rest = bytes
        var stream: UInt64 = 0
        var offset: UInt64 = 0
        for region in regions where !rest.isEmpty {
            offset += region.gap
            let position = start + UInt64(bytes.count - rest.count)
            if position < stream + region.length {
                let inside = position - stream
                let count = Int(min(region.length - inside, UInt64(rest.count)))
                try file.write(rest.prefix(count), at: Int64(offset + inside))
                rest = rest.dropFirst(count)
            }
            offset += region.length
            stream += region.length
        }
    }

    // MARK: Entries

    /// Makes a regular file of its full length; false where that failed and was noted. With no
    /// parts to come it is finished at once.
    @discardableResult
    func makeFile(_ placed: Placed, parts: Int) throws(Trouble) -> Bool {
        var isMade = false
        try inParent(of: placed) { (parent) throws(SystemError) in
            let file = try create(placed, in: parent)
            if placed.entry.content.size > 0 {
                do throws(SystemError) {
                    try file.truncate(to: Int64(placed.entry.content.size))
                } catch {
                    // An empty file under its own name would pass for a whole one.
                    parent.discard(placed.path.last ?? [])
                    throw error
                }
            }
            isMade = true
            if parts == 0 {
                try finish(placed, file)
                restoring.done(placed.entry)
            }
        }
        return isMade
    }

    /// Makes anything but a regular file.
    func make(_ placed: Placed) throws(Trouble) {
        let entry = placed.entry
        if entry.kind == .directory {
            try guarded(placed) { () throws(SystemError) in
                try ladder.makeDirectories(placed.path)
                restoring.keep(directory: placed)
                restoring.done(entry)
            }
            return
        }
        try inParent(of: placed) { (parent) throws(SystemError) in
            let name = placed.path.last ?? []
            try clear(name, in: parent)
            if entry.kind == .symlink {
                try parent.makeSymlink(name, to: entry.target)
            } else {
                try parent.makeNode(
                    name, kind: entry.kind, permissions: 0o600, major: entry.major,
                    minor: entry.minor)
            }
            restoring.done(entry)
            if owns(placed, { () throws(SystemError) in
                try parent.setOwner(name, user: entry.user, group: entry.group)
            }), entry.kind != .symlink {
                try parent.setPermissions(name, entry.permissions)
            } else if entry.kind != .symlink {
                try parent.setPermissions(name, entry.permissions & 0o777)
            }
            for attribute in placed.attributes {
                tell(placed) { () throws(SystemError) in try parent.setAttribute(name, attribute) }
            }
            try parent.setTimes(name, modified: entry.modified)
        }
    }

    private func create(
        _ placed: Placed, in parent: borrowing Descriptor
    ) throws(SystemError) -> Descriptor {
        let name = placed.path.last ?? []
        try clear(name, in: parent)
        return try parent.create(name)
    }

    func clear(_ name: [UInt8], in parent: borrowing Descriptor) throws(SystemError) {
        guard restoring.options.overwrites else { return }
        do throws(SystemError) { try parent.remove(name) } catch {
            if error.kind != .missing { throw error }
        }
    }

    private func finish(_ placed: Placed, _ file: borrowing Descriptor) throws(SystemError) {
        if placed.entry.content.regions != nil {
            try file.truncate(to: Int64(placed.entry.content.size))
        }
        try restoreAttributes(of: placed, to: file)
    }

    /// Owner first, since changing it clears set-user-id bits and capabilities; times last.
    func restoreAttributes(
        of placed: Placed, to file: borrowing Descriptor
    ) throws(SystemError) {
        let entry = placed.entry
        var permissions = entry.permissions
        var failure: SystemError?
        do throws(SystemError) {
            try file.setOwner(user: entry.user, group: entry.group)
        } catch {
            failure = error
            // A set-user-id program of somebody else's must not become one of ours.
            permissions &= 0o1777
        }
        if let failure { note(placed, failure) }
        for attribute in placed.attributes {
            do throws(SystemError) { try file.setAttribute(attribute) } catch {
                note(placed, error)
            }
        }
        try file.setPermissions(permissions)
        try file.setTimes(modified: entry.modified)
    }

    // MARK: Failures

    /// Runs `body` in the directory of an entry, which is made if need be; false where that failed
    /// and was noted.
    @discardableResult
    func inParent(
        of placed: Placed, _ body: (borrowing Descriptor) throws(SystemError) -> Void
    ) throws(Trouble) -> Bool {
        try guarded(placed) { () throws(SystemError) in
            let parent = Array(placed.path.dropLast())
            try ladder.makeDirectories(parent)
            restoring.used(parent)
            try ladder.withDirectory(parent, body)
        }
    }

    /// A full disk ends the restore; any other refusal costs this entry, and is told.
    @discardableResult
    func guarded(
        _ placed: Placed, _ body: () throws(SystemError) -> Void
    ) throws(Trouble) -> Bool {
        do throws(SystemError) {
            try body()
            return true
        } catch {
            guard error.kind != .full else {
                throw error.at(slashed(placed.path)).trouble(
                    Words("Cannot write", de: "Kann nicht schreiben:"),
                    advice: Words(
                        "Make room, or choose another target; then restore again with --overwrite.",
                        de: "Platz schaffen oder anderes Ziel wählen; dann mit --overwrite erneut wiederherstellen."
                    ))
            }
            note(placed, error)
            return false
        }
    }

    private func tell(_ placed: Placed, _ body: () throws(SystemError) -> Void) {
        do throws(SystemError) { try body() } catch { note(placed, error) }
    }

    private func owns(_ placed: Placed, _ body: () throws(SystemError) -> Void) -> Bool {
        do throws(SystemError) {
            try body()
            return true
        } catch {
            note(placed, error)
            return false
        }
    }

    private func note(_ placed: Placed, _ error: SystemError) {
        if error.operation.hasPrefix("fchown"), !restoring.options.mindsOwners { return }
        restoring.notRestored(
            placed.path,
            error.at(slashed(placed.path)).trouble(Self.act(error.operation)))
    }

    /// What could not be done, in words rather than by the name of a system call.
    private static func act(_ operation: String) -> Words {
        switch operation {
        case "fchown", "fchownat":
            Words("Cannot give the owner back to", de: "Eigentümer nicht wiederhergestellt:")
        case "fchmod", "fchmodat", "chmod":
            Words("Cannot give the permissions back to", de: "Rechte nicht wiederhergestellt:")
        case let name where name.hasSuffix("setxattr"):
            Words("Cannot give an attribute back to", de: "Attribut nicht wiederhergestellt:")
        default: Words("Cannot restore", de: "Nicht wiederhergestellt:")
        }
    }
}
