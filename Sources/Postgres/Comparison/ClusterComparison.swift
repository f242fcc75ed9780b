// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What an original and its twin, which were one cluster once, do not have in common: row by row, in
/// constant memory. It only reads, so that the twin may be a standby and the original in use, each
/// database as of one moment.
///
/// Each side first sums up its rows in 4,096 buckets by their keys; only buckets that differ are
/// fetched, by the same rule on all sides, in the order of their keys' bytes.
package struct ClusterComparison: Sendable {
    private let original: ServerAddress
    private let twin: ServerAddress
    private let base: ServerAddress?
    private let wake: Wake?

    /// - Parameter base: how both were when the twin began; tells who has changed what since.
    package init(
        original: ServerAddress, twin: ServerAddress, base: ServerAddress? = nil, wake: Wake? = nil
    ) {
        (self.original, self.twin, self.base, self.wake) = (original, twin, base, wake)
    }

    /// What cannot be read is named in the result; a cluster that does not answer is an error.
    package func run(into sink: inout some ComparisonSink) throws(Trouble) -> ComparedCluster {
        do throws(ComparisonFailure) {
            let here = try databases(.original, original)
            let there = try databases(.twin, twin)
            let before = try base.map { base throws(ComparisonFailure) in try databases(.base, base) }
            var compared: [ComparedDatabase] = []
            for name in Set(here.keys).union(there.keys).sorted() {
                let encodings = [here[name], there[name], before?[name]]
                let rows = DatabaseComparison(
                    name: name,
                    // Bytes of no encoding can only be compared as they are.
                    encoding: encodings.contains("SQL_ASCII") ? "SQL_ASCII" : "UTF8",
                    original: here[name] == nil ? nil : original, twin: there[name] == nil ? nil : twin,
                    base: before?[name] == nil ? nil : base, hasBase: base != nil, wake: wake)
                compared.append(try rows.run(into: &sink))
            }
            return ComparedCluster(databases: compared)
        } catch { throw error.trouble }
    }

    /// Databases with their encodings.
    private func databases(
        _ side: ComparedSide, _ address: ServerAddress
    ) throws(ComparisonFailure) -> [String: String] {
        let session = try ComparisonSession(side, address, nil, encoding: "UTF8", wake)
        let rows = try session.all(
            """
            SELECT datname, pg_encoding_to_char(encoding) FROM pg_database
            WHERE datallowconn AND NOT datistemplate
            """)
        return rows.reduce(into: [:]) { $0[$1.text(0)] = $1.text(1) }
    }
}

/// One database of both clusters.
struct DatabaseComparison {
    let name: String
    let encoding: String
    /// Nil where it does not exist.
    let original: ServerAddress?
    let twin: ServerAddress?
    let base: ServerAddress?
    /// A database that the base does not have was not there in the beginning.
    let hasBase: Bool
    let wake: Wake?

    private struct Sessions {
        let original, twin, base: ComparisonSession?
    }

    func run(into sink: inout some ComparisonSink) throws(ComparisonFailure) -> ComparedDatabase {
        var result = ComparedDatabase(name: name, onlyAt: twin == nil ? .original : original == nil ? .twin : nil)
        do throws(ComparisonFailure) {
            var sessions = try open()
            result.sequences = try sequences(sessions)
            let here = try sessions.original?.tables() ?? [:]
            let there = try sessions.twin?.tables() ?? [:]
            let before = try sessions.base?.tables() ?? [:]
            for table in Set(here.keys).union(there.keys).sorted() {
                var comparison = TableComparison(
                    database: name, table: table, encoding: encoding, original: here[table],
                    twin: there[table], base: before[table], hasBase: hasBase)
                do throws(ComparisonFailure) {
                    try comparison.run(sessions.original, sessions.twin, sessions.base, into: &sink)
                } catch {
                    guard let refusal = error.refusal else { throw error }
                    comparison.result.unreadable = refusal
                    // A refusal ends the transaction, and another answer may be half read.
                    sessions = try open()
                }
                result.tables.append(comparison.result)
            }
        } catch {
            guard let refusal = error.refusal else { throw error }
            result.unreadable = refusal
        }
        return result
    }

    private func open() throws(ComparisonFailure) -> Sessions {
        func open(_ side: ComparedSide, _ address: ServerAddress?) throws(ComparisonFailure) -> ComparisonSession? {
            guard let address else { return nil }
            return try ComparisonSession(side, address, name, encoding: encoding, wake)
        }
        return Sessions(
            original: try open(.original, original), twin: try open(.twin, twin), base: try open(.base, base))
    }

    /// Those that have come to another value.
    private func sequences(_ sessions: Sessions) throws(ComparisonFailure) -> [ComparedSequence] {
        let here = try sessions.original?.sequences() ?? [:]
        let there = try sessions.twin?.sequences() ?? [:]
        return Set(here.keys).union(there.keys).sorted().compactMap { name in
            let (original, twin) = (here[name], there[name])
            guard original == nil || original?.reserved != twin?.reserved else { return nil }
            return ComparedSequence(
                schema: name.schema, name: name.name, original: original?.lastValue, twin: twin?.lastValue)
        }
    }
}
