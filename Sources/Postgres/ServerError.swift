// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a server answers instead of doing what it was asked.
package struct Refusal: Hashable, Sendable {
    /// Five characters, as listed in PostgreSQL's appendix "Error Codes".
    package let sqlState: String
    package let message: String
    package let detail: String
    package let hint: String
}

/// Why speaking to a server failed. It stays within the rooms that know of servers; at their edge
/// it becomes `trouble`.
package enum ServerError: Error, Sendable {
    /// libpq is not on this machine.
    case noLibrary(reason: String)
    /// The text that says where the server is cannot be used.
    case badAddress(Words)
    /// There is no connection; `server` is what may be shown of the address.
    case unreachable(server: String, reason: String)
    case refused(Refusal)
    /// The connection broke, or the server fell silent.
    case lost(reason: String)
    /// The time that the caller gave is over.
    case late
    /// The caller's `Wake` was raised.
    case interrupted
    case tooOld(ServerVersion)
    /// The server sent what the protocol does not have.
    case malformed(Malformed)
    /// What came in could not be kept.
    case sink(Trouble)
}

extension ServerError {
    /// Whether the same may succeed later, with a new connection, without anybody's doing.
    package var isWorthRetrying: Bool {
        switch self {
        case .unreachable, .lost, .late: true
        case .refused(let refusal):
            // Resources, operator intervention, connection, in use, system errors.
            ["53", "57", "08", "55", "58"].contains(refusal.sqlState.prefix(2))
                // Except that the segment asked for is gone: it does not come back.
                && refusal.sqlState != "58P01"
        default: false
        }
    }

    package var trouble: Trouble {
        switch self {
        case .noLibrary(let reason):
            Trouble(
                .missing,
                Words(
                    "PostgreSQL's client library libpq.so.5 cannot be used: \(reason).",
                    de: "PostgreSQLs Bibliothek libpq.so.5 ist nicht nutzbar: \(reason)."),
                advice: Words(
                    "Install it: apt-get install libpq5.",
                    de: "Installieren Sie sie: apt-get install libpq5."))
        case .badAddress(let words): Trouble(.wrongUse, words)
        case .unreachable(let server, let reason) where Refusal.isOfRole(reason):
            Trouble(
                .denied,
                Words(
                    "The role may not replicate at the PostgreSQL server \(server): \(reason).",
                    de: "Die Rolle darf am PostgreSQL-Server \(server) nicht replizieren: \(reason)."),
                advice: Refusal.roleAdvice)
        case .unreachable(let server, let reason):
            Trouble(
                .system,
                Words(
                    "The PostgreSQL server \(server) cannot be reached: \(reason).",
                    de: "Der PostgreSQL-Server \(server) ist nicht erreichbar: \(reason)."),
                advice: Words(
                    "Try the same with psql. A password belongs into ~/.pgpass.",
                    de: "Versuchen Sie dasselbe mit psql. Ein Passwort gehört in ~/.pgpass."))
        case .refused(let refusal): refusal.trouble
        case .lost(let reason):
            Trouble(
                .system,
                Words(
                    "The connection to the PostgreSQL server broke: \(reason).",
                    de: "Die Verbindung zum PostgreSQL-Server brach ab: \(reason)."))
        case .late, .interrupted: ended
        case .tooOld(let version):
            Trouble(
                .wrongUse,
                Words(
                    "The server is PostgreSQL \(version); 13 is the oldest that can be captured.",
                    de: "Der Server ist PostgreSQL \(version); erfasst wird ab Version 13."),
                advice: Words(
                    "Upgrade it, or capture the output of pg_dumpall as a command.",
                    de: "Aktualisieren Sie ihn, oder erfassen Sie die Ausgabe von pg_dumpall."))
        case .malformed(let malformed):
            Trouble(
                .damaged,
                Words(
                    "The PostgreSQL server sent something incomprehensible: \(malformed).",
                    de: "Der PostgreSQL-Server sendete Unverständliches: \(malformed)."),
                cause: malformed)
        case .sink(let trouble): trouble
        }
    }

    private var ended: Trouble {
        if case .interrupted = self {
            return Trouble(
                .system,
                Words(
                    "Speaking to the PostgreSQL server was stopped.",
                    de: "Das Gespräch mit dem PostgreSQL-Server wurde beendet."))
        }
        return Trouble(
            .busy,
            Words(
                "The PostgreSQL server did not answer in time.",
                de: "Der PostgreSQL-Server antwortete nicht rechtzeitig."))
    }

    static func malformed(_ what: String, at offset: Int = 0) -> ServerError {
        .malformed(Malformed(what, at: offset))
    }
}

extension Refusal {
    package var trouble: Trouble {
        let text = detail.isEmpty ? message : "\(message) (\(detail))"
        let isOfRole = sqlState == "42501" && Self.isOfRole("\(message) \(detail)")
        let advice = isOfRole ? Self.roleAdvice : hint.isEmpty ? nil : Words(hint, de: hint)
        return Trouble(
            kind,
            Words(
                "The PostgreSQL server refuses: \(text) [\(sqlState)].",
                de: "Der PostgreSQL-Server lehnt ab: \(text) [\(sqlState)]."),
            advice: advice)
    }

    /// Whether a server says, in English, that its role may not replicate: 13 to 15, and since.
    static func isOfRole(_ reason: String) -> Bool {
        ["replication role", "replication attribute", "wal sender"].contains(where: reason.lowercased().contains)
    }

    static let roleAdvice = Words(
        "Make a role that may, at the server: psql -f /usr/share/doc/zwilling/postgres-role.sql postgres (in the sources tools/postgres-role.sql).",
        de: "Am Server eine Rolle anlegen, die es darf: psql -f /usr/share/doc/zwilling/postgres-role.sql postgres (in den Quellen tools/postgres-role.sql).")

    private var kind: Trouble.Kind {
        switch sqlState {
        case "53100": .full
        case "42501", "28000", "28P01": .denied
        case "58P01", "42704", "3D000": .missing
        case "42710": .exists
        case "55006", "53300", "53400": .busy
        case "XX001", "XX002": .damaged
        default: .system
        }
    }
}

/// The version of a server, as it states it: 150004 for 15.4.
package struct ServerVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int

    package init(number: Int) { self.number = number }

    package var major: Int { number / 10_000 }
    package var description: String { "\(major).\(number % 10_000)" }

    package static func < (one: ServerVersion, other: ServerVersion) -> Bool {
        one.number < other.number
    }

    static let oldest = 13
    static let newestTried = 17

    /// What is to be said about a version that is newer than this program knows.
    package var warning: Words? {
        guard major > Self.newestTried else { return nil }
        return Words(
            "PostgreSQL \(self) is newer than what was tested (\(Self.newestTried)).",
            de: "PostgreSQL \(self) ist neuer als das, was geprüft wurde (\(Self.newestTried)).")
    }

    func checked() throws(ServerError) -> ServerVersion {
        guard major >= Self.oldest else { throw .tooOld(self) }
        return self
    }
}
