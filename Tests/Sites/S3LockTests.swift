// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing

@Suite("A bucket that locks what it gets", .enabled(if: Cloud.isPossible(.seaweed)))
struct S3LockTests {
    private let cloud: Cloud
    private let bucket: String
    private let site: S3Site
    private static let days = 3
    private static let day: Int64 = 86_400

    init() throws {
        cloud = try Cloud.good.get()
        bucket = try cloud.lockedBucket(days: Self.days)
        site = try cloud.site(in: bucket)
    }

    private func name(_ text: String) throws -> ObjectName { try #require(ObjectName(text)) }

    private func put(_ text: String, _ bytes: String) async throws {
        try await site.put(name(text), Array(bytes.utf8)[...], existing: .replace)
    }

    private func text(_ name: ObjectName, right: String) async throws -> String {
        String(decoding: try await site.get(name, in: nil) { $0 == Array(right.utf8) }, as: UTF8.self)
    }

    @Test("is seen through where a thief has put other bytes in front, or marked an object as deleted")
    func shadowed() async throws {
        let (first, second) = (try name("records/a"), try name("packs/b"))
        try await put("records/a", "right")
        try await put("packs/b", "as well")
        for _ in 0..<150 { try await put("records/a", "wrong bytes") }
        #expect(try cloud.request("DELETE", "\(bucket)/packs/b").status == 204)
        #expect(try cloud.request("GET", "\(bucket)/packs/b").status == 404)
        let other = try cloud.site(in: bucket)
        #expect(try await other.get(second, in: nil) == Array("as well".utf8))
        #expect(try await other.get(second, in: 3..<7) == Array("well".utf8))
        #expect(try await other.list("") == [ObjectEntry(name: second, size: 7), ObjectEntry(name: first, size: 11)])
        #expect(try await other.list("packs/").map(\.name) == [second])
        #expect(try await other.hidden() == [second])
        #expect(try await text(first, right: "right") == "right")
        // Deleted, and another in front of the right one.
        #expect(try cloud.request("DELETE", "\(bucket)/records/a").status == 204)
        #expect(try await text(first, right: "right") == "right")
        #expect(try await text(first, right: "never there") == "wrong bytes")
        await #expect { try await other.get(name("records/never"), in: nil) } throws: { ($0 as? Trouble)?.kind == .missing }
        // Through several sites, of which the other is empty.
        let spread = SpreadSite(
            [SpreadSite.Member(MemorySite(), name: "one"), SpreadSite.Member(try cloud.site(in: bucket), name: "two")], required: 1)
        #expect(try await spread.get(first, in: nil) { $0 == Array("right".utf8) } == Array("right".utf8))
    }

    @Test("What is erased is gone in every version, but not before its lock has ended, and no marker hides it")
    func erased() async throws {
        try await put("packs/b", "needed no more")
        let refused = await #expect(throws: Trouble.self) { try await site.erase(name("packs/b")) }
        #expect(refused?.kind == .denied)
        #expect(try await site.list("packs/").count == 1)
        #expect(try await site.hidden().isEmpty)
        let open = try cloud.site()
        try await open.put(name("packs/b"), [1, 2, 3], existing: .replace)
        try await open.erase(name("packs/b"))
        #expect(try await open.list("packs/").isEmpty)
        try await open.erase(name("packs/b"))
    }

    @Test("What is on its way out is locked no longer than it is")
    func spared() async throws {
        try await put("packs/b", "on its way out")
        try await put("packs/c", "needed")
        let now = Moment(seconds: Int64(Date().timeIntervalSince1970) + 2 * Self.day)
        let renewal = try await site.renewLocks(
            days: Self.days, mode: .compliance, now: now, sparing: [name("packs/b")]) { _, _ in }
        #expect(renewal.versions == 1 && renewal.extended == 1)
    }

    @Test("A unit of log that was written over is seen through, though units are taken away some day")
    func unit() async throws {
        try await put("units/w/1", "right")
        try await put("units/w/1", "wrong")
        #expect(try await text(name("units/w/1"), right: "right") == "right")
        #expect(try await site.list("units/").count == 1)
    }

    @Test("More versions than a page holds are all listed")
    func pages() async throws {
        let names = try (0..<1100).map { try name("records/w/\(10_000 + $0)") }
        let done = await gathered(names) { [site] name in
            do {
                try await site.put(name, [1], existing: .replace)
                return true
            } catch { return false }
        }
        #expect(!done.contains(false))
        try await put("records/w/10000", "another in front")
        #expect(try await site.list("records/").map(\.name) == names)
        #expect(try await site.renewLocks(days: Self.days, mode: .compliance, now: World.real.now()) { _, _ in }.versions == 1101)
    }

    @Test("What the program takes away is gone, whatever is kept behind it")
    func takenAway() async throws {
        try await put("invitations/a", "used")
        try await site.remove(name("invitations/a"))
        #expect(try await site.list("") == [])
        #expect(try await site.list("invitations/") == [])
        await #expect { try await site.get(name("invitations/a"), in: nil) } throws: { ($0 as? Trouble)?.kind == .missing }
        #expect(try await site.hidden() == [])
    }

    @Test("Locks are renewed to the day that is asked for, of every version, and never shortened")
    func renewed() async throws {
        try await put("packs/a", "right")
        try await put("packs/a", "in front of it")
        try await put("records/b", "deleted")
        #expect(try cloud.request("DELETE", "\(bucket)/records/b").status == 204)
        try await put("invitations/c", "soon taken away")
        let now = World.real.now()
        let first = try await site.renewLocks(days: Self.days, mode: .compliance, now: now) { _, _ in }
        #expect(first.versions == 3 && first.extended == 0 && first.failures.isEmpty)
        let second = try await site.renewLocks(days: 10, mode: .compliance, now: now) { _, _ in }
        #expect(second.versions == 3 && second.extended == 3 && second.firstEnd == now.seconds + 10 * Self.day)
        let third = try await site.renewLocks(days: Self.days, mode: .compliance, now: now) { _, _ in }
        #expect(third.extended == 0 && third.firstEnd == now.seconds + 10 * Self.day)
        #expect(try await site.lock(of: name("packs/a")) == SiteLock(mode: .compliance, until: now.seconds + 10 * Self.day))
        #expect(try await #require(site.lock(of: name("invitations/c"))).until < now.seconds + 4 * Self.day)
    }

    @Test("A clock that is ten years ahead binds nobody and deletes nothing")
    func clockAhead() async throws {
        try await put("packs/a", "right")
        var world = World.real
        world.now = { Moment(seconds: World.real.now().seconds + 3652 * Self.day) }
        let ahead = try cloud.site(in: bucket, world: world)
        await #expect {
            try await ahead.renewLocks(days: Self.days, mode: .compliance, now: world.now()) { _, _ in }
        } throws: { ($0 as? Trouble)?.kind == .denied }
        #expect(try await #require(site.lock(of: name("packs/a"))).until < World.real.now().seconds + 4 * Self.day)
        #expect(try await site.get(name("packs/a"), in: nil) == Array("right".utf8))
    }

    @Test("It is found out by trying what it locks, and for how long; one without a lock too")
    func found() async throws {
        let locking = try #require(try await SiteProbe(site).run().first { $0.ability == .locking })
        #expect(locking.isThere && locking.lock?.days == Self.days && locking.lock?.mode == .compliance)
        #expect(try await site.list("") == [])
        let open = try await SiteProbe(cloud.site()).run()
        #expect(open.first { $0.ability == .locking }?.isThere == false)
        #expect(open.first { $0.ability == .multipart }?.isThere == true)
    }

    @Test("A large object goes in parts, and two of one name do not both win")
    func parts() async throws {
        let large = try name("packs/large")
        let bytes = World.real.random(70 << 20)
        try await site.put(large, bytes[...], existing: .refuse)
        #expect(try await site.get(large, in: nil) == bytes)
        await #expect { try await site.put(large, bytes[...], existing: .refuse) } throws: { ($0 as? Trouble)?.kind == .exists }
        // Nothing is left of the second.
        #expect(try cloud.request("GET", bucket, query: [("uploads", "")]).body.contains("<Upload>") == false)
    }
}
