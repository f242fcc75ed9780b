// SPDX-License-Identifier: EUPL-1.2
import Files
import FoundationEssentials
import Ground
import Sites

/// How this machine gets into a bucket: kept beside its keys, readable by nobody else.
struct SiteAccess: Codable {
    private let keyId: String
    private let secret: String
    private let sessionToken: String?
    /// Certificates (PEM) that are trusted beside the system's.
    private let authority: String?

    private static let bytesMax = 1 << 20

    /// What was given with `sites login`, else what other programs use: `~/.aws/credentials`.
    init(to address: S3Address, in states: StateDirectory) throws(Trouble) {
        let file = Self.file(address, states)
        if let bytes = try Self.kept(file) {
            do { self = try JSONDecoder().decode(SiteAccess.self, from: Data(bytes)) } catch {
                throw Trouble(
                    .damaged,
                    Words("\"\(printable(file))\" is damaged.", de: "„\(printable(file))“ ist beschädigt."),
                    advice: Self.logIn(address))
            }
            return
        }
        guard let home = Terminal.environment("HOME") else { throw Self.none(address) }
        let shared = Terminal.bytes(of: home + "/.aws/credentials")
        guard Machine.exists(shared) else { throw Self.none(address) }
        try self.init(from: shared, authority: nil)
    }

    private static func kept(_ file: [UInt8]) throws(Trouble) -> [UInt8]? {
        do throws(SystemError) { return try Machine.readWhole(file, upTo: bytesMax) } catch {
            if error.kind == .missing { return nil }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    /// - Parameter file: as `aws configure` writes it.
    init(from file: [UInt8], authority: [UInt8]?) throws(Trouble) {
        let text: String
        do throws(SystemError) {
            text = String(decoding: try Machine.readWhole(file, upTo: Self.bytesMax), as: UTF8.self)
        } catch { throw error.trouble(Words("Cannot read the credentials", de: "Zugangsdaten nicht lesbar:")) }
        let values = Self.values(of: text)
        guard let keyId = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else {
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(printable(file))\" holds no credentials.", de: "„\(printable(file))“ enthält keine Zugangsdaten."),
                advice: Words(
                    "It has two lines: aws_access_key_id = … and aws_secret_access_key = …",
                    de: "Es braucht zwei Zeilen: aws_access_key_id = … und aws_secret_access_key = …"))
        }
        (self.keyId, self.secret, sessionToken) = (keyId, secret, values["aws_session_token"])
        self.authority = authority.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Of the section [default], or of none.
    private static func values(of text: String) -> [String: String] {
        var values: [String: String] = [:]
        var section = "default"
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("[") { section = trimmed(line.dropFirst().prefix { $0 != "]" }) }
            guard section == "default", let mark = line.firstIndex(of: "=") else { continue }
            let value = trimmed(line[line.index(after: mark)...])
            if !value.isEmpty { values[trimmed(line[..<mark])] = value }
        }
        return values
    }

    private static func trimmed(_ text: Substring) -> String {
        let rest = text.drop { $0.isWhitespace }
        return String(rest.prefix(upTo: rest.lastIndex { !$0.isWhitespace }.map { rest.index(after: $0) } ?? rest.startIndex))
    }

    init(keyId: String, secret: String, authority: [UInt8]?) {
        (self.keyId, self.secret, sessionToken) = (keyId, secret, nil)
        self.authority = authority.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func file(_ address: S3Address, _ states: StateDirectory) -> [UInt8] {
        states.path + Array("/sites/\(address.bucketName).json".utf8)
    }

    func keep(for address: S3Address, in states: StateDirectory) throws(Trouble) {
        do {
            try Machine.makeDirectories(states.path + Array("/sites".utf8))
            try Machine.writeDurably(Self.file(address, states), Array(try JSONEncoder().encode(self)))
        } catch let error as SystemError {
            throw error.trouble(Words("Cannot keep the credentials", de: "Zugangsdaten lassen sich nicht ablegen:"))
        } catch { throw Trouble(.system, Words("Cannot keep the credentials.", de: "Zugangsdaten lassen sich nicht ablegen."), cause: error) }
    }

    func site(at address: S3Address) throws(Trouble) -> S3Site {
        try S3Site(
            address, with: S3Credentials(keyId: keyId, secret: secret, sessionToken: sessionToken),
            authority: authority.map { Array($0.utf8) })
    }

    private static func none(_ address: S3Address) -> Trouble {
        Trouble(
            .missing,
            Words(
                "This machine has no credentials for \"\(address.text)\".",
                de: "Dieser Rechner hat keine Zugangsdaten für „\(address.text)“."),
            advice: logIn(address))
    }

    private static func logIn(_ address: S3Address) -> Words {
        Words(
            "Give them with \"zwilling sites login \(address.text)\".",
            de: "Sie mit „zwilling sites login \(address.text)“ angeben.")
    }
}
