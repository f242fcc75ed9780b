// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// A large object goes in parts, so that a line that breaks off costs one of them ("Uploading and copying
/// objects using multipart upload", Amazon S3 User Guide).
extension S3Site {
    /// The largest pack goes in one request: each costs money.
    static let onePutBytesMax = 64 << 20
    private static let partBytes = 16 << 20
    private static let width = 4

    /// - Parameter condition: of the whole; it decides when the last part is there.
    func putInParts(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, _ condition: [(name: String, value: String)], partBytes: Int = partBytes
    ) async throws(Trouble) -> S3Client.Answer {
        let begun = try await client.send(S3Client.Request(method: .POST, name: name, query: [("uploads", "")], headers: [("x-amz-checksum-algorithm", "SHA256")]))
        guard (200..<300).contains(begun.status) else { return begun }
        guard let upload = S3Text.first("UploadId", in: begun.body) else { throw .strangeAnswer(client.address, "an upload without a name") }
        do throws(Trouble) {
            let parts = await gathered(Array(stride(from: bytes.startIndex, to: bytes.endIndex, by: partBytes).enumerated()), width: Self.width) {
                [client] number, start in
                do throws(Trouble) {
                    let part = bytes[start..<min(start + partBytes, bytes.endIndex)]
                    let answer = try await client.send(
                        S3Client.Request(method: .PUT, name: name, query: [("partNumber", "\(number + 1)"), ("uploadId", upload)], body: part))
                    guard answer.status == 200, let tag = answer.headers.first(name: "etag") else { return Result<(tag: String, sum: String), Trouble>.failure(self.refusal(answer, name)) }
                    return .success((tag, Data(SHA256.hash(data: part)).base64EncodedString()))
                } catch { return .failure(error) }
            }
            var list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            for (number, part) in parts.enumerated() {
                let (tag, sum) = try part.get()
                list += "<Part><PartNumber>\(number + 1)</PartNumber><ETag>\(S3Text.escaped(tag))</ETag><ChecksumSHA256>\(sum)</ChecksumSHA256></Part>"
            }
            let done = try await client.send(
                S3Client.Request(
                    method: .POST, name: name, query: [("uploadId", upload)], headers: condition,
                    body: Array((list + "</CompleteMultipartUpload>").utf8)[...]))
            // It may begin to answer before it knows.
            let code = S3Text.first("Code", in: done.body)
            let isDone = (200..<300).contains(done.status) && done.body.firstRange(of: Array("<CompleteMultipartUploadResult".utf8)) != nil
            if isDone, code == nil { return done }
            // The first attempt may have come through.
            if done.status == 404, done.repeats > 0, try await holds(name, bytes) { return begun }
            await abandon(name, upload)
            if code == "PreconditionFailed" { return S3Client.Answer(status: 412, headers: done.headers, body: done.body, repeats: done.repeats) }
            guard !(200..<300).contains(done.status) else { throw .refusedByCloud(client.address, done, name) }
            return done
        } catch {
            await abandon(name, upload)
            throw error
        }
    }

    /// What is left of it would cost money for ever.
    private func abandon(_ name: ObjectName, _ upload: String) async {
        do throws(Trouble) {
            _ = try await client.send(S3Client.Request(method: .DELETE, name: name, query: [("uploadId", upload)]))
        } catch {}  // A rule of the bucket ends it.
    }

    /// Whether an object that was put in parts comes back as it was.
    func canPutInParts(_ name: ObjectName, _ world: World) async throws(Trouble) -> Bool {
        // The smallest part that is not the last (Amazon S3 User Guide, "multipart upload limits").
        let part = 5 << 20
        let bytes = world.random(part + 1000)
        let answer = try await putInParts(name, bytes[...], [], partBytes: part)
        guard (200..<300).contains(answer.status) else { throw refusal(answer, name) }
        return try await get(name, in: nil) == bytes
    }
}
