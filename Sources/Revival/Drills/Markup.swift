// SPDX-License-Identifier: EUPL-1.2

/// A piece of a page, closed and escaped by the way it is made: no text from elsewhere can become a
/// tag. It reads as HTML and as XML.
struct Markup: ExpressibleByStringLiteral {
    private(set) var source: String

    /// A log that got into a fault must not fill the page.
    private static let scalarsMax = 4000
    /// Those of HTML that have no end tag, and those of SVG that have nothing in them.
    private static let empty: Set = ["br", "circle", "line", "meta", "path", "polygon", "rect"]

    init(_ text: String) { source = Self.escaped(text) }

    init(stringLiteral text: String) { self.init(text) }

    init(_ pieces: [Markup]) { source = pieces.map(\.source).joined() }

    fileprivate init(source: String) { self.source = source }

    /// Rules of style are no text: they are left as they are, and so must be known in advance.
    static func style(_ rules: StaticString) -> Markup {
        Markup(source: "<style>\(rules)</style>\n")
    }

    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ inside: [Markup]
    ) -> Markup {
        var source = "<\(name)"
        for (key, value) in attributes { source += " \(key)=\"\(escaped(value))\"" }
        if empty.contains(name.description) { return Markup(source: source + "/>") }
        source += ">"
        for piece in inside { source += piece.source }
        return Markup(source: source + "</\(name)>")
    }

    var document: [UInt8] { Array(("<!DOCTYPE html>\n" + source + "\n").utf8) }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(scalarsMax) {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\r": result += " "
            case _ where isTreacherous(scalar):
                result += "[U+\(String(scalar.value, radix: 16, uppercase: true))]"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.count > scalarsMax ? result + "…" : result
    }

    /// What XML 1.0 does not allow, what turns the direction of writing (Unicode TR 36, 3.3), and
    /// what nobody sees.
    private static func isTreacherous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xa: false
        case 0..<0x20, 0x7f..<0xa0: true
        case 0x061c, 0x200b, 0x200e...0x200f, 0x2028...0x202e, 0x2060...0x2069, 0xfeff: true
        case 0xe0000...0xe007f: true
        default: scalar.properties.isNoncharacterCodePoint
        }
    }
}

func tag(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:],
    _ inside: Markup...
) -> Markup {
    .element(name, attributes, inside)
}

func tag(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:],
    _ inside: [Markup]
) -> Markup {
    .element(name, attributes, inside)
}

/// A place in a picture.
func at(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
