// SPDX-License-Identifier: EUPL-1.2
import CPostgres
import Ground

/// Where a server is and who asks, as libpq's connection string or URI has it. Holds no password:
/// that is libpq's to find, in ~/.pgpass, PGPASSFILE, a service file or a certificate.
package struct ServerAddress: Hashable, Sendable {
    let options: [String: String]

    /// Never asks the server. What is wrong with the text is said without quoting it.
    package init(_ text: String) throws(ServerError) {
        try Self.loadLibrary()
        var options: [String: String] = [:]
        var hasSecret = false
        guard !text.utf8.contains(0) else { throw Self.unreadable("NUL") }
        var failure: UnsafeMutablePointer<CChar>?
        // Safe because libpq copies the text, the list ends with a NULL keyword, and both the list
        // and the message are given back after their strings were copied.
        guard let list = unsafe cpostgres_PQconninfoParse(text, &failure) else {
            let reason = unsafe failure.map { unsafe String(cString: $0) } ?? "no memory"
            unsafe cpostgres_PQfreemem(failure)
            throw Self.unreadable(Self.unquoted(reason))
        }
        defer { unsafe cpostgres_PQconninfoFree(list) }
        var at = unsafe list
        while let keyword = unsafe at.pointee.keyword.map({ unsafe String(cString: $0) }) {
            if let value = unsafe at.pointee.val.map({ unsafe String(cString: $0) }) {
                let isHidden = unsafe at.pointee.dispchar.map { unsafe $0.pointee == 42 } ?? false
                if isHidden || keyword.contains("password") { hasSecret = true }
                options[keyword] = value
            }
            unsafe at += 1
        }
        guard !hasSecret else {
            throw .badAddress(
                Words(
                    "A connection must not hold a password; put it into ~/.pgpass.",
                    de: "Eine Verbindung darf kein Passwort enthalten; es gehört in ~/.pgpass."))
        }
        self.options = options
    }

    /// What may be shown to people.
    package var shown: String {
        let parts = ["service", "host", "hostaddr", "port", "dbname", "user"].compactMap { key in
            options[key].map { "\(key)=\($0)" }
        }
        return parts.isEmpty ? "(local)" : "\"\(parts.joined(separator: " "))\""
    }

    /// libpq quotes what it does not understand, which may be a piece of a password.
    private static func unquoted(_ reason: String) -> String {
        reason.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset.isMultiple(of: 2) || $0.element == "=" ? String($0.element) : "…" }
            .joined(separator: "\"").trimmed
    }

    private static func unreadable(_ reason: String) -> ServerError {
        .badAddress(
            Words(
                "The connection text cannot be read: \(reason).",
                de: "Der Verbindungstext ist nicht lesbar: \(reason)."))
    }

    static func loadLibrary() throws(ServerError) {
        // Safe because the text stays for as long as the process.
        if let reason = unsafe cpostgres_load() {
            throw unsafe .noLibrary(reason: String(cString: reason))
        }
    }
}

extension String {
    /// One line without blanks and full stops around it.
    var trimmed: String {
        let lines = split(whereSeparator: \.isNewline).map { line in
            let start = line.drop(while: \.isWhitespace)
            guard let last = start.lastIndex(where: { !$0.isWhitespace && $0 != "." }) else {
                return ""
            }
            return String(start[...last])
        }
        return lines.joined(separator: "; ")
    }
}
