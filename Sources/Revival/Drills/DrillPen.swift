// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Writes figures and words in the language of a page, which need not be that of whoever runs the
/// drill. Reports come from files: any number may be in them.
struct DrillPen {
    let language: Language

    private static let space = "\u{a0}"
    private static let secondsMax = 1e12
    private static let day = 86_400

    func callAsFunction(_ english: String, de german: String) -> String {
        Words(english, de: german)(in: language)
    }

    func callAsFunction(_ fault: DrillReport.Fault) -> String {
        self(fault.english, de: fault.german)
    }

    func count(_ number: Int, _ one: Words, _ several: Words) -> String {
        figure(number) + Self.space + (number == 1 ? one : several)(in: language)
    }

    /// With a mark every three digits.
    func figure(_ number: some BinaryInteger) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += self(",", de: ".") }
            text.append(digit)
        }
        return text
    }

    private func tenths(_ value: Double) -> String {
        let rounded = Int((value * 10).rounded())
        return figure(rounded / 10) + self(".", de: ",") + "\(rounded % 10)"
    }

    /// A time that can be drawn.
    static func drawable(_ seconds: Double) -> Double {
        seconds.isNaN ? 0 : min(max(seconds, 0), secondsMax)
    }

    func duration(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "?" }
        let seconds = Self.drawable(seconds)
        if seconds == 0 { return "0" + Self.space + "s" }
        if seconds < 9.95 { return tenths(seconds) + Self.space + "s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return figure(whole) + Self.space + "s" }
        if whole < 3600 { return pair(whole / 60, "min", whole % 60, "s") }
        if whole < 2 * Self.day { return pair(whole / 3600, "h", whole / 60 % 60, "min") }
        return pair(whole / Self.day, self("days", de: "Tage"), whole / 3600 % 24, "h")
    }

    /// Targets are round more often than not: 15 min, not 15 min 0 s.
    private func pair(_ large: Int, _ unit: String, _ small: Int, _ smaller: String) -> String {
        let text = figure(large) + Self.space + unit
        return small == 0 ? text : text + Self.space + "\(small)" + Self.space + smaller
    }

    func size(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        guard value >= 1023.5 else { return "\(bytes)" + Self.space + "B" }
        for unit in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
            value /= 1024
            if value < 1023.95 { return tenths(value) + Self.space + unit }
        }
        return tenths(value / 1024) + Self.space + "EiB"
    }

    /// What was moved, and how fast.
    func pace(_ bytes: UInt64, in seconds: Double) -> String {
        let rate = min(Double(bytes) / max(Self.drawable(seconds), 0.001), 1e18)
        return size(bytes) + ", " + size(UInt64(rate)) + "/s"
    }

    // MARK: Signs

    /// Beside words that say the same: nobody needs to see its colour.
    static func mark(_ isGood: Bool, large: Bool = false) -> Markup {
        let sign =
            isGood
            ? tag("path", ["class": "sign", "d": "M5.5 10.5 L8.8 13.8 L14.7 6.8"])
            : tag("path", ["class": "sign", "d": "M6.5 6.5 L13.5 13.5 M13.5 6.5 L6.5 13.5"])
        let shape =
            isGood
            ? tag("circle", ["class": "good", "cx": "10", "cy": "10", "r": "9.5"])
            : tag("path", ["class": "bad", "d": "M6 .5 H14 L19.5 6 V14 L14 19.5 H6 L.5 14 V6 Z"])
        return tag(
            "svg",
            [
                "class": large ? "mark large" : "mark", "viewBox": "0 0 20 20",
                "aria-hidden": "true",
            ], shape, sign)
    }

    /// Something that is no failure, and yet must be known.
    static let warning = tag(
        "svg", ["class": "mark", "viewBox": "0 0 20 20", "aria-hidden": "true"],
        tag("path", ["class": "warned", "d": "M10 1 L19.5 18.5 H.5 Z"]),
        tag("path", ["class": "sign", "d": "M10 7 V12.5 M10 14.8 V16.4"]))
}
