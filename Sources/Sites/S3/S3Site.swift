// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOHTTP1
import Synchronization

/// A site in a bucket of a cloud that speaks S3 (Amazon S3 API Reference, 2006-03-01): every object of
/// the vault is an object there.
///
/// A put that only one can win is `If-None-Match: *`. A cloud that does not know it is found out by
/// `S3Probe`; here it would let two writers take one place.
package final class S3Site: Site {
    package var label: String { client.address.text }
    package var isFar: Bool { true }
    let client: S3Client
    let isVersioned = Mutex<Bool?>(nil)

    /// So many pages of a listing, of 1000 objects each: more than any vault has.
    private static let pagesMax = 5000
    private static let pageBytesMax = 4 << 20

    /// - Parameter authority: certificates (PEM) that are trusted beside the system's.
    package init(
        _ address: S3Address, with credentials: S3Credentials, authority: [UInt8]? = nil,
        patience: S3Patience = S3Patience(), world: World = .real
    ) throws(Trouble) {
        client = try S3Client(address, credentials, authority: authority, patience, world)
    }

    package func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing
    ) async throws(Trouble) {
        guard bytes.count <= SiteLimits.objectBytesMax else { throw .oversized(name, at: label) }
        var condition: [(name: String, value: String)] = []
        if existing == .refuse { condition = [("if-none-match", "*")] }
        let answer = try await bytes.count > Self.onePutBytesMax
            ? putInParts(name, bytes, condition)
            : client.send(S3Client.Request(method: .PUT, name: name, headers: condition, body: bytes))
        switch answer.status {
        case 200..<300: return
        case 412 where existing == .refuse:
            // The first attempt may have come through, and only its answer was lost.
            guard answer.repeats > 0, try await holds(name, bytes) else { throw .existingObject(name, at: label) }
        case 501 where existing == .refuse: throw .withoutCondition(name, at: label)
        default: throw refusal(answer, name)
        }
    }

    func holds(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) -> Bool {
        do throws(Trouble) { return try await get(name, in: nil)[...] == bytes } catch {
            // Whoever may only put cannot know.
            guard error.kind == .denied else { throw error }
            return false
        }
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        do throws(Trouble) { return try await read(name, in: range, version: nil) } catch {
            // Somebody may have deleted it, or put in front what nobody can read.
            guard error.kind != .system, !Self.isTakenAway(name.text) else { throw error }
            for version in try await versions(of: name).reversed() {
                do throws(Trouble) { return try await read(name, in: range, version: version) } catch { continue }
            }
            throw error
        }
    }

    package func get(_ name: ObjectName, in range: Range<Int>?, version: String) async throws(Trouble) -> [UInt8] {
        try await read(name, in: range, version: version)
    }

    /// - Parameter version: the newest where nil.
    private func read(_ name: ObjectName, in range: Range<Int>?, version: String?) async throws(Trouble) -> [UInt8] {
        var request = S3Client.Request(name: name, answerBytesMax: SiteLimits.objectBytesMax)
        if let version { request.query = [("versionId", version)] }
        if let range {
            // There is no empty range in HTTP: one byte tells whether the object exists.
            let last = range.isEmpty ? range.lowerBound : range.upperBound - 1
            request.headers = [("range", "bytes=\(range.lowerBound)-\(last)")]
        }
        let answer = try await client.send(request)
        switch answer.status {
        case 206:
            guard let range, Self.isWanted(answer.headers, range) else { throw .strangeAnswer(client.address, "another range") }
            guard answer.body.count <= max(range.count, 1) else { throw .strangeAnswer(client.address, "another range") }
            return range.isEmpty ? [] : answer.body
        case 200:
            guard let range else { return answer.body }
            return Array(answer.body[range.clamped(to: 0..<answer.body.count)])
        case 416 where range != nil: return []
        default:
            let trouble = refusal(answer, name)
            // It has something there and cannot hand it out: under a key of somebody's own, or in an archive.
            guard trouble.kind == .system, (400..<500).contains(answer.status) else { throw trouble }
            throw Trouble(.damaged, trouble.message, advice: trouble.advice, cause: trouble.cause)
        }
    }

    /// Such as `bytes 0-9/443`.
    private static func isWanted(_ headers: HTTPHeaders, _ range: Range<Int>) -> Bool {
        headers.first(name: "content-range")?.hasPrefix("bytes \(range.lowerBound)-") ?? false
    }

    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        guard !Self.isTakenAway(prefix), try await keepsVersions() else { return try await current(prefix) }
        let folders = Self.kept(below: prefix)
        let seen = folders == [prefix] ? [] : try await current(prefix)
        var sizes = Dictionary(seen.map { ($0.name, $0.size) }) { first, _ in first }
        for folder in folders { sizes.merge(try await versions(folder).sizes) { $1 } }
        return sizes.map { ObjectEntry(name: $0.key, size: $0.value) }.sorted { $0.name < $1.name }
    }

    private func current(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        var entries: [ObjectEntry] = []
        try await pages("ListBucketResult", [("list-type", "2"), ("prefix", prefix)], ["continuation-token"]) { body in
            S3Text.each("Contents", in: body[...]) { item in
                if let name = name(in: item, below: prefix), let size = Self.size(in: item) {
                    entries.append(ObjectEntry(name: name, size: size))
                }
                return true
            }
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// - Parameter cursors: of the place where the next page begins; an answer names each with "Next"
    ///   before it.
    func pages(
        _ root: String, _ query: [(name: String, value: String)], _ cursors: [String], _ take: ([UInt8]) -> Void
    ) async throws(Trouble) {
        var places: [String?] = cursors.map { _ in nil }
        var seen: Set<[String?]> = []
        for _ in 0..<Self.pagesMax {
            var request = S3Client.Request(answerBytesMax: Self.pageBytesMax)
            request.query = query.map { $0.name == "prefix" ? ($0.name, client.address.prefix + $0.value) : $0 }
            for (cursor, place) in zip(cursors, places) { if let place { request.query.append((cursor, place)) } }
            let answer = try await client.send(request)
            guard answer.status == 200 else { throw refusal(answer, nil) }
            guard answer.body.firstRange(of: Array("<\(root)".utf8)) != nil,
                answer.body.firstRange(of: Array("</\(root)>".utf8)) != nil
            else { throw .strangeAnswer(client.address, "no listing") }
            take(answer.body)
            guard S3Text.first("IsTruncated", in: answer.body) == "true" else { return }
            places = cursors.map { cursor in
                S3Text.first("Next" + cursor.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(), in: answer.body)
            }
            guard places[0] != nil, seen.insert(places).inserted else { break }
        }
        throw .strangeAnswer(client.address, "a listing without an end")
    }

    /// nil for what is no object of a vault and lies there for other reasons.
    func name(in item: ArraySlice<UInt8>, below prefix: String) -> ObjectName? {
        let own = client.address.prefix
        guard let key = S3Text.first("Key", in: item), key.hasPrefix(own + prefix) else { return nil }
        return ObjectName(String(key.dropFirst(own.count)))
    }

    static func size(in item: ArraySlice<UInt8>) -> Int? {
        S3Text.first("Size", in: item).flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    package func remove(_ name: ObjectName) async throws(Trouble) {
        let answer = try await client.send(S3Client.Request(method: .DELETE, name: name))
        guard (200..<300).contains(answer.status) || answer.status == 404 else { throw refusal(answer, name) }
        if try await keepsVersions() { await removeVersions(of: name) }
    }

    func refusal(_ answer: S3Client.Answer, _ name: ObjectName?) -> Trouble {
        let code = S3Text.first("Code", in: answer.body)
        if answer.status == 404, code != "NoSuchBucket", let name { return .missingObject(name, at: label) }
        if answer.status == 507 || code == "QuotaExceeded" || code == "InsufficientStorage", let name {
            return .fullSite(name, at: label)
        }
        return .refusedByCloud(client.address, answer, name)
    }
}
