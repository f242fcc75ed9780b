// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Ground
import Revival
import Sites
import Testing
import Vault

@Suite("Nothing is ever lost silently")
struct DamageTests {
    let town: Town

    init() throws { town = try Town() }

    /// One object flipped, truncated, deleted or replaced by an older one, again and again.
    @Test("Soak: whatever happens to one object, verify names it and restore never gives other bytes")
    func oneObject() async throws {
        try town.settle()
        let whole = MemorySite()
        var keeper = try await Keeper.found(at: whole)
        try await keeper.protect(town.tree)
        try town.write("registers/second", Town.noise(300_000, seed: 11))
        try await keeper.protect(town.tree)
        let names = try await whole.list("").map(\.name)
        let latest = try #require(try await keeper.open().observed.snapshots.last)

        var dice = Dice(seed: UInt64.random(in: 0...UInt64.max))
        for round in 0..<Town.rounds {
            let site = whole.copy()
            let name = try #require(names.randomElement(using: &dice))
            let size = try await site.get(name, in: nil).count
            let act = Int.random(in: 0..<4, using: &dice)
            switch act {
            case 0: site.flip(name, bit: Int.random(in: 0..<size * 8, using: &dice))
            case 1: site.truncate(name, to: Int.random(in: 0..<size, using: &dice))
            case 2: site.drop(name)
            default:
                let other = try #require(names.filter { $0 != name }.randomElement(using: &dice))
                let bytes = try await site.get(other, in: nil)
                try await site.put(name, bytes[...], existing: .replace)
            }
            let damaged = Keeper(site: site, keys: keeper.keys, cache: nil, memory: keeper.memory)
            let context: Comment = "round \(round): act \(act) on \(name)"
            // A vault that cannot be opened at all must say why, by name.
            let findings: [String]
            do { findings = try await damaged.verify().findings.map(\.description) } catch {
                findings = ["\(error)"]
            }
            #expect(findings.contains { $0.contains(name.text) }, context)

            let target = town.home.appending(path: "target-\(round)")
            do {
                let restored = try await damaged.restore(latest.id.hex, to: target)
                if restored.notRestored.isEmpty {
                    let here = town.restored(below: target)
                    #expect(try town.differences(town.tree, here) == "", context)
                } else {
                    let told = restored.notRestored.map(\.trouble.description)
                    #expect(told.contains { $0.contains(name.text) }, context)
                }
            } catch { #expect("\(error)".contains(name.text), context) }
            try? FileManager.default.removeItem(at: target)
        }
    }

    @Test("Whatever request fails, the run says so, earlier snapshots stay, and the next run works")
    func everyRequest() async throws {
        try town.settle(files: 10)
        let start = MemorySite()
        var keeper = try await Keeper.found(at: start)
        try await keeper.protect(town.tree)
        try town.write("registers/more", Town.noise(500_000, seed: 12))
        var n = 0
        while true {
            n += 1
            let site = start.copy()
            site.fail(
                .init(
                    n, Trouble(.system, Words("The line is dead.", de: "Die Leitung ist tot."))))
            var struck = Keeper(
                site: site, keys: keeper.keys, cache: keeper.cache, memory: keeper.memory)
            do {
                try await struck.protect(town.tree)
                // The n-th request never came: all of them have had their turn.
                if site.counts.requests < n { break }
                // One copy of the keyring may fail while the other is there.
                continue
            } catch { #expect("\(error)".contains("dead"), "request \(n)") }
            let open = try await struck.open()
            // The last requests come after the record: then the snapshot is there, whole.
            #expect((1...2).contains(open.observed.snapshots.count), "request \(n)")
            try await struck.protect(town.tree)
            let target = town.home.appending(path: "target-\(n)")
            try await struck.restore(to: target)
            #expect(
                try town.differences(town.tree, town.restored(below: target)) == "", "request \(n)")
            try? FileManager.default.removeItem(at: target)
        }
        #expect(n > 5)
    }

    @Test("Power lost after any change leaves every earlier snapshot whole")
    func everyCrash() async throws {
        try town.settle(files: 10)
        let start = MemorySite()
        var keeper = try await Keeper.found(at: start)
        try await keeper.protect(town.tree)
        let changesBefore = start.changes
        let reference = town.home.appending(path: "reference")
        try await keeper.restore(to: reference)
        try town.write("registers/more", Town.noise(500_000, seed: 12))
        for n in 0..<6 {
            let site = start.copy()
            site.crash(afterChanges: n)
            var struck = Keeper(
                site: site, keys: keeper.keys, cache: keeper.cache, memory: keeper.memory)
            try await struck.protect(town.tree)
            guard let image = site.crashed() else { break }
            // The machine may have kept its notes, or be as old as the image.
            let after = Keeper(site: image, keys: keeper.keys, cache: nil, memory: keeper.memory)
            let verified = try await after.verify()
            #expect(verified.findings.map(\.description) == [], "after \(n) changes")
            let target = town.home.appending(path: "target-\(n)")
            let first = try #require(try await after.open().observed.snapshots.first)
            try await after.restore(first.id.hex, to: target)
            #expect(
                try town.differences(
                    town.restored(below: reference), town.restored(below: target)) == "",
                "after \(n) changes")
        }
        #expect(changesBefore > 0)
    }

