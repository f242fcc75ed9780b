// SPDX-License-Identifier: EUPL-1.2
import Ground

extension DrillPaper {
    /// Tables get their headings on every sheet of paper.
    private func table(_ headings: [String], class name: String, _ bodies: [Markup]) -> Markup {
        tag(
            "table", ["class": name],
            [
                tag(
                    "thead", [:],
                    tag("tr", [:], headings.map { tag("th", ["scope": "col"], Markup($0)) }))
            ] + bodies)
    }

    private func verdict(_ isGood: Bool, _ words: String) -> [Markup] {
        [DrillPen.mark(isGood), tag("span", ["class": isGood ? "well" : "ill"], Markup(words))]
    }

    func passed(_ isGood: Bool) -> [Markup] {
        verdict(
            isGood,
            isGood ? pen("passed", de: "bestanden") : pen("not passed", de: "nicht bestanden"))
    }

    // MARK: Services

    var services: Markup {
        let title = pen("Services", de: "Leistungen")
        guard !report.services.isEmpty else {
            return section(
                title, [paragraph(pen("None was part of it.", de: "Keine gehörte dazu."))])
        }
        let headings = [
            pen("Service", de: "Leistung"), pen("Went on after", de: "Ging weiter nach"),
            pen("Age of its data", de: "Alter ihrer Daten"), pen("Verdict", de: "Urteil"),
        ]
        return section(title, [table(headings, class: "services", report.services.map(row))])
    }

    private func row(_ service: DrillReport.Service) -> Markup {
        var rows = [
            tag(
                "tr", [:], tag("th", ["scope": "row"], Markup(service.name)),
                tag(
                    "td", [:],
                    measured(
                        service.standsAfter, service.rto,
                        orElse: pen("did not go on", de: "ging nicht weiter"), isBad: true)),
                tag(
                    "td", [:],
                    measured(
                        service.dataAge, service.rpo,
                        orElse: pen("not measured", de: "nicht gemessen"), isBad: false)),
                tag("td", ["class": "result"], passed(service.isMet)))
        ]
        if !service.faults.isEmpty {
            rows.append(
                tag(
                    "tr", ["class": "why"],
                    tag(
                        "td", ["colspan": "4"],
                        tag("ul", [:], service.faults.map { tag("li", [:], Markup(pen($0))) }))))
        }
        return tag("tbody", [:], rows)
    }

    /// A value and its bar, held against what is allowed.
    private func measured(_ value: Double?, _ target: Double?, orElse missing: String, isBad: Bool)
        -> [Markup]
    {
        let isOver = value.map { value in target.map { value > $0 } ?? false } ?? isBad
        var pieces = [
            tag(
                "span", ["class": isOver ? "value ill" : "value"],
                Markup(value.map(pen.duration) ?? missing)),
            tag(
                "span", ["class": "allowed"],
                Markup(
                    target.map { pen("allowed: ", de: "erlaubt: ") + pen.duration($0) }
                        ?? pen("no target", de: "kein Ziel"))),
        ]
        if let target, let value { pieces.append(Self.bar(value, target)) }
        return pieces
    }

    private static let targetAt = 90.0
    private static let barMax = 120.0

    /// The tick is the target, in every row at the same place.
    private static func bar(_ value: Double, _ target: Double) -> Markup {
        let (value, target) = (DrillPen.drawable(value), DrillPen.drawable(target))
        let share = target > 0 ? value / target : value > 0 ? .infinity : 0
        let length = min(max(share * targetAt, 1.5), barMax)
        var pieces = [
            tag(
                "rect",
                [
                    "class": "track", "x": "0", "y": "2", "width": at(targetAt), "height": "6",
                    "rx": "1",
                ]),
            tag(
                "rect",
                [
                    "class": value > target ? "over" : "within", "x": "0", "y": "2",
                    "width": at(length), "height": "6", "rx": "1",
                ]),
            tag(
                "line",
                ["class": "target", "x1": at(targetAt), "x2": at(targetAt), "y1": "0", "y2": "10"]),
        ]
        // It goes on beyond what can be drawn.
        if share * targetAt > barMax {
            pieces.append(tag("path", ["class": "over", "d": "M121.5 1 L126 5 L121.5 9 Z"]))
        }
        return tag(
            "svg",
            [
                "class": "bar", "viewBox": "0 0 127 10", "preserveAspectRatio": "xMinYMid",
                "aria-hidden": "true",
            ], pieces)
    }

    // MARK: Faults

