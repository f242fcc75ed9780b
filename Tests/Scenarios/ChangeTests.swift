// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Ground
import Revival
import Sites
import Synchronization
import Testing
import Vault

@Suite("Files that change")
struct ChangeTests {
    let town: Town

    init() throws { town = try Town() }

    @Test("Four KiB changed in a large file cost at most 4 MiB")
    func smallChangeInLargeFile() async throws {
        // Three segments, so that lists of chunks are in play too.
        var content = Town.noise(160 << 20, seed: 3)
        try town.write("image", content)
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        content.replaceSubrange(90_000_000..<90_004_096, with: Town.noise(4096, seed: 4))
        try town.write("image", content)
        let second = try await keeper.protect(town.tree)
        #expect(second.body.addedBytes <= 4 << 20)
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("Bytes put in front of a large file move no border but the first ones")
    func insertion() async throws {
        let content = Town.noise(40 << 20, seed: 5)
        try town.write("log", content)
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        try town.write("log", Data("one more line\n".utf8) + content)
        let second = try await keeper.protect(town.tree)
        #expect(second.body.addedBytes <= 5 << 20)
    }

    @Test("One small file changed among thousands costs at most 1 MiB")
    func smallChangeAmongThousands() async throws {
        for index in 0..<6000 { try town.write("d\(index % 60)/f\(index)", "file \(index)\n") }
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        try await keeper.protect(town.tree)
        try town.write("d7/f7", "changed")
        let third = try await keeper.protect(town.tree)
        #expect(third.body.addedBytes <= 1 << 20)
        try await keeper.restore(to: town.target)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("A small file that grows between scan and reading does not spoil its neighbours")
    func grownOutOfTheGroup() async throws {
        // Cause: it was read through the buffer in which its neighbours' bytes were waiting.
        for name in ["a", "b", "m", "x", "z"] { try town.write(name, "content of \(name)") }
        let grown = town.tree.appending(path: "m")
        let large = Town.noise(320_000, seed: 41)
        var keeper = try await Keeper.found(at: MemorySite())
        // The first report comes when the section is planned: after the scan, before any reading.
        let isFirst = Mutex(true)
        try await keeper.protect(town.tree) { _ in
            guard isFirst.withLock({ first in defer { first = false }; return first }) else { return }
            do { try large.write(to: grown) } catch { Issue.record(error) }
        }
        try await keeper.restore(to: town.target)
        let here = town.restored(below: town.target)
        for name in ["a", "b", "x", "z"] {
            let text = try String(contentsOf: here.appending(path: name), encoding: .utf8)
            #expect(text == "content of \(name)")
        }
        #expect(try Data(contentsOf: here.appending(path: "m")) == large)
    }

    @Test("Files that grow, shrink and vanish while they are read never break a snapshot")
    func restless() async throws {
        try town.settle()
        for index in 0..<200 { try town.write("restless/\(index)", Town.noise(20_000, seed: 1)) }
        try town.write("restless/large", Town.noise(24 << 20, seed: 2))
        let script = """
            import os, random, sys
            random.seed(1)
            root = sys.argv[1]
            while True:
                name = os.path.join(root, random.choice(os.listdir(root)))
                act = random.randrange(4)
                if act == 0:
                    with open(name, "ab") as file: file.write(b"x" * random.randrange(300000))
                elif act == 1:
                    os.truncate(name, random.randrange(1000))
                elif act == 2:
                    os.rename(name, name + "n")
                elif len(os.listdir(root)) > 50:
                    os.unlink(name)
            """
        var keeper = try await Keeper.found(at: MemorySite())
        let busy = try town.start(
            "python3", ["-c", script, town.tree.appending(path: "restless").path])
        for _ in 0..<min(Town.rounds, 20) { try await keeper.protect(town.tree) }
        busy.process.terminate()
        busy.process.waitUntilExit()
        let open = try await keeper.open()
        for (number, snapshot) in open.observed.snapshots.enumerated() {
            let target = town.home.appending(path: "target-\(number)")
            let restored = try await Restore(open, snapshot, options: RestoreOptions())
                .run(to: Array(target.path.utf8)) { _ in }
            #expect(restored.notRestored.map(\.trouble.description) == [])
        }
        let verified = try await keeper.verify()
        #expect(verified.findings.map(\.description) == [])
    }
}
