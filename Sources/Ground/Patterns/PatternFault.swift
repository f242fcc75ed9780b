// SPDX-License-Identifier: EUPL-1.2

/// Why a line is no pattern: it could never match anything.
package struct PatternFault: Error, Hashable, Sendable {
    package enum Reason: Error, Hashable, Sendable, CaseIterable {
        case openBracket, unknownClass, openEscape, emptyName, dots, zeroByte
    }

    package let reason: Reason
    package let line: [UInt8]
    /// Of the line in its file, from 1.
    package let number: Int
}

extension PatternFault.Reason {
    /// - Parameter line: as people may see it.
    package func message(on line: String) -> Words {
        Words(
            "\"\(line)\" is no pattern: \(words.english).",
            de: "„\(line)“ ist kein Muster: \(words.german).")
    }

    private var words: Words {
        switch self {
        case .openBracket: Words("its [ is never closed", de: "sein [ wird nie geschlossen")
        case .unknownClass:
            Words("there is no such class of characters", de: "diese Zeichenklasse gibt es nicht")
        case .openEscape:
            Words("nothing follows the \\ at its end", de: "dem \\ am Ende folgt nichts")
        case .emptyName: Words("a name in it is empty", de: "ein Name darin ist leer")
        case .dots:
            Words("nothing is named \".\" or \"..\"", de: "nichts heißt „.“ oder „..“")
        case .zeroByte: Words("it contains a zero byte", de: "es enthält ein Nullbyte")
        }
    }

    package var advice: Words {
        switch self {
        case .openBracket:
            Words(
                "Close it with ], or write \\[ for the character itself.",
                de: "Mit ] schließen; für das Zeichen selbst \\[ schreiben.")
        case .unknownClass:
            Words(
                "Known are alnum, alpha, blank, cntrl, digit, graph, lower, print, punct, space, "
                    + "upper and xdigit, as in [[:digit:]].",
                de: "Es gibt alnum, alpha, blank, cntrl, digit, graph, lower, print, punct, space, "
                    + "upper und xdigit, etwa [[:digit:]].")
        case .openEscape:
            Words(
                "Write \\\\ for the character itself.", de: "Für das Zeichen selbst \\\\ schreiben.")
        case .emptyName:
            Words(
                "Take out what is too much of ! and /; for everything write *.",
                de: "Überzählige ! und / entfernen; für alles * schreiben.")
        case .dots:
            Words(
                "Name it from the protected directory on: /logs instead of ./logs.",
                de: "Vom gesicherten Verzeichnis an nennen: /logs statt ./logs.")
        case .zeroByte: Words("Save the file as UTF-8.", de: "Die Datei als UTF-8 speichern.")
        }
    }
}
