// SPDX-License-Identifier: EUPL-1.2
import Ground

/// How long something may take or be: `30 s`, `15 min`, `4 h`, `3 d`, `2 w`.
package struct Span: Hashable, Comparable, Sendable {
    package let seconds: Int

    package init(seconds: Int) { self.seconds = seconds }

    package static func < (one: Span, other: Span) -> Bool { one.seconds < other.seconds }

    private static let units: [(names: [String], seconds: Int)] = [
        (["w", "week", "weeks"], 604_800), (["d", "day", "days"], 86_400),
        (["h", "hour", "hours"], 3600), (["min", "minute", "minutes"], 60),
        (["s", "second", "seconds"], 1),
    ]

    /// What a schema can say about it.
    static let pattern = "^[0-9]{1,6} ?(s|min|h|d|w)$"

    /// nil for what is no span, is nothing, or is longer than a hundred years.
    package init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let count = Int(digits), (1...999_999).contains(count),
            let seconds = Self.units.first(where: { $0.names.contains(unit) })?.seconds,
            count * seconds <= 100 * 366 * 86_400
        else { return nil }
        self.seconds = count * seconds
    }
}

extension Span: CustomStringConvertible {
    /// In the largest unit that fits without rest, as it is written in a blueprint.
    package var description: String {
        for (names, unit) in Self.units where seconds >= unit && seconds % unit == 0 {
            return "\(seconds / unit) \(names[0])"
        }
        return "\(seconds) s"
    }
}

extension Form {
    func span(_ key: String, _ about: Words) -> Written<Span>? {
        guard let text = text(key, about, pattern: Span.pattern) else { return nil }
        if let span = Span(text.value) { return Written(span, at: text.place) }
        wrong(key, at: text.place, .span)
        return nil
    }

    /// An absolute path.
    func path(_ key: String, _ about: Words, required: Bool = false) -> Written<String>? {
        guard let text = text(key, about, required: required, pattern: "^/") else { return nil }
        if text.value.hasPrefix("/") { return text }
        wrong(key, at: text.place, .path)
        return nil
    }

    /// Where a vault lies: a path, or the address of a bucket, which whoever opens it reads.
    func vaultPlace(_ key: String, _ about: Words) -> Written<String>? {
        guard let text = text(key, about, pattern: "^(/|s3://|s3\\+http://)") else { return nil }
        if ["/", "s3://", "s3+http://"].contains(where: text.value.hasPrefix) { return text }
        wrong(key, at: text.place, .vaultPlace)
        return nil
    }

    /// The name by which other parts of the blueprint refer to something.
    func id() -> Written<String>? {
        let about = Words(
            "name by which other parts refer to it", de: "Name, unter dem andere darauf verweisen")
        let text = text("id", about, required: true, pattern: "^[a-z0-9][a-z0-9-]{0,62}$")
        guard let text else { return nil }
        let isPlain = text.value.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d
        }
        if isPlain, text.value.utf8.count <= 63, !text.value.hasPrefix("-") { return text }
        wrong("id", at: text.place, .id)
        return nil
    }
}
