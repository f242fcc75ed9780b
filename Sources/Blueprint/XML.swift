// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The elements of an XML document (1.0, with namespaces), to tell what it is. It holds a document
/// against the rules that make one, and keeps no text. Documents with a document type are refused:
/// no process needs one, and with it a few lines can grow beyond all measure.
package struct XML {
    struct Element {
        let namespace: String
        let name: String
        /// 0 for the root.
        let depth: Int
    }

    /// The root and what stands directly below it; never empty.
    let elements: [Element]
    /// Where the root begins.
    let place: Place

    package enum Fault: String, Reason {
        case encoding, notUTF8, noRoot, textOutside, tag, attribute, prefix, entity, wrongEnd
        case unclosed, documentType, tooDeep

        package var why: Words {
            switch self {
            case .encoding: Words("its encoding is not known", de: "seine Kodierung ist nicht bekannt")
            case .notUTF8: Words("this byte is not UTF-8", de: "dieses Byte ist kein UTF-8")
            case .noRoot: Words("there is no element in it", de: "es enthält kein Element")
            case .textOutside: Words("something stands outside the one element", de: "etwas steht außerhalb des einen Elements")
            case .tag: Words("a tag is not well formed", de: "eine Marke ist falsch geschrieben")
            case .attribute: Words("an attribute is not well formed, or stands here twice", de: "ein Attribut ist falsch geschrieben oder steht doppelt")
            case .prefix: Words("nothing says what this prefix means", de: "nichts sagt, was dieses Präfix bedeutet")
            case .entity: Words("this entity is not known", de: "diese Entität ist nicht bekannt")
            case .wrongEnd: Words("another element ends here than begun last", de: "hier endet ein anderes Element als zuletzt begonnen")
            case .unclosed: Words("this is never closed", de: "das schließt nie")
            case .documentType: Words("a document type is not taken", de: "ein Dokumenttyp wird nicht genommen")
            case .tooDeep: Words("too many levels", de: "zu viele Ebenen")
            }
        }

        package var remedy: Words {
            switch self {
            case .documentType: Words("Take out the line with DOCTYPE.", de: "Die Zeile mit DOCTYPE entfernen.")
            case .encoding, .notUTF8: Words("Save it as UTF-8.", de: "Als UTF-8 speichern.")
            default: Words("Export it again from the program that made it.", de: "Noch einmal aus dem Programm exportieren, das es gemacht hat.")
            }
        }
    }

    static let depthMax = 200

    static func read(_ bytes: [UInt8], file: String) throws(Refusal<Fault>) -> XML {
        var reader = XMLReader(bytes, file: file)
        try reader.document()
        return XML(elements: reader.elements, place: reader.root)
    }
}

private struct XMLReader {
    private let places: Places
    private let bytes: [UInt8]
    private var next = 0
    /// The elements that are open: their names as written, and what their prefixes mean.
    private var open: [(name: ArraySlice<UInt8>, start: Int, prefixes: [String: String])] = []
    private(set) var elements: [XML.Element] = []
    private(set) var root: Place

    init(_ bytes: [UInt8], file: String) {
        places = Places(file: file, bytes: bytes)
        self.bytes = bytes
        root = Place(file: file, line: 1, column: 1)
    }

    private func refuse(_ fault: XML.Fault, at offset: Int) -> Refusal<XML.Fault> {
        Refusal(place: places.place(of: min(offset, bytes.count)), fault: fault)
    }

    private func stands(_ text: String) -> Bool {
        bytes[next...].starts(with: text.utf8)
    }

    mutating func document() throws(Refusal<XML.Fault>) {
        if stands("\u{feff}") { next += byteOrderMark.count }
        try declaration()
        while next < bytes.count {
            if bytes[next] == UInt8(ascii: "<") {
                try markup()
            } else {
                try text()
            }
        }
        if let last = open.last { throw refuse(.unclosed, at: last.start) }
        guard !elements.isEmpty else { throw refuse(.noRoot, at: 0) }
    }

    /// What is not ASCII means nothing here, so that Latin-1 needs no translation.
    private mutating func declaration() throws(Refusal<XML.Fault>) {
        var encoding = "utf-8"
        if stands("<?xml") {
            let end = try index(of: "?>", from: next)
            let text = String(decoding: bytes[next..<end], as: UTF8.self).lowercased()
            if let named = text.split(separator: "encoding", maxSplits: 1).dropFirst().first {
                let parts = named.split { $0 == "\"" || $0 == "'" || $0 == "=" || $0 == " " }
                encoding = parts.first.map(String.init) ?? encoding
            }
            next = end + 2
        }
        guard ["utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"].contains(encoding)
        else { throw refuse(.encoding, at: 0) }
        if encoding == "utf-8", let foreign = places.firstForeign {
            throw refuse(.notUTF8, at: foreign)
        }
    }

    private mutating func text() throws(Refusal<XML.Fault>) {
        let byte = bytes[next]
        let isBlank = [0x20, 0x09, 0x0a, 0x0d].contains(byte)
        if open.isEmpty, !isBlank { throw refuse(.textOutside, at: next) }
        if byte == UInt8(ascii: "&") { try entity() } else { next += 1 }
    }

    private mutating func markup() throws(Refusal<XML.Fault>) {
        if stands("<!--") {
            next = try index(of: "-->", from: next + 4) + 3
        } else if stands("<?") {
            next = try index(of: "?>", from: next) + 2
        } else if stands("<![CDATA[") {
            guard !open.isEmpty else { throw refuse(.textOutside, at: next) }
            next = try index(of: "]]>", from: next) + 3
        } else if stands("<!") {
            throw refuse(.documentType, at: next)
        } else if stands("</") {
            try end()
        } else {
            try element()
        }
    }

