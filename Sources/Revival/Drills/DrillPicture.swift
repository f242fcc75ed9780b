// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a drill did when, drawn on an axis of time: so that it shows what was slow.
struct DrillPicture {
    struct Row {
        enum Kind: Int { case data, load, start, other }

        let kind: Kind
        let name: String
        let from: Double
        let until: Double
        let bytes: UInt64
        /// Started, and never answered.
        let isFallen: Bool

        var seconds: Double { until - from }
    }

    let pen: DrillPen
    /// In the order in which they began.
    let rows: [Row]
    /// The longest, first the longest of all: indices of rows. What fell is none of them, since it
    /// would have gone on.
    let longest: [Int]
    /// Short ones that were left out.
    let leftOut: Int
    let end: Double
    /// When all stood.
    private let served: Double?

    private static let longestMax = 3
    /// What is shorter is not worth looking at.
    private static let longestShare = 0.05
    private static let rowsMax = 162
    /// As many as fit on a page.
    private static let rowsPerPicture = 54

    init(_ report: DrillReport, _ pen: DrillPen) {
        self.pen = pen
        let all = Self.rows(of: report)
        served =
            report.steps.first { $0.kind == "served" }.map { DrillPen.drawable($0.from) }
            ?? report.standsAfter.map(DrillPen.drawable)
        let order = all.indices.sorted { all[$0].seconds > all[$1].seconds }
        let kept = Set(order.prefix(Self.rowsMax))
        rows = all.indices.filter(kept.contains).map { all[$0] }
        leftOut = all.count - rows.count
        let end = max(all.map(\.until).max() ?? 0, served ?? 0, 0.001)
        self.end = end
        let shown = rows
        longest = Array(
            shown.indices.filter {
                !shown[$0].isFallen && shown[$0].seconds >= Self.longestShare * end
            }
            .sorted { shown[$0].seconds > shown[$1].seconds }.prefix(Self.longestMax))
    }

    private static func rows(of report: DrillReport) -> [Row] {
        let steps = report.steps
        let starts = Dictionary(
            steps.filter { $0.kind == "started" }.map { ($0.what, DrillPen.drawable($0.from)) },
            uniquingKeysWith: min)
        let standing = Set(steps.filter { $0.kind == "stands" }.map(\.what))
        let last = steps.map { DrillPen.drawable($0.from + $0.seconds) }.max() ?? 0
        let rows = steps.compactMap { step -> Row? in
            var (kind, from) = (Row.Kind.other, DrillPen.drawable(step.from))
            var until = max(from, DrillPen.drawable(step.from + step.seconds))
            switch step.kind {
            case "brought": kind = .data
            case "loaded": kind = .load
            case "stands":
                kind = .start
                from = min(from, starts[step.what] ?? from)
            case "started":
                guard !standing.contains(step.what) else { return nil }
                kind = .start
                until = max(last, report.standsAfter == nil ? DrillPen.drawable(report.seconds) : 0)
            case "served": return nil
            default: break
            }
            return Row(
                kind: kind, name: step.what, from: from, until: max(from, until), bytes: step.bytes,
                isFallen: step.kind == "started")
        }
        return rows.sorted { ($0.from, $0.until, $0.name) < ($1.from, $1.until, $1.name) }
    }

    func words(for kind: Row.Kind) -> String {
        switch kind {
        case .data: pen("data", de: "Daten")
        case .load: pen("load", de: "Laden")
        case .start: pen("start", de: "Start")
        case .other: pen("other", de: "Sonst")
        }
    }

    // MARK: Drawing

    private static let width = 720.0
    private static let left = 196.0
    /// Right of it is room for a duration.
    private static let right = 612.0
    private static let rowHeight = 16.0
    private static let top = 22.0
    private static let nameMax = 24

    private func x(_ seconds: Double) -> Double {
        Self.left + (Self.right - Self.left) * min(seconds / end, 1)
    }

    var drawn: [Markup] {
        stride(from: 0, to: rows.count, by: Self.rowsPerPicture).map { first in
            drawn(first..<min(first + Self.rowsPerPicture, rows.count))
        }
    }

