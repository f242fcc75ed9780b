// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("The command prune")
struct PruneCommandTests {
    private let town: Town
    private let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
        try zwilling.create()
    }

    private func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.errors)")
    }

    private func snapshots() throws -> [String] {
        try #require(try json(zwilling("snapshots", "--json"))["snapshots"] as? [[String: Any]]).compactMap { $0["snapshot"] as? String }
    }

    private func amount(_ name: String, _ object: [String: Any]) throws -> Int {
        try #require((object[name] as? [String: Any])?["packs"] as? Int)
    }

    @Test("Old snapshots go, what stays is whole, and the room comes back")
    func story() throws {
        for round in 0..<4 {
            try town.write("registers/changing", Town.noise(1 << 20, seed: UInt64(20 + round)))
            try #require(zwilling("protect", town.tree.path).code == 0)
        }
        let before = try snapshots()
        #expect(try zwilling("prune", "--keep-last", "2").errors.contains("keys steward"))
        let made = try zwilling.reading("keys", "steward", "--name", "treasurer")
        #expect(made.code == 0 && made.output.contains("treasurer"), "\(made.errors)")
        #expect(try zwilling.reading("keys", "steward").code == 1)

        #expect(try zwilling("prune", "--keep-last", "2", "--empty-below", "51").code == 2)
        let dry = try zwilling("prune", "--keep-last", "2", "--dry-run")
        #expect(dry.code == 0 && dry.output.contains("Would no longer be needed"), "\(dry.output)\(dry.errors)")
        #expect(try zwilling("prune", "--keep-last", "2", "-n", language: "de_DE.UTF-8").output.contains("AUFGEGEBEN"))
        #expect(try snapshots() == before)

        let first = try json(zwilling("prune", "--keep-last", "2", "--json"))
        #expect(first["isDone"] as? Bool == true)
        #expect(try amount("condemned", first) > 0 && amount("removed", first) == 0)
        #expect(try snapshots() == Array(before.suffix(2)))
        let gone = try zwilling.reading("restore", before[0], "--to", town.target.path)
        #expect(gone.code == 2 && gone.errors.contains("does not exist"), "\(gone.errors)")

        // No machine has protected since, so nothing is taken away, whatever the grace.
        var later = try json(zwilling("prune", "--keep-last", "2", "--grace", "0", "--json"))
        #expect(try amount("removed", later) == 0)
        #expect((later["waiting"] as? [[String: Any]] ?? []).contains { $0["reason"] as? String == "writer" })
        let packs = try FileManager.default.subpathsOfDirectory(atPath: town.vault.appending(path: "packs").path).count
        try #require(zwilling("protect", town.tree.path).code == 0)
        later = try json(zwilling("prune", "--keep-last", "2", "--grace", "0", "--json"))
        #expect(try amount("removed", later) > 0)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: town.vault.appending(path: "packs").path).count < packs + 4)

        let verified = try zwilling.reading("verify", "--read-data")
        #expect(verified.code == 0, "\(verified.errors)")
        #expect(try zwilling.reading("restore", "latest", "--to", town.target.path).code == 0)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        let rescued = town.home.appending(path: "rescued")
        #expect(try town.rescue(to: rescued).code == 0)
        #expect(try town.differences(town.tree, town.restored(below: rescued)) == "")
        #expect(try town.rescue(to: town.home.appending(path: "checked"), "--check").code == 0)

        // A machine that knows nothing sees no more; the steward's key goes like a writer's.
        let other = try Computer(town, named: "other")
        #expect(try other.reading("snapshots").output.split(separator: "\n").count == 3)
        let retired = try zwilling.reading("keys", "retire", "treasurer", "--confirm", "treasurer")
        #expect(retired.code == 0 && retired.output.contains("retired"), "\(retired.errors)")
        #expect(try zwilling("prune", "--keep-last", "1").code == 1)
    }

    @Test("After a rotation the new passphrase opens everything, the old one nothing, and protecting goes on")
    func rotated() throws {
        try #require(zwilling("protect", town.tree.path).code == 0)
        try "another passphrase".write(to: town.home.appending(path: "new"), atomically: true, encoding: .utf8)
        try "short".write(to: town.home.appending(path: "short"), atomically: true, encoding: .utf8)
        #expect(try zwilling.reading("keys", "rotate", "--new-passphrase-file", "short").code == 2)
        let same = try zwilling.reading("keys", "rotate", "--new-passphrase-file", "passphrase")
        #expect(same.code == 2 && same.errors.contains("Choose another"), "\(same.errors)")
        let rotated = try zwilling.reading("keys", "rotate", "--new-passphrase-file", "new")
        #expect(rotated.code == 0 && rotated.errors.contains("epoch 2"), "\(rotated.errors)")
        try town.write("note", "one more")
        let more = try zwilling("protect", town.tree.path)
        #expect(more.code == 0, "\(more.errors)")
        #expect(try zwilling.reading("verify").code == 1)
        let verified = try zwilling("verify", "--read-data", "--passphrase-file", "new")
        #expect(verified.code == 0, "\(verified.errors)")
        let rescued = town.home.appending(path: "rescued")
        let saved = try town.run(
            "python3", Town.tool("rescue.py"), town.vault.path, "--to", rescued.path, "--passphrase-file", "new")
        #expect(saved.code == (geteuid() == 0 ? 0 : 3), "\(saved.errors)")
        #expect(try town.differences(town.tree, town.restored(below: rescued)) == "")
    }

    @Test(
        "What says nothing, or nonsense, is refused with its name",
        arguments: [
            [], ["--keep-last", "0"], ["--keep-daily", "-3"], ["--keep-last", "many"], ["--keep-last", "1", "--grace", "soon"],
            ["--keep-last", "1", "--keep-log", "0x7"], ["--keep-last", "1", "--data", "nowhere"],
            ["--keep-last", "1", "--confirm", "abc"], ["--keep-last", "1", "--confirm", "not hex"], ["--keep-last", "1", "extra"],
            ["--keep-for-ever", "1"],
        ])
    func refused(arguments: [String]) throws {
        try #require(zwilling.reading("keys", "steward").code == 0)
        let outcome = try zwilling.run(["prune"] + arguments)
        #expect(outcome.code == 2, "\(outcome.code) \(outcome.output) \(outcome.errors)")
    }
}
