// SPDX-License-Identifier: EUPL-1.2

/// One line of an exclude file, with the meaning that `man gitignore` gives it, over bytes: `?` and
/// `[a-z]` stand for one byte, not for one character, and names need not be UTF-8.
///
/// Where git strays from its own manual the manual wins: git takes the `**` in `/foo**` and
/// `foo**/bar` for "at any depth", while the manual has it as a plain `*`, and a backup had better
/// exclude too little than too much.
package struct Pattern: Sendable {
    /// `!`: what matches is included again.
    package let isNegated: Bool
    /// `/` at the end: only directories match.
    package let isDirectoryOnly: Bool

    /// With a slash at the start or in the middle the pattern is about whole paths, otherwise about
    /// the last name of a path, at any depth.
    private let isAnchored: Bool
    /// Unless anchored only the last one counts. None if the pattern can never match.
    private let steps: [Step]

    /// A line without its line feed. Nil if it is blank or a comment; a malformed pattern, such as
    /// one with a bracket that is never closed, is accepted and matches nothing, as in git.
    package init?(line: [UInt8]) {
        guard line.first != UInt8(ascii: "#") else { return nil }
        var text = meaningfulPart(of: line)
        guard !text.isEmpty else { return nil }
        isNegated = text.first == UInt8(ascii: "!")
        if isNegated { text.removeFirst() }
        isDirectoryOnly = text.last == slash
        if isDirectoryOnly { text.removeLast() }
        isAnchored = text.contains(slash)
        if text.first == slash { text.removeFirst() }
        steps = parse(Array(text)) ?? []
    }

    /// Whether the pattern, negated or not, names this entry itself; entries above do not count.
    ///
    /// - Parameter path: The names from below the protected directory down to the entry, none of
    ///   them empty. The protected directory itself, the empty path, matches nothing.
    /// - Complexity: At worst the length of the pattern times the length of the path.
    package func matches(_ path: [[UInt8]], isDirectory: Bool) -> Bool {
        matches(path, depth: path.count, isDirectory: isDirectory)
    }

    /// The same for the entry `depth` names down the path, without a copy of that part of it.
    func matches(_ path: [[UInt8]], depth: Int, isDirectory: Bool) -> Bool {
        guard depth > 0, isDirectory || !isDirectoryOnly, !steps.isEmpty else { return false }
        guard isAnchored else {
            return steps[steps.count - 1].name.matches(path[depth - 1])
        }
        return align(steps.count, with: depth) { steps[$0].isAnyDepth } fits: {
            steps[$0].name.matches(path[$1])
        }
    }
}

/// What an anchored pattern asks of a path, one step after the other.
private struct Step: Sendable {
    /// `**`: any number of names, also none; `name` is without meaning then.
    let isAnyDepth: Bool
    let name: NamePattern

    static let anyDepth = Step(isAnyDepth: true, name: NamePattern([]))

    static func name(_ tokens: [Token]) -> Step {
        Step(isAnyDepth: false, name: NamePattern(tokens))
    }
}

/// What a pattern asks of a single name. The literal bytes at both ends are kept apart, so that
/// `name`, `*.suffix`, `prefix*` and `*` come down to comparing bytes.
private struct NamePattern: Sendable {
    let head: [UInt8]
    let middle: [Token]
    let tail: [UInt8]
    /// Bytes that a name needs at least.
    let countMin: Int
    let isFixedCount: Bool

    init(_ tokens: [Token]) {
        let head = tokens.prefix { $0.literal != nil }
        let rest = tokens.dropFirst(head.count)
        let tail = rest.reversed().prefix { $0.literal != nil }
        self.head = head.compactMap(\.literal)
        self.tail = tail.reversed().compactMap(\.literal)
        middle = Array(rest.dropLast(tail.count))
        countMin = tokens.count { !$0.isMany }
        isFixedCount = countMin == tokens.count
    }

    func matches(_ name: [UInt8]) -> Bool {
        let count = name.count
        guard count == countMin || count > countMin && !isFixedCount,
            holds(head.span, at: 0, in: name.span),
            holds(tail.span, at: count - tail.count, in: name.span)
        else { return false }
        if middle.isEmpty || middle.count == 1 && middle[0].isMany { return true }
        return matchesMiddle(name)
    }

    private func matchesMiddle(_ name: [UInt8]) -> Bool {
        let start = head.count
        return align(middle.count, with: name.count - start - tail.count) {
            middle[$0].isMany
        } fits: {
            middle[$0].matches(name[start + $1])
        }
    }
}

/// What a pattern asks of a byte, or of as many as there are.
private enum Token: Sendable {
    case byte(UInt8)
    case set(ByteSet)
    case many

    var literal: UInt8? { if case .byte(let byte) = self { byte } else { nil } }
    var isMany: Bool { if case .many = self { true } else { false } }

