// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground

/// By which a cloud knows who asks. Never shown: a description names only the public half.
package struct S3Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    let keyId: String
    let secret: String
    /// Of credentials that are valid for a while only.
    let sessionToken: String?

    package init(keyId: String, secret: String, sessionToken: String? = nil) {
        (self.keyId, self.secret, self.sessionToken) = (keyId, secret, sessionToken)
    }

    package var description: String { "credentials of \(keyId)" }
    package var debugDescription: String { description }
}

/// A request's signature by AWS Signature Version 4 for S3, all in the header ("Authenticating
/// Requests: Using the Authorization Header", Amazon S3 API Reference).
package struct S3Signature {
    /// In the order of sending; names in any case.
    package private(set) var headers: [(name: String, value: String)]

    private static let algorithm = "AWS4-HMAC-SHA256"

    /// - Parameters:
    ///   - path: absolute, of characters that need no encoding.
    ///   - query: not encoded yet.
    ///   - headers: what else is sent and must not be changed on the way.
    package init(
        method: String, authority: String, path: String, query: [(name: String, value: String)],
        headers more: [(name: String, value: String)], bodyHash: SHA256.Digest, region: String,
        at moment: Moment, with credentials: S3Credentials
    ) {
        let time = Self.time(moment)
        let day = time.prefix(8)
        let hash = Self.hex(bodyHash)
        headers = more + [("host", authority), ("x-amz-content-sha256", hash), ("x-amz-date", time)]
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let signed = headers.map { (name: $0.name.lowercased(), value: $0.value) }.sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            method, path, Self.encoded(query),
            signed.map { "\($0.name):\($0.value)\n" }.joined(), names, hash,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/s3/aws4_request"
        let toSign = [Self.algorithm, time, scope, Self.hex(SHA256.hash(data: Array(canonical.utf8)))].joined(separator: "\n")
        var key = SymmetricKey(data: Array("AWS4\(credentials.secret)".utf8))
        for step in [String(day), region, "s3", "aws4_request"] {
            key = SymmetricKey(data: Self.code(step, key))
        }
        let signature = Self.hex(Self.code(toSign, key))
        headers.append((
            "authorization",
            "\(Self.algorithm) Credential=\(credentials.keyId)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
        ))
    }

    private static func code(_ text: String, _ key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String { Array(bytes).hex }

    /// Sorted by name, with all but letters, digits and `-_.~` percent-encoded.
    static func encoded(_ query: [(name: String, value: String)]) -> String {
        query.map { (encoded($0.name), encoded($0.value)) }.sorted { $0 < $1 }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + [byte].hex.uppercased()
            }
        }
        return result
    }

    /// Such as 20130524T000000Z.
    static func time(_ moment: Moment) -> String {
        Date(timeIntervalSince1970: Double(moment.seconds)).formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
    }
}
