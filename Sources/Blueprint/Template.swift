// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A first blueprint for a kind of institution: the services that were needed first when others
/// lost everything, with times that those who wrote them down found bearable.
///
/// Sources: press reports on Anhalt-Bitterfeld 2021, Potsdam 2022 and Südwestfalen-IT 2023; classes
/// of BSI 200-4 (under 3 days, 3 days to 2 weeks, 2 to 4 weeks, longer).
package enum Template: String, CaseIterable, Sendable {
    case gemeinde, kreis, stadtwerke, krankenhaus

    /// Also by its English name.
    package init?(named name: String) {
        let english = [
            "municipality": Template.gemeinde, "district": .kreis, "utility": .stadtwerke,
            "hospital": .krankenhaus,
        ]
        guard let template = Template(rawValue: name) ?? english[name] else { return nil }
        self = template
    }

    private struct Line {
        let id: String
        let name: Words
        let leika: String?
        let mtpd: String
        let rto: String
        let rpo: String
        /// Where it was needed first.
        let seen: String?
    }

    private var kind: String {
        switch self {
        case .gemeinde: "municipality"
        case .kreis: "district"
        case .stadtwerke: "utility"
        case .krankenhaus: "hospital"
        }
    }

    private static let all3 = "Anhalt-Bitterfeld 2021, Potsdam 2022, Südwestfalen 2023"
    private static let two = "Potsdam 2022, Südwestfalen 2023"
    private static let abi = "Anhalt-Bitterfeld 2021"
    private static let sit = "Südwestfalen 2023"
    private static let both = "Anhalt-Bitterfeld 2021, Südwestfalen 2023"

    private static let town: [Line] = [
        Line(id: "sterbefall", name: Words("Registering a death", de: "Anzeige eines Sterbefalls"), leika: "99101011000000", mtpd: "2 d", rto: "1 d", rpo: "1 h", seen: two),
        Line(id: "geburt", name: Words("Registering a birth", de: "Anzeige einer Geburt"), leika: "99027006000000", mtpd: "1 w", rto: "2 d", rpo: "1 h", seen: two),
        Line(id: "eheschliessung", name: Words("Registering a marriage", de: "Eheschließung Anmeldung"), leika: "99059001104000", mtpd: "1 w", rto: "2 d", rpo: "1 h", seen: two),
        Line(id: "ausweis", name: Words("Identity cards", de: "Personalausweis Ausstellung"), leika: "99008001012000", mtpd: "2 w", rto: "3 d", rpo: "1 d", seen: sit),
        Line(id: "wohngeld", name: Words("Housing benefit", de: "Wohngeld Bewilligung"), leika: "99107023017000", mtpd: "2 w", rto: "1 w", rpo: "1 d", seen: all3),
        Line(id: "kasse", name: Words("Budget and payments", de: "Haushalt und Kasse"), leika: nil, mtpd: "3 d", rto: "2 d", rpo: "4 h", seen: sit),
    ]

    private static let county: [Line] = [
        Line(id: "sozialhilfe", name: Words("Social assistance", de: "Hilfe zum Lebensunterhalt (SGB XII) Bewilligung"), leika: "99107012017000", mtpd: "3 d", rto: "2 d", rpo: "4 h", seen: both),
        Line(id: "grundsicherung", name: Words("Basic security benefits", de: "Grundsicherung im Alter und bei Erwerbsminderung (SGB XII) Bewilligung"), leika: "99107009017000", mtpd: "3 d", rto: "2 d", rpo: "4 h", seen: sit),
        Line(id: "eingliederungshilfe", name: Words("Integration assistance", de: "Eingliederungshilfe Bewilligung"), leika: "99097002017000", mtpd: "1 w", rto: "3 d", rpo: "1 d", seen: abi),
        Line(id: "betreuung", name: Words("Legal guardianship", de: "Rechtliche Betreuung"), leika: nil, mtpd: "3 d", rto: "2 d", rpo: "1 d", seen: abi),
        Line(id: "asyl", name: Words("Benefits for asylum seekers", de: "Leistungen nach Asylbewerberleistungsgesetz Bewilligung"), leika: "99107029017000", mtpd: "3 d", rto: "2 d", rpo: "4 h", seen: sit),
        Line(id: "unterhaltsvorschuss", name: Words("Maintenance advance", de: "Unterhaltsvorschuss Bewilligung"), leika: "99107021017000", mtpd: "1 w", rto: "3 d", rpo: "1 d", seen: abi),
        Line(id: "elterngeld", name: Words("Parental allowance", de: "Elterngeld Bewilligung"), leika: "99041006017000", mtpd: "2 w", rto: "1 w", rpo: "1 d", seen: abi),
        Line(id: "kfz-zulassung", name: Words("Vehicle registration, with the local plate register", de: "Kfz-Zulassung, mit dem örtlichen Kennzeichenregister"), leika: "99036010007000", mtpd: "1 w", rto: "3 d", rpo: "1 h", seen: all3),
        Line(id: "fuehrerschein", name: Words("Driving licences", de: "Führerschein Ausstellung"), leika: "99023001012000", mtpd: "2 w", rto: "1 w", rpo: "1 d", seen: both),
        Line(id: "aufenthalt", name: Words("Residence permits", de: "Aufenthaltserlaubnis Erteilung"), leika: "99010001001000", mtpd: "2 w", rto: "3 d", rpo: "1 d", seen: sit),
        Line(id: "kasse", name: Words("Budget and payments", de: "Haushalt und Kasse"), leika: nil, mtpd: "3 d", rto: "2 d", rpo: "4 h", seen: sit),
    ]

    private static let utility: [Line] = [
        Line(id: "stoerungsannahme", name: Words("Taking in and steering faults", de: "Störungsannahme und Entstörung"), leika: nil, mtpd: "4 h", rto: "1 h", rpo: "15 min", seen: nil),
        Line(id: "netzplaene", name: Words("Maps of the networks", de: "Netzpläne und Leitungsauskunft"), leika: nil, mtpd: "1 d", rto: "4 h", rpo: "1 d", seen: nil),
        Line(id: "marktkommunikation", name: Words("Exchange with the energy market", de: "Marktkommunikation"), leika: nil, mtpd: "3 d", rto: "1 d", rpo: "1 h", seen: nil),
        Line(id: "abrechnung", name: Words("Metering and billing", de: "Zählerdaten und Abrechnung"), leika: nil, mtpd: "2 w", rto: "1 w", rpo: "1 d", seen: nil),
    ]

    private static let hospital: [Line] = [
        Line(id: "notaufnahme", name: Words("Emergency department", de: "Notaufnahme"), leika: nil, mtpd: "2 h", rto: "1 h", rpo: "5 min", seen: nil),
        Line(id: "medikation", name: Words("Medication and patient files", de: "Medikation und Patientenakte"), leika: nil, mtpd: "4 h", rto: "2 h", rpo: "5 min", seen: nil),
        Line(id: "labor", name: Words("Laboratory", de: "Labor"), leika: nil, mtpd: "8 h", rto: "4 h", rpo: "15 min", seen: nil),
        Line(id: "abrechnung", name: Words("Billing", de: "Abrechnung"), leika: nil, mtpd: "4 w", rto: "2 w", rpo: "1 d", seen: nil),
    ]

    private var lines: [Line] {
        switch self {
        case .gemeinde: Self.town
        case .kreis: Self.county
        case .stadtwerke: Self.utility
        case .krankenhaus: Self.hospital
        }
    }

    // MARK: Text

    /// The blueprint as YAML with comments, to be gone through line by line.
    ///
    /// - Parameters:
    ///   - found: what was found on this machine, each a guess, and what a table tells of others.
    ///   - host: this machine, named where there are others.
    package func blueprint(
        of institution: String, found: [Found] = [], on host: String? = nil, in language: Language
    ) -> String {
        func say(_ english: String, _ german: String) -> String {
            "# " + Words(english, de: german)(in: language)
        }
        var lines = [
            say("What this institution is. Check it with \"zwilling check\".", "Was diese Institution ist. Prüfen mit „zwilling check“."),
            "institution: \(quoted(institution))", "kind: \(kind)",
            say("ags: eight digits, in quotes", "ags: acht Ziffern, in Anführungszeichen"),
            say("vault: /mnt/backup/vault", "vault: /mnt/backup/tresor"), "",
            say("Who must act when everything is gone. Fill in holder, deputies and people.", "Wer handeln muss, wenn alles weg ist. holder, deputies und people ausfüllen."),
            "roles:",
        ]
        for (id, name) in Self.roles { lines += role(id, name(in: language)) }
        lines += [
            "", say("Kept elsewhere? structures-from: [people.csv]", "Schon anderswo gepflegt? structures-from: [personen.csv]"),
            say("people:", "people:"),
            say("  - {id: anna, name: Anna Beispiel, reachable: [private telephone]}", "  - {id: anna, name: Anna Beispiel, reachable: [Telefon privat]}"),
            "", say("What others get from it. Times are proposals: mtpd how long it may be gone at most,", "Was andere von ihr bekommen. Zeiten sind Vorschläge: mtpd Ausfall höchstens,"),
            say("rto when it must go on again, rpo how much work may be lost.", "rto wann es weitergehen muss, rpo wie viel Arbeit verloren gehen darf."),
            "services:",
        ]
        for line in self.lines { lines += text(of: line, say, language) }
        lines += [
            "", say("Its programs and their data. Connect services to them by \"applications\".", "Ihre Programme und deren Daten. Leistungen über „applications“ damit verbinden."),
        ]
        lines += [
            say("platforms: [{id: reserve, kind: podman, country: DE, jurisdiction: DE}]", "platforms: [{id: reserve, kind: podman, country: DE, jurisdiction: DE}]"),
        ]
        lines += FoundText(found, on: host, say).lines
        return lines.joined(separator: "\n") + "\n"
    }

    private static let roles: [(String, Words)] = [
        ("krisenstab", Words("Head of the crisis staff", de: "Leitung des Krisenstabs")),
        ("it-leitung", Words("Head of IT", de: "IT-Leitung")),
        ("kommunikation", Words("Public information", de: "Öffentlichkeitsarbeit")),
    ]

    private func role(_ id: String, _ name: String) -> [String] {
        ["  - id: \(id)", "    name: \(quoted(name))", "    essential: true"]
    }

    private func text(
        of line: Line, _ say: (String, String) -> String, _ language: Language
    ) -> [String] {
        var lines: [String] = []
        if let seen = line.seen {
            lines.append("  " + say("needed first in: \(seen)", "zuerst gebraucht: \(seen)"))
        }
        lines += ["  - id: \(line.id)", "    name: \(quoted(line.name(in: language)))"]
        if let leika = line.leika { lines.append("    leika: \"\(leika)\"") }
        return lines + ["    mtpd: \(line.mtpd)", "    rto: \(line.rto)", "    rpo: \(line.rpo)"]
    }
}

/// A text as YAML takes it whatever is in it.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
            let digits = String(scalar.value, radix: 16)
            result += "\\x" + (digits.count == 1 ? "0" : "") + digits
        case "\u{2028}", "\u{2029}", "\u{feff}":
            result += "\\u" + String(scalar.value, radix: 16)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
