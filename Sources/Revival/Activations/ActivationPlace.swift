// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground

/// The directory of an activation: what was brought back, and what is kept of it while it runs.
package struct ActivationPlace: Sendable, Hashable {
    package let path: [UInt8]

    package init(_ path: [UInt8]) { self.path = path }

    package enum Part: String, CaseIterable {
        /// One directory for each data set.
        case data
        case secrets
        /// Sockets, and the marks of what runs.
        case run
        case logs
        case blueprint
    }

    package func part(_ part: Part) -> [UInt8] { path + Array("/\(part.rawValue)".utf8) }
    package func part(_ part: Part, _ name: String) -> [UInt8] { self.part(part) + Array("/\(name)".utf8) }

    package var journal: [UInt8] { path + Array("/activation.json".utf8) }
    /// How far it has come that gives its work away.
    package var handover: [UInt8] { path + Array("/handover.json".utf8) }

    /// Holds the process of a drill's network.
    package var isolation: [UInt8] { part(.run, "network") }

    /// A data directory of PostgreSQL.
    package func cluster(_ data: String) -> [UInt8] { part(.data, data) + Array("/pgdata".utf8) }

    /// Where the first path of a data set of files has come to lie, or any other of its paths.
    package func files(_ data: String, _ path: String) -> [UInt8] { part(.data, data) + Array(path.utf8) }

    /// A socket's path is at most 107 bytes long (unix(7)).
    private static let pathBytesMax = 60

    /// Programs run as other users, and must get there.
    private func checkWay() throws(Trouble) {
        guard Machine.isRoot else { return }
        var folder = path
        while let slash = folder.lastIndex(of: UInt8(ascii: "/")), slash > 0 {
            let permissions: UInt16
            do throws(SystemError) { permissions = try Descriptor.directory(folder).status().permissions } catch {
                throw error.trouble(Words("Cannot look at", de: "Nicht einsehbar:"))
            }
            guard permissions & 0o001 != 0 else { throw .closedWay(folder) }
            folder.removeSubrange(slash...)
        }
    }

    /// That nothing else lies there: parts of it will be written over, and deleted at the end.
    package func checkEmpty() throws(Trouble) {
        let isEmpty: Bool
        do throws(SystemError) { isEmpty = try Descriptor.directory(path).names().isEmpty } catch {
            if error.kind == .missing { return }
            throw error.trouble(Words("Cannot look at", de: "Nicht einsehbar:"))
        }
        if isEmpty { return }
        throw Trouble(
            .wrongUse,
            Words("\"\(printable(path))\" is not empty.", de: "„\(printable(path))“ ist nicht leer."),
            advice: Words("Name a new directory.", de: "Ein neues Verzeichnis nennen."))
    }

    package func make() throws(Trouble) {
        guard path.count <= Self.pathBytesMax else {
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(printable(path))\" is too long for the sockets of databases in it.",
                    de: "„\(printable(path))“ ist zu lang für die Sockets von Datenbanken darin."),
                advice: Words(
                    "Name a directory of at most \(Self.pathBytesMax) characters with --to.",
                    de: "Mit --to ein Verzeichnis mit höchstens \(Self.pathBytesMax) Zeichen nennen."))
        }
        do throws(SystemError) {
            try Machine.makeDirectories(path, permissions: 0o755)
            for one in Part.allCases {
                try Machine.makeDirectories(part(one))
                // Programs of several users must get to what is theirs, and see nothing else.
                try Descriptor.directory(part(one)).setPermissions(0o711)
            }
            try Descriptor.directory(path).setPermissions(0o711)
        } catch { throw error.at(path).trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:")) }
        try checkWay()
    }
}

extension ActivationPlace {
    /// Deletes all of it, and nothing that others have laid beside it.
    package func remove() async throws(Trouble) {
        for one in Part.allCases { try await Tree.remove(part(one)) }
        Machine.discardFile(journal)
        Machine.discardFile(handover)
        Machine.discardDirectory(path)
    }
}

extension Trouble {
    fileprivate static func closedWay(_ folder: [UInt8]) -> Trouble {
        Trouble(
            .denied,
            Words(
                "Programs that run as other users cannot enter \"\(printable(folder))\".",
                de: "Programme, die als andere Benutzer laufen, kommen nicht in „\(printable(folder))“."),
            advice: Words(
                "chmod o+x '\(printable(folder))', or name another directory with --to.",
                de: "chmod o+x '\(printable(folder))', oder mit --to ein anderes Verzeichnis nennen."))
    }
}
