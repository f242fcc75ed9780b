// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing
import Vault

@Suite("Many records in one object")
struct BundleTests {
    /// So many small snapshots of one writer, as fast as they can be made.
    private func vault(_ count: Int) async throws -> (test: TestVault, cache: WriterCache) {
        let test = try await TestVault()
        var cache = test.emptyCache()
        for number in 0..<count {
            cache = try await test.protect([prose(40, seed: UInt8(number % 7))], on: cache).cache
        }
        return (test, cache)
    }

    private func bundles(_ test: TestVault) async throws -> [ObjectName] {
        try await test.site.list("bundles/").map(\.name)
    }

    @Test("Snapshots are read by few requests, and say what the records say")
    func few() async throws {
        let count = ProcessInfo.processInfo.environment["ZWILLING_SOAK"] == nil ? 600 : 10_000
        let (test, _) = try await vault(count)
        #expect(try await bundles(test).count == count / 256)
        let plain = try await Observed(test.vault, with: test.observer, isBundled: false)
        let before = test.site.counts.requests
        let bundled = try await test.observed()
        #expect(test.site.counts.requests - before == 2 + count / 256 + count % 256)
        #expect(bundled.troubles.isEmpty && bundled.facts.map(\.id) == plain.facts.map(\.id))
        #expect(bundled.facts.map(\.packs) == plain.facts.map(\.packs))
        #expect(bundled.heads == plain.heads)
        let memory = try await test.memory()
        #expect(try await test.observed(memory).troubles.isEmpty)
        try await onDisk(test, count)
        #expect(try await test.findings().isEmpty)
    }

    /// As `zwilling snapshots` does: opens the vault in a directory, and reads what there is.
    private func onDisk(_ test: TestVault, _ count: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "zb-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let disk = try DirectorySite.create(Array(folder.path.utf8))
        for entry in try await test.site.list("") where !entry.name.text.hasPrefix("packs/") {
            try await disk.put(entry.name, test.site.get(entry.name, in: nil)[...], existing: .refuse)
        }
        var found = 0
        let taken = try await ContinuousClock().measure {
            found = try await Observed(Vault(at: disk, remembering: nil), with: test.observer).snapshots.count
        }
        #expect(found == count)
        #expect(taken < .seconds(1), "\(taken) for \(count) snapshots")
    }

    @Test("One that is missing or damaged costs nothing but time, and verify names it")
    func damaged() async throws {
        let (test, cache) = try await vault(520)
        let names = try await bundles(test)
        #expect(names.count == 2)
        let whole = try await test.observed().facts.map(\.id)
        for name in names {
            let copy = try await TestVault(test, at: test.site.copy())
            copy.site.flip(name, bit: 8 * 4000)
            #expect(try await copy.observed().facts.map(\.id) == whole)
            #expect(try await copy.findings().map { $0.message.english.contains(name.text) } == [true])
            copy.site.drop(name)
            #expect(try await copy.observed().facts.map(\.id) == whole)
        }
        // It is made again with the next one.
        test.site.drop(names[0])
        var next = cache
        for _ in 520..<768 { next = try await test.protect([prose(40, seed: 1)], on: next).cache }
        #expect(try await bundles(test).count == 3)
        // What a record of them no longer shows is still known, and verify misses it.
        test.site.drop(test.record(7))
        #expect(try await test.observed().snapshots.count == 768)
        #expect(try await test.findings().contains { $0.kind == .missing })
    }

    @Test("One of another past is not believed by who remembers, nor one behind a writer's end")
    func foreign() async throws {
        let (test, _) = try await vault(256)
        var memory = Memory(of: test.vault)
        memory.note(test.keys.writer, ChainHead(sequence: 9, hash: Digest(7, 7, 7, 7)))
        let observed = try await test.observed(memory)
        #expect(observed.troubles.contains { $0.kind == .damaged })
        let head = try #require(try await test.observed().facts.first { $0.sequence == 100 })
        let retired = try test.unlocked.retiring(
            test.keys.writer, lastSequence: 100, lastRecord: head.id, after: test.vault.keyringHash, world: test.world)
        try await test.site.putKeyring(2, retired.encoded)
        let later = try await TestVault(test, at: test.site)
        #expect(try await later.observed().snapshots.count == 100)
    }
}
