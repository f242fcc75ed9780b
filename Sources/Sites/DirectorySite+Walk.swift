// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// The way from the root of a site to the directory of an object, one segment at a time and
/// never through a symbolic link.
extension DirectorySite {
    /// Calls `body` with the directory of an object and the last segment of its name.
    func withParent<Result>(
        of name: ObjectName,
        _ body: (borrowing Descriptor, [UInt8]) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try descend(root, name.segments[...], body)
    }

    private func descend<Result>(
        _ directory: borrowing Descriptor, _ segments: ArraySlice<[UInt8]>,
        _ body: (borrowing Descriptor, [UInt8]) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let segment = segments[segments.startIndex]
        if segments.count == 1 { return try body(directory, segment) }
        return try descend(directory.directory(segment), segments.dropFirst(), body)
    }

    /// The same, and makes every directory that is missing. When `body` is called, the directories
    /// are durable.
    func makingParent(
        of name: ObjectName,
        _ body: (borrowing Descriptor, [UInt8]) throws(SystemError) -> Void
    ) throws(SystemError) {
        if !isSettled("") {
            try sweep(root.again())
            settle("")
        }
        try make(root, "", name.segments[...], body)
    }

    private func make(
        _ directory: borrowing Descriptor, _ path: String, _ segments: ArraySlice<[UInt8]>,
        _ body: (borrowing Descriptor, [UInt8]) throws(SystemError) -> Void
    ) throws(SystemError) {
        let segment = segments[segments.startIndex]
        if segments.count == 1 { return try body(directory, segment) }
        let childPath = path + "/" + String(decoding: segment, as: UTF8.self)
        let isNew = try Self.makeDirectory(segment, in: directory)
        let child = try directory.directory(segment)
        if isNew || !isSettled(childPath) {
            // Also where somebody else made it: they may have been killed before their fsync.
            try directory.synchronizeNames()
            sweep(child)
            settle(childPath)
        }
        try make(child, childPath, segments.dropFirst(), body)
    }

    /// - Returns: false where it is there already.
    static func makeDirectory(
        _ segment: [UInt8], in directory: borrowing Descriptor
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try directory.makeDirectory(segment, permissions: 0o700)
            return true
        } catch {
            guard error.kind == .exists else { throw error }
            return false
        }
    }

    private func isSettled(_ path: String) -> Bool { settled.withLock { $0.contains(path) } }

    private func settle(_ path: String) { settled.withLock { _ = $0.insert(path) } }

    /// Removes temporary files of a day ago or more, which a kill or a loss of power has left.
    ///
    /// Once for every directory and site object, so that it costs nothing. The clock decides only
    /// whether rubbish goes: if it is wrong and the writer is alive, the writer's rename fails and
    /// its put with it. Nothing depends on whether a sweep succeeds, so its errors are dropped.
    private func sweep(_ directory: borrowing Descriptor) {
        let limit = world.now().seconds - SiteLimits.temporarySeconds
        do throws(SystemError) {
            for name in try directory.names() where name.starts(with: Self.temporaryPrefix) {
                let status = try directory.status(name)
                if status.kind == .file, status.modified.seconds <= limit {
                    try directory.remove(name)
                }
            }
        } catch {}
    }
}

/// Something on the way to an object that no site made there.
struct Obstacle {
    /// Below the root of the site.
    let path: String
    let kind: FileKind

    /// A file where a directory would have to be, or the reverse: then the object simply does not
    /// exist. Anything else was planted.
    var isOrdinary: Bool { kind == .file || kind == .directory }
}

extension DirectorySite {
    enum Finding {
        case object
        case nothing
        case obstacle(Obstacle)
        /// The system does not tell.
        case unknown
    }

    /// What lies where an object would have to lie. Asked only after an error, to explain it.
    func look(for name: ObjectName) -> Finding {
        do throws(SystemError) {
            return try look(in: root, "", name.segments[...])
        } catch {
            return error.kind == .missing ? .nothing : .unknown
        }
    }

    private func look(
        in directory: borrowing Descriptor, _ path: String, _ segments: ArraySlice<[UInt8]>
    ) throws(SystemError) -> Finding {
        let segment = segments[segments.startIndex]
        let kind = try directory.status(segment).kind
        let path = path + String(decoding: segment, as: UTF8.self)
        if kind != (segments.count == 1 ? .file : .directory) {
            return .obstacle(Obstacle(path: path, kind: kind))
        }
        if segments.count == 1 { return .object }
        return try look(in: directory.directory(segment), path + "/", segments.dropFirst())
    }
}

extension ObjectName {
    /// At least one.
    var segments: [[UInt8]] {
        text.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
    }
}
