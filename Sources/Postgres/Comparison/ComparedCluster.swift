// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A table whose rows follow: its columns, those of the key first.
package struct ComparedColumns: Sendable {
    package let database: String
    package let table: RelationName
    package let columns: [String]
    /// How many of them are the key; 0 where a row is only the same if all of it is.
    package let keyCount: Int

    package init(database: String, table: RelationName, columns: [String], keyCount: Int) {
        (self.database, self.table, self.columns, self.keyCount) = (database, table, columns, keyCount)
    }
}

/// A row that is not the same on both sides, or is on one only.
package struct DifferingRow: Sendable {
    package let original: Cells?
    package let twin: Cells?
    /// Nil without a base.
    package let changer: Changer?

    package init(original: Cells?, twin: Cells?, changer: Changer?) {
        (self.original, self.twin, self.changer) = (original, twin, changer)
    }
}

/// What the rows are handed to, in the order of their tables and keys.
package protocol ComparisonSink: ~Copyable {
    /// Only for tables of which rows follow.
    mutating func begin(_ columns: ComparedColumns) throws(Trouble)
    mutating func row(_ row: DifferingRow) throws(Trouble)
}

package struct ComparedCluster: Encodable, Sendable {
    package let databases: [ComparedDatabase]

    package var isEqual: Bool { databases.allSatisfy(\.isEqual) }
}

package struct ComparedDatabase: Encodable, Sendable {
    package let name: String
    /// Where it exists, if not on both sides.
    package let onlyAt: ComparedSide?
    /// By name, those that are the same as well.
    package internal(set) var tables: [ComparedTable] = []
    /// Only those that differ.
    package internal(set) var sequences: [ComparedSequence] = []
    /// Why nothing more of it was compared.
    package internal(set) var unreadable: Trouble?

    package var isEqual: Bool {
        onlyAt == nil && unreadable == nil && sequences.isEmpty && tables.allSatisfy(\.isEqual)
    }

    private enum CodingKeys: CodingKey {
        case name, onlyAt, tables, sequences, unreadable
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encodeIfPresent(onlyAt, forKey: .onlyAt)
        try fields.encode(tables, forKey: .tables)
        try fields.encode(sequences, forKey: .sequences)
        try fields.encodeIfPresent(unreadable?.message.english, forKey: .unreadable)
    }
}

package struct ComparedTable: Encodable, Sendable {
    package let name: RelationName
    package let onlyAt: ComparedSide?
    /// Columns that do not exist on the other side, and are not compared.
    package let columnsOnlyOriginal: [String]
    package let columnsOnlyTwin: [String]
    /// Columns that are of another type there, compared by how their values are written.
    package let columnsOfOtherType: [String]
    package internal(set) var rows = DifferenceCounts()
    /// Why its rows were not compared, or not all of them.
    package internal(set) var unreadable: Trouble?

    package var hasSameColumns: Bool {
        columnsOnlyOriginal.isEmpty && columnsOnlyTwin.isEmpty && columnsOfOtherType.isEmpty
    }

    package var isEqual: Bool { onlyAt == nil && hasSameColumns && rows.total == 0 && unreadable == nil }

    private enum CodingKeys: CodingKey {
        case schema, name, onlyAt, columnsOnlyOriginal, columnsOnlyTwin, columnsOfOtherType, rows, unreadable
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name.schema, forKey: .schema)
        try fields.encode(name.name, forKey: .name)
        try fields.encodeIfPresent(onlyAt, forKey: .onlyAt)
        for (key, columns) in [
            (CodingKeys.columnsOnlyOriginal, columnsOnlyOriginal), (.columnsOnlyTwin, columnsOnlyTwin),
            (.columnsOfOtherType, columnsOfOtherType),
        ] where !columns.isEmpty { try fields.encode(columns, forKey: key) }
        try fields.encode(rows, forKey: .rows)
        try fields.encodeIfPresent(unreadable?.message.english, forKey: .unreadable)
    }
}

/// A sequence that has come to another value; nil where it was never used, or is not there.
package struct ComparedSequence: Encodable, Hashable, Sendable {
    package let schema: String
    package let name: String
    package let original: Int64?
    package let twin: Int64?
}
