// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A table about hosts that nobody can look at from here: other machines, and what lies on Windows
/// or in virtual machines. A line each for what is to be protected.
package enum HostTable {
    private enum Column: String, CaseIterable {
        case host, kind, place, application, rpo

        var headings: [String] {
            switch self {
            case .host: ["host", "server", "rechner"]
            case .kind: ["kind", "art"]
            case .place: ["place", "path", "connection", "command", "ort", "pfad", "verbindung", "befehl"]
            case .application: ["application", "anwendung", "verfahren", "fachverfahren"]
            case .rpo: ["rpo"]
            }
        }
    }

    private static let kinds = [
        "dateien": DataSet.Kind.files, "postgresql": .postgres, "befehl": .command,
        "geheimnis": .secret,
    ]

    /// - Returns: nothing where there is an error among the findings.
    package static func read(
        _ bytes: [UInt8], name: String
    ) -> (found: [Found], findings: [Finding]) {
        let findings = Findings()
        var found: [Found] = []
        do throws(Refusal<CSV.Fault>) {
            let table = try CSV.read(bytes, file: name)
            let columns = table.headings.cells.map { heading in
                Column.allCases.first { $0.headings.contains { slug($0) == slug(heading.value) } }
            }
            if judge(table.headings, columns, findings) {
                found = table.rows.compactMap { row(of: $0, columns, findings) }
            }
        } catch { findings.refuse(.notCSV, "CSV", error) }
        let isRefused = findings.all.contains { $0.severity == .error }
        return (isRefused ? [] : found, findings.all)
    }

    private static func judge(
        _ headings: CSV.Row, _ columns: [Column?], _ findings: Findings
    ) -> Bool {
        let needed: [Column] = [.host, .kind, .place]
        let missing = needed.filter { !columns.contains($0) }
        for column in missing {
            findings.error(
                .columnMissing, at: headings.place,
                Words("There is no column \"\(column.rawValue)\".", de: "Es gibt keine Spalte „\(column.headings.last ?? "")“."),
                remedy: Words(
                    "Begin with a line \"host;kind;place;application;rpo\".",
                    de: "Mit einer Zeile „Rechner;Art;Ort;Anwendung;RPO“ beginnen."))
        }
        return missing.isEmpty
    }

    private static func row(
        of row: CSV.Row, _ columns: [Column?], _ findings: Findings
    ) -> Found? {
        var cells: [Column: Written<String>] = [:]
        for (column, cell) in zip(columns, row.cells) where !cell.value.isEmpty {
            if let column { cells[column] = cell }
        }
        guard let host = cells[.host], let word = cells[.kind], let place = cells[.place] else {
            findings.error(
                .cellEmpty, at: row.place,
                Words("Host, kind and place must be filled in.", de: "Rechner, Art und Ort müssen ausgefüllt sein."),
                remedy: Words("Fill them in, or take the line out.", de: "Ausfüllen oder die Zeile entfernen."))
            return nil
        }
        guard let kind = kind(word, findings) else { return nil }
        if [.files, .secret].contains(kind), !place.value.hasPrefix("/") {
            findings.wrong("place", at: place.place, .path)
        }
        if kind == .postgres, DataSet.Postgres.hasPassword(place.value) {
            DataSet.Postgres.refusePassword(at: place.place, findings)
        }
        let rpo = cells[.rpo].flatMap { Span($0.value) }
        if let text = cells[.rpo], rpo == nil { findings.wrong("rpo", at: text.place, .span) }
        return .told(
            Found.Told(
                host: host.value, kind: kind, place: place.value,
                application: cells[.application]?.value, rpo: rpo, origin: row.place))
    }

    private static func kind(_ word: Written<String>, _ findings: Findings) -> DataSet.Kind? {
        let text = word.value.lowercased()
        if let kind = DataSet.Kind(rawValue: text) ?? kinds[text] { return kind }
        let all = DataSet.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        findings.error(
            .unknownWord, at: word.place,
            Words("\"\(word.value)\" is no kind of data set.", de: "„\(word.value)“ ist keine Art von Datenbestand."),
            remedy: Words("Possible: \(all).", de: "Möglich: \(all)."))
        return nil
    }
}
