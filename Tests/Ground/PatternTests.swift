// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Testing

@Suite("Pattern") struct PatternTests {
    @Test("Blank lines and comments are no patterns", arguments: ["", "   ", "\r", "#a", "# a"])
    func noPattern(line: String) throws {
        #expect(try Pattern(line: Array(line.utf8)) == nil)
    }

    @Test("An exclamation mark in front negates, a slash at the end asks for a directory")
    func marks() throws {
        let plain = try wellFormed("a")
        #expect(!plain.isNegated && !plain.isDirectoryOnly)
        let both = try wellFormed("!a/")
        #expect(both.isNegated && both.isDirectoryOnly)
        #expect(both.matches("b/a/"))
        #expect(!both.matches("b/a"))
        let escaped = try wellFormed("\\!a")
        #expect(!escaped.isNegated)
        #expect(escaped.matches("!a"))
    }

    @Test("A pattern finds what the manual says that it finds", arguments: matching)
    func finds(line: String, path: String) throws {
        #expect(try wellFormed(line).matches(path))
    }

    @Test("A pattern passes over what the manual says that it does", arguments: failing)
    func passesOver(line: String, path: String) throws {
        #expect(try wellFormed(line).matches(path) == false)
    }

    @Test("What could never match anything is refused, and why", arguments: malformed)
    func refused(line: String, reason: PatternFault.Reason) {
        // A line without anything is a blank one.
        for line in line.isEmpty ? ["!"] : [line, "!" + line] {
            let fault = #expect(throws: PatternFault.self) { try wellFormed(line) }
            #expect(fault?.reason == reason && fault?.line == Array(line.utf8), "\(line)")
        }
        let message = reason.message(on: line)
        #expect(message.english.contains("\"\(line)\"") && message.german.contains("„\(line)“"))
        #expect(reason.advice.english != reason.advice.german)
    }

    @Test("Of a whole file the line of the first fault is told")
    func faultInFile() throws {
        let text = "\u{feff}a\r\n\n# [\r\nb\n[c\n[d"
        let fault = #expect(throws: PatternFault.self) { try Pattern.all(in: Array(text.utf8)) }
        #expect(fault?.number == 5 && fault?.line == Array("[c".utf8))
        #expect(try Pattern.all(in: Array("\u{feff}a\r\n\n#\nb".utf8)).count == 2)
        let utf16 = Array("#\0 \0a\0\n\0a\0b\0".utf8)
        #expect(throws: PatternFault.self) { try Pattern.all(in: [0xff, 0xfe] + utf16) }
    }

    @Test("Names are bytes, UTF-8 or not")
    func bytes() throws {
        let pattern = try wellFormed([0xff, 0x2a, 0x2e, 0x5b, 0x80, 0x2d, 0x8f, 0x5d])
        #expect(pattern.matches([[0xff, 0xfe, 0x2e, 0x85]], isDirectory: false))
        #expect(!pattern.matches([[0xff, 0xfe, 0x2e, 0x90]], isDirectory: false))
        // One question mark is one byte, and this letter has two.
        #expect(try wellFormed("??").matches("ä"))
        #expect(try wellFormed("?").matches("ä") == false)
    }

    @Test("The protected directory itself matches nothing", arguments: ["*", "/**", "**", "**/"])
    func root(line: String) throws {
        #expect(try wellFormed(line).matches([], isDirectory: true) == false)
    }

    /// With backtracking at every asterisk some of these would outlast the universe.
    @Test("Many asterisks cost no more than pattern times path")
    func hostile() throws {
        let many = [[UInt8](repeating: UInt8(ascii: "a"), count: 20_000)]
        #expect(try wellFormed("a*a*a*a*a*a*a*b").matches(many, isDirectory: false) == false)
        #expect(try wellFormed("a*a*a*a*a*a*a*a").matches(many, isDirectory: false))
        let stars = try wellFormed(String(repeating: "*a", count: 30) + "*[b]*")
        #expect(!stars.matches(many, isDirectory: false))
        let long = try wellFormed("*" + String(repeating: "a", count: 100) + "b*")
        #expect(!long.matches(many, isDirectory: false))
        let deep = [[UInt8]](repeating: [UInt8(ascii: "a")], count: 2_000)
        let line = String(repeating: "**/a/", count: 30) + "b"
        #expect(try wellFormed(line).matches(deep, isDirectory: false) == false)
    }

