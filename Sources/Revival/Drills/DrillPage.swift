// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A drill on paper, for those who decide and those who must do better next time: one file that
/// needs nothing else, neither a script nor a network.
package enum DrillPage {
    /// - Parameter time: a moment, in seconds since 1970, as people read it.
    package static func html(
        _ report: DrillReport, german: Bool, time: (Int64) -> String
    ) -> [UInt8] {
        withoutActuallyEscaping(time) { time in
            DrillPaper(report, DrillPen(language: german ? .german : .english), time).page.document
        }
    }
}

/// A page in the making.
struct DrillPaper {
    let report: DrillReport
    let pen: DrillPen
    let time: (Int64) -> String

    init(_ report: DrillReport, _ pen: DrillPen, _ time: @escaping (Int64) -> String) {
        (self.report, self.pen, self.time) = (report, pen, time)
    }

    var page: Markup {
        let language = pen.language.rawValue
        let title = pen("Drill", de: "Übung") + " \(report.id) · \(report.institution)"
        return tag(
            "html", ["lang": language, "xml:lang": language],
            tag(
                "head", [:], tag("meta", ["charset": "utf-8"]), tag("title", [:], Markup(title)),
                tag(
                    "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                // Should a tag ever get through, it could do nothing.
                tag(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; style-src 'unsafe-inline'",
                    ]),
                .style(Self.rules)),
            tag(
                "body", [:], tag("header", [:], heading), tag("main", [:], parts),
                tag("footer", [:], footer)))
    }

    private var parts: [Markup] {
        [verdict, figures, services, faults, course, trials, needs, tearingDown, comparison]
    }

    func section(_ title: String, _ inside: [Markup], class name: String = "") -> Markup {
        tag("section", ["class": name], [tag("h2", [:], Markup(title))] + inside)
    }

    func paragraph(_ text: String, class name: String = "") -> Markup {
        tag("p", ["class": name], Markup(text))
    }

    // MARK: Above all

    private var heading: [Markup] {
        let facts = [
            (pen("Date", de: "Datum"), time(report.begun)),
            (pen("Platform", de: "Plattform"), report.platform),
            (pen("Scenario", de: "Szenario"), scenario),
        ]
        return [
            tag("p", ["class": "kicker"], Markup(pen("Drill: report", de: "Übung: Bericht"))),
            tag("h1", [:], Markup(report.institution)),
            tag("dl", ["class": "facts"], facts.map(Self.fact)),
        ]
    }

    static func fact(_ name: String, _ text: String) -> Markup {
        tag("div", [:], tag("dt", [:], Markup(name)), tag("dd", [:], Markup(text)))
    }

    var isCloudOff: Bool { report.scenario == "cloud-off" }

    private var scenario: String {
        if isCloudOff {
            return pen(
                "cloud off: nothing takes the place of what is outside",
                de: "Cloud aus: nichts tritt an die Stelle dessen, was außen liegt")
        }
        return report.scenario ?? pen("a new start in isolation", de: "Neustart, abgeschottet")
    }

    private var verdict: Markup {
        let (sentence, reasons) = (self.sentence, self.reasons)
        return tag(
            "div", ["class": report.isPassed ? "verdict passed" : "verdict failed"],
            DrillPen.mark(report.isPassed, large: true),
            tag(
                "div", [:], tag("p", ["class": "sentence"], Markup(sentence)),
                paragraph(reasons)))
    }

    private var metCount: Int { report.services.count(where: \.isMet) }

    /// What the mayor reads.
    private var sentence: String {
        let (all, fallen) = (report.services.count, report.services.count - metCount)
        if fallen > 0 {
            return all == 1
                ? pen(
                    "The service did not pass the drill.",
                    de: "Die Leistung hat die Übung nicht bestanden.")
                : pen(
                    "\(fallen) of \(all) services did not pass the drill.",
                    de: "\(fallen) von \(all) Leistungen haben die Übung nicht bestanden.")
        }
        guard report.isPassed else {
            return pen("The drill is not passed.", de: "Die Übung ist nicht bestanden.")
        }
        // Without a target there is no "in time".
        let inTime = report.services.contains { $0.rto != nil }
        switch all {
        case 0: return pen("All of it came up.", de: "Alles kam hoch.")
        case 1:
            return inTime
                ? pen("The service went on in time.", de: "Die Leistung ging rechtzeitig weiter.")
                : pen("The service went on.", de: "Die Leistung ging weiter.")
        default:
            return inTime
                ? pen(
                    "All \(all) services went on in time.",
                    de: "Alle \(all) Leistungen gingen rechtzeitig weiter.")
                : pen("All \(all) services went on.", de: "Alle \(all) Leistungen gingen weiter.")
        }
    }

