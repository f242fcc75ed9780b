// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// Where a bucket lies: `s3://HOST[:PORT]/BUCKET[/PREFIX][?region=REGION]`, always over TLS. Only a
/// server on this machine itself is spoken to without, as `s3+http://127.0.0.1:PORT/…`.
package struct S3Address: Hashable, Sendable {
    package let text: String
    let isSecure: Bool
    /// With the port, where one is named.
    let authority: String
    package let bucket: String
    /// Before every name: empty, or with a slash at its end.
    package let prefix: String
    package let region: String

    private static let secure = "s3://"
    private static let plain = "s3+http://"

    package static func isOne(_ text: String) -> Bool { text.hasPrefix(secure) || text.hasPrefix(plain) }

    /// - Throws: `.wrongUse`, naming what is wrong with it.
    package init(_ text: String) throws(Trouble) {
        isSecure = text.hasPrefix(Self.secure)
        guard Self.isOne(text) else {
            throw .noAddress(text, Words("it does not begin with s3://", de: "sie beginnt nicht mit s3://"))
        }
        let rest = text.dropFirst((isSecure ? Self.secure : Self.plain).count)
        let halves = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let steps = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        authority = String(steps[0])
        let (host, port) = Self.parted(authority)
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfHost), port.map({ (1...65535).contains($0) }) ?? true else {
            throw .noAddress(text, Words("its host cannot be one", de: "der Rechner darin kann keiner sein"))
        }
        guard isSecure || ["127.0.0.1", "localhost", "[::1]"].contains(host) else { throw .openLine(text) }
        guard steps.count > 1, Self.isBucket(steps[1]) else {
            throw .noAddress(
                text,
                Words(
                    "behind the host comes the bucket: 3 to 63 of a-z, 0-9, - and .",
                    de: "hinter dem Rechner kommt der Bucket: 3 bis 63 von a-z, 0-9, - und ."))
        }
        bucket = String(steps[1])
        let below = steps.dropFirst(2).joined(separator: "/")
        let name = below.hasSuffix("/") ? String(below.dropLast()) : below
        guard name.isEmpty || ObjectName(name) != nil else {
            throw .noAddress(
                text,
                Words(
                    "\"\(printable(Array(name.utf8)))\" has other characters than a-z, A-Z, 0-9, - _ . and /",
                    de: "„\(printable(Array(name.utf8)))“ enthält anderes als a-z, A-Z, 0-9, - _ . und /"))
        }
        prefix = name.isEmpty ? "" : name + "/"
        region = try Self.region(halves.dropFirst().first, host, text)
        self.text = text
    }

    private static func region(
        _ query: Substring?, _ host: String, _ text: String
    ) throws(Trouble) -> String {
        guard let query else {
            // Such as s3.eu-central-1.amazonaws.com; elsewhere the name means nothing.
            let steps = host.split(separator: ".")
            let isAmazon = host.contains(".amazonaws.") && steps.count >= 4 && steps[0] == "s3"
            return isAmazon ? String(steps[1]) : "us-east-1"
        }
        let name = query.dropFirst("region=".count)
        guard query.hasPrefix("region="), !name.isEmpty,
            name.utf8.allSatisfy({ isOfHost($0) && $0 != UInt8(ascii: ".") })
        else {
            throw .noAddress(
                text, Words("behind \"?\" only region=NAME is known", de: "hinter „?“ ist nur region=NAME bekannt"))
        }
        return String(name)
    }

    /// The bucket as one name, for a file that keeps something of it.
    package var bucketName: String { "\(authority)_\(bucket)" }

    /// A port of nil where none is named; of 0 where it is none.
    private static func parted(_ authority: String) -> (host: String, port: Int?) {
        let end = authority.lastIndex(of: "]") ?? authority.startIndex
        guard let colon = authority[end...].lastIndex(of: ":") else { return (authority, nil) }
        return (String(authority[..<colon]), Int(authority[authority.index(after: colon)...]) ?? 0)
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func isBucket(_ name: Substring) -> Bool {
        (3...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Of an object, or of the bucket itself: the bucket stands in the path, so that its name need
    /// not be one that a certificate covers.
    func path(_ name: ObjectName?) -> String { "/" + bucket + (name.map { "/\(prefix)\($0.text)" } ?? "") }

    func url(_ path: String, _ query: String) -> String {
        "\(isSecure ? "https" : "http")://\(authority)\(path)" + (query.isEmpty ? "" : "?\(query)")
    }
}

extension Trouble {
    fileprivate static func noAddress(_ text: String, _ reason: Words) -> Trouble {
        // Somebody may have written a password before an @.
        let shown = printable(Array((text.lastIndex(of: "@").map { "…" + text[$0...] } ?? text).utf8))
        return Trouble(
            .wrongUse,
            Words(
                "\"\(shown)\" is no address of a bucket: \(reason.english).",
                de: "„\(shown)“ ist keine Adresse eines Buckets: \(reason.german)."),
            advice: Words(
                "Write it as s3://s3.example.eu/bucket/prefix, with ?region=NAME at the end where the cloud asks for one.",
                de: "Schreibweise: s3://s3.example.eu/bucket/präfix, mit ?region=NAME am Ende, wo die Cloud eine verlangt."))
    }

    fileprivate static func openLine(_ text: String) -> Trouble {
        let shown = printable(Array(text.utf8))
        return Trouble(
            .wrongUse,
            Words(
                "\"\(shown)\" would be spoken to without TLS over a network.",
                de: "Mit „\(shown)“ würde ohne TLS über ein Netz gesprochen."),
            advice: Words(
                "Write s3:// and give the server a certificate; --ca-file takes one of your own authority.",
                de: "s3:// schreiben und dem Server ein Zertifikat geben; --ca-file nimmt eins der eigenen Stelle."))
    }
}