    func matches(_ byte: UInt8) -> Bool {
        switch self {
        case .byte(let wanted): byte == wanted
        case .set(let set): set.contains(byte)
        case .many: false
        }
    }
}

/// Whether `wishes`, some of which stand for any number of items, can be laid over all `items`.
///
/// It never has to go back further than to the last such wish: what an earlier one could still take
/// in, the last one can too. So it needs at most wishes × items comparisons, for any pattern.
@inline(__always)
private func align(
    _ wishes: Int, with items: Int, isMany: (Int) -> Bool, fits: (Int, Int) -> Bool
) -> Bool {
    var wish = 0
    var item = 0
    var retry: (wish: Int, item: Int)?
    while item < items {
        if wish < wishes, isMany(wish) {
            wish += 1
            retry = (wish, item)
        } else if wish < wishes, fits(wish, item) {
            wish += 1
            item += 1
        } else if let last = retry {
            (wish, item) = (last.wish, last.item + 1)
            retry = (wish, item)
        } else {
            return false
        }
    }
    while wish < wishes, isMany(wish) { wish += 1 }
    return wish == wishes
}

private func holds(_ part: Span<UInt8>, at start: Int, in name: Span<UInt8>) -> Bool {
    for index in part.indices where part[index] != name[start &+ index] { return false }
    return true
}

private let slash = UInt8(ascii: "/")
private let backslash = UInt8(ascii: "\\")

/// The line without a carriage return and unescaped spaces at its end. A zero byte ends it early,
/// as it does in git: no name contains one.
private func meaningfulPart(of line: [UInt8]) -> ArraySlice<UInt8> {
    let text = (line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]).prefix { $0 != 0 }
    var end = text.startIndex
    var isEscaped = false
    for index in text.indices {
        if isEscaped || text[index] != UInt8(ascii: " ") { end = index + 1 }
        isEscaped = !isEscaped && text[index] == backslash
    }
    return text[..<end]
}

/// Nil for a pattern that can never match.
private func parse(_ text: [UInt8]) -> [Step]? {
    var steps: [Step] = []
    var name: [Token] = []
    var index = 0
    while index < text.count {
        let byte = text[index]
        index += 1
        switch byte {
        case slash:
            finish(&name, isBeforeSlash: true, into: &steps)
        case UInt8(ascii: "*"):
            name.append(.many)
        case UInt8(ascii: "?"):
            name.append(.set(.all))
        case UInt8(ascii: "["):
            guard let set = ByteSet(bracket: text, from: &index) else { return nil }
            name.append(.set(set))
        case backslash:
            guard index < text.count else { return nil }
            if text[index] == slash {
                finish(&name, isBeforeSlash: false, into: &steps)
            } else {
                name.append(.byte(text[index]))
            }
            index += 1
        default:
            name.append(.byte(byte))
        }
    }
    finish(&name, isBeforeSlash: false, into: &steps)
    return steps
}

/// Makes steps of the tokens that a slash or the end has closed off.
private func finish(_ name: inout [Token], isBeforeSlash: Bool, into steps: inout [Step]) {
    defer { name = [] }
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

/// Which bytes a `?` or a bracket stands for.
private struct ByteSet: Sendable {
    /// One bit a byte.
    private var words = SIMD4<UInt64>()

    static let all = ByteSet(words: SIMD4(repeating: .max))

    private init(words: SIMD4<UInt64>) { self.words = words }

    /// Reads a bracket from behind its `[` to behind its `]`. Nil if it is never closed or names an
    /// unknown class. A `]` in first place is a member, as POSIX has it.
    init?(bracket text: [UInt8], from index: inout Int) {
        let isInverted = index < text.count && "!^".utf8.contains(text[index])
        if isInverted { index += 1 }
        let first = index
        var rangeStart: UInt8?
        while index < text.count, index == first || text[index] != UInt8(ascii: "]") {
            let next = index + 1 < text.count ? text[index + 1] : nil
            if text[index] == UInt8(ascii: "["), next == UInt8(ascii: ":") {
                guard let close = text[(index + 2)...].firstIndex(of: UInt8(ascii: "]")) else {
                    return nil
                }
                if close > index + 2, text[close - 1] == UInt8(ascii: ":") {
                    guard let ranges = characterClass(text[(index + 2)..<(close - 1)]) else {
                        return nil
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
                guard index < text.count else { return nil }
                if start <= text[index] { insert(start...text[index]) }
                rangeStart = nil
                index += 1
                continue
            } else if text[index] == backslash {
                guard next != nil else { return nil }
                index += 1
            }
            insert(text[index]...text[index])
            rangeStart = text[index]
            index += 1
        }
        guard index < text.count else { return nil }
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
