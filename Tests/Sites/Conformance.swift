// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing

/// What every site must do, whatever it is made of.
@Suite("Every site")
struct Conformance {
    @Test("gives back what was put", arguments: Subject.allCases)
    func roundTrip(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("packs/3f/one", bytes(1000))
            #expect(try await site.get("packs/3f/one") == bytes(1000))
        }
    }

    @Test("stores a slice from the middle of a buffer", arguments: Subject.allCases)
    func slices(subject: Subject) async throws {
        try await subject.with { site in
            let buffer = bytes(5000)
            try await site.put(name("part"), buffer[100..<4100], existing: .refuse)
            #expect(try await site.get("part") == Array(buffer[100..<4100]))
        }
    }

    @Test("keeps objects of every size", arguments: Subject.allCases, [0, 1, 4096, 20 << 20])
    func sizes(subject: Subject, count: Int) async throws {
        try await subject.with { site in
            let content = bytes(count)
            try await site.put("object", content)
            #expect(try await site.get("object") == content)
            #expect(try await site.list("").map(\.size) == [count])
        }
    }

    @Test("refuses to put over an object, and leaves it alone", arguments: Subject.allCases)
    func refusal(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("a/b", bytes(100, seed: 1))
            #expect(try await site.kind { try await $0.put("a/b", bytes(50, seed: 2)) } == .exists)
            #expect(try await site.get("a/b") == bytes(100, seed: 1))
        }
    }

    @Test("replaces an object where told to", arguments: Subject.allCases)
    func replacement(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("a/b", bytes(100, seed: 1), .replace)
            try await site.put("a/b", bytes(50, seed: 2), .replace)
            #expect(try await site.get("a/b") == bytes(50, seed: 2))
            #expect(try await site.list("") == [ObjectEntry(name: name("a/b"), size: 50)])
        }
    }

    @Test("lets exactly one of eight writers win", arguments: Subject.allCases)
    func race(subject: Subject) async throws {
        try await subject.with { site in
            for round in 0..<20 {
                let target = "race/\(round)/object"
                let outcomes = try await writers(8, of: target, at: site, .refuse)
                let winners = outcomes.filter { $0.kind == nil }
                #expect(winners.count == 1)
                #expect(outcomes.count { $0.kind == .exists } == 7, "\(outcomes)")
                let winner = try #require(winners.first)
                #expect(try await site.get(target) == bytes(10_000, seed: winner.seed))
            }
            #expect(try await site.list("").count == 20)
        }
    }

    @Test("shows whole objects while they are replaced", arguments: Subject.allCases)
    func replacementRace(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("object", bytes(10_000, seed: 0))
            let possible = Set((0..<8).map { bytes(10_000, seed: $0) })
            async let outcomes = writers(8, of: "object", at: site, .replace)
            for _ in 0..<20 {
                #expect(try await possible.contains(site.get("object")))
            }
            #expect(try await outcomes.allSatisfy { $0.kind == nil })
            #expect(try await site.list("").count == 1)
        }
    }

    private func writers(
        _ count: UInt64, of target: String, at site: any Site, _ existing: Existing
    ) async throws -> [(seed: UInt64, kind: Trouble.Kind?)] {
        try await withThrowingTaskGroup { group in
            for seed in 0..<count {
                group.addTask {
                    let content = bytes(10_000, seed: seed)
                    let kind = try await site.kind { try await $0.put(target, content, existing) }
                    return (seed, kind)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("clips a range to what there is", arguments: Subject.allCases)
    func ranges(subject: Subject) async throws {
        try await subject.with { site in
            let content = bytes(100)
            try await site.put("object", content)
            for range in [0..<100, 0..<1, 99..<100, 10..<20, 0..<0, 100..<100] {
                #expect(try await site.get("object", range) == Array(content[range]))
            }
            #expect(try await site.get("object", 90..<200) == Array(content[90...]))
            #expect(try await site.get("object", 0..<Int.max) == content)
            #expect(try await site.get("object", 100..<101) == [])
            #expect(try await site.get("object", 1000..<2000) == [])
        }
    }

    @Test("misses what is not there", arguments: Subject.allCases)
    func missing(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("a/b", [1])
            for other in ["a", "a/c", "a/b/c", "b", "x/y/z"] {
                #expect(try await site.kind { _ = try await $0.get(other) } == .missing)
                #expect(try await site.kind { _ = try await $0.get(other, 0..<0) } == .missing)
            }
        }
    }

    @Test("removes an object, once or twice", arguments: Subject.allCases)
    func removal(subject: Subject) async throws {
        try await subject.with { site in
            try await site.put("a/b", [1])
            try await site.put("a/c", [2])
            try await site.remove("a/b")
            try await site.remove("a/b")
            for other in ["a", "a/c/d", "x/y/z"] { try await site.remove(other) }
            #expect(try await site.kind { _ = try await $0.get("a/b") } == .missing)
            #expect(try await site.names() == ["a/c"])
            try await site.put("a/b", [3])
            #expect(try await site.get("a/b") == [3])
        }
    }

    @Test("lists by name, and by prefix", arguments: Subject.allCases)
    func listing(subject: Subject) async throws {
        try await subject.with { site in
            #expect(try await site.list("") == [])
            let sorted = [
                "A", "a-b", "a.b/x", "a/0", "a/b/c", "a/b0", "a/ba", "aa", "b", "records/1/2",
            ]
            for text in sorted.reversed() { try await site.put(text, Array(text.utf8)) }
            #expect(
                try await site.list("")
                    == sorted.map { try ObjectEntry(name: name($0), size: $0.utf8.count) })
            let prefixes = [
                "a", "a/", "a/b", "a/b/", "a/b/c", "a/b/c/", "rec", "records/1/", "z", "/", ".",
            ]
            for prefix in prefixes {
                #expect(try await site.names(prefix) == sorted.filter { $0.hasPrefix(prefix) })
            }
        }
    }

    @Test("takes the longest and the oddest names", arguments: Subject.allCases)
    func names(subject: Subject) async throws {
        try await subject.with { site in
            let long = Array(repeating: String(repeating: "x", count: 100), count: 8)
            let names = [
                "-", "-rf", "UPPER-lower_0.9", "_._", "a..", "nul", long.joined(separator: "/"),
            ]
            for text in names { try await site.put(text, Array(text.utf8)) }
            for text in names { #expect(try await site.get(text) == Array(text.utf8)) }
            #expect(try await site.names() == names.sorted())
        }
    }
}
