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
    /// Unless anchored only the last one counts. Never empty.
    private let steps: [Step]

    /// A line without its line feed; nil if it is blank or a comment.
    ///
    /// - Parameter number: of the line, to tell where a fault is.
    /// - Throws: where the line could never match anything, such as one with a bracket that is
    ///   never closed. Git takes such a line and passes over it; but whoever wrote it believes that
    ///   something stays out.
    package init?(line: [UInt8], number: Int = 1) throws(PatternFault) {
        guard line.first != UInt8(ascii: "#") else { return nil }
        do throws(PatternFault.Reason) {
            var text = try Self.meaningfulPart(of: line)
            guard !text.isEmpty else { return nil }
            isNegated = text.first == UInt8(ascii: "!")
            if isNegated { text.removeFirst() }
            isDirectoryOnly = text.last == slash
            if isDirectoryOnly { text.removeLast() }
            isAnchored = text.contains(slash)
            if text.first == slash { text.removeFirst() }
            steps = try Self.steps(of: Array(text))
        } catch { throw PatternFault(reason: error, line: line, number: number) }
    }

    /// The patterns of a whole exclude file; a UTF-8 byte order mark at its start is skipped.
    package static func all(in text: [UInt8]) throws(PatternFault) -> [Pattern] {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let lines = text.dropFirst(text.starts(with: mark) ? mark.count : 0)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var patterns: [Pattern] = []
        for (index, line) in lines.enumerated() {
            guard let pattern = try Pattern(line: Array(line), number: index + 1) else { continue }
            patterns.append(pattern)
        }
        return patterns
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
        guard depth > 0, isDirectory || !isDirectoryOnly else { return false }
        guard isAnchored else {
            return steps[steps.count - 1].name.matches(path[depth - 1])
        }
        return align(steps.count, with: depth) { steps[$0].isAnyDepth } fits: {
            steps[$0].name.matches(path[$1])
        }
    }
}

/// What an anchored pattern asks of a path, one step after the other.
struct Step: Sendable {
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
struct NamePattern: Sendable {
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
enum Token: Sendable {
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
