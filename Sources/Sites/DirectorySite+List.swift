// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

extension DirectorySite {
    /// Files whose names are no object names, and whatever is not a file, are somebody else's and
    /// left out. A directory that cannot be read is an error, never a gap.
    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try listed(prefix) }

    func listed(_ prefix: String) throws(Trouble) -> [ObjectEntry] {
        var entries: [ObjectEntry] = []
        do throws(SystemError) {
            try collect(root.again(), "", prefix, into: &entries)
        } catch {
            throw unlisted(error)
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// - Parameter path: The directory's path below the root with a slash at its end, or empty.
    private func collect(
        _ directory: borrowing Descriptor, _ path: String, _ prefix: String,
        into entries: inout [ObjectEntry]
    ) throws(SystemError) {
        for segment in try directory.names() {
            // A name that is not ASCII is no object name, however it is decoded.
            let text = path + String(decoding: segment, as: UTF8.self)
            let isWanted = text.utf8.starts(with: prefix.utf8)
            guard isWanted || prefix.utf8.starts(with: text.utf8), let name = ObjectName(text)
            else { continue }
            do throws(SystemError) {
                let status = try directory.status(segment)
                if status.kind == .file, isWanted {
                    entries.append(ObjectEntry(name: name, size: Int(status.size)))
                } else if status.kind == .directory {
                    try collect(directory.directory(segment), text + "/", prefix, into: &entries)
                }
            } catch {
                // Removed since its name was read: as if the listing had come a moment later.
                guard error.kind == .missing else { throw error.at(Array(text.utf8)) }
            }
        }
    }
}
