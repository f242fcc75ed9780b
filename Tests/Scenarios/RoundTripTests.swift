// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Revival
import Sites
import Testing
import Vault

@Suite("What is protected comes back")
struct RoundTripTests {
    let town: Town

    init() throws { town = try Town() }

    @Test("The most awkward of trees comes back whole, by both readers")
    func awkward() async throws {
        let awkward = town.home.appending(path: "awkward")
        let made = try town.run("python3", Town.tool("awkward_tree.py"), awkward.path, "--small")
        try #require(made.code == 0, "\(made.errors)")
        var keeper = try await Keeper.found(at: DirectorySite.create(Array(town.vault.path.utf8)))
        let captured = try await keeper.protect(awkward)
        #expect(captured.leftOut.map(\.trouble.description) == [])

        let restored = try await keeper.restore(to: town.target)
        #expect(restored.notRestored.map(\.trouble.description) == [])
        #expect(try town.differences(awkward, town.target.appending(path: awkward.path)) == "")

        let rescued = town.home.appending(path: "rescued")
        let outcome = try town.rescue(to: rescued)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try town.differences(awkward, rescued.appending(path: awkward.path)) == "")

        let verified = try await keeper.verify()
        #expect(verified.findings.map(\.description) == [])
        #expect(verified.depth == .content)
    }

    @Test("Protected again, an unchanged tree is taken over and adds next to nothing")
    func again() async throws {
        try town.settle()
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        // The first run saw files younger than itself and does not trust what it knows of them.
        try await Task.sleep(for: .milliseconds(20))
        try await keeper.protect(town.tree)
        let third = try await keeper.protect(town.tree)
        #expect(third.entriesTakenOver > 40)
        // The root chunk only, and the directories that lead here: others use them too.
        #expect(third.body.addedBytes <= UInt64(2 * Limits.packBytesMin))
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("A change is seen even where size and modification time stay the same")
    func sameSizeAndTime() async throws {
        try town.write("ledger", "balance 100")
        let file = town.tree.appending(path: "ledger")
        let date = Date(timeIntervalSince1970: 1_000_000_000)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file.path)
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        try await keeper.protect(town.tree)
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data("balance 999".utf8))
        try handle.close()
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file.path)
        try await keeper.protect(town.tree)
        try await keeper.restore(to: town.target)
        #expect(
            try String(
                contentsOf: town.restored(below: town.target).appending(path: "ledger"),
                encoding: .utf8) == "balance 999")
    }

    @Test("A writer that lost its cache reads again and uploads nothing again")
    func lostCache() async throws {
        try town.settle()
        let site = MemorySite()
        var keeper = try await Keeper.found(at: site)
        let before = try await keeper.protect(town.tree)
        let first = try #require(keeper.cache)
        keeper.cache = nil
        let again = try await keeper.protect(town.tree)
        #expect(again.entriesTakenOver == 0)
        #expect(again.body.addedBytes <= UInt64(2 * Limits.packBytesMin))
        #expect(again.body.counts == before.body.counts)
        let kept = try #require(keeper.cache)
        #expect(Set(first.packs.map(\.name)).isSubset(of: Set(kept.packs.map(\.name))))
    }

    @Test("Several paths, one inside the other, and single files make one tree")
    func severalPaths() async throws {
        try town.settle()
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(
            town.tree.appending(path: "streets/1"), town.tree.appending(path: "registers"),
            town.tree.appending(path: "registers/large"), town.tree.appending(path: "latest"))
        try await keeper.restore(to: town.target)
        let restored = town.restored(below: town.target)
        let names = try FileManager.default.contentsOfDirectory(atPath: restored.path).sorted()
        #expect(names == ["latest", "registers", "streets"])
        #expect(
            try FileManager.default.contentsOfDirectory(
                atPath: restored.appending(path: "streets").path) == ["1"])
        #expect(
            try town.differences(
                town.tree.appending(path: "streets/1"), restored.appending(path: "streets/1")) == "")
    }

    @Test("Patterns, cache directories and exclusions leave out what they name and no more")
    func exclusion() async throws {
        try town.settle()
        try town.write("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
        try town.write("cache/content", "worthless")
        try town.write("notes/draft.tmp", "x")
        try town.write("notes/kept.tmp", "x")
        var options = CaptureOptions()
        options.excludesCaches = true
        options.exclusion = try Exclusion(text: Array("*.tmp\n!kept.tmp\n/streets/3/\n".utf8))
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree, options: options)
        try await keeper.restore(to: town.target)
        let restored = town.restored(below: town.target)
        func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: restored.appending(path: name).path)
        }
        #expect(exists("cache/CACHEDIR.TAG") && !exists("cache/content"))
        #expect(!exists("notes/draft.tmp") && exists("notes/kept.tmp"))
        #expect(!exists("streets/3") && exists("streets/2"))
    }

    @Test("A part of a snapshot comes back by pattern or by path")
    func parts() async throws {
        try town.settle()
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        var options = RestoreOptions()
        options.include = try Exclusion(text: Array("house-1\n".utf8))
        let restored = try await keeper.restore(to: town.target, options: options)
        #expect(restored.counts.files == 1)
        let part = town.home.appending(path: "part")
        options = RestoreOptions()
        options.subtree = Keeper.path(town.tree.appending(path: "streets/2"))
        try await keeper.restore(to: part, options: options)
        #expect(try town.differences(town.tree.appending(path: "streets/2"), part) == "")
    }

    @Test("Two snapshots differ by what was done in between")
    func difference() async throws {
        try town.settle()
        try town.write("gone", "x")
        var keeper = try await Keeper.found(at: MemorySite())
        let one = try await keeper.protect(town.tree)
        try FileManager.default.removeItem(at: town.tree.appending(path: "gone"))
        try town.write("new", "y")
        try town.write("streets/0/house-0", "somebody else")
        let house = town.tree.appending(path: "streets/1/house-1").path
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: house)
        let two = try await keeper.protect(town.tree)
        let open = try await keeper.open()
        let old = try await TreeReader(open, open.observed.snapshot(one.id.hex))
        let new = try await TreeReader(open, open.observed.snapshot(two.id.hex))
        var found: [String: TreeDifference.Change] = [:]
        try await TreeReader.differences(from: old, to: new) { difference in
            found[String(decoding: difference.path.last ?? [], as: UTF8.self)] = difference.change
        }
        #expect(found["gone"] == .removed)
        #expect(found["new"] == .added)
        #expect(found["house-0"] == .content)
        #expect(found["house-1"] == .attributes)
        #expect(found["house-2"] == nil)
    }
}