    @Test("Two asterisks within a name are plain ones, as the manual has it and git does not")
    func asterisksWithinName() throws {
        #expect(try wellFormed("/foo**").matches("foobar"))
        #expect(try wellFormed("/foo**").matches("foobar/x") == false)
        #expect(try wellFormed("foo**/bar").matches("foox/bar"))
        #expect(try wellFormed("foo**/bar").matches("foox/y/bar") == false)
        #expect(try wellFormed("foo**/bar").matches("foobar") == false)
    }
}

private let matching: [(String, String)] = [
    ("a", "a"), ("a", "x/y/a"), ("a/", "x/a/"), ("/a", "a"), ("a/b", "a/b"), ("/a/b", "a/b"),
    ("*", "x/y"), ("*.o", "x/y.o"), ("*.o", ".o"), ("a*", "a"), ("a*c", "abc"), ("a*c", "ac"),
    ("*b*", "abc"), ("?b", "ab"), ("[a-c]x", "bx"), ("[!a]", "b"), ("[^a]", "b"), ("[]x]", "]"),
    ("[a-]", "-"), ("[\\]]", "]"), ("[[:digit:]a]", "7"), ("[![:digit:]]", "a"), ("[[:a]", ":"),
    ("[--/]x", ".x"), ("**", "a/b"), ("**/a", "a"), ("**/a", "x/y/a"), ("a/**", "a/b/c"),
    ("a/**/b", "a/b"), ("a/**/b", "a/x/y/b"), ("a/*/b", "a/x/b"), ("/**", "x"),
    ("**/a/b", "x/a/b"), ("***/a", "a"), ("\\#a", "#a"), ("a  ", "a"), ("a\\ ", "a "),
    ("a\\  ", "a "), ("a\\\\ ", "a\\"), (" a", " a"), ("a\r", "a"),
    ("a b", "a b"), ("\\*", "*"), ("a#b", "a#b"), ("a!b", "a!b"), ("/a/**/", "a/x/"),
    ("a**b", "axb"), ("**/a/**/b", "a/x/a/b"),
]

private let malformed: [(String, PatternFault.Reason)] = [
    ("[a", .openBracket), ("[", .openBracket), ("[]", .openBracket), ("[!]", .openBracket),
    ("[!a", .openBracket), ("[[:alpha:]", .openBracket), ("[a\\", .openBracket),
    ("[a-\\", .openBracket), ("[[:", .openBracket), ("x/[a/b", .openBracket),
    ("[[:letter:]]", .unknownClass), ("[[::]]", .unknownClass), ("[[:Alpha:]]", .unknownClass),
    ("a\\", .openEscape), ("\\", .openEscape), ("a\\/", .openEscape), ("", .emptyName),
    ("/", .emptyName), ("//", .emptyName), ("a//", .emptyName), ("/a//b", .emptyName),
    ("**//a", .emptyName), (".", .dots), ("..", .dots), ("./a", .dots), ("../a", .dots),
    ("a/./b", .dots), ("a/../b", .dots), ("/.", .dots), ("a/..", .dots), ("\\./a", .dots),
    ("a\0b", .zeroByte), ("\0", .zeroByte),
]

private let failing: [(String, String)] = [
    ("a", "b"), ("a", "a/x"), ("a", "ab"), ("a/", "a"), ("/a", "x/a"), ("a/b", "x/a/b"),
    ("a/b", "a/b/c"), ("*.o", "x.o/y"), ("*.o", "x.oo"), ("a*a", "a"), ("a?c", "ac"),
    ("[a-c]", "d"), ("[!a]", "a"), ("[c-a]", "b"), ("[a-c]", "B"), ("A", "a"), ("a/**", "a"),
    ("a/**", "a/"), ("a/*", "a/b/c"), ("a/*/b", "a/b"), ("a/*/b", "a/x/y/b"), ("a/**/b", "ab"),
    ("a[/]b", "a/b"), ("a?b", "a/b"), ("\\*", "a"), ("a\\  ", "a"), ("**/a/b", "a/x/b"),
    ("/a/**/", "a/x"), ("a**b", "a/b"), ("/*a**/b", "xa/y/b"),
]

