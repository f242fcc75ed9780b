// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The entries of a directory, as its tools export them (RFC 2849). Changes and references to
/// files elsewhere are refused: an export of content has neither.
package struct LDIF: Sendable {
    package struct Entry: Sendable {
        package let name: Written<String>
        /// In the order of the file, names in small letters and without options such as `;lang-de`.
        package let attributes: [(name: String, value: Written<String>)]

        func values(_ names: String...) -> [Written<String>] {
            for name in names {
                let values = attributes.filter { $0.name == name }.map(\.value)
                if !values.isEmpty { return values }
            }
            return []
        }
    }

    package let entries: [Entry]

    package enum Fault: String, Reason {
        case notUTF8, noColon, noName, strayContinuation, badBase64, reference, change, version
        case tooMany

        package var why: Words {
            switch self {
            case .notUTF8: Words("this byte is not UTF-8", de: "dieses Byte ist kein UTF-8")
            case .noColon: Words("this line has no colon", de: "diese Zeile hat keinen Doppelpunkt")
            case .noName: Words("an entry must begin with \"dn:\"", de: "ein Eintrag muss mit „dn:“ beginnen")
            case .strayContinuation: Words("this line continues nothing", de: "diese Zeile setzt nichts fort")
            case .badBase64: Words("this is not base64", de: "das ist kein base64")
            case .reference: Words("this value lies in another file", de: "dieser Wert liegt in einer anderen Datei")
            case .change: Words("this is a list of changes", de: "das ist eine Liste von Änderungen")
            case .version: Words("this version of LDIF is not known", de: "diese Version von LDIF ist nicht bekannt")
            case .tooMany: Words("the directory is larger than any institution", de: "das Verzeichnis ist größer als jede Institution")
            }
        }

        package var remedy: Words {
            switch self {
            case .notUTF8: Words("Export it again; values that are no text belong in base64.", de: "Noch einmal exportieren; Werte, die kein Text sind, gehören in base64.")
            case .noColon: Words("Write it as \"attribute: value\"; continue a line with a blank.", de: "Als „attribut: wert“ schreiben; eine Zeile mit einem Leerzeichen fortsetzen.")
            case .noName: Words("Begin it so, and leave an empty line between entries only.", de: "So beginnen; leere Zeilen nur zwischen Einträgen lassen.")
            case .strayContinuation: Words("Take out the blank at its beginning.", de: "Das Leerzeichen am Anfang entfernen.")
            case .badBase64: Words("Export it again, or write one colon where the value is text.", de: "Noch einmal exportieren, oder bei Text nur einen Doppelpunkt schreiben.")
            case .reference: Words("Export it with the values themselves.", de: "Mit den Werten selbst exportieren.")
            case .change: Words("Export the entries, for example with \"ldapsearch -LLL\".", de: "Die Einträge exportieren, etwa mit „ldapsearch -LLL“.")
            case .version: Words("Export it as version 1.", de: "Als Version 1 exportieren.")
            case .tooMany: Words("Is it the right file?", de: "Ist es die richtige Datei?")
            }
        }
    }

    static let linesMax = 2_000_000

    package static func read(_ bytes: [UInt8], file: String) throws(Refusal<Fault>) -> LDIF {
        let places = Places(file: file, bytes: bytes)
        if let foreign = places.firstForeign {
            throw Refusal(place: places.place(of: foreign), fault: .notUTF8)
        }
        let isMarked = bytes.starts(with: byteOrderMark)
        let text = String(decoding: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self)
        var reader = LDIFReader(file: file)
        var number = 0
        for line in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            guard number <= linesMax else {
                throw Refusal(place: Place(file: file, line: number, column: 1), fault: .tooMany)
            }
            try reader.read(String(line.last == "\r" ? line.dropLast() : line), number)
        }
        try reader.endOfEntry()
        return LDIF(entries: reader.entries)
    }
}

private struct LDIFReader {
    let file: String
    var entries: [LDIF.Entry] = []
    /// A line with those that continue it, and where it begins; nowhere where there is none.
    private var line = ""
    private var start: Place?
    private var name: Written<String>?
    private var attributes: [(name: String, value: Written<String>)] = []
    private var isComment = false

    init(file: String) { self.file = file }

    mutating func read(_ text: String, _ number: Int) throws(Refusal<LDIF.Fault>) {
        let place = Place(file: file, line: number, column: 1)
        if text.hasPrefix(" ") {
            if isComment { return }
            guard start != nil else { throw Refusal(place: place, fault: .strayContinuation) }
            line += text.dropFirst()
            return
        }
        try endOfLine()
        isComment = text.hasPrefix("#")
        if text.isEmpty {
            try endOfEntry()
        } else if !isComment {
            (line, start) = (text, place)
        }
    }

    mutating func endOfEntry() throws(Refusal<LDIF.Fault>) {
        try endOfLine()
        if let name { entries.append(LDIF.Entry(name: name, attributes: attributes)) }
        (name, attributes) = (nil, [])
    }

    private mutating func endOfLine() throws(Refusal<LDIF.Fault>) {
        guard let start else { return }
        let whole = Written(line, at: start)
        (line, self.start) = ("", nil)
        guard let colon = whole.value.firstIndex(of: ":") else {
            throw Refusal(place: whole.place, fault: .noColon)
        }
        let described = whole.value[..<colon].lowercased()
        let key = String(described.prefix { $0 != ";" })
        let value = try value(whole, after: colon)
        switch key {
        case "version" where name == nil:
            guard value.value == "1" else { throw Refusal(place: value.place, fault: .version) }
        case "changetype", "control": throw Refusal(place: whole.place, fault: .change)
        case "dn" where name == nil: name = value
        case _ where name == nil: throw Refusal(place: whole.place, fault: .noName)
        default: attributes.append((key, value))
        }
    }

    private func value(
        _ whole: Written<String>, after colon: String.Index
    ) throws(Refusal<LDIF.Fault>) -> Written<String> {
        let rest = whole.value[colon...].dropFirst()
        let isCoded = rest.hasPrefix(":")
        guard !rest.hasPrefix("<") else { throw Refusal(place: whole.place, fault: .reference) }
        let text = rest.dropFirst(isCoded ? 1 : 0).drop { $0 == " " }
        let column = whole.value.unicodeScalars.count - text.unicodeScalars.count + 1
        let place = Place(file: file, line: whole.place.line, column: column)
        guard isCoded else { return Written(String(text), at: place) }
        guard let bytes = base64(text.utf8) else { throw Refusal(place: place, fault: .badBase64) }
        // Photographs and keys are no text; nobody asks for them here.
        return Written(String(validating: bytes, as: UTF8.self) ?? "", at: place)
    }
}

/// RFC 4648, with padding; nil for anything else.
func base64(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    let digits = text.prefix(text.count - padding(text))
    var (bytes, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for digit in digits {
        let value: UInt8
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        (bits, count) = (bits << 6 | UInt32(value), count + 6)
        guard count >= 8 else { continue }
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        bits &= (1 << UInt32(count)) - 1
    }
    return bytes
}

private func padding(_ text: some Collection<UInt8>) -> Int {
    Array(text.suffix(2)).reversed().prefix { $0 == UInt8(ascii: "=") }.count
}
