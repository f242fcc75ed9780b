// SPDX-License-Identifier: EUPL-1.2
import Ground

package enum ComparedSide: String, Encodable, Sendable {
    case original, twin, base

    var words: Words {
        switch self {
        case .original: Words("Original", de: "Original")
        case .twin: Words("Twin", de: "Zwilling")
        case .base: Words("Base", de: "Ausgangsstand")
        }
    }
}

/// Why a comparison does not go on.
enum ComparisonFailure: Error {
    case server(ComparedSide, ServerError)
    case sink(Trouble)

    var trouble: Trouble {
        switch self {
        case .sink(let trouble): return trouble
        case .server(let side, let error):
            let trouble = error.trouble
            return Trouble(
                trouble.kind,
                Words(
                    "\(side.words.english): \(trouble.message.english)",
                    de: "\(side.words.german): \(trouble.message.german)"),
                advice: trouble.advice, cause: error)
        }
    }

    /// What concerns one table or database only: the others can still be compared.
    var refusal: Trouble? {
        switch self {
        case .server(_, .refused), .server(_, .unreachable): trouble
        default: nil
        }
    }
}

/// A table or sequence within its database.
package struct RelationName: Hashable, Comparable, Sendable {
    package let schema: String
    package let name: String

    package init(schema: String, name: String) { (self.schema, self.name) = (schema, name) }

    package static func < (one: RelationName, other: RelationName) -> Bool {
        (one.schema, one.name) < (other.schema, other.name)
    }

    var quoted: String { identifier(schema) + "." + identifier(name) }
}

/// A name as SQL has it.
func identifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

/// The values of a row, nil for NULL.
package typealias Cells = [[UInt8]?]

extension Cells {
    func text(_ column: Int) -> String { self[column].map { String(decoding: $0, as: UTF8.self) } ?? "" }
}

/// A conversation with one database in which nothing can be changed, and which sees it as it was
/// when it began. Values come as the types' own output functions write them, the same on all sides.
final class ComparisonSession {
    private let side: ComparedSide
    private let connection: Connection
    private let patience: Patience

    init(
        _ side: ComparedSide, _ address: ServerAddress, _ database: String?, encoding: String, _ wake: Wake?
    ) throws(ComparisonFailure) {
        self.side = side
        patience = .endless(or: wake)
        do throws(ServerError) {
            connection = try Connection(to: address, for: .questions(database: database), .seconds(15, or: wake))
            try connection.ask(Self.settings + "SET client_encoding = \(literal(encoding))", .seconds(60, or: wake))
            try connection.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", .seconds(60, or: wake))
        } catch { throw .server(side, error) }
    }

    /// With the last one, rows that a policy hides are an error and not a difference; with the first,
    /// nothing is called that a user of the database has made.
    private static let settings = """
        SET search_path = pg_catalog, pg_temp; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';
        SET timezone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C';
        SET quote_all_identifiers = off; SET statement_timeout = 0;
        SET idle_in_transaction_session_timeout = 0; SET row_security = off;

        """

    /// Asks; `next` hands out the rows, all of which must be taken before the next question.
    func start(_ question: String) throws(ComparisonFailure) {
        do { try connection.start(question, patience) } catch { throw .server(side, error) }
    }

    func next() throws(ComparisonFailure) -> Cells? {
        do { return try connection.nextRow(patience) } catch { throw .server(side, error) }
    }

    func all(_ question: String) throws(ComparisonFailure) -> [Cells] {
        try start(question)
        return try rest()
    }

    func rest() throws(ComparisonFailure) -> [Cells] {
        var rows: [Cells] = []
        while let row = try next() { rows.append(row) }
        return rows
    }
}

// MARK: - What there is

/// The columns of a table.
struct TableShape {
    struct Column {
        let name: String
        let type: String
    }

    var columns: [Column] = []
    /// Columns of the primary key with their places in it.
    var key: [(place: Int, name: String)] = []
}

struct SequenceState {
    /// Nil where it was never used.
    let lastValue: Int64?
    /// How far it has come in the log, which is ahead of it: a standby knows nothing else.
    let reserved: String
}

extension ComparisonSession {
    /// Large objects are two columns and a key as well, for whoever may read them all.
    func tables() throws(ComparisonFailure) -> [RelationName: TableShape] {
        let rows = try all(
            """
            SELECT nspname, relname, attname, format_type(atttypid, atttypmod),
              array_position((indkey::int2[])[0:indnkeyatts - 1], attnum)
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            LEFT JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
            LEFT JOIN pg_index ON indrelid = c.oid AND indisprimary
            WHERE relkind = 'r' AND relpersistence <> 't'
              AND (nspname !~ '^pg_' AND nspname <> 'information_schema'
                OR c.oid = 'pg_largeobject'::regclass AND has_table_privilege(c.oid, 'SELECT'))
            ORDER BY c.oid, attnum
            """)
        return rows.reduce(into: [:]) { tables, row in
            let name = RelationName(schema: row.text(0), name: row.text(1))
            var shape = tables[name] ?? TableShape()
            if row[2] != nil { shape.columns.append(.init(name: row.text(2), type: row.text(3))) }
            if let place = Int(row.text(4)) { shape.key.append((place, row.text(2))) }
            tables[name] = shape
        }
    }

    func sequences() throws(ComparisonFailure) -> [RelationName: SequenceState] {
        let found = try all(
            """
            SELECT nspname, relname, seqincrement FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
            JOIN pg_namespace n ON n.oid = relnamespace
            WHERE relpersistence = 'p' AND nspname !~ '^pg_' AND has_sequence_privilege(seqrelid, 'SELECT')
            """)
        var states: [RelationName: SequenceState] = [:]
        for row in found {
            let name = RelationName(schema: row.text(0), name: row.text(1))
            let state = try all(
                """
                SELECT last_value, last_value::numeric + log_cnt * \(row.text(2))::numeric
                FROM \(name.quoted) WHERE is_called
                """
            ).first
            states[name] = SequenceState(
                lastValue: state.flatMap { Int64($0.text(0)) }, reserved: state?.text(1) ?? "")
        }
        return states
    }
}
