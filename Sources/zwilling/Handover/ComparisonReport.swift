// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Postgres
import Revival

// What `compare` says to people.

private func changers(_ counts: DifferenceCounts) -> [Int] { [counts.byOriginal, counts.byTwin, counts.byBoth] }

private func only(_ side: ComparedSide) -> String {
    side == .original ? say("only in the original", de: "nur im Original") : say("only in the twin", de: "nur im Zwilling")
}

extension ComparedCluster {
    func lines(hasBase: Bool) -> [String] {
        // Large objects are no table that anybody has made.
        let count = databases.reduce(0) { $0 + $1.tables.count { $0.name.schema != "pg_catalog" } }
        let tables = counted(count, Words("table", de: "Tabelle"), Words("tables", de: "Tabellen"))
        if isEqual { return [say("\(tables), all the same", de: "\(tables), alle gleich")] }
        var rows: [[String]] = []
        for database in databases {
            for table in database.tables where table.rows.total > 0 {
                let counts = table.rows
                let numbers = [counts.onlyOriginal, counts.onlyTwin, counts.different] + (hasBase ? changers(counts) : [])
                rows.append(["\(plain(database.name))  \(table.name.shown)"] + numbers.map { figure($0) })
            }
        }
        if !rows.isEmpty {
            let by = hasBase
                ? [say("by original", de: "vom Original"), say("by twin", de: "vom Zwilling"), say("by both", de: "von beiden")] : []
            rows.insert(
                [
                    say("rows of", de: "Zeilen von"), say("only original", de: "nur Original"),
                    say("only twin", de: "nur Zwilling"), say("different", de: "verschieden"),
                ] + by, at: 0)
        }
        return table(rows, rightAligned: Set(1...6)) + databases.flatMap(\.notes)
            + [say("\(tables) compared", de: "\(tables) verglichen")]
    }
}

extension RelationName {
    fileprivate var shown: String { plain("\(schema).\(name)") }
}

extension ComparedDatabase {
    /// What is no matter of rows.
    fileprivate var notes: [String] {
        var notes: [String] = []
        func note(_ what: String, _ text: String) { notes.append("\(plain(name))  \(what): \(text)") }
        if let onlyAt { notes.append("\(plain(name)): \(only(onlyAt))") }
        if let unreadable { notes.append("\(plain(name)): \(say(unreadable.message))") }
        for table in tables {
            if let side = table.onlyAt, onlyAt == nil { note(table.name.shown, only(side)) }
            for (columns, words) in [
                (table.columnsOnlyOriginal, Words("columns only in the original", de: "Spalten nur im Original")),
                (table.columnsOnlyTwin, Words("columns only in the twin", de: "Spalten nur im Zwilling")),
                (table.columnsOfOtherType, Words("columns of another type", de: "Spalten von anderer Art")),
            ] where !columns.isEmpty {
                note(table.name.shown, "\(say(words)): \(columns.map(plain).joined(separator: ", "))")
            }
            if let unreadable = table.unreadable { note(table.name.shown, say(unreadable.message)) }
        }
        for sequence in sequences {
            func value(_ value: Int64?) -> String { value.map { "\($0)" } ?? "–" }
            let values = say(
                "sequence at \(value(sequence.original)) in the original, \(value(sequence.twin)) in the twin",
                de: "Sequenz im Original bei \(value(sequence.original)), im Zwilling bei \(value(sequence.twin))")
            note(plain("\(sequence.schema).\(sequence.name)"), values)
        }
        return notes
    }
}

extension FolderDifference {
    var line: String {
        let letter =
            switch change {
            case .onlyOriginal: "<"
            case .onlyTwin: ">"
            case .kind: "T"
            case .content: "M"
            case .permissions: "U"
            }
        let isDirectory = (twin ?? original) == .directory
        return "\(letter) \(shown(path))" + (isDirectory ? "/" : "") + (changer.map { "  (\(say($0.words)))" } ?? "")
    }
}

extension Changer {
    fileprivate var words: Words {
        switch self {
        case .original: Words("by the original", de: "vom Original")
        case .twin: Words("by the twin", de: "vom Zwilling")
        case .both: Words("by both", de: "von beiden")
        }
    }
}

extension ComparedFolder {
    func summary(hasBase: Bool) -> String {
        let numbers = [entries.onlyOriginal, entries.onlyTwin, entries.different, permissions].map { figure($0) }
        let text = say(
            "\(numbers[0]) only in the original, \(numbers[1]) only in the twin, \(numbers[2]) different, \(numbers[3]) with other permissions",
            de: "\(numbers[0]) nur im Original, \(numbers[1]) nur im Zwilling, \(numbers[2]) verschieden, \(numbers[3]) mit anderen Rechten")
        guard hasBase else { return text }
        let by = changers(entries).map { figure($0) }
        return text + say(
            "; \(by[0]) by the original, \(by[1]) by the twin, \(by[2]) by both",
            de: "; \(by[0]) vom Original, \(by[1]) vom Zwilling, \(by[2]) von beiden")
    }
}
