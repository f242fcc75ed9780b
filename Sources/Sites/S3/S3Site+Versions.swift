// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// A bucket with a lock keeps every version of an object ("Using versioning in S3 buckets", Amazon S3
/// User Guide): whoever steals credentials can put another in front or mark one as deleted, and cannot
/// make the first go. Both are seen through here.
extension S3Site {
    struct Version: Sendable {
        let name: ObjectName
        let id: String
        let size: Int
    }

    struct Versions: Sendable {
        /// Of each object the newest first.
        var all: [Version] = []
        /// Those that a marker hides.
        var hidden: Set<ObjectName> = []

        /// Of each object, of its newest.
        var sizes: [ObjectName: Int] { Dictionary(all.map { ($0.name, $0.size) }) { first, _ in first } }
    }

    /// Where nothing is ever taken away. Units of log come by the hundred thousand and go; their versions
    /// are not listed.
    private static let kept = [
        "keyring", "packs/", "records/", "bundles/", "claims/", "statements/", "program/", "README.txt", "format.md", "rescue.py",
    ]

    static func kept(below prefix: String) -> [String] {
        kept.contains { prefix.hasPrefix($0) } ? [prefix] : kept.filter { $0.hasPrefix(prefix) }
    }

    func keptVersions() async throws(Trouble) -> Versions {
        var versions = Versions()
        for folder in Self.kept {
            let some = try await self.versions(folder)
            versions.all += some.all
            versions.hidden.formUnion(some.hidden)
        }
        return versions
    }

    /// What the program itself takes away, and so is gone where it is marked as deleted.
    static func isTakenAway(_ name: String) -> Bool {
        ["invitations/", "probe/", "units/"].contains { name.hasPrefix($0) }
    }

    /// Where nobody may know, none are looked for.
    func keepsVersions() async throws(Trouble) -> Bool {
        if let known = isVersioned.withLock({ $0 }) { return known }
        let answer = try await client.send(S3Client.Request(query: [("versioning", "")]))
        var isSo = answer.status == 200 && S3Text.first("Status", in: answer.body) != nil
        if isSo {
            // Who may know that need not be let see them.
            do throws(Trouble) { _ = try await versions("probe/") } catch {
                guard error.kind == .denied else { throw error }
                isSo = false
            }
        }
        isVersioned.withLock { [isSo] in $0 = isSo }
        return isSo
    }

    func versions(_ prefix: String) async throws(Trouble) -> Versions {
        var versions = Versions()
        try await pages(
            "ListVersionsResult", [("versions", ""), ("prefix", prefix)], ["key-marker", "version-id-marker"]
        ) { body in
            S3Text.each("Version", in: body[...]) { item in
                if let name = name(in: item, below: prefix), let size = Self.size(in: item), let id = S3Text.first("VersionId", in: item) {
                    versions.all.append(Version(name: name, id: id, size: size))
                }
                return true
            }
            S3Text.each("DeleteMarker", in: body[...]) { item in
                if S3Text.first("IsLatest", in: item) == "true", let name = name(in: item, below: prefix) { versions.hidden.insert(name) }
                return true
            }
        }
        return versions
    }

    package func versions(of name: ObjectName) async throws(Trouble) -> [String] {
        guard try await keepsVersions() else { return [] }
        return try await versions(name.text).all.filter { $0.name == name }.map(\.id).reversed()
    }

    /// Objects that somebody marked as deleted although the program never does.
    package func hidden() async throws(Trouble) -> [ObjectName] {
        guard try await keepsVersions() else { return [] }
        let versions = try await keptVersions()
        return versions.hidden.intersection(versions.all.map(\.name)).sorted()
    }

    /// No marker is put, so what a lock keeps stays in sight.
    package func erase(_ name: ObjectName) async throws(Trouble) {
        guard try await keepsVersions() else { return try await remove(name) }
        for version in try await versions(name.text).all where version.name == name {
            let answer = try await client.send(S3Client.Request(method: .DELETE, name: name, query: [("versionId", version.id)]))
            guard (200..<300).contains(answer.status) || answer.status == 404 else { throw refusal(answer, name) }
        }
    }

    /// As far as the lock lets them go; the marker stands in any case.
    func removeVersions(of name: ObjectName) async {
        do throws(Trouble) {
            for version in try await versions(name.text).all where version.name == name {
                _ = try await client.send(S3Client.Request(method: .DELETE, name: name, query: [("versionId", version.id)]))
            }
        } catch {}  // What is left goes unread.
    }
}
