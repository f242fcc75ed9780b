// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing

@Suite("A site that is tried out")
struct SiteProbeTests {
    private func there(_ site: any Site) async throws -> Set<SiteProbe.Ability> {
        Set(try await SiteProbe(site).run().filter(\.isThere).map(\.ability))
    }

    @Test("can do everything where it is a good one, and is left as it was", arguments: Subject.allCases)
    func good(subject: Subject) async throws {
        try await subject.with { site async throws in
            var all = Set(SiteProbe.Ability.allCases)
            all.remove(.locking)
            if ![.bucket, .ceph].contains(subject) { all.remove(.multipart) }
            #expect(try await there(site) == all)
            #expect(try await site.list("") == [])
        }
    }

    @Test("is seen through where it lets several writers win: rclone", .enabled(if: Cloud.isPossible(.rclone)))
    func unconditional() async throws {
        let cloud = try Cloud(.rclone)
        let results = try await there(cloud.site())
        #expect(!results.contains(.conditionalWriting) && results.contains(.keeping))
    }

    @Test("is seen through where only its locked buckets let several writers win: Ceph 16", .enabled(if: Cloud.soaksCeph))
    func lockedCeph() async throws {
        let ceph = try Cloud.other.get()
        let results = try await there(ceph.site(in: ceph.lockedBucket(days: 1)))
        #expect(results.contains(.locking) && !results.contains(.conditionalWriting))
    }

    /// Differs from a good site in one thing.
    private struct Deficient: Site {
        let lacks: SiteProbe.Ability
        let inner = MemorySite()
        var label: String { inner.label }

        func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
            if lacks == .replacing, existing == .replace, try await !inner.list(name.text).isEmpty { return }
            let bytes = lacks == .keeping ? bytes.dropLast() : bytes
            try await inner.put(name, bytes, existing: lacks == .conditionalWriting ? .replace : existing)
        }

        func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
            try await inner.get(name, in: lacks == .rangedReading ? nil : range)
        }

        func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
            lacks == .listing ? [] : try await inner.list(prefix)
        }

        func remove(_ name: ObjectName) async throws(Trouble) {
            guard lacks != .removing else { throw Trouble(.denied, Words("no", de: "nein")) }
            try await inner.remove(name)
        }
    }

    @Test("S3 dialects: a site is told what it lacks", arguments: Set(SiteProbe.Ability.allCases).subtracting([.multipart, .locking]))
    func deficient(ability: SiteProbe.Ability) async throws {
        #expect(try await !there(Deficient(lacks: ability)).contains(ability))
    }

    @Test("that takes nothing is refused with its own reason")
    func closed() async throws {
        struct Closed: Site {
            let label = "closed"
            func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
                throw Trouble(.denied, Words("no", de: "nein"))
            }
            func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] { [] }
            func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { [] }
            func remove(_ name: ObjectName) async throws(Trouble) {}
        }
        await #expect { try await SiteProbe(Closed()).run() } throws: { ($0 as? Trouble)?.kind == .denied }
    }
}
