// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Directory {
    /// What a column can hold, and the headings under which it is known.
    enum Column: String, CaseIterable {
        case id, name, first, last, unit, parent, title, role, deputy, manager, mail, reachable

        var headings: [String] {
            switch self {
            case .id: ["id", "uid", "kennung", "kürzel"]
            case .name: ["name"]
            case .first: ["first name", "vorname"]
            case .last: ["last name", "surname", "nachname"]
            case .unit: ["unit", "department", "einheit", "abteilung", "amt", "organisationseinheit"]
            case .parent: ["unit above", "parent", "übergeordnete einheit", "dezernat"]
            case .title: ["title", "funktion", "dienststellung", "tätigkeit"]
            case .role: ["role", "roles", "rolle", "rollen"]
            case .deputy: ["deputy for", "stands in for", "vertretung für", "vertritt"]
            case .manager: ["manager", "vorgesetzte", "vorgesetzter", "führungskraft"]
            case .mail: ["mail", "e-mail", "email"]
            case .reachable: [
                "reachable", "private phone", "mobile", "erreichbar", "telefon privat", "mobil",
                "handy",
            ]
            }
        }

        init?(heading: String) {
            let plain = slug(heading)
            let column = Self.allCases.first { $0.headings.contains { slug($0) == plain } }
            guard plain != nil, let column else { return nil }
            self = column
        }
    }

    init(_ table: CSV, _ findings: Findings) {
        let columns = table.headings.cells.map { Column(heading: $0.value) }
        Self.judge(table.headings, columns, findings)
        let isNamed = columns.contains(.name) || (columns.contains(.first) && columns.contains(.last))
        guard isNamed else { return }
        for row in table.rows {
            var cells: [Column: [Written<String>]] = [:]
            for (column, cell) in zip(columns, row.cells) {
                if let column { cells[column, default: []] += Self.values(in: cell) }
            }
            read(cells, row.place, findings)
        }
    }

    /// The values of a cell, which a bar parts: addresses hold commas and semicolons.
    private static func values(in cell: Written<String>) -> [Written<String>] {
        cell.value.split(separator: "|").map(trimmed).filter { !$0.isEmpty }
            .map { Written($0, at: cell.place) }
    }

    private mutating func read(
        _ cells: [Column: [Written<String>]], _ place: Place, _ findings: Findings
    ) {
        func one(_ column: Column) -> Written<String>? { cells[column]?.first }
        let unit = one(.unit)
        if let unit { units.append(Unit(name: unit, parent: one(.parent))) }
        let parts = [one(.first), one(.last)].compactMap { $0 }
        let full = parts.first.map { Written(parts.map(\.value).joined(separator: " "), at: $0.place) }
        guard let name = one(.name) ?? full else {
            // A line with nobody in it may still say which unit belongs to which.
            if unit == nil { Self.empty(place, findings) }
            return
        }
        guard let id = Self.id(one(.id), orOf: name, findings) else { return }
        members.append(
            Member(
                person: Person(
                    id: id, name: name, unit: nil, title: one(.title), manager: nil,
                    mail: one(.mail), reachable: cells[.reachable] ?? []),
                unit: unit, manager: one(.manager), roles: cells[.role] ?? [],
                deputyFor: cells[.deputy] ?? []))
    }

    private static func empty(_ place: Place, _ findings: Findings) {
        findings.error(
            .cellEmpty, at: place,
            Words("This line names neither a person nor a unit.", de: "Diese Zeile nennt weder Person noch Einheit."),
            remedy: Words("Fill in the name, or take the line out.", de: "Den Namen eintragen oder die Zeile entfernen."))
    }

    private static func judge(_ headings: CSV.Row, _ columns: [Column?], _ findings: Findings) {
        if !columns.contains(.name), !columns.contains(.first) || !columns.contains(.last) {
            findings.error(
                .columnMissing, at: headings.place,
                Words("No column holds names.", de: "Keine Spalte enthält Namen."),
                remedy: Words(
                    "Call one \"name\", or two \"first name\" and \"last name\".",
                    de: "Eine „Name“ nennen oder zwei „Vorname“ und „Nachname“."))
        }
        let ignored = zip(columns, headings.cells).filter { $0.0 == nil }.map(\.1)
        guard let first = ignored.first else { return }
        let names = ignored.map(\.value).joined(separator: ", ")
        let known = Column.allCases.flatMap(\.headings)
        let near = ignored.lazy.compactMap { nearest(to: $0.value, among: known) }.first
        findings.add(
            .hint, .columnIgnored, at: first.place,
            Words("Nothing is read from these columns: \(names).", de: "Aus diesen Spalten wird nichts gelesen: \(names)."),
            remedy: near.map { Words("Did you mean \"\($0)\"?", de: "Gemeint vielleicht „\($0)“?") }
                ?? Words(
                    "The headings that are known are in docs/blueprint.md; else leave them out.",
                    de: "Die bekannten Überschriften stehen in docs/blueprint.md; sonst weglassen."))
    }
}
