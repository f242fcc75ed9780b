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
    }

    /// What the program itself takes away, and so is gone where it is marked as deleted.
    static func isTakenAway(_ name: String) -> Bool {
        ["invitations/", "probe/", "units/"].contains { name.hasPrefix($0) }
    }

    /// Where nobody may know, none are looked for.
    func keepsVersions() async throws(Trouble) -> Bool {
        if let known = isVersioned.withLock({ $0 }) { return known }
        let answer = try await client.send(S3Client.Request(query: [("versioning", "")]))
        let isSo = answer.status == 200 && S3Text.first("Status", in: answer.body) != nil
        isVersioned.withLock { $0 = isSo }
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

    /// With what a marker hides.
    func listed(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        let versions = try await versions(prefix)
        var sizes: [ObjectName: Int] = [:]
        for version in versions.all where sizes[version.name] == nil {
            if versions.hidden.contains(version.name), Self.isTakenAway(version.name.text) { continue }
            sizes[version.name] = version.size
        }
        return sizes.map { ObjectEntry(name: $0.key, size: $0.value) }.sorted { $0.name < $1.name }
    }

    package func earlier(_ name: ObjectName, in range: Range<Int>?, back: Int) async throws(Trouble) -> [UInt8]? {
        guard !Self.isTakenAway(name.text), try await keepsVersions() else { return nil }
        let all = try await versions(name.text).all.filter { $0.name == name }
        guard back < all.count else { return nil }
        return try await get(name, in: range, version: all[back].id)
    }

    /// Objects that somebody marked as deleted although the program never does.
    package func hidden() async throws(Trouble) -> [ObjectName] {
        guard try await keepsVersions() else { return [] }
        let versions = try await versions("")
        let there = Set(versions.all.map(\.name))
        return versions.hidden.filter { there.contains($0) && !Self.isTakenAway($0.text) }.sorted()
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
