// SPDX-License-Identifier: EUPL-1.2
import Ground

// Listing, and making directories.
extension SFTPSite {
    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await again { connection throws(Trouble) in
            // No file lies outside the deepest directory that the prefix names wholly.
            let folder = prefix.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            guard folder.isEmpty || ObjectName(folder) != nil else { return [] }
            var entries: [ObjectEntry] = []
            var folders = [folder]
            while !folders.isEmpty {
                let found = await gathered(folders, width: Self.foldersAtOnce) { [self] folder in
                    do throws(Trouble) { return Result<Found, Trouble>.success(try await look(into: folder, connection)) } catch { return .failure(error) }
                }
                folders = []
                for one in found {
                    let one = try one.get()
                    entries += one.entries.filter { $0.name.text.hasPrefix(prefix) }
                    folders += one.folders.filter { "\($0)/".hasPrefix(prefix) || prefix.hasPrefix("\($0)/") }
                }
            }
            return entries.sorted { $0.name < $1.name }
        }
    }

    // MARK: Directories

    private struct Found: Sendable {
        var entries: [ObjectEntry] = []
        var folders: [String] = []
    }

    private func look(into folder: String, _ connection: SFTPConnection) async throws(Trouble) -> Found {
        let whole = folder.isEmpty ? address.path : "\(address.path)/\(folder)"
        let answer = try await connection.ask(SFTPKind.openDirectory) { $0.string(whole) }
        guard answer.kind == SFTPKind.handle else {
            let (code, trouble) = refusal(answer, nil)
            // What has no directory has no objects; but that of the site itself must be there.
            if code == Self.noSuchFile || code == Self.failure, !folder.isEmpty { return Found() }
            if code == Self.noSuchFile { throw .noFolder(address) }
            throw trouble
        }
        let handle = try handle(answer)
        var found = Found()
        while true {
            let page = try await connection.ask(SFTPKind.readDirectory) { $0.string(handle) }
            guard page.kind == SFTPKind.name else {
                let (code, trouble) = refusal(page, nil)
                try await done(SFTPKind.close, connection, nil) { $0.string(handle) }
                guard code == Self.endOfFile else { throw trouble }
                return found
            }
            do {
                var reader = SFTPReader(page.body)
                for _ in 0..<(try reader.u32()) {
                    let last = String(decoding: try reader.string(), as: UTF8.self)
                    _ = try reader.string()
                    let attributes = try reader.attributes()
                    let text = folder.isEmpty ? last : "\(folder)/\(last)"
                    guard let name = ObjectName(text) else { continue }
                    if attributes.isDirectory { found.folders.append(text) } else if attributes.isFile, let size = attributes.size {
                        found.entries.append(ObjectEntry(name: name, size: Int(clamping: size)))
                    }
                }
            } catch { throw .strangeAnswer(address) }
        }
    }

    /// A directory below the site's own, which itself is never made: a disk that is not mounted would
    /// become a directory on another.
    func make(_ folder: String, _ connection: SFTPConnection) async throws(Trouble) {
        guard folder.count > address.path.count, !state.withLock({ $0.folders.contains(folder) }) else { return }
        try await make(String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]), connection)
        let answer = try await connection.ask(SFTPKind.makeDirectory) { $0.string(folder); $0.u32(0) }
        let (code, trouble) = refusal(answer, nil)
        if code != Self.ok, try await !isThere(folder, connection, nil) { throw trouble }
        state.withLock { _ = $0.folders.insert(folder) }
    }

    /// Makes the directory of the site itself, for a new vault.
    package func makeRoot() async throws(Trouble) {
        try await again { connection throws(Trouble) in
            let answer = try await connection.ask(SFTPKind.makeDirectory) {
                $0.string(address.path); $0.u32(4); $0.u32(0o700)
            }
            let (code, trouble) = refusal(answer, nil)
            if code != Self.ok, try await !isThere(address.path, connection, nil) { throw trouble }
        }
    }
}
