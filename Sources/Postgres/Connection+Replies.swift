// SPDX-License-Identifier: EUPL-1.2
import CPostgres
import Ground

/// What a question brought: text, as PostgreSQL writes values.
package struct Rows: Sendable {
    package let cells: [[[UInt8]?]]

    package var count: Int { cells.count }

    /// Nil for NULL, for a row or column that is not there, and for bytes that are not UTF-8.
    package subscript(_ row: Int, _ column: Int) -> String? {
        guard cells.indices.contains(row), cells[row].indices.contains(column),
            let cell = cells[row][column]
        else { return nil }
        return String(validating: cell, as: UTF8.self)
    }
}

/// A text as a literal of SQL and of the replication protocol.
func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

/// One result of a command, given back to libpq when its owner lets go of it.
///
/// Safe because it alone owns the result, and copies what it hands out.
@safe struct Reply: ~Copyable {
    private let raw: OpaquePointer

    init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe cpostgres_PQclear(raw) }

    var status: Int32 { unsafe cpostgres_PQresultStatus(raw) }

    var rows: Rows {
        let columns = unsafe cpostgres_PQnfields(raw)
        let count = unsafe cpostgres_PQntuples(raw)
        return Rows(
            cells: (0..<count).map { row in
                (0..<columns).map { column in cell(row, column) }
            })
    }

    private func cell(_ row: Int32, _ column: Int32) -> [UInt8]? {
        guard unsafe cpostgres_PQgetisnull(raw, row, column) == 0,
            let start = unsafe cpostgres_PQgetvalue(raw, row, column)
        else { return nil }
        let count = Int(unsafe cpostgres_PQgetlength(raw, row, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// What the server said; nil where libpq itself failed.
    var refusal: Refusal? {
        guard let state = field("C") else { return nil }
        return Refusal(
            sqlState: state, message: field("M") ?? "", detail: field("D") ?? "",
            hint: field("H") ?? "")
    }

    private func field(_ code: Unicode.Scalar) -> String? {
        unsafe cpostgres_PQresultErrorField(raw, Int32(code.value))
            .map { unsafe String(cString: $0).trimmed }
    }
}

extension Connection {
    /// Asks in SQL, or in the replication protocol, and waits for all of the answer.
    @discardableResult
    package func ask(
        _ question: String, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> Rows {
        try send(question, patience)
        var rows = Rows(cells: [])
        while let reply = try nextReply(patience) {
            switch reply.status {
            case cpostgres_tuples_ok: rows = reply.rows
            case cpostgres_command_ok: break
            default: throw .malformed("an answer of kind \(reply.status)")
            }
        }
        return rows
    }

    func send(_ command: String, _ patience: Patience) throws(ServerError) {
        // Safe because libpq copies the command.
        guard unsafe cpostgres_PQsendQuery(raw, command) == 1 else { throw lost }
        try flush(patience)
    }

    /// Asks for rows that `nextRow` then hands out one by one, so that no answer is too large.
    func start(_ question: String, _ patience: Patience) throws(ServerError) {
        guard unsafe cpostgres_PQsendQuery(raw, question) == 1,
            unsafe cpostgres_PQsetSingleRowMode(raw) == 1
        else { throw lost }
        try flush(patience)
    }

    /// Nil after the last one; then the next question can be asked.
    func nextRow(_ patience: Patience) throws(ServerError) -> [[UInt8]?]? {
        while let reply = try nextReply(patience) {
            if reply.status == cpostgres_single_tuple { return reply.rows.cells.first }
        }
        return nil
    }

    /// The next result of the command that was sent; nil when it is over. After `refused`, the
    /// command is over as well.
    func nextReply(_ patience: Patience) throws(ServerError) -> Reply? {
        while unsafe cpostgres_PQisBusy(raw) == 1 { try wait(patience) }
        guard let found = unsafe cpostgres_PQgetResult(raw) else { return nil }
        let reply = unsafe Reply(owning: found)
        switch reply.status {
        case cpostgres_command_ok, cpostgres_tuples_ok, cpostgres_copy_out,
            cpostgres_copy_in, cpostgres_copy_both, cpostgres_single_tuple:
            return reply
        default:
            guard let refusal = reply.refusal else { throw lost }
            try drain(patience)
            throw .refused(refusal)
        }
    }

    /// Lets go of what is left of a command, so that the next one can be sent.
    private func drain(_ patience: Patience) throws(ServerError) {
        while true {
            while unsafe cpostgres_PQisBusy(raw) == 1 {
                do { try wait(patience) } catch {
                    // A fatal refusal closes the connection: the refusal says why.
                    if case .lost = error { return }
                    throw error
                }
            }
            guard let rest = unsafe cpostgres_PQgetResult(raw) else { return }
            unsafe cpostgres_PQclear(rest)
        }
    }

    /// The next result, which must be rows.
    func nextRows(_ patience: Patience) throws(ServerError) -> Rows {
        guard let reply = try nextReply(patience), reply.status == cpostgres_tuples_ok else {
            throw .malformed("rows are missing in an answer")
        }
        return reply.rows
    }

    func expect(_ status: Int32, _ patience: Patience) throws(ServerError) {
        guard let reply = try nextReply(patience), reply.status == status else {
            throw .malformed("an answer of kind \(status) is missing")
        }
    }
}

// MARK: - Copying

/// One message of a copy, in libpq's memory until its owner lets go of it.
///
/// Safe because it alone owns as many bytes as `count` says, and hands them out only for the time
/// of a call.
@safe struct CopyMessage: ~Copyable {
    private let start: UnsafeMutablePointer<CChar>
    let count: Int

    init(owning start: UnsafeMutablePointer<CChar>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    deinit { unsafe cpostgres_PQfreemem(start) }

    borrowing func read<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let raw = unsafe UnsafeRawBufferPointer(start: start, count: count)
        return try body(unsafe raw.assumingMemoryBound(to: UInt8.self).span)
    }
}

extension Connection {
    /// The next message of a copy from the server; nil at its end. Nothing is lost where this
    /// throws `late` or `interrupted`.
    func nextCopied(_ patience: Patience) throws(ServerError) -> CopyMessage? {
        while true {
            var start: UnsafeMutablePointer<CChar>?
            let count = unsafe cpostgres_PQgetCopyData(raw, &start, 1)
            if count > 0, let start = unsafe start {
                return unsafe CopyMessage(owning: start, count: Int(count))
            }
            switch count {
            case 0: try wait(patience)
            case -1: return nil
            default: throw lost
            }
        }
    }

    func copy(_ message: [UInt8], _ patience: Patience) throws(ServerError) {
        while true {
            // Safe because libpq copies the message, and is told its length.
            let result = unsafe message.withUnsafeBytes { bytes in
                unsafe cpostgres_PQputCopyData(
                    raw, bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                    Int32(bytes.count))
            }
            if result < 0 { throw lost }
            if result == 1 { return try flush(patience) }
            try wait(writing: true, patience)
        }
    }

    func endCopy(_ patience: Patience) throws(ServerError) {
        while true {
            let result = unsafe cpostgres_PQputCopyEnd(raw, nil)
            if result < 0 { throw lost }
            if result == 1 { return try flush(patience) }
            try wait(writing: true, patience)
        }
    }
}

/// A copy of a piece of the bytes.
func array(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    // Safe because the piece is checked to lie within the bytes, and is copied at once.
    unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe [UInt8]($0) }
}