@Suite("Pattern beside git", .enabled(if: GitPeer.isInstalled)) struct PatternBesideGitTests {
    /// Small names with everything in them that a pattern treats specially.
    private static let tree = ["a", "b", "ab", "c1"].flatMap { top in
        ["a/a/", "b/", "abc/", "a/b/", "b/a/", "c", "a/c", "b/a/c", "b/b"].map { "\(top)/\($0)" }
    } + [
        "abc", "aab", "ba", "bb", "1", "a1", ".a", "a.b", "-", "a-", "]", "[", "[a", "[a]", "a]",
        "[:", ":", "!", "!a", "#", "#a", "*", "a*b", "**", "?", "\\", "\\a", "a\\", " ", "a ",
        "a  ", " a", "a b", "^", "^a", "A", "ä", "aä", "_", "a,b", "c",
    ]

    @Test("A random pattern finds the same entries as git's", arguments: 0..<3 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var dice = PatternDice(seed: seed)
        try compare((0..<60).map { _ in dice.line() }, on: GitPeer(Self.tree))
    }

    @Test("The examples find the same entries as git's")
    func examples() throws {
        let lines = Set((matching + failing).map(\.0)).sorted().map { Array($0.utf8) }
        try compare(lines, on: GitPeer(Self.tree))
    }

    @Test("Brackets hold the same bytes as git's")
    func everyByte() throws {
        let slash = UInt8(ascii: "/")
        let entries = (1...255).filter { $0 != slash }.map { [UInt8(ascii: "x"), $0] }
        let classes = [
            "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "xdigit",
        ]
        let lines = classes.flatMap { ["x[[:\($0):]]", "x[![:\($0):]a-f]"] } + [
            "x?", "x??", "x*", "x[!-~]", "x[a-c-e]", "x[--a]", "x[]-a]", "x[!]-a]", "x[^^]",
            "x[a^]", "x[[-a]", "x[\\[-\\]]", "x[a-\\c]", "x[[:alpha:]-z]", "x[[:x]", "x[[:]",
            "x[a[:]b]", "x[[.a.]]", "x[\\-a]", "x[a-]", "x[-a]", "x[!-a]", "x[a-z-9]",
            "x[[:alpha]", "x[,-.]", "x[a-", "x[a-\\", "x[\\", "x[[:", "x[a-\\]]", "x[[:Alpha:]]",
        ]
        let raw: [[UInt8]] = [[0x78, 0x5b, 0x80, 0x2d, 0xff, 0x5d], [0x78, 0xff], [0x2a, 0x80]]
        try compare(lines.map { Array($0.utf8) } + raw, on: GitPeer(entries))
    }

    /// Every line is negated, because git looks further below a directory that a negated pattern
    /// matches, and so tells of each entry whether that very entry matches.
    private func compare(_ lines: [[UInt8]], on git: GitPeer) throws {
        for line in lines where !differsFromManual(line) {
            let negated = [UInt8(ascii: "!")] + line
            // Where git passes over a line without a word, it is a fault here.
            let pattern = try? Pattern(line: negated)
            let verdicts = try git.verdicts(excludeFile: negated)
            #expect(verdicts.count == git.entries.count)
            for (entry, verdict) in zip(git.entries, verdicts) {
                let found =
                    pattern?.matches(entry.path, isDirectory: entry.isDirectory) ?? false
                #expect(found == (verdict == .included), "\(readable(line)) on \(entry)")
            }
        }
    }
}

/// A beginning without wildcards that does not end in a slash, and then `**`: see `Pattern`.
func differsFromManual(_ line: [UInt8]) -> Bool {
    let slash = UInt8(ascii: "/")
    let text = line.first == UInt8(ascii: "!") ? line.dropFirst() : line[...]
    guard let special = text.firstIndex(where: "*?[\\".utf8.contains) else { return false }
    return special > text.startIndex && text[special - 1] != slash && text.contains(slash)
        && text[special...].starts(with: "**".utf8)
}

func readable(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
}

/// Random lines of what means something in a pattern, the same ones for the same seed.
struct PatternDice {
    private static let pieces = [
        "a", "a", "a", "b", "b", "c", "ab", "*", "*", "*", "*", "?", "?", "**", "/", "/", "/**/",
        "/**", "**/", "/*/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[a-]", "[\\]a]", "[a/b]",
        "[[:alpha:]]", "[[:digit:]-]", "***", "\\a", "\\*", "1", ".", "-", " ",
    ]
    /// What mostly makes a pattern fail, and so had better be rare.
    private static let oddities = [
        "[", "]", "[:", "[^", "\\", "\\ ", "\\/", "!", "#", "ä", "[a", "[b-", "[[:alpha]", "//",
    ]
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64, https://prng.di.unimi.it/splitmix64.c
    private mutating func next(below bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }

