// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("A clock that is wrong")
struct ClockTests {
    static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/bin/faketime")

    /// Name and bytes of each object.
    private func objects(of town: Town) throws -> [String: Data] {
        var objects: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: town.vault.path) {
            let path = town.vault.path + "/" + name
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else { continue }
            objects[name] = try Data(contentsOf: URL(fileURLWithPath: path))
        }
        return objects
    }

    @Test("Ten years ahead it deletes nothing, and what was captured by it can be restored", .enabled(if: isPossible, "needs faketime"))
    func ahead() throws {
        let town = try Town()
        let zwilling = try Computer(town)
        try town.settle(files: 5)
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let invited = try zwilling.reading("agent", "invite", "library", "--token-file", town.home.path + "/token")
        #expect(invited.code == 0, "\(invited.errors)")
        let before = try objects(of: town)
        func later(_ arguments: String...) throws -> Town.Outcome {
            try town.run("faketime", ["-f", "+3652d", Computer.program] + arguments, environment: zwilling.environment)
        }
        try town.write("streets/new", "a new resident")
        let protected = try later("protect", town.tree.path)
        #expect(protected.code == 0, "\(protected.errors)")
        for command in [["verify", "--read-data"], ["agent", "list"], ["snapshots"], ["policy"]] {
            let outcome = try town.run("faketime", ["-f", "+3652d", Computer.program] + command, environment: zwilling.environment)
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
        let shown = try later("snapshots", "--json")
        #expect(shown.output.contains("\"20\(3)"), "its clock was not ahead: \(shown.output)")
        let after = try objects(of: town)
        for (name, bytes) in before { #expect(after[name] == bytes, "\(name)") }
        // The clock is right again.
        try town.write("streets/newer", "and another")
        let next = try zwilling("protect", town.tree.path)
        #expect(next.code == 0, "\(next.errors)")
        let restored = try zwilling.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }
}
