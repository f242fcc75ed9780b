// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

extension DirectorySite {
    /// A new, empty site, durable when this returns. The directory is made (0700) where it does
    /// not exist yet; those above it are not, for then a disk that is not mounted would quietly
    /// become a directory on the disk of the machine itself.
    ///
    /// - Throws: `Trouble` of kind `.exists` where the directory holds something already, else as
    ///   `init(opening:)` and `.full` or `.readOnly`.
    package static func create(
        _ path: [UInt8], world: World = .real
    ) throws(Trouble) -> DirectorySite {
        let label = printable(path)
        guard path.first == UInt8(ascii: "/") else { throw .relativePath(label) }
        let slash = UInt8(ascii: "/")
        let segments = path.split(separator: slash)
        if let last = segments.last {
            try make(Array(last), below: [slash] + segments.dropLast().joined(separator: [slash]))
        }
        let site = try DirectorySite(opening: path, world: world)
        let names: [[UInt8]]
        do throws(SystemError) {
            names = try site.root.names()
        } catch {
            throw .unopened(label, error)
        }
        if let other = names.first(where: { !isHarmless($0) }) {
            throw .occupied(label, by: printable(other))
        }
        return site
    }

    /// A fresh ext4 has `lost+found`; a first put that was cut off leaves a temporary file.
    private static func isHarmless(_ name: [UInt8]) -> Bool {
        name == Array("lost+found".utf8) || name.starts(with: temporaryPrefix)
    }

    private static func make(_ name: [UInt8], below path: [UInt8]) throws(Trouble) {
        let parent: Descriptor
        do throws(SystemError) {
            parent = try Descriptor.directory(path)
        } catch {
            throw .unopened(printable(path), error)
        }
        do throws(SystemError) {
            _ = try makeDirectory(name, in: parent)
            // Also where it exists: whoever made it may have been killed before this.
            try parent.synchronizeNames()
        } catch {
            throw error.at(path + [UInt8(ascii: "/")] + name).trouble(
                Words("Cannot create the directory", de: "Verzeichnis lässt sich nicht anlegen:"))
        }
    }
}
