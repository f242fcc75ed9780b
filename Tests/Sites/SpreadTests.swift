// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Synchronization
import Testing

/// A site that hangs while it is told to.
private final class HangingSite: Site {
    let inner = MemorySite(label: "hanging")
    private let isHanging = Mutex(false)

    var label: String { inner.label }

    func hang(_ hangs: Bool) { isHanging.withLock { $0 = hangs } }

    private func wait() async {
        while isHanging.withLock({ $0 }) {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        await wait()
        try await inner.put(name, bytes, existing: existing)
    }

    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        await wait()
        return try await inner.get(name, in: range)
    }

    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        await wait()
        return try await inner.list(prefix)
    }

    func remove(_ name: ObjectName) async throws(Trouble) {
        await wait()
        try await inner.remove(name)
    }
}

@Suite("A vault over several sites")
struct SpreadTests {
    private let one = MemorySite(label: "one")
    private let two = MemorySite(label: "two")
    private let hanging = HangingSite()
    private static let dead = Trouble(.system, Words("It is gone.", de: "Er ist weg."))

    /// Patient enough for a slow machine, not for a person.
    private static var quick: SpreadPatience {
        var patience = SpreadPatience()
        (patience.copy, patience.listing, patience.record) = (.milliseconds(50), .milliseconds(50), .milliseconds(50))
        (patience.decision, patience.end, patience.rest) = (.milliseconds(200), .milliseconds(200), .milliseconds(1))
        return patience
    }

    private func spread(_ sites: [any Site], required: Int, spool: String? = nil) -> SpreadSite {
        let members = sites.enumerated().map { number, site in
            SpreadSite.Member(site, name: site.label, spool: spool.map { path("\($0)/spool/\(number)") })
        }
        return SpreadSite(members, required: required, patience: Self.quick)
    }

    private func fail(_ site: MemorySite) { site.fail(.init(1...Int.max, Self.dead)) }

    @Test("What lies at the required number is stored; a dead site gets it later, by itself")
    func spooled() async throws {
        try await withDirectory { directory in
            fail(two)
            let site = spread([one, two], required: 1, spool: directory)
            try await site.put("packs/3f/a", bytes(1000))
            try await site.put("records/1", bytes(10))
            try await site.put("keyring-copy/1", bytes(10, seed: 3), .replace)
            await site.settle()
            #expect(try await site.get("records/1") == bytes(10))
            let standing = try #require(site.members.last?.standing)
            #expect(standing.trouble?.message == Self.dead.message && standing.spooled == 3)
            // Another run of the program, when it answers again.
            two.fail()
            let later = spread([one, two], required: 1, spool: directory)
            _ = try await later.list("")
            await later.settle()
            #expect(try await two.names() == ["keyring-copy/1", "packs/3f/a", "records/1"])
            #expect(try await two.get("packs/3f/a") == bytes(1000))
            let isWell = later.members.allSatisfy { $0.standing.isWell }
            #expect(isWell)
        }
    }

    @Test("Too few sites are told, each with its reason, and what is stored stays stored")
    func tooFew() async throws {
        fail(two)
        let site = spread([one, two], required: 2)
        do {
            try await site.put("records/1", bytes(10))
            Issue.record("it was stored")
        } catch let trouble as Trouble {
            #expect(trouble.message.english.contains("at 1 sites, and must lie at 2. It is gone."))
        }
        #expect(try await one.get("records/1") == bytes(10))
    }

    @Test("What was told as failed does not turn up later")
    func failed() async throws {
        try await withDirectory { directory in
            for site in [one, two] { fail(site) }
            let site = spread([one, two], required: 1, spool: directory)
            #expect(try await site.kind { try await $0.put("records/1", bytes(10)) } == .system)
            for site in [one, two] { site.fail() }
            let later = spread([one, two], required: 1, spool: directory)
            _ = try await later.list("")
            await later.settle()
            #expect(try await later.names() == [])
            try await later.put("records/1", bytes(10, seed: 2))
            await later.settle()
            #expect(try await two.get("records/1") == bytes(10, seed: 2))
        }
    }

