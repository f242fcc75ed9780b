// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing

@Suite("Exclusion") struct ExclusionTests {
    @Test("Without patterns nothing is excluded")
    func none() throws {
        #expect(!Exclusion.none.excludes("a"))
        #expect(try !Exclusion("\n# nothing\n  \n").excludes("a"))
    }

    @Test("Of the patterns that match the last one decides")
    func lastMatch() throws {
        let exclusion = try Exclusion("*.log\n!keep.log\n/old/keep.log\n")
        #expect(exclusion.excludes("x/a.log"))
        #expect(!exclusion.excludes("x/keep.log"))
        #expect(exclusion.excludes("old/keep.log"))
        #expect(try !Exclusion("!keep.log\n").excludes("keep.log"))
        #expect(try Exclusion("!keep.log\n*.log").excludes("keep.log"))
    }

    @Test("Only the entry itself is asked about, because an excluded directory is not entered")
    func entryItself() throws {
        let exclusion = try Exclusion("build/\n!build/keep\n")
        #expect(exclusion.excludes("build/"))
        #expect(!exclusion.excludes("build"))
        #expect(!exclusion.excludes("build/other"))
    }

    @Test("A byte order mark, carriage returns and a missing last line feed do no harm")
    func foreignFile() throws {
        let exclusion = try Exclusion("\u{feff}a\r\nb \r\n\r\nc")
        for name in ["a", "b", "c"] { #expect(exclusion.excludes(name)) }
        #expect(!exclusion.excludes("\r"))
    }

    @Test("What lies below a directory that is chosen is included with it")
    func underParents() throws {
        let choice = try Exclusion("docs/*\n!docs/old\nphotos/\n")
        #expect(choice.includesUnderParents("docs/new"))
        #expect(choice.includesUnderParents("docs/new/deep/a"))
        #expect(!choice.includesUnderParents("docs/"))
        #expect(!choice.includesUnderParents("docs/old/"))
        #expect(!choice.includesUnderParents("docs/old/a"))
        #expect(choice.includesUnderParents("x/photos/1.jpg"))
        #expect(!choice.includesUnderParents("x/photos"))
        #expect(!choice.includesUnderParents("x"))
        #expect(try Exclusion("docs\n!docs/old\n").includesUnderParents("docs/old/a"))
    }
}

@Suite("Exclusion beside git", .enabled(if: GitPeer.isInstalled)) struct ExclusionBesideGitTests {
    private static let entries = ["a", "b", "ab", "abc", "c1"].flatMap { top in
        ["/", "/a/", "/b/", "/b/a/", "/abc/", "/c", "/a/c", "/b/1", "/b/a/b", "/a b", "/.a"]
            .map { top + $0 }
    }

    @Test("A random file leaves out the same entries as git's", arguments: 0..<3 as Range<UInt64>)
    func random(seed: UInt64) throws {
        let git = try GitPeer(Self.entries)
        var dice = PatternDice(seed: 1_000 + seed)
        let ends = ["\n", "\r\n", " \n"]
        for _ in 0..<30 {
            var text: [UInt8] = []
            for index in 0..<6 {
                let line = (index.isMultiple(of: 2) ? [] : Array("!".utf8)) + dice.line()
                guard (try? Pattern(line: line)) != nil else { continue }
                if !differsFromManual(line) { text += line + ends[index % ends.count].utf8 }
            }
            try compare(text, on: git)
        }
    }

    @Test("Files as people write them leave out the same entries as git's", arguments: [
        "*\n!*/\n!*.a\n", "/*\n!/a\n/a/*\n!/a/b\n", "a/\n!a/a\n", "**/a\n!/b/**/a/\n",
        "# all\n*\n!a*\n\n  \n", "\u{feff}a\n", "\u{feff}# a\nb", "\r\n \r\nab\r",
        "ab/**\n!ab/b/\n", "\\#a\n\\!a\n", "a \\ \nb\\ \n", "c\r\r\n", "a\r",
    ])
    func written(text: String) throws {
        try compare(Array(text.utf8), on: GitPeer(Self.entries))
    }

    private func compare(_ text: [UInt8], on git: GitPeer) throws {
        let exclusion = try Exclusion(text: text)
        for (entry, verdict) in zip(git.entries, try git.verdicts(excludeFile: text)) {
            let isOut = exclusion.includesUnderParents(entry.path, isDirectory: entry.isDirectory)
            #expect(isOut == (verdict == .excluded), "\(readable(text)) on \(entry)")
        }
    }
}

extension Exclusion {
    fileprivate init(_ text: String) throws { try self.init(text: Array(text.utf8)) }

    /// A path with a slash at its end is a directory.
    fileprivate func excludes(_ path: String) -> Bool {
        excludes(names(path), isDirectory: path.hasSuffix("/"))
    }

    fileprivate func includesUnderParents(_ path: String) -> Bool {
        includesUnderParents(names(path), isDirectory: path.hasSuffix("/"))
    }
}

private func names(_ path: String) -> [[UInt8]] {
    path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
}
