// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Postgres
import Vault

/// A restored base → a data directory that starts, recovers by itself, and touches nothing of the
/// original: it follows nobody, archives nowhere, and its tablespaces lie beside it.
package struct PostgresCopy: Sendable {
    /// Of the target of the restore.
    private let target: [UInt8]
    private let span: PostgresSpan

    package init(at target: [UInt8], _ span: PostgresSpan) {
        (self.target, self.span) = (target, span)
    }

    /// Where the data directory is.
    package var directory: [UInt8] { path(PostgresTree.data) }

    private static let fileBytesMax = 16 << 20

    /// - Parameters:
    ///   - goal: where recovery shall end.
    ///   - timeline: on which it goes; the base's own where there is no log of another.
    ///   - isFollowing: whether it waits for more log.
    package func settle(
        to goal: RecoverySettings.Target = .latest, on timeline: UInt32? = nil, isFollowing: Bool = false
    ) throws(Trouble) {
        let act = Words("Cannot make startable", de: "Kann nicht startfähig machen:")
        do throws(SystemError) {
            // Never through a link: the tree is whatever a writer has put.
            let folder = try Descriptor.directory(target)
            let data = try folder.directory(PostgresTree.data)
            let owner = try data.status()
            for name in RecoverySettings.filesToRemove { data.discard(Array(name.utf8)) }
            try rewrite("postgresql.conf", data, owner) { ForeignSettings.commented($0) }
            let settings = RecoverySettings(to: goal, on: timeline ?? span.timeline, isFollowing: isFollowing)
            try rewrite("postgresql.auto.conf", data, owner, isMade: true) {
                ForeignSettings.commented($0) + Array(settings.appendix.utf8)
            }
            try rewrite(settings.signalFile, data, owner, isMade: true) { _ in [] }
            let spaces = try tablespaces(folder)
            if !spaces.isEmpty {
                try rewrite("tablespace_map", data, owner, isMade: true) { _ in
                    RecoverySettings.tablespaceMap(spaces)
                }
            }
            // The server must get to its directory, and refuses one that others may enter.
            try data.setPermissions(0o700)
            if try folder.status().user != owner.user {
                try folder.setOwner(user: owner.user, group: owner.group)
            }
        } catch { throw error.at(directory).trouble(act) }
    }

    /// Who may connect when it is started by Zwilling.
    package static let accessFile = "zwilling_hba.conf"

    private static let access = """
        local all all trust
        local replication all trust
        host all all 127.0.0.0/8 md5
        host all all samenet md5

        """

    /// Lets it be started with `accessFile`: whoever may enter the directory of its socket is let
    /// in, and who comes over the networks of this machine with a password, since the addresses of
    /// an activation are others than the original's; then comes what the original said.
    package func openUp() throws(Trouble) {
        let act = Words("Cannot make startable", de: "Kann nicht startfähig machen:")
        do throws(SystemError) {
            let data = try Descriptor.directory(directory)
            let owner = try data.status()
            // Debian keeps a server's settings outside of its data directory.
            try rewrite("postgresql.conf", data, owner, isMade: true) { $0 }
            var access: [UInt8] = []
            do throws(SystemError) {
                access = try data.contents(Array("pg_hba.conf".utf8), upTo: Self.fileBytesMax)
            } catch { guard error.kind == .missing else { throw error } }
            try rewrite(Self.accessFile, data, owner, isMade: true) { _ in
                Array(Self.access.utf8) + access
            }
        } catch { throw error.at(directory).trouble(act) }
    }

    /// Changes a file, which goes on belonging to the server's user.
    private func rewrite(
        _ name: String, _ data: borrowing Descriptor, _ owner: FileStatus, isMade: Bool = false,
        _ change: ([UInt8]) -> [UInt8]
    ) throws(SystemError) {
        let name = Array(name.utf8)
        var before: [UInt8] = []
        do throws(SystemError) {
            before = try data.contents(name, upTo: Self.fileBytesMax)
        } catch {
            guard error.kind == .missing else { throw error }
            if !isMade { return }
        }
        try data.replace(name, by: change(before))
        try data.setOwner(name, user: owner.user, group: owner.group)
    }

    private func tablespaces(
        _ folder: borrowing Descriptor
    ) throws(SystemError) -> [BaseBackup.Tablespace] {
        let names: [[UInt8]]
        do throws(SystemError) {
            names = try folder.directory(PostgresTree.tablespaces).names()
        } catch {
            if error.kind == .missing { return [] }
            throw error
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }.compactMap { name in
            let text = String(decoding: name, as: UTF8.self)
            let place = path(PostgresTree.tablespaces) + Array("/\(text)".utf8)
            return UInt32(text).map {
                BaseBackup.Tablespace(oid: $0, location: String(decoding: place, as: UTF8.self))
            }
        }
    }

    private func path(_ name: [UInt8]) -> [UInt8] { target + [UInt8(ascii: "/")] + name }
}