    @Test("A hanging site holds up nobody where enough others have it")
    func hung() async throws {
        try await withDirectory { directory in
            hanging.hang(true)
            defer { hanging.hang(false) }
            // Also where it would be the one to decide.
            let site = spread([hanging, one, two], required: 2, spool: directory)
            try await site.put("packs/3f/a", bytes(1000))
            try await site.put("records/1", bytes(10))
            #expect(try await site.get("records/1") == bytes(10))
            #expect(try await site.names() == ["packs/3f/a", "records/1"])
            await site.settle()
            #expect(site.members[0].standing.spooled == 2)
        }
    }

    @Test("Of copies that lie, the one that is right is handed out, and the liar is named")
    func lies() async throws {
        let site = spread([one, two], required: 2)
        try await site.put("packs/3f/a", bytes(1000))
        one.flip(try name("packs/3f/a"), bit: 77)
        site.judge { _, found in found == bytes(1000) }
        #expect(try await site.get("packs/3f/a") == bytes(1000))
        #expect(site.members[0].standing.lies == [try name("packs/3f/a")])
        let part = try await site.get(name("packs/3f/a"), in: 0..<100) { $0 == Array(bytes(1000)[..<100]) }
        #expect(part == Array(bytes(1000)[..<100]))
        one.drop(try name("packs/3f/a"))
        #expect(try await site.get("packs/3f/a") == bytes(1000))
        two.flip(try name("packs/3f/a"), bit: 1)
        // Then whoever asked says what is wrong with it.
        #expect(try await site.get("packs/3f/a").count == 1000)
        two.drop(try name("packs/3f/a"))
        #expect(try await site.kind { _ = try await $0.get("packs/3f/a") } == .missing)
        fail(two)
        #expect(try await site.kind { _ = try await $0.get("packs/3f/a") } == .system)
    }

    @Test("What exists is the union: no site hides anything, and too few say that they may be stale")
    func union() async throws {
        let site = spread([one, two, hanging], required: 2)
        try await site.put("records/1", bytes(10))
        await site.settle()
        one.hide(try name("records/1"))
        try await two.put("records/2", bytes(20))
        #expect(try await site.names() == ["records/1", "records/2"])
        #expect(!site.mayBeStale)
        for site in [one, two] { fail(site) }
        #expect(try await site.names() == ["records/1"])
        #expect(site.mayBeStale)
        hanging.inner.fail(.init(1...Int.max, Self.dead))
        #expect(try await site.kind { _ = try await $0.list("") } == .system)
    }

    @Test("A name that one site has given away is lost for all")
    func races() async throws {
        let site = spread([one, two], required: 1)
        try await one.put("records/1", bytes(10, seed: 9))
        #expect(try await site.kind { try await $0.put("records/1", bytes(10)) } == .exists)
        #expect(try await two.names() == [])
        // The same bytes are no race: an answer may have been lost.
        try await site.put("records/1", bytes(10, seed: 9))
        #expect(try await two.get("records/1") == bytes(10, seed: 9))
    }

    @Test("A removal reaches a site that was not there")
    func removal() async throws {
        try await withDirectory { directory in
            let site = spread([one, two], required: 1, spool: directory)
            try await site.put("invitations/1", bytes(10))
            await site.settle()
            fail(two)
            try await site.remove("invitations/1")
            two.fail()
            _ = try await site.list("")
            await site.settle()
            #expect(try await two.names() == [])
            #expect(try await one.names() == [])
        }
    }

    @Test("A removable site is read, and written only by whoever fills it")
    func removable() async throws {
        let disk = MemorySite(label: "disk")
        let site = SpreadSite(
            [.init(one, name: "one"), .init(disk, name: "disk", isRemovable: true)], required: 1, patience: Self.quick)
        try await site.put("records/1", bytes(10))
        try await disk.put("records/0", bytes(5))
        #expect(try await disk.names() == ["records/0"])
        #expect(try await site.get("records/0") == bytes(5))
        #expect(try await site.names() == ["records/0", "records/1"])
    }
}