    var faults: Markup {
        guard !report.faults.isEmpty else {
            let words =
                report.standsAfter == nil
                ? pen(
                    "What stood in the way is not known.",
                    de: "Was im Weg stand, ist nicht bekannt.")
                : pen(
                    "All that was meant to come back did; nothing stood in the way.",
                    de: "Alles, was zurückkommen sollte, kam zurück; nichts stand im Weg.")
            return tag(
                "p", ["class": "marked apart"],
                report.standsAfter == nil ? DrillPen.warning : DrillPen.mark(true),
                Markup(words))
        }
        return section(
            pen("What stood in the way", de: "Was im Weg stand"),
            [
                tag(
                    "ul", ["class": "faults"],
                    report.faults.map {
                        tag("li", ["class": "marked"], DrillPen.mark(false), Markup(pen($0)))
                    })
            ])
    }

    // MARK: Trials

    var trials: Markup {
        let title = pen("Trials", de: "Proben")
        guard !report.trials.isEmpty else {
            return section(
                title,
                [
                    tag(
                        "p", ["class": "marked"], DrillPen.warning,
                        Markup(
                            pen(
                                "The blueprint has none: that the applications answer is all that "
                                    + "was shown.",
                                de: "Der Bauplan hat keine: Gezeigt ist nur, dass die Anwendungen "
                                    + "antworten."
                            )))
                ])
        }
        let rows = report.trials.map { trial in
            let why = trial.fault.map { [tag("div", ["class": "reason"], Markup(pen($0)))] } ?? []
            return tag(
                "tr", [:], tag("th", ["scope": "row"], Markup(trial.application)),
                tag("td", [:], [Markup(trial.name)] + why),
                tag("td", ["class": "figure"], Markup(pen.duration(trial.seconds))),
                tag("td", ["class": "result"], passed(trial.fault == nil)))
        }
        let headings = [
            pen("Application", de: "Anwendung"), pen("Trial", de: "Probe"),
            pen("Took", de: "Dauer"),
            pen("Result", de: "Ergebnis"),
        ]
        return section(title, [table(headings, class: "trials", [tag("tbody", [:], rows)])])
    }

    // MARK: Outside

    var needs: Markup {
        let title = pen("Needed from outside", de: "Von außen gebraucht")
        guard !report.needs.isEmpty else {
            return section(
                title,
                [
                    paragraph(
                        pen(
                            "Nothing that the blueprint knows of.",
                            de: "Nichts, wovon der Bauplan weiß."))
                ])
        }
        let rows = report.needs.map { need in
            tag(
                "tr", [:], tag("th", ["scope": "row"], Markup(need.application)),
                tag("td", [:], Markup(need.need)),
                tag(
                    "td", [:],
                    need.standIn.map { [Markup($0)] } ?? [
                        DrillPen.warning,
                        tag(
                            "span", ["class": "caution"],
                            Markup(pen("no stand-in", de: "kein Ersatz"))),
                    ]))
        }
        let headings = [
            pen("Application", de: "Anwendung"), pen("Needs", de: "Braucht"),
            pen("Stand-in", de: "Ersatz"),
        ]
        return section(title, [table(headings, class: "needs", [tag("tbody", [:], rows)])])
    }

    // MARK: The end

    var tearingDown: Markup {
        var pieces: [Markup] = []
        if isCloudOff, report.mails == 0 {
            pieces.append(
                paragraph(
                    pen(
                        "In this scenario nothing took mail.",
                        de: "In diesem Szenario nahm nichts Post an.")))
        } else {
            let mails = pen.count(
                report.mails, Words("mail was", de: "Mail wurde"),
                Words("mails were", de: "Mails wurden"))
            pieces.append(
                paragraph(
                    mails + pen(" caught instead of being sent.", de: " abgefangen statt versandt.")
                ))
        }
        if report.traces.isEmpty {
            pieces.append(
                tag(
                    "p", ["class": "marked"], DrillPen.mark(true),
                    Markup(
                        pen(
                            "Nothing of it is left: containers, networks, secrets, processes and "
                                + "directories were looked for.",
                            de: "Nichts davon ist noch da: Gesucht wurde nach Containern, Netzen, "
                                + "Geheimnissen, Prozessen und Verzeichnissen."
                        ))))
        } else {
            pieces.append(
                tag(
                    "p", ["class": "marked"], DrillPen.mark(false),
                    tag(
                        "span", ["class": "ill"],
                        Markup(
                            pen(
                                "This is still there, and must go:",
                                de: "Das ist noch da und muss weg:")))))
            pieces.append(
                tag("ul", ["class": "traces"], report.traces.map { tag("li", [:], Markup($0)) }))
        }
        return section(
            pen("Mail and tearing down", de: "Post und Abräumen"), pieces, class: "whole")
    }
}
