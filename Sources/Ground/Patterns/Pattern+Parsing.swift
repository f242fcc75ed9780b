// SPDX-License-Identifier: EUPL-1.2

private let slash = UInt8(ascii: "/")
private let backslash = UInt8(ascii: "\\")
private let dot = [UInt8(ascii: ".")]

extension Pattern {
    /// The line without a carriage return and unescaped spaces at its end.
    static func meaningfulPart(of line: [UInt8]) throws(PatternFault.Reason) -> ArraySlice<UInt8> {
        let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
        // No name contains one. Git ends the line there, and so makes one letter of a line in UTF-16.
        guard !text.contains(0) else { throw .zeroByte }
        var end = text.startIndex
        var isEscaped = false
        for index in text.indices {
            if isEscaped || text[index] != UInt8(ascii: " ") { end = index + 1 }
            isEscaped = !isEscaped && text[index] == backslash
        }
        return text[..<end]
    }

    /// What a pattern without its marks asks of a path.
    static func steps(of text: [UInt8]) throws(PatternFault.Reason) -> [Step] {
        var steps: [Step] = []
        var name: [Token] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case slash:
                try finish(&name, isBeforeSlash: true, into: &steps)
            case UInt8(ascii: "*"):
                name.append(.many)
            case UInt8(ascii: "?"):
                name.append(.set(.all))
            case UInt8(ascii: "["):
                name.append(.set(try ByteSet(bracket: text, from: &index)))
            case backslash:
                guard index < text.count else { throw .openEscape }
                if text[index] == slash {
                    try finish(&name, isBeforeSlash: false, into: &steps)
                } else {
                    name.append(.byte(text[index]))
                }
                index += 1
            default:
                name.append(.byte(byte))
            }
        }
        try finish(&name, isBeforeSlash: false, into: &steps)
        return steps
    }

    /// Makes steps of the tokens that a slash or the end has closed off.
    private static func finish(
        _ name: inout [Token], isBeforeSlash: Bool, into steps: inout [Step]
    ) throws(PatternFault.Reason) {
        defer { name = [] }
        guard !name.isEmpty else { throw .emptyName }
        // What is walked has no such entries.
        let text = name.compactMap(\.literal)
        guard text.count != name.count || text != dot && text != dot + dot else { throw .dots }
        if name.count > 1, name.allSatisfy(\.isMany) {
            steps.append(.anyDepth)
            // `a/**` is everything inside of `a`, but not `a`: at least one name has to follow. Before
            // an escaped slash git wants one as well.
            if !isBeforeSlash { steps.append(.name([.many])) }
        } else {
            var tokens: [Token] = []
            for token in name where !(token.isMany && tokens.last?.isMany == true) {
                tokens.append(token)
            }
            steps.append(.name(tokens))
        }
    }
}

/// Which bytes a `?` or a bracket stands for.
struct ByteSet: Sendable {
    /// One bit a byte.
    private var words = SIMD4<UInt64>()

    static let all = ByteSet(words: SIMD4(repeating: .max))

    private init(words: SIMD4<UInt64>) { self.words = words }

    /// Reads a bracket from behind its `[` to behind its `]`. A `]` in first place is a member, as
    /// POSIX has it.
    init(bracket text: [UInt8], from index: inout Int) throws(PatternFault.Reason) {
        let isInverted = index < text.count && "!^".utf8.contains(text[index])
        if isInverted { index += 1 }
        let first = index
        var rangeStart: UInt8?
        while index < text.count, index == first || text[index] != UInt8(ascii: "]") {
            let next = index + 1 < text.count ? text[index + 1] : nil
            if text[index] == UInt8(ascii: "["), next == UInt8(ascii: ":") {
                guard let close = text[(index + 2)...].firstIndex(of: UInt8(ascii: "]")) else {
                    throw .openBracket
                }
                if close > index + 2, text[close - 1] == UInt8(ascii: ":") {
                    guard let ranges = characterClass(text[(index + 2)..<(close - 1)]) else {
                        throw .unknownClass
                    }
                    for range in ranges { insert(range) }
                    rangeStart = nil
                    index = close + 1
                    continue
                }
            } else if text[index] == UInt8(ascii: "-"), let start = rangeStart, let next,
                next != UInt8(ascii: "]")
            {
                index += next == backslash ? 2 : 1
                guard index < text.count else { throw .openBracket }
                if start <= text[index] { insert(start...text[index]) }
                rangeStart = nil
                index += 1
                continue
            } else if text[index] == backslash {
                guard next != nil else { throw .openBracket }
                index += 1
            }
            insert(text[index]...text[index])
            rangeStart = text[index]
            index += 1
        }
        guard index < text.count else { throw .openBracket }
        index += 1
        if isInverted { words = ~words }
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    private mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    }
}

/// The members of a POSIX class in the C locale, so that a pattern means the same on every machine.
/// `space` is git's, which leaves out vertical tab and form feed.
private func characterClass(_ name: ArraySlice<UInt8>) -> [ClosedRange<UInt8>]? {
    switch String(decoding: name, as: UTF8.self) {
    case "alnum": [0x30...0x39, 0x41...0x5a, 0x61...0x7a]
    case "alpha": [0x41...0x5a, 0x61...0x7a]
    case "blank": [0x09...0x09, 0x20...0x20]
    case "cntrl": [0x00...0x1f, 0x7f...0x7f]
    case "digit": [0x30...0x39]
    case "graph": [0x21...0x7e]
    case "lower": [0x61...0x7a]
    case "print": [0x20...0x7e]
    case "punct": [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e]
    case "space": [0x09...0x0a, 0x0d...0x0d, 0x20...0x20]
    case "upper": [0x41...0x5a]
    case "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66]
    default: nil
    }
}