    private func drawn(_ range: Range<Int>) -> Markup {
        let bottom = Self.top + Self.rowHeight * Double(range.count) + 4
        let first = range.lowerBound + 1
        let id = "picture-\(first)"
        var pieces = [
            tag(
                "title", ["id": id + "-title"],
                Markup(
                    pen(
                        "What the drill did when, steps \(first) to \(range.upperBound)",
                        de: "Was die Übung wann tat, Schritte \(first) bis \(range.upperBound)"
                    ))),
            tag("desc", ["id": id + "-desc"], Markup(description)),
        ]
        pieces += axis(to: bottom)
        // Of its own, since it cuts off what is too long for its column.
        pieces.append(
            tag(
                "svg", ["x": "0", "y": "0", "width": at(Self.left - 8), "height": at(bottom)],
                range.flatMap { labels($0, at: middle($0, range)) }))
        if let served {
            pieces.append(
                tag(
                    "line",
                    [
                        "class": "served", "x1": at(x(served)), "x2": at(x(served)), "y1": "16",
                        "y2": at(bottom),
                    ]))
        }
        pieces += range.flatMap { bar($0, at: middle($0, range)) }
        return tag(
            "svg",
            [
                "class": "picture", "viewBox": "0 0 \(at(Self.width)) \(at(bottom + 2))",
                "role": "img",
                "aria-labelledby": "\(id)-title \(id)-desc",
            ], pieces)
    }

    /// What the picture shows, for whoever does not see it.
    private var description: String {
        let end = pen.duration(end)
        let names = longest.map { "\(rows[$0].name) (\(pen.duration(rows[$0].seconds)))" }
            .joined(separator: "; ")
        let axis = pen(
            "Bars on an axis from 0 to \(end).", de: "Balken auf einer Achse von 0 bis \(end).")
        return names.isEmpty
            ? axis : axis + pen(" The longest: \(names).", de: " Die längsten: \(names).")
    }

    private func middle(_ row: Int, _ range: Range<Int>) -> Double {
        Self.top + Self.rowHeight * (Double(row - range.lowerBound) + 0.5)
    }

    private func axis(to bottom: Double) -> [Markup] {
        Self.ticks(to: end).flatMap { seconds in
            [
                tag(
                    "line",
                    [
                        "class": "grid", "x1": at(x(seconds)), "x2": at(x(seconds)),
                        "y1": at(Self.top - 4), "y2": at(bottom),
                    ]),
                tag(
                    "text", ["class": "tick", "x": at(x(seconds)), "y": "12"],
                    Markup(seconds == 0 ? "0" : pen.duration(seconds))),
            ]
        }
    }

    /// At most seven, at times that people count in.
    static func ticks(to end: Double) -> [Double] {
        let steps: [Double] = [
            0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800,
            21_600,
            43_200, 86_400,
        ]
        var step = steps.first { end / $0 <= 6 } ?? 86_400
        while end / step > 6 { step *= 2 }
        return Array(stride(from: 0, through: end, by: step))
    }

    private func labels(_ index: Int, at y: Double) -> [Markup] {
        let row = rows[index]
        let rank = longest.firstIndex(of: index)
        var pieces = [
            tag(
                "text", ["class": rank == nil ? "kind" : "kind heavy", "x": "22", "y": at(y + 4)],
                Markup(words(for: row.kind))),
            tag(
                "text", ["class": rank == nil ? "name" : "name heavy", "x": "58", "y": at(y + 4)],
                tag("title", [:], Markup(row.name)), Markup(Self.short(row.name))),
        ]
        if let rank {
            pieces += [
                tag("circle", ["class": "rank", "cx": "10", "cy": at(y), "r": "6.5"]),
                tag(
                    "text", ["class": "number", "x": "10", "y": at(y + 3.4)], Markup("\(rank + 1)")),
            ]
        }
        return pieces
    }

    /// By scalars, since a single letter may have any number of marks.
    private static func short(_ name: String) -> String {
        let scalars = name.unicodeScalars
        if scalars.count <= nameMax { return name }
        return String(String.UnicodeScalarView(scalars.prefix(nameMax - 1))) + "…"
    }

    private func bar(_ index: Int, at y: Double) -> [Markup] {
        let row = rows[index]
        let kind = row.isFallen ? "fallen" : "kind\(row.kind.rawValue)"
        // However short it was, that it was there must show.
        let length = max(x(row.until) - x(row.from), 1.5)
        let isLong = longest.contains(index)
        return [
            tag(
                "rect",
                [
                    "class": isLong ? "\(kind) longer" : kind, "x": at(x(row.from)), "y": at(y - 5),
                    "width": at(length),
                    "height": "10", "rx": "1.5",
                ],
                []),
            tag(
                "text",
                [
                    "class": isLong ? "length heavy" : "length", "x": at(x(row.from) + length + 5),
                    "y": at(y + 3.6),
                ],
                Markup(
                    row.isFallen
                        ? pen("did not come up", de: "kam nicht hoch") : pen.duration(row.seconds))),
        ]
    }
}