    private var reasons: String {
        if report.isPassed {
            return pen(
                "The whole drill, with tearing down, took \(pen.duration(report.seconds)).",
                de: "Die ganze Übung dauerte mit dem Abräumen \(pen.duration(report.seconds)).")
        }
        let services = report.services
        let absent = services.count { $0.standsAfter == nil }
        let late = services.count { one in one.rto.map { (one.standsAfter ?? 0) > $0 } ?? false }
        let old = services.count { one in one.rpo.map { (one.dataAge ?? 0) > $0 } ?? false }
        var reasons: [String] = []
        if absent > 0 {
            reasons.append(
                pen(
                    "\(absent) did not go on",
                    de: "\(absent) ging\(absent == 1 ? "" : "en") nicht weiter"))
        }
        if late > 0 { reasons.append(pen("\(late) too late", de: "\(late) zu spät")) }
        if old > 0 {
            reasons.append(pen("\(old) with data too old", de: "\(old) mit zu alten Daten"))
        }
        if absent == 0, report.standsAfter == nil {
            reasons.append(pen("not all of it came up", de: "nicht alles kam hoch"))
        }
        let failed = failedTrials
        if failed > 0 {
            reasons.append(
                pen.count(
                    failed, Words("trial failed", de: "Probe misslang"),
                    Words("trials failed", de: "Proben misslangen")))
        }
        if !report.faults.isEmpty {
            reasons.append(
                pen.count(
                    report.faults.count, Words("thing stood in the way", de: "Hindernis"),
                    Words("things stood in the way", de: "Hindernisse")))
        }
        if !report.traces.isEmpty {
            reasons.append(
                pen("something of the drill is still there", de: "von der Übung ist noch etwas da"))
        }
        if reasons.isEmpty {
            return pen(
                "Below is what was missing in each.", de: "Unten steht, woran es bei jeder lag.")
        }
        return pen("Why: ", de: reasons.count == 1 ? "Grund: " : "Gründe: ")
            + reasons.joined(separator: "; ") + "."
    }

    var failedTrials: Int { report.trials.count { $0.fault != nil } }

    // MARK: Key figures

    private var figures: Markup {
        let (services, trials) = (report.services.count, report.trials.count)
        func part(_ good: Int, _ all: Int) -> String {
            all == 0 ? "–" : pen("\(good) of \(all)", de: "\(good) von \(all)")
        }
        let age = Double(report.begun) - Double(report.moment)
        let tiles = [
            (
                pen("until all stood", de: "bis alles stand"),
                report.standsAfter.map(pen.duration) ?? "–"
            ),
            (pen("services passed", de: "Leistungen bestanden"), part(metCount, services)),
            (pen("trials passed", de: "Proben bestanden"), part(trials - failedTrials, trials)),
            (pen("age of the oldest data", de: "Alter der ältesten Daten"), pen.duration(age)),
            (pen("mails caught", de: "Mails abgefangen"), pen.figure(report.mails)),
        ]
        return tag(
            "dl", ["class": "tiles"],
            tiles.map { name, value in
                tag("div", [:], tag("dt", [:], Markup(name)), tag("dd", [:], Markup(value)))
            })
    }

    // MARK: Below all

    private var footer: [Markup] {
        let facts = [
            (pen("Drill", de: "Übung"), report.id), (pen("Vault", de: "Tresor"), report.vault),
            (pen("State of the oldest data", de: "Stand der ältesten Daten"), time(report.moment)),
            (pen("Format", de: "Format"), pen.figure(report.format)),
        ]
        return [
            tag("dl", ["class": "facts"], facts.map(Self.fact)),
            tag(
                "p", [:],
                Markup(
                    pen(
                        "This page is for reading. What is signed is report.json beside it; "
                            + "whether that is unchanged, this command tells without any "
                            + "passphrase, with DIR for the directory of both: ",
                        de: "Diese Seite ist zum Lesen. Signiert ist report.json daneben; ob es "
                            + "unverändert ist, sagt dieser Befehl ohne Passphrase, mit VERZ für "
                            + "das Verzeichnis der beiden: "
                    )),
                tag("code", [:], Markup("zwilling drills check " + pen("DIR", de: "VERZ")))),
        ]
    }
}
