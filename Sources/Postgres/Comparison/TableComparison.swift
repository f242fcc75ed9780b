// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One table of both sides, and of the base.
struct TableComparison {
    var result: ComparedTable
    private let heading: ComparedColumns
    private let encoding: String
    /// Which columns the base has as well; nil where it cannot say anything about this table.
    private let inBase: [Bool]?
    private let isInBase: Bool

    init(
        database: String, table: RelationName, encoding: String, original: TableShape?, twin: TableShape?,
        base: TableShape?, hasBase: Bool
    ) {
        let here = original?.types ?? twin?.types ?? [:]
        let there = twin?.types ?? here
        let shared = (original ?? twin ?? TableShape()).columns.map(\.name).filter { there[$0] != nil }
        let keys = [original, twin].compactMap { $0?.keyNames }
        let key = keys.first { !$0.isEmpty && $0.allSatisfy(shared.contains) } ?? []
        heading = ComparedColumns(
            database: database, table: table, columns: key + shared.filter { !key.contains($0) },
            keyCount: key.count)
        self.encoding = encoding
        isInBase = base != nil
        let before = base?.types
        let known = heading.columns.map { before?[$0] != nil }
        let identity = key.isEmpty ? known.count : key.count
        inBase = !hasBase || isInBase && known.prefix(identity).contains(false) ? nil : known
        result = ComparedTable(
            name: table, onlyAt: twin == nil ? .original : original == nil ? .twin : nil,
            columnsOnlyOriginal: here.keys.filter { there[$0] == nil }.sorted(),
            columnsOnlyTwin: there.keys.filter { here[$0] == nil }.sorted(),
            columnsOfOtherType: shared.filter { here[$0] != there[$0] }.sorted())
    }

    mutating func run(
        _ original: ComparisonSession?, _ twin: ComparisonSession?, _ base: ComparisonSession?,
        into sink: inout some ComparisonSink
    ) throws(ComparisonFailure) {
        guard !heading.columns.isEmpty else { return }
        var buckets: [String]?
        if result.onlyAt == nil, let original, let twin {
            buckets = try differing(original, twin)
            if buckets == [] { return }
        }
        var here = RowStream(result.onlyAt == .twin ? nil : original)
        var there = RowStream(result.onlyAt == .original ? nil : twin)
        var before = RowStream(isInBase && inBase != nil ? base : nil)
        try here.start(rows(buckets))
        try there.start(rows(buckets))
        try before.start(rows(buckets, inBase))
        while let key = [here.key, there.key].compactMap(\.self).min(by: { $0.lexicographicallyPrecedes($1) }) {
            while let old = before.key, old.lexicographicallyPrecedes(key) { _ = try before.take(old) }
            let (mine, its, old) = (try here.take(key), try there.take(key), try before.take(key))
            if mine != its { try tell(mine, its, since: old, into: &sink) }
        }
        while let old = before.key { _ = try before.take(old) }
    }

    private mutating func tell(
        _ original: Cells?, _ twin: Cells?, since old: Cells?, into sink: inout some ComparisonSink
    ) throws(ComparisonFailure) {
        let changer = inBase.flatMap { known in
            func moved(_ cells: Cells?) -> Bool {
                guard let cells, let old else { return (cells == nil) != (old == nil) }
                return known.indices.contains { known[$0] && cells[$0] != old[$0] }
            }
            return Changer(originalMoved: moved(original), twinMoved: moved(twin))
        }
        do throws(Trouble) {
            if result.rows.total == 0 { try sink.begin(heading) }
            try sink.row(DifferingRow(original: original, twin: twin, changer: changer))
        } catch { throw .sink(error) }
        result.rows.add(inOriginal: original != nil, inTwin: twin != nil, by: changer)
    }
}

// MARK: - Questions

// A row is written as PostgreSQL writes a composite value: by the output functions of its types, as
// COPY does, and not by casts, which users of a database can make for us to call. Order and hashes
// are of its bytes in one encoding, whatever the collations and encodings of the databases.
extension TableComparison {
    private var source: String { "ONLY \(heading.table.quoted) AS t" }

    private func composite(_ columns: some Sequence<String>) -> String {
        "convert_to(ROW(\(columns.map { "t." + identifier($0) }.joined(separator: ", ")))::text, \(literal(encoding)))"
    }

    private func hash(_ bytes: String) -> String { "encode(sha256(\(bytes)), 'hex')" }

    private var key: String {
        composite(heading.keyCount == 0 ? heading.columns[...] : heading.columns.prefix(heading.keyCount))
    }

    private var bucket: String { "left(\(hash(key)), 3)" }

    /// How many rows each bucket has, and the sums of halves of their hashes: enough against chance.
    private var sums: String {
        """
        SELECT bucket, count(*), sum(('x' || left(hash, 16))::bit(64)::bigint),
          sum(('x' || substr(hash, 17, 16))::bit(64)::bigint)
        FROM (SELECT \(bucket) AS bucket, \(hash(composite(heading.columns))) AS hash FROM \(source) OFFSET 0) AS h
        GROUP BY bucket
        """
    }

    /// Keys with the rows of these buckets; nil is all.
    private func rows(_ buckets: [String]?, _ known: [Bool]? = nil) -> String {
        let values = heading.columns.indices.map { index in
            known?[index] == false ? "NULL" : "t." + identifier(heading.columns[index])
        }
        let only = buckets.map {
            "WHERE \(bucket) IN (SELECT unnest('{\($0.joined(separator: ","))}'::text[]))"
        }
        return """
            SELECT \(key) AS key, \(values.joined(separator: ", ")) FROM \(source) \(only ?? "") ORDER BY 1
            """
    }

    /// Both servers work at the same time.
    private func differing(
        _ original: ComparisonSession, _ twin: ComparisonSession
    ) throws(ComparisonFailure) -> [String] {
        try original.start(sums)
        try twin.start(sums)
        func table(_ rows: [Cells]) -> [String: Cells] { rows.reduce(into: [:]) { $0[$1.text(0)] = $1 } }
        let (here, there) = (table(try original.rest()), table(try twin.rest()))
        return Set(here.keys).union(there.keys).filter { here[$0] != there[$0] }.sorted()
    }
}

extension TableShape {
    var types: [String: String] { columns.reduce(into: [:]) { $0[$1.name] = $1.type } }
    var keyNames: [String] { key.sorted { $0.place < $1.place }.map(\.name) }
}

/// The rows of one side in the order of their keys, of which one is held.
private struct RowStream {
    private let session: ComparisonSession?
    private var row: Cells?
    /// Of the row that is next; nil at the end.
    private(set) var key: [UInt8]?

    init(_ session: ComparisonSession?) { self.session = session }

    mutating func start(_ question: String) throws(ComparisonFailure) {
        try session?.start(question)
        try advance()
    }

    /// The next row, if it has this key.
    mutating func take(_ wanted: [UInt8]) throws(ComparisonFailure) -> Cells? {
        guard key == wanted, let found = row else { return nil }
        try advance()
        return found
    }

    private mutating func advance() throws(ComparisonFailure) {
        row = try session?.next()
        // Its text is of hexadecimal digits, whose order is that of the bytes.
        key = row?.removeFirst()
    }
}