    mutating func line() -> [UInt8] {
        var line: [UInt8] = []
        for _ in 0...next(below: 5) {
            let choice = next(below: 12) == 0 ? Self.oddities : Self.pieces
            line += choice[next(below: choice.count)].utf8
        }
        return line
    }
}

/// A temporary repository, so that the git of this machine can be asked what it ignores.
final class GitPeer {
    enum Verdict { case unmentioned, excluded, included }

    struct Entry: CustomStringConvertible {
        let bytes: [UInt8]
        var isDirectory: Bool { bytes.last == UInt8(ascii: "/") }
        var path: [[UInt8]] { bytes.split(separator: UInt8(ascii: "/")).map(Array.init) }
        var description: String { readable(bytes) }
    }

    static let isInstalled = (try? run(["git", "--version"], in: temporary)) != nil

    private static var temporary: URL { FileManager.default.temporaryDirectory }

    /// Directories have a slash at their end; those above the ones asked for are here, too.
    let entries: [Entry]
    private let root: URL
    private var tree: URL { root.appendingPathComponent("tree") }
    private var excludeFile: URL { root.appendingPathComponent("exclude") }

    convenience init(_ wanted: [String]) throws { try self.init(wanted.map { Array($0.utf8) }) }

    init(_ wanted: [[UInt8]]) throws {
        root = Self.temporary.appendingPathComponent("zwilling-git-\(UUID().uuidString)")
        var all = Set(wanted)
        for entry in wanted {
            for index in entry.indices where entry[index] == UInt8(ascii: "/") {
                all.insert(Array(entry[...index]))
            }
        }
        entries = all.sorted { $0.lexicographicallyPrecedes($1) }.map(Entry.init)
        try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: true)
        // By way of xargs, because Foundation's paths are text and ours need not be.
        try make(entries.filter(\.isDirectory), with: ["mkdir", "-p"])
        try make(entries.filter { !$0.isDirectory }, with: ["touch"])
        _ = try Self.run(["git", "init", "-q"], in: tree)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// What such an exclude file makes git do with every entry, in their order.
    func verdicts(excludeFile text: [UInt8]) throws -> [Verdict] {
        try Data(text).write(to: excludeFile)
        let answer = try Self.run(
            ["git", "-c", "core.excludesFile=\(excludeFile.path)", "-c", "core.ignoreCase=false"]
                + ["check-ignore", "--no-index", "-z", "--stdin", "--verbose", "--non-matching"],
            in: tree, input: zeroTerminated(entries))
        let fields = answer.split(separator: 0, omittingEmptySubsequences: false)
        return stride(from: 2, to: fields.count - 1, by: 4).map { index in
            switch fields[index].first {
            case nil: .unmentioned
            case UInt8(ascii: "!"): .included
            default: .excluded
            }
        }
    }

    private func make(_ entries: [Entry], with command: [String]) throws {
        let input = zeroTerminated(entries)
        _ = try Self.run(["xargs", "-0", "-r"] + command, in: tree, input: input)
    }

    private func zeroTerminated(_ entries: [Entry]) -> Data {
        // With the dot a name may begin with a hyphen or, which is magic to git, with a colon.
        Data(entries.flatMap { Array("./".utf8) + $0.path.joined(separator: [0x2f]) + [0] })
    }

    /// What the command prints. It may end with 1, as git does when it has nothing to tell.
    private static func run(
        _ command: [String], in folder: URL, input: Data = Data()
    ) throws -> [UInt8] {
        // Input from a file: with two pipes both sides could wait for one another.
        let file = temporary.appendingPathComponent("zwilling-input-\(UUID().uuidString)")
        try input.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = folder
        // Nothing of the settings of whoever runs the tests.
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "HOME": temporary.path, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
            "LC_ALL": "C",
        ]
        let output = Pipe()
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus < 2 else { throw CocoaError(.executableLoad) }
        return Array(data)
    }
}

private func wellFormed(_ line: String) throws -> Pattern { try wellFormed(Array(line.utf8)) }

private func wellFormed(_ line: [UInt8]) throws -> Pattern {
    let pattern = try Pattern(line: line)
    return try #require(pattern)
}

extension Pattern {
    /// A path with a slash at its end is a directory.
    fileprivate func matches(_ path: String) -> Bool {
        let names = path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        return matches(names, isDirectory: path.hasSuffix("/"))
    }
}