    @Test("A stale chunk-exists cache: what the site lost is stored again from the original")
    func heals() async throws {
        try town.settle()
        let site = MemorySite()
        var keeper = try await Keeper.found(at: site)
        try await keeper.protect(town.tree)
        try await keeper.protect(town.tree)
        // Data packs: trees name times of directories above, which others change meanwhile.
        for pack in try await site.list("packs/")
        where try await site.get(pack.name, in: 6..<7) == [PackContent.data.rawValue] {
            site.drop(pack.name)
        }
        let healed = try await keeper.protect(town.tree)
        #expect(!healed.lostPacks.isEmpty)
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        // The same chunks serve the snapshots whose packs were lost, and nobody is told twice.
        let first = try #require(try await keeper.open().observed.snapshots.first)
        let old = town.home.appending(path: "old")
        try await keeper.restore(first.id.hex, to: old)
        #expect(try town.differences(town.tree, town.restored(below: old)) == "")
        #expect(try await keeper.protect(town.tree).lostPacks.isEmpty)
    }

    @Test("A damaged pack does not keep a writer without a cache from protecting")
    func damagedPackAndNoCache() async throws {
        try town.settle()
        let site = MemorySite()
        var keeper = try await Keeper.found(at: site)
        try await keeper.protect(town.tree)
        for pack in try await site.list("packs/") { site.flip(pack.name, bit: 12_000) }
        keeper.cache = nil
        try await keeper.protect(town.tree)
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("A site that shows an older state than this machine has seen is refused")
    func rollback() async throws {
        try town.settle()
        let site = MemorySite()
        var keeper = try await Keeper.found(at: site)
        try await keeper.protect(town.tree)
        let old = site.copy()
        try town.write("new", "x")
        try await keeper.protect(town.tree)
        var rolledBack = Keeper(
            site: old, keys: keeper.keys, cache: keeper.cache, memory: keeper.memory)
        await #expect(throws: Trouble.self) { try await rolledBack.protect(town.tree) }
        await #expect(throws: Trouble.self) { try await rolledBack.restore(to: town.target) }
        let findings = try await rolledBack.verify().findings
        #expect(findings.contains { $0.kind == .stale })
    }

    @Test("A writer retired while it is at work is told that its snapshot does not count")
    func retiredMeanwhile() async throws {
        try town.settle()
        let site = MemorySite()
        let keeper = try await Keeper.found(at: site)
        let vault = try await Vault(at: site, remembering: nil)
        let writer = try VaultWriter(vault, keys: keeper.keys, world: .real)
        let unlocked = try vault.unlock(passphrase: Array(Town.passphrase.utf8))
        _ = try await vault.retiring(
            keeper.keys.writer, with: unlocked, remembering: nil, world: .real)
        let capture = FileCapture(
            writer, dataSet: "late", host: "here", paths: [Keeper.path(town.tree)],
            options: CaptureOptions())
        let cache = WriterCache(for: writer.domain)
        let error = await #expect(throws: Trouble.self) { try await capture.run(cache: cache) { _ in } }
        #expect(error?.kind == .wrongKey)
        #expect(try await keeper.open().observed.snapshots.isEmpty)
    }

    @Test("Two runs of one writer at once: both snapshots are whole, or one is told to try again")
    func twoAtOnce() async throws {
        try town.settle()
        let site = MemorySite()
        let keeper = try await Keeper.found(at: site)
        let tree = town.tree
        let outcomes = await withTaskGroup(of: Trouble?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var mine = keeper
                    do {
                        try await mine.protect(tree)
                        return nil
                    } catch { return error as? Trouble }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.contains { $0 == nil })
        #expect(outcomes.compactMap { $0 }.allSatisfy { $0.kind == .busy })
        let verified = try await keeper.verify()
        #expect(verified.findings.map(\.description) == [])
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("Opening needs the passphrase: a writer's keys restore nothing")
    func writerCannotRead() async throws {
        try town.settle()
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        let vault = try await Vault(at: keeper.site, remembering: nil)
        #expect(throws: Trouble.self) { try vault.unlock(passphrase: Array("guess".utf8)) }
        // Every secret that the writer's machine keeps, tried as the reader's.
        let seeds = [keeper.keys.observerSeed, keeper.keys.signingSeed, keeper.keys.domainSecret]
        for pack in try await keeper.site.list("packs/") {
            let hex = try #require(pack.name.text.split(separator: "/").last)
            let front = try await vault.packFront(try #require(Digest(hex: hex))) { $0 }
            for seed in seeds {
                let key = try Strongbox.recipientKey(seed)
                #expect(throws: Trouble.self) { try front.contentKey(key, at: "here") }
            }
        }
    }
}