    /// Where a text begins next; that it is missing is told of where `start` is.
    private func index(of text: String, from start: Int) throws(Refusal<XML.Fault>) -> Int {
        let wanted = Array(text.utf8)
        var place = start
        while place + wanted.count <= bytes.count {
            if bytes[place] == wanted[0], bytes[place...].starts(with: wanted) { return place }
            place += 1
        }
        throw refuse(.unclosed, at: next)
    }

    private mutating func entity() throws(Refusal<XML.Fault>) {
        let name = bytes[next...].prefix(12).dropFirst().prefix { $0 != UInt8(ascii: ";") }
        let known = ["amp", "lt", "gt", "quot", "apos"].contains { name.elementsEqual($0.utf8) }
        let isNumber = name.count > 1 && name.first == UInt8(ascii: "#")
            && name.dropFirst().allSatisfy { isDigit($0) || $0 == UInt8(ascii: "x") }
        let isClosed = name.endIndex < bytes.count && bytes[name.endIndex] == UInt8(ascii: ";")
        guard isClosed, known || isNumber else { throw refuse(.entity, at: next) }
        next = name.endIndex + 1
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    // MARK: Elements

    private mutating func name() -> ArraySlice<UInt8> {
        let name = bytes[next...].prefix { byte in
            byte > 0x7f || (0x30...0x3a).contains(byte) || (0x41...0x5a).contains(byte)
                || (0x61...0x7a).contains(byte) || [0x2d, 0x2e, 0x5f].contains(byte)
        }
        next = name.endIndex
        return name
    }

    private mutating func blanks() {
        while next < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[next]) { next += 1 }
    }

    private mutating func end() throws(Refusal<XML.Fault>) {
        let start = next
        next += 2
        let ended = name()
        blanks()
        guard stands(">") else { throw refuse(.tag, at: start) }
        next += 1
        guard let last = open.popLast(), last.name == ended else {
            throw refuse(.wrongEnd, at: start)
        }
    }

    private mutating func element() throws(Refusal<XML.Fault>) {
        let start = next
        guard !open.isEmpty || elements.isEmpty else { throw refuse(.textOutside, at: start) }
        guard open.count < XML.depthMax else { throw refuse(.tooDeep, at: start) }
        next += 1
        let name = name()
        guard let first = name.first, first > 0x39 else { throw refuse(.tag, at: start) }
        var prefixes = open.last?.prefixes ?? ["xml": "http://www.w3.org/XML/1998/namespace"]
        let used = try attributes(of: start, &prefixes)
        for prefix in used + [Self.parts(name).prefix] where prefix != "" && prefixes[prefix] == nil {
            throw refuse(.prefix, at: start)
        }
        if open.count < 2 {
            let (prefix, local) = Self.parts(name)
            if elements.isEmpty { root = places.place(of: start) }
            elements.append(
                XML.Element(namespace: prefixes[prefix] ?? "", name: local, depth: open.count))
        }
        let isEmpty = stands("/>")
        next += isEmpty ? 2 : 1
        if !isEmpty { open.append((name, start, prefixes)) }
    }

    /// Reads up to the end of the tag, which it leaves.
    ///
    /// - Returns: the prefixes of the attributes.
    private mutating func attributes(
        of start: Int, _ prefixes: inout [String: String]
    ) throws(Refusal<XML.Fault>) -> [String] {
        var known: Set<ArraySlice<UInt8>> = []
        var used: [String] = []
        while true {
            let before = next
            blanks()
            guard next < bytes.count else { throw refuse(.unclosed, at: start) }
            if stands(">") || stands("/>") { return used }
            let place = next
            let name = name()
            guard before < place, !name.isEmpty, known.insert(name).inserted else {
                throw refuse(name.isEmpty ? .tag : .attribute, at: place)
            }
            let value = try value(of: place)
            let (prefix, local) = Self.parts(name)
            switch prefix {
            case "xmlns": prefixes[local] = value
            case "" where local == "xmlns": prefixes[""] = value
            default: used.append(prefix)
            }
        }
    }

    private mutating func value(of place: Int) throws(Refusal<XML.Fault>) -> String {
        blanks()
        guard stands("=") else { throw refuse(.attribute, at: place) }
        next += 1
        blanks()
        guard next < bytes.count, [0x22, 0x27].contains(bytes[next]) else {
            throw refuse(.attribute, at: place)
        }
        let quote = bytes[next]
        next += 1
        let start = next
        while next < bytes.count, bytes[next] != quote {
            guard bytes[next] != UInt8(ascii: "<") else { throw refuse(.attribute, at: place) }
            if bytes[next] == UInt8(ascii: "&") { try entity() } else { next += 1 }
        }
        guard next < bytes.count else { throw refuse(.unclosed, at: place) }
        next += 1
        return String(decoding: bytes[start..<next - 1], as: UTF8.self)
    }

    private static func parts(_ name: ArraySlice<UInt8>) -> (prefix: String, local: String) {
        let parts = name.split(separator: UInt8(ascii: ":"), maxSplits: 1)
            .map { String(decoding: $0, as: UTF8.self) }
        return parts.count == 2 ? (parts[0], parts[1]) : ("", parts.first ?? "")
    }
}
