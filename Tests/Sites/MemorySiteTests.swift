// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing

@Suite("A site in memory")
struct MemorySiteTests {
    private let site = MemorySite()
    private let lost = Trouble(.system, Words("The line is dead.", de: "Die Leitung ist tot."))

    @Test("fails the n-th request, which then has no effect")
    func failure() async throws {
        site.fail(.init(2, lost))
        try await site.put("a", [1])
        #expect(try await site.kind { try await $0.put("b", [2]) } == .system)
        try await site.put("c", [3])
        #expect(try await site.names() == ["a", "c"])
    }

    @Test("fails from the n-th request on, whatever the verb")
    func lasting() async throws {
        try await site.put("a", [1])
        site.fail(.init(2...Int.max, lost))
        #expect(try await site.kind { _ = try await $0.get("a") } == .system)
        #expect(try await site.kind { _ = try await $0.list("") } == .system)
        #expect(try await site.kind { try await $0.remove("a") } == .system)
        site.fail()
        #expect(try await site.get("a") == [1])
    }

    @Test("loses the answer to a request that took effect")
    func lostAnswer() async throws {
        site.fail(.init(1, lost, isDone: true))
        #expect(try await site.kind { try await $0.put("a", [1]) } == .system)
        #expect(try await site.get("a") == [1])
    }

    @Test("is full after so many bytes")
    func full() async throws {
        site.limit(to: 10)
        try await site.put("a", bytes(6))
        #expect(try await site.kind { try await $0.put("b", bytes(5)) } == .full)
        try await site.put("b", bytes(4))
        try await site.put("a", bytes(6, seed: 2), .replace)
        #expect(try await site.kind { try await $0.put("a", bytes(7), .replace) } == .full)
        #expect(try await site.get("a") == bytes(6, seed: 2))
        try await site.remove("b")
        try await site.put("c", bytes(4))
    }

    @Test("can be read only")
    func readOnly() async throws {
        try await site.put("a", [1])
        site.setReadOnly(true)
        #expect(try await site.kind { try await $0.put("b", [1]) } == .readOnly)
        #expect(try await site.kind { try await $0.remove("a") } == .readOnly)
        #expect(try await site.get("a") == [1])
    }

    @Test("reads short without saying so")
    func shortRead() async throws {
        try await site.put("a", bytes(10))
        try site.shortenReads(of: name("a"), to: 4)
        #expect(try await site.get("a") == Array(bytes(10).prefix(4)))
        #expect(try await site.get("a", 2..<10) == Array(bytes(10)[2..<6]))
        #expect(try await site.list("").map(\.size) == [10])
    }

    @Test("turns a bit over")
    func flippedBit() async throws {
        try await site.put("a", [0, 0, 0])
        try site.flip(name("a"), bit: 11)
        #expect(try await site.get("a") == [0, 8, 0])
    }

    @Test("cuts an object off")
    func truncation() async throws {
        try await site.put("a", bytes(10))
        try site.truncate(name("a"), to: 3)
        #expect(try await site.get("a") == Array(bytes(10).prefix(3)))
        #expect(try await site.list("").map(\.size) == [3])
    }

    @Test("loses an object")
    func loss() async throws {
        try await site.put("a", [1])
        try site.drop(name("a"))
        #expect(try await site.kind { _ = try await $0.get("a") } == .missing)
        #expect(try await site.names() == [])
        try await site.put("a", [2])
    }

    @Test("hides an object from listings only")
    func hidden() async throws {
        try await site.put("a", [1])
        try site.hide(name("a"))
        #expect(try await site.names() == [])
        #expect(try await site.get("a") == [1])
    }

    @Test("serves an older version")
    func olderVersion() async throws {
        for version in [[7], [7, 7], [7, 7, 7], [7, 7, 7, 7]] as [[UInt8]] {
            try await site.put("a", version, .replace)
        }
        try site.revert(name("a"))
        #expect(try await site.get("a") == [7, 7, 7])
        try site.revert(name("a"), steps: 2)
        #expect(try await site.get("a") == [7])
        #expect(try await site.list("").map(\.size) == [1])
    }

    @Test("counts requests and bytes, also of requests that fail")
    func counts() async throws {
        try await site.put("ab", bytes(10))
        _ = try await site.kind { try await $0.put("ab", bytes(10)) }
        _ = try await site.get("ab", 4..<100)
        _ = try await site.list("")
        try await site.remove("x")
        let counts = site.counts
        #expect((counts.put.requests, counts.put.bytes) == (2, 20))
        #expect((counts.get.requests, counts.get.bytes) == (1, 6))
        #expect((counts.list.requests, counts.list.bytes) == (1, 2))
        #expect((counts.remove.requests, counts.requests) == (1, 5))
    }

    @Test("keeps for every change what a loss of power would leave")
    func crashImages() async throws {
        let images: [[String]] = [[], ["a"], ["a", "b"], ["b"], ["b", "c"]]
        for (changes, image) in images.enumerated() {
            let site = MemorySite()
            site.crash(afterChanges: changes)
            try await site.put("a", [1])
            try await site.put("b", [2])
            _ = try await site.kind { try await $0.put("b", [3]) }
            try await site.remove("a")
            try await site.remove("a")
            try await site.put("c", [3])
            #expect(try await site.crashed()?.names() == image)
            #expect(try await site.names() == ["b", "c"])
            #expect(site.changes == images.count - 1)
        }
    }

    @Test("has no image of a crash that has not come")
    func noCrash() async throws {
        #expect(site.crashed() == nil)
        site.crash(afterChanges: 2)
        try await site.put("a", [1])
        #expect(site.crashed() == nil)
    }

    @Test("is copied without its faults")
    func copy() async throws {
        try await site.put("a", [1])
        site.setReadOnly(true)
        let past = site.copy()
        try await past.put("b", [2])
        #expect(try await site.names() == ["a"])
        #expect(past.counts.put.requests == 1)
    }
}
