// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOHTTP1

/// A site in a bucket of a cloud that speaks S3 (Amazon S3 API Reference, 2006-03-01): every object of
/// the vault is an object there.
///
/// A put that only one can win is `If-None-Match: *`. A cloud that does not know it is found out by
/// `S3Probe`; here it would let two writers take one place.
package final class S3Site: Site {
    package var label: String { client.address.text }
    private let client: S3Client

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
        var request = S3Client.Request(method: .PUT, name: name, body: bytes)
        if existing == .refuse { request.headers = [("if-none-match", "*")] }
        let answer = try await client.send(request)
        switch answer.status {
        case 200..<300: return
        case 412 where existing == .refuse:
            // The first attempt may have come through, and only its answer was lost.
            guard answer.repeats > 0, try await holds(name, bytes) else { throw .existingObject(name, at: label) }
        case 501 where existing == .refuse: throw .withoutCondition(name, at: label)
        default: throw refusal(answer, name)
        }
    }

    private func holds(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) -> Bool {
        do throws(Trouble) { return try await get(name, in: nil)[...] == bytes } catch {
            // Whoever may only put cannot know.
            guard error.kind == .denied else { throw error }
            return false
        }
    }

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        var request = S3Client.Request(name: name, answerBytesMax: SiteLimits.objectBytesMax)
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
        default: throw refusal(answer, name)
        }
    }

    /// Such as `bytes 0-9/443`.
    private static func isWanted(_ headers: HTTPHeaders, _ range: Range<Int>) -> Bool {
        headers.first(name: "content-range")?.hasPrefix("bytes \(range.lowerBound)-") ?? false
    }

    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        var entries: [ObjectEntry] = []
        var token: String?
        var tokens: Set<String> = []
        for _ in 0..<Self.pagesMax {
            var request = S3Client.Request(answerBytesMax: Self.pageBytesMax)
            request.query = [("list-type", "2"), ("prefix", client.address.prefix + prefix)]
            if let token { request.query.append(("continuation-token", token)) }
            let answer = try await client.send(request)
            guard answer.status == 200 else { throw refusal(answer, nil) }
            entries += try page(answer.body, prefix)
            guard S3Text.first("IsTruncated", in: answer.body) == "true" else {
                return entries.sorted { $0.name < $1.name }
            }
            let next = S3Text.first("NextContinuationToken", in: answer.body)
            guard let next, tokens.insert(next).inserted else { break }
            token = next
        }
        throw .strangeAnswer(client.address, "a listing without an end")
    }

    private func page(_ body: [UInt8], _ prefix: String) throws(Trouble) -> [ObjectEntry] {
        guard body.firstRange(of: Array("<ListBucketResult".utf8)) != nil,
            body.firstRange(of: Array("</ListBucketResult>".utf8)) != nil
        else { throw .strangeAnswer(client.address, "no listing") }
        var entries: [ObjectEntry] = []
        let own = client.address.prefix
        S3Text.each("Contents", in: body[...]) { item in
            // What is no object of a vault lies there for other reasons.
            if let key = S3Text.first("Key", in: item), key.hasPrefix(own + prefix),
                let name = ObjectName(String(key.dropFirst(own.count))),
                let size = S3Text.first("Size", in: item).flatMap({ Int($0) }), size >= 0
            {
                entries.append(ObjectEntry(name: name, size: size))
            }
            return true
        }
        return entries
    }

    package func remove(_ name: ObjectName) async throws(Trouble) {
        let answer = try await client.send(S3Client.Request(method: .DELETE, name: name))
        guard (200..<300).contains(answer.status) || answer.status == 404 else { throw refusal(answer, name) }
    }

    private func refusal(_ answer: S3Client.Answer, _ name: ObjectName?) -> Trouble {
        let code = S3Text.first("Code", in: answer.body)
        if answer.status == 404, code != "NoSuchBucket", let name { return .missingObject(name, at: label) }
        if answer.status == 507 || code == "QuotaExceeded" || code == "InsufficientStorage", let name {
            return .fullSite(name, at: label)
        }
        return .refusedByCloud(client.address, answer, name)
    }
}
