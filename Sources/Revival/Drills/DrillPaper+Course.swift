// SPDX-License-Identifier: EUPL-1.2
import Ground

extension DrillPaper {
    // MARK: What took how long

    var course: Markup {
        let title = pen("What happened when", de: "Was wann geschah")
        let picture = DrillPicture(report, pen)
        guard !picture.rows.isEmpty else {
            return section(
                title, [paragraph(pen("No step is noted.", de: "Kein Schritt ist notiert."))])
        }
        var pieces = [legend(of: picture)] + picture.drawn
        if picture.leftOut > 0 {
            pieces.append(
                paragraph(
                    pen(
                        "\(pen.figure(picture.leftOut)) shorter steps are not drawn.",
                        de: "\(pen.figure(picture.leftOut)) kürzere Schritte sind nicht gezeichnet."
                    ), class: "note"))
        }
        pieces += longest(of: picture)
        return section(title, pieces)
    }

    private func legend(of picture: DrillPicture) -> Markup {
        let shown = Set(picture.rows.map { $0.isFallen ? "fallen" : "kind\($0.kind.rawValue)" })
        let all = [
            ("kind0", pen("data brought back", de: "Daten zurückgeholt")),
            ("kind1", pen("loaded into its server", de: "in ihren Server geladen")),
            ("kind2", pen("started, until it answered", de: "gestartet, bis es antwortete")),
            ("kind3", pen("other", de: "Sonstiges")),
            ("fallen", pen("did not come up", de: "kam nicht hoch")),
        ]
        var pieces = all.filter { shown.contains($0.0) }.map { name, words in
            tag(
                "span", [:],
                tag(
                    "svg", ["class": "key", "viewBox": "0 0 18 10", "aria-hidden": "true"],
                    tag(
                        "rect",
                        [
                            "class": name, "x": "0.5", "y": "0.5", "width": "17", "height": "9",
                            "rx": "1.5",
                        ])),
                Markup(words))
        }
        if report.standsAfter != nil {
            pieces.append(
                tag(
                    "span", [:],
                    tag(
                        "svg", ["class": "key", "viewBox": "0 0 18 10", "aria-hidden": "true"],
                        tag(
                            "line",
                            ["class": "served", "x1": "9", "x2": "9", "y1": "0", "y2": "10"])),
                    Markup(pen("all stood", de: "alles stand"))))
        }
        return tag("p", ["class": "legend"], pieces)
    }

    /// Where there is something to gain.
    private func longest(of picture: DrillPicture) -> [Markup] {
        guard !picture.longest.isEmpty else { return [] }
        let items = picture.longest.map { index in
            let row = picture.rows[index]
            let share = Int((row.seconds / picture.end * 100).rounded())
            var text =
                ": \(pen.duration(row.seconds)), \(share)"
                + pen("% of the time", de: "\u{a0}% der Zeit")
            if row.bytes > 0 { text += " (\(pen.pace(row.bytes, in: row.seconds)))" }
            return tag(
                "li", [:], Markup(picture.words(for: row.kind) + " "),
                tag("bdi", ["class": "heavy"], Markup(row.name)),
                Markup(text))
        }
        return [
            tag("h3", [:], Markup(pen("What took longest", de: "Was am längsten dauerte"))),
            tag("ol", ["class": "longest"], items),
        ]
    }

    // MARK: Against earlier ones

    private static let earlierMax = 20

    var comparison: Markup {
        let title = pen("Against earlier drills", de: "Im Vergleich mit früheren Übungen")
        let earlier = report.earlier.sorted { $0.begun > $1.begun }.prefix(Self.earlierMax)
        guard !earlier.isEmpty else {
            return section(title, [paragraph(pen("This is the first.", de: "Dies ist die erste."))])
        }
        let own = DrillReport.Earlier(
            id: report.id, begun: report.begun, seconds: report.standsAfter,
            isPassed: report.isPassed)
        let longest = ([own] + earlier).compactMap(\.seconds).map(DrillPen.drawable).max() ?? 0
        let rows = ([own] + earlier).enumerated().map { index, drill in
            row(drill, longest: longest, isOwn: index == 0)
        }
        let table = tag(
            "table", ["class": "earlier"],
            tag(
                "thead", [:],
                tag(
                    "tr", [:],
                    [
                        pen("Begun", de: "Begonnen"), pen("Until all stood", de: "Bis alles stand"),
                        pen("Result", de: "Ergebnis"), pen("Drill", de: "Übung"),
                    ].map { tag("th", ["scope": "col"], Markup($0)) })),
            tag("tbody", [:], rows))
        return section(title, trend(since: Array(earlier)) + [table], class: "whole")
    }

    private func row(_ drill: DrillReport.Earlier, longest: Double, isOwn: Bool) -> Markup {
        var time: [Markup] = [
            tag(
                "span", ["class": "value"],
                Markup(
                    drill.seconds.map(pen.duration) ?? pen("not all stood", de: "nicht alles stand")
                ))
        ]
        if let seconds = drill.seconds, longest > 0 {
            let length = max(DrillPen.drawable(seconds) / longest * 118, 1.5)
            time.append(
                tag(
                    "svg",
                    [
                        "class": "bar", "viewBox": "0 0 120 10", "preserveAspectRatio": "xMinYMid",
                        "aria-hidden": "true",
                    ],
                    tag(
                        "rect",
                        [
                            "class": isOwn ? "own" : "past", "x": "0", "y": "2",
                            "width": at(length), "height": "6", "rx": "1",
                        ])))
        }
        return tag(
            "tr", ["class": isOwn ? "own" : "past"],
            tag("th", ["scope": "row"], Markup(self.time(drill.begun))),
            tag("td", [:], tag("div", ["class": "course"], time)),
            tag("td", ["class": "result"], passed(drill.isPassed)),
            tag("td", [:], Markup(isOwn ? pen("this one", de: "diese") : drill.id)))
    }

    /// Whether it got faster since all stood the last time.
    private func trend(since earlier: [DrillReport.Earlier]) -> [Markup] {
        guard let now = report.standsAfter, let before = earlier.compactMap(\.seconds).first else {
            return []
        }
        let difference = DrillPen.drawable(now) - DrillPen.drawable(before)
        let words: String
        if abs(difference) < max(0.05 * DrillPen.drawable(before), 1) {
            words = pen(
                "About as fast as the last time.", de: "Etwa so schnell wie das letzte Mal.")
        } else if difference < 0 {
            words = pen(
                "\(pen.duration(-difference)) faster than the last time.",
                de: "\(pen.duration(-difference)) schneller als das letzte Mal.")
        } else {
            words = pen(
                "\(pen.duration(difference)) slower than the last time.",
                de: "\(pen.duration(difference)) langsamer als das letzte Mal.")
        }
        return [paragraph(words)]
    }
}
