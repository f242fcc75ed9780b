// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// A directory on a host that OpenSSH reaches: `sftp://[USER@]HOST[:PORT]/PATH`. Keys, agent, known
/// hosts and everything else are OpenSSH's own matter (ssh_config(5)).
package struct SFTPAddress: Hashable, Sendable {
    package let text: String
    let user: String?
    let host: String
    let port: Int?
    /// Absolute, without a slash at its end.
    let path: String

    private static let scheme = "sftp://"

    package static func isOne(_ text: String) -> Bool { text.hasPrefix(scheme) }

    /// - Throws: `.wrongUse`, naming what is wrong with it.
    package init(_ text: String) throws(Trouble) {
        let rest = text.dropFirst(Self.scheme.count)
        guard Self.isOne(text), let slash = rest.firstIndex(of: "/") else {
            throw .noHost(text, Words("it is no sftp://HOST/PATH", de: "sie ist kein sftp://RECHNER/PFAD"))
        }
        var authority = rest[..<slash]
        if let mark = authority.lastIndex(of: "@") {
            let name = authority[..<mark]
            guard Self.isPlain(name) else {
                throw .noHost(text, Words("its user cannot be one, and a password has no place in it", de: "der Benutzer darin kann keiner sein, und ein Passwort hat darin keinen Platz"))
            }
            user = String(name)
            authority = authority[authority.index(after: mark)...]
        } else {
            user = nil
        }
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                throw .noHost(text, Words("its port cannot be one", de: "der Port darin kann keiner sein"))
            }
            port = number
            authority = authority[..<colon]
        } else {
            port = nil
        }
        let isLiteral = authority.hasPrefix("[") && authority.hasSuffix("]")
        let name = isLiteral ? authority.dropFirst().dropLast() : authority
        guard Self.isPlain(name) || (isLiteral && name.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }) else {
            throw .noHost(text, Words("its host cannot be one", de: "der Rechner darin kann keiner sein"))
        }
        host = String(name)
        let below = rest[slash...]
        let steps = below.split(separator: "/")
        guard !steps.isEmpty, !steps.contains(".."), printable(Array(below.utf8)) == below else {
            throw .noHost(text, Words("behind the host comes the absolute path of a directory", de: "hinter dem Rechner kommt der absolute Pfad eines Verzeichnisses"))
        }
        path = "/" + steps.joined(separator: "/")
        self.text = text
    }

    /// What no program takes for an option, and no shell for more than a word.
    private static func isPlain(_ text: Substring) -> Bool {
        guard let first = text.first, first != "-" else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// How OpenSSH is asked for the conversation. It never asks anybody for anything, and ends when
    /// the host has been silent for three quarters of a minute.
    var command: [String] {
        ["-oBatchMode=yes", "-oConnectTimeout=20", "-oServerAliveInterval=15", "-oServerAliveCountMax=3", "-oClearAllForwardings=yes"]
            + (port.map { ["-p", "\($0)"] } ?? []) + (user.map { ["-l", $0] } ?? []) + ["-s", host, "sftp"]
    }
}

extension Trouble {
    fileprivate static func noHost(_ text: String, _ why: Words) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "\"\(printable(Array(text.utf8)))\" is no address of a host: \(why.english).",
                de: "„\(printable(Array(text.utf8)))“ ist keine Adresse eines Rechners: \(why.german)."),
            advice: Words(
                "For example sftp://backup@host.example/srv/vault.", de: "Zum Beispiel sftp://sicherung@rechner.example/srv/tresor."))
    }
}
