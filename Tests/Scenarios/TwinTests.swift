// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("The whole twin of a moment")
struct TwinTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try zwilling.create()
    }

    private func describe(_ lines: String...) throws {
        let text = "institution: Musterstadt\ndata:\n" + lines.map { $0 + "\n" }.joined()
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    /// What `moments` prints in its first column, which ends where two blanks stand.
    private func printed() throws -> [String] {
        let outcome = try zwilling("moments")
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").dropFirst().compactMap {
            $0.components(separatedBy: "  ").first
        }
    }

    private func parts() throws -> [[String: [String: String]]] {
        let outcome = try zwilling("moments", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        let moments = try #require(report?["moments"] as? [[String: Any]])
        return moments.map { moment in
            let parts = moment["parts"] as? [[String: String]] ?? []
            return Dictionary(parts.map { ($0["dataSet"] ?? "", $0) }) { $1 }
        }
    }

    private func content(_ folder: URL) throws -> String {
        let files = try town.run("find", folder.path, "-type", "f", "-exec", "cat", "{}", "+")
        return files.output
    }

    /// Two data sets that tell each of their copies from the others.
    private func twoThatCount() throws {
        try describe(
            "  - {id: a, kind: files, paths: [\"\(town.tree.path)\"]}",
            "  - {id: b, kind: command, dump: cat \(town.tree.path)/number}")
        for number in 1...3 {
            try town.write("number", "\(number)\n")
            let only = number == 2 ? ["--data", "b"] : []
            let outcome = try town.run(
                Computer.program, ["protect"] + only, environment: zwilling.environment)
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
    }

    @Test("Every moment that is printed, typed again, brings back exactly what it names")
    func typedAgain() throws {
        try twoThatCount()
        let (printed, parts) = (try printed(), try parts())
        #expect(printed.count == parts.count && printed.count >= 4)
        for (moment, parts) in zip(printed, parts) {
            for id in ["a", "b"] {
                let target = town.home.appending(path: UUID().uuidString)
                let outcome = try zwilling.reading(
                    "restore", moment, "--data", id, "--to", target.path, "--json")
                #expect(outcome.code == 0, "\(moment) \(outcome.errors)")
                let snapshot = try #require(parts[id]?["snapshot"])
                #expect(outcome.output.contains(snapshot), "\(moment) \(id)")
            }
            let target = town.home.appending(path: UUID().uuidString)
            let twin = try zwilling.reading("restore", moment, "--to", target.path, "--json")
            #expect(twin.code == 0, "\(twin.errors)")
            for id in ["a", "b"] {
                #expect(twin.output.contains(try #require(parts[id]?["snapshot"])))
            }
        }
    }

    @Test("A moment without --data brings back every data set, from the blueprint in the vault or a named one")
    func whole() throws {
        try twoThatCount()
        let moment = try #require(try printed().last)
        let blueprint = town.home.appending(path: "institution.yaml")
        let moved = town.home.appending(path: "moved.yaml")
        try FileManager.default.moveItem(at: blueprint, to: moved)
        for named in [[], ["-f", "moved.yaml"]] {
            let target = town.home.appending(path: UUID().uuidString)
            let outcome = try zwilling.reading(["restore", moment, "--to", target.path] + named)
            #expect(outcome.code == 0, "\(outcome.errors)")
            for id in ["a", "b"] {
                #expect(try content(target.appending(path: id)) == "1\n", "\(outcome.output)")
            }
        }
        // One without a copy does not keep the others from coming back, and is named.
        let text = try String(contentsOf: moved, encoding: .utf8)
        try Data((text + "  - {id: c, kind: command, dump: echo}\n").utf8).write(to: moved)
        let target = town.home.appending(path: UUID().uuidString)
        let outcome = try zwilling.reading("restore", moment, "--to", target.path, "-f", "moved.yaml")
        #expect(outcome.code == 1 && outcome.errors.contains("c: It has no copy"), "\(outcome.errors)")
        #expect(try content(target.appending(path: "b")) == "1\n")
        let early = try zwilling.reading("restore", "2001-01-01", "--to", "nowhere")
        #expect(early.code == 1 && early.errors.contains("from before that"))
    }

    @Test("A moment of several data sets without a blueprint is refused, not guessed")
    func ambiguous() throws {
        for name in ["one", "two"] {
            try town.write("file", name)
            #expect(try zwilling("protect", town.tree.path, "--name", name).code == 0)
        }
        let target = town.home.appending(path: "target").path
        let refused = try zwilling.reading("restore", "2199-01-01", "--to", target)
        #expect(refused.code == 2 && refused.errors.contains("one, two"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: target))
        #expect(try zwilling.reading("restore", "2199-01-01", "--data", "one", "--to", target).code == 0)
    }

    @Test("Rows and files of an application come back together, and the cluster starts", .enabled(if: Cluster.isAvailable))
    func consistent() throws {
        let original = try Cluster(["max_slot_wal_keep_size": "256MB"])
        try original.start()
        try town.write("number", "1")
        try describe(
            "  - {id: db, kind: postgres, connection: \"\(original.address)\", rpo: 1 s}",
            "  - {id: akten, kind: files, paths: [\"\(town.tree.path)\"], rpo: 1 h}",
            "applications: [{id: fach, data: [db, akten]}]")
        try Cluster.run("/bin/chmod", ["711", town.home.path], asServer: false)
        try original.psql("CREATE TABLE marks (word text)")
        let follower = try Follower(zwilling)
        try follower.start()
        for id in ["akten", "db"] { try follower.wait(for: "\(id): captured") }
        try original.psql("INSERT INTO marks VALUES ('with the files')")
        usleep(50_000)
        let asked = try zwilling("protect", "--data", "akten")
        #expect(asked.code == 0, "\(asked.errors)")
        usleep(50_000)
        try original.psql("INSERT INTO marks VALUES ('newer than the files')")
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        original.stop()
        let moment = try #require(try printed().first)
        let target = town.home.appending(path: "twin")
        let outcome = try zwilling.reading("restore", moment, "--to", target.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try content(target.appending(path: "akten")) == "1")
        let copy = try Cluster(folder: Cluster.newFolder())
        try Cluster.run(
            "/bin/mv", [target.appending(path: "db/pgdata").path, copy.data], asServer: false)
        try copy.configure([:])
        try copy.start()
        Cluster.wait { (try? copy.psql("SELECT pg_is_in_recovery()")) == "f\n" }
        #expect(try copy.psql("SELECT word FROM marks") == "with the files\n")
    }

    @Test("A base without a log comes back to each moment that is printed", .enabled(if: Cluster.isAvailable))
    func bases() throws {
        let original = try Cluster()
        try original.start()
        try describe("  - {id: db, kind: postgres, connection: \"\(original.address)\"}")
        for _ in 0..<2 { #expect(try zwilling("protect").code == 0) }
        let (printed, parts) = (try printed(), try parts())
        #expect(printed.count == 2)
        for (moment, parts) in zip(printed, parts) {
            let target = town.home.appending(path: UUID().uuidString)
            let outcome = try zwilling.reading(
                "restore", moment, "--data", "db", "--to", target.path, "--json")
            #expect(outcome.code == 0, "\(moment) \(outcome.errors)")
            #expect(outcome.output.contains(try #require(parts["db"]?["snapshot"])))
        }
    }

    @Test("What is no moment, and a data set that does not exist, are told so")
    func wrong() throws {
        try twoThatCount()
        for text in ["25.11.2026 14:00", "gestern"] {
            let outcome = try zwilling.reading("restore", text, "--to", "nowhere")
            #expect(outcome.code == 2 && outcome.errors.contains("2026-11-25 14:30"), "\(outcome.errors)")
            #expect(outcome.errors.contains(text))
        }
        let outcome = try zwilling.reading("restore", "2199-01-01", "--data", "nosuch", "--to", "nowhere")
        #expect(outcome.code == 1 && outcome.errors.contains("no snapshot of data set \"nosuch\""))
    }
}
