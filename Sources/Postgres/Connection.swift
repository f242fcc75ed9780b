// SPDX-License-Identifier: EUPL-1.2
import CPostgres
import Ground

/// A conversation with one server, for one thread at a time; it blocks that thread, never longer
/// than the caller's patience. It ends when its owner lets go of it.
///
/// After any error but `refused`, and `interrupted` or `late` where a function says so, it is of no
/// further use.
///
/// Safe because it alone owns what libpq made, which no caller sees, and ends it with itself.
@safe package final class Connection {
    package enum Purpose: Sendable {
        /// To ask questions in SQL; nil is the database of the address, else `postgres`.
        case questions(database: String?)
        /// To speak the replication protocol.
        case replication
    }

    package let address: ServerAddress
    package let version: ServerVersion
    let raw: OpaquePointer

    /// Opens it, and refuses a server that is too old.
    package init(
        to address: ServerAddress, for purpose: Purpose, _ patience: Patience = .seconds(15)
    ) throws(ServerError) {
        try ServerAddress.loadLibrary()
        self.address = address
        let options = Self.options(address, purpose)
        // Safe because libpq copies the strings, and the one that owns the result ends it.
        let made = unsafe withCStrings(options.map(\.0)) { keywords in
            unsafe withCStrings(options.map(\.1)) { values in
                unsafe cpostgres_PQconnectStartParams(keywords, values, 0)
            }
        }
        guard let made = unsafe made else {
            throw .unreachable(server: address.shown, reason: "no memory")
        }
        do throws(ServerError) {
            unsafe try Self.settle(made, address, patience)
            version = try ServerVersion(number: Int(unsafe cpostgres_PQserverVersion(made)))
                .checked()
        } catch {
            unsafe cpostgres_PQfinish(made)
            throw error
        }
        unsafe raw = made
    }

    deinit { unsafe cpostgres_PQfinish(raw) }

    /// A server that hangs is noticed within seconds, unless the address has its own ideas.
    private static let defaults = [
        "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5",
        "keepalives_count": "3", "tcp_user_timeout": "20000",
    ]

    private static func options(_ address: ServerAddress, _ purpose: Purpose)
        -> [(String, String)]
    {
        var options = defaults.merging(address.options) { $1 }
        options["application_name"] = "zwilling"
        options["client_encoding"] = "UTF8"
        switch purpose {
        case .replication:
            // The name under which ~/.pgpass has such connections, as PostgreSQL's own tools do.
            options["dbname"] = "replication"
            options["replication"] = "true"
        case .questions(let database):
            options["replication"] = nil
            let usual = options["service"] == nil ? "postgres" : nil
            options["dbname"] = database ?? options["dbname"] ?? usual
        }
        return options.sorted { $0.key < $1.key }
    }

    /// Safe because `made` belongs to the caller until this returns.
    private static func settle(
        _ made: OpaquePointer, _ address: ServerAddress, _ patience: Patience
    ) throws(ServerError) {
        func failed() -> ServerError {
            .unreachable(server: address.shown, reason: unsafe scrubbed(made))
        }
        unsafe cpostgres_PQsetNoticeProcessor(made, { _, _ in }, nil)
        guard unsafe cpostgres_PQstatus(made) != cpostgres_connection_bad else {
            throw failed()
        }
        // The address may ask for less patience than the caller has; libpq leaves it to us here.
        let limit = address.options["connect_timeout"].flatMap { Int($0) } ?? 0
        let own = limit > 0 ? Patience.seconds(limit, or: patience.wake) : patience
        var state = cpostgres_polling_writing
        while state != cpostgres_polling_ok {
            if state == cpostgres_polling_failed { throw failed() }
            let isWriting = state == cpostgres_polling_writing
            let left = [own.millisecondsLeft, patience.millisecondsLeft].compactMap(\.self).min()
            switch cpostgres_wait(
                unsafe cpostgres_PQsocket(made), isWriting ? 1 : 0,
                patience.wake?.descriptor ?? -1, left ?? -1)
            {
            case 1: state = unsafe cpostgres_PQconnectPoll(made)
            case 0: throw .unreachable(server: address.shown, reason: "no answer in time")
            case 2: throw .interrupted
            case let code: throw .unreachable(server: address.shown, reason: "poll: \(code)")
            }
        }
        guard unsafe cpostgres_PQsetnonblocking(made, 1) == 0 else { throw failed() }
    }

    /// libpq's words about what went wrong, without the password that it found.
    static func scrubbed(_ raw: OpaquePointer) -> String {
        // Safe because both strings belong to the connection and are copied at once.
        let text = unsafe String(cString: cpostgres_PQerrorMessage(raw)).trimmed
        guard let found = unsafe cpostgres_PQpass(raw) else { return text }
        let secret = unsafe String(cString: found)
        return secret.isEmpty ? text : text.replacing(secret, with: "…")
    }

    var lost: ServerError { .lost(reason: unsafe Self.scrubbed(raw)) }
}

// MARK: - Waiting

extension Connection {
    /// The longest that nothing is looked at: TLS may hold bytes that the socket does not show.
    private static let glanceMilliseconds: Int64 = 500

    /// Waits until there may be something to read (or to write), and takes it in. What was
    /// received or sent so far stays good if this throws `late` or `interrupted`.
    func wait(writing isWriting: Bool = false, _ patience: Patience) throws(ServerError) {
        let left = patience.millisecondsLeft
        let time = min(left ?? Self.glanceMilliseconds, Self.glanceMilliseconds)
        let result = cpostgres_wait(
            unsafe cpostgres_PQsocket(raw), isWriting ? 1 : 0, patience.wake?.descriptor ?? -1,
            time)
        if result == 2 { throw .interrupted }
        guard result >= 0 else { throw .lost(reason: "poll: \(result)") }
        // Safe because the connection lives as long as this object.
        guard unsafe cpostgres_PQconsumeInput(raw) == 1 else { throw lost }
        if result == 0, let left, left <= time { throw .late }
    }

    /// Sends what libpq still holds.
    func flush(_ patience: Patience) throws(ServerError) {
        while true {
            switch unsafe cpostgres_PQflush(raw) {
            case 0: return
            case 1: try wait(writing: true, patience)
            default: throw lost
            }
        }
    }
}

/// Hands texts to C as a list that ends with NULL.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for text in texts {
        offsets.append(bytes.count)
        bytes += text.utf8.map { CChar(bitPattern: $0) } + [0]
    }
    // Safe because every offset lies within the bytes, each text ends with a NUL, and neither
    // pointer is used after `body`.
    return unsafe bytes.withUnsafeBufferPointer { bytes in
        let pointers: [UnsafePointer<CChar>?] =
            unsafe offsets.map { offset in unsafe bytes.baseAddress.map { unsafe $0 + offset } }
            + [nil]
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
