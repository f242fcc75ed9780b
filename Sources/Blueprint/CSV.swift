// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A table as spreadsheets export it (RFC 4180): a line of headings, then lines with as many cells.
/// The separator is the one of `;`, `,` and tab that stands most often in the headings.
package struct CSV: Sendable {
    package struct Row: Sendable {
        package let cells: [Written<String>]
        package var place: Place { cells[0].place }
    }

    /// Never empty.
    package let headings: Row
    /// Each as long as the headings.
    package let rows: [Row]

    package enum Fault: String, Reason {
        case notUTF8, noHeadings, unclosedQuote, quoteWithin, textAfterQuote, nul
        case otherCount, tooManyCells

        package var why: Words {
            switch self {
            case .notUTF8: Words("this byte is not UTF-8", de: "dieses Byte ist kein UTF-8")
            case .noHeadings: Words("there is no line with headings", de: "es gibt keine Zeile mit Überschriften")
            case .unclosedQuote: Words("this quote is never closed", de: "dieses Anführungszeichen schließt nie")
            case .quoteWithin: Words("a quote stands in the middle of a cell", de: "ein Anführungszeichen steht mitten in einer Zelle")
            case .textAfterQuote: Words("text stands after the closing quote", de: "nach dem schließenden Anführungszeichen steht Text")
            case .nul: Words("a NUL stands here", de: "hier steht ein NUL")
            case .otherCount: Words("this line has another number of cells than the headings", de: "diese Zeile hat eine andere Zahl von Zellen als die Überschriften")
            case .tooManyCells: Words("the table is larger than any institution", de: "die Tabelle ist größer als jede Institution")
            }
        }

        package var remedy: Words {
            switch self {
            case .notUTF8: Words("Save it as \"CSV UTF-8\".", de: "Als „CSV UTF-8“ speichern.")
            case .noHeadings: Words("Begin with a line such as \"name;unit;mail\".", de: "Mit einer Zeile wie „Name;Einheit;Mail“ beginnen.")
            case .unclosedQuote: Words("Close it, or take it out.", de: "Schließen oder entfernen.")
            case .quoteWithin, .textAfterQuote: Words("Put the whole cell in quotes, and write quotes in it twice.", de: "Die ganze Zelle in Anführungszeichen setzen, solche darin doppelt schreiben.")
            case .nul: Words("Export it again as CSV; this is another format.", de: "Noch einmal als CSV exportieren; dies ist ein anderes Format.")
            case .otherCount: Words("Look for a separator too many or too few; put cells that hold one in quotes.", de: "Nach einem Trenner zu viel oder zu wenig suchen; Zellen mit Trenner in Anführungszeichen setzen.")
            case .tooManyCells: Words("Is it the right file?", de: "Ist es die richtige Datei?")
            }
        }
    }

    package static let cellsMax = 2_000_000

    package static func read(_ bytes: [UInt8], file: String) throws(Refusal<Fault>) -> CSV {
        let places = Places(file: file, bytes: bytes)
        if let foreign = places.firstForeign {
            throw Refusal(place: places.place(of: foreign), fault: .notUTF8)
        }
        var reader = CSVReader(bytes, file: file)
        guard let headings = try reader.row() else {
            throw Refusal(place: Place(file: file, line: 1, column: 1), fault: .noHeadings)
        }
        var rows: [Row] = []
        while let row = try reader.row() {
            guard row.cells.count == headings.cells.count else {
                throw Refusal(place: row.place, fault: .otherCount)
            }
            rows.append(row)
        }
        return CSV(headings: headings, rows: rows)
    }
}

private struct CSVReader {
    private let text: [Unicode.Scalar]
    private let file: String
    private let separator: Unicode.Scalar
    private var next = 0
    private var line = 1
    private var column = 1
    private var cells = 0

    init(_ bytes: [UInt8], file: String) {
        let isMarked = bytes.starts(with: byteOrderMark)
        text = Array(String(decoding: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self).unicodeScalars)
        self.file = file
        separator = Self.separator(of: text)
    }

    private static func separator(of text: [Unicode.Scalar]) -> Unicode.Scalar {
        var counts: [Unicode.Scalar: Int] = [";": 0, ",": 0, "\t": 0]
        var isQuoted = false
        for scalar in text.drop(while: { $0 == "\n" || $0 == "\r" }) {
            if scalar == "\"" { isQuoted.toggle() }
            if !isQuoted, scalar == "\n" || scalar == "\r" { break }
            if !isQuoted { counts[scalar]? += 1 }
        }
        let order: [Unicode.Scalar] = [";", ",", "\t"]
        return order.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) } ?? ";"
    }

    private var place: Place { Place(file: file, line: line, column: column) }

    private mutating func take() -> Unicode.Scalar? {
        guard next < text.count else { return nil }
        let scalar = text[next]
        next += 1
        // A carriage return ends a line unless a line feed follows, which then does.
        if scalar == "\n" || (scalar == "\r" && !(next < text.count && text[next] == "\n")) {
            (line, column) = (line + 1, 1)
        } else {
            column += 1
        }
        return scalar
    }

    private var isAtEndOfLine: Bool {
        next >= text.count || text[next] == "\n" || text[next] == "\r"
    }

    /// The next line that is not empty; nil at the end.
    mutating func row() throws(Refusal<CSV.Fault>) -> CSV.Row? {
        while next < text.count, isAtEndOfLine { _ = take() }
        guard next < text.count else { return nil }
        var row: [Written<String>] = []
        while true {
            row.append(try cell())
            cells += 1
            guard cells <= CSV.cellsMax else { throw Refusal(place: place, fault: .tooManyCells) }
            if isAtEndOfLine { break }
            _ = take()
        }
        return CSV.Row(cells: row)
    }

    /// One cell, without the blanks around it; what ends it is left to be read.
    private mutating func cell() throws(Refusal<CSV.Fault>) -> Written<String> {
        let start = place
        if next < text.count, text[next] == "\"" { return Written(try quotedCell(), at: start) }
        var scalars = String.UnicodeScalarView()
        while !isAtEndOfLine, text[next] != separator {
            guard text[next] != "\"" else { throw Refusal(place: place, fault: .quoteWithin) }
            scalars.append(try taken())
        }
        return Written(trimmed(String(scalars)), at: start)
    }

    private mutating func quotedCell() throws(Refusal<CSV.Fault>) -> String {
        let start = place
        _ = take()
        var scalars = String.UnicodeScalarView()
        while true {
            guard next < text.count else { throw Refusal(place: start, fault: .unclosedQuote) }
            let scalar = try taken()
            if scalar != "\"" {
                scalars.append(scalar)
            } else if next < text.count, text[next] == "\"" {
                scalars.append(try taken())
            } else {
                break
            }
        }
        guard isAtEndOfLine || text[next] == separator else {
            throw Refusal(place: place, fault: .textAfterQuote)
        }
        return trimmed(String(scalars))
    }

    private mutating func taken() throws(Refusal<CSV.Fault>) -> Unicode.Scalar {
        let before = place
        guard let scalar = take(), scalar != "\0" else { throw Refusal(place: before, fault: .nul) }
        return scalar
    }
}

/// Without the blanks around it.
func trimmed(_ text: some StringProtocol) -> String {
    func isBlank(_ character: Character) -> Bool { character.isWhitespace }
    let start = text.drop(while: isBlank)
    let end = start.lastIndex { !isBlank($0) }
    return end.map { String(start[...$0]) } ?? ""
}
