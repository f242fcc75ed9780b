// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("compare, as a person uses it")
struct CompareTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
    }

    private func object(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test("Two directories: equal is 0, different 3 with what differs, and all of it is in the export")
    func folders() throws {
        let twin = town.home.appending(path: "twin")
        try town.run("cp", "-a", town.tree.path, twin.path)
        func compare(_ more: String...) throws -> Town.Outcome {
            try zwilling.run(["compare", "--data", "ablage", "--original", town.tree.path, "--twin", twin.path] + more)
        }
        let equal = try compare()
        #expect(equal.code == 0 && equal.output == "", "\(equal.errors)")
        try town.write("registers/new", "only here")
        let out = town.home.appending(path: "out").path
        let differing = try compare("--to", out)
        #expect(differing.code == 3)
        #expect(differing.output == "< /registers/new\n")
        #expect(differing.errors.contains("1 only in the original"))
        #expect(try String(contentsOfFile: out + "/original/registers/new", encoding: .utf8) == "only here")
        let fields = try object(try compare("--json"))
        #expect((fields["changes"] as? [[String: Any]])?.first?["change"] as? String == "onlyOriginal")
        #expect(try compare("--to", out).code == 1)
    }

    @Test("Wrong use ends with 2, a password among the arguments is refused and not repeated")
    func wrongUse() throws {
        let mixed = try zwilling("compare", "--data", "x", "--original", town.tree.path, "--twin", "host=/nowhere")
        #expect(mixed.code == 2 && mixed.errors.contains("only be compared"))
        for address in ["host=/nowhere password=hunter2", "postgres://u:hunter2@localhost/x"] {
            let secret = try zwilling.run(
                ["compare", "--data", "x", "--original", address, "--twin", "host=/nowhere"], language: "de_DE.UTF-8")
            #expect(secret.code == 2 && secret.errors.contains("~/.pgpass") && !secret.errors.contains("hunter2"))
        }
        #expect(try zwilling("compare", "--original", "/", "--twin", "/").code == 2)
        #expect(try zwilling.run(["compare", "--help"], language: "de_DE.UTF-8").output.contains("Zwilling nicht gemeinsam"))
    }

    @Test("Two servers: tables with their counts, and their rows in the export", .enabled(if: Cluster.isAvailable, "\(Cluster.absence)"))
    func clusters() throws {
        let (original, twin) = (try Cluster(), try Cluster())
        for cluster in [original, twin] {
            try cluster.start()
            try cluster.psql("CREATE TABLE akten (id int PRIMARY KEY, t text); INSERT INTO akten VALUES (1, 'a'), (2, 'b')")
        }
        func compare(_ more: String...) throws -> Town.Outcome {
            try zwilling.run(
                ["compare", "--data", "register", "--original", original.address, "--twin", twin.address] + more)
        }
        let equal = try compare()
        #expect(equal.code == 0 && equal.output.contains("1 table, all the same"), "\(equal.errors)")
        try original.psql("INSERT INTO akten VALUES (3, 'c')")
        try twin.psql("UPDATE akten SET t = 'B' WHERE id = 2")
        let out = town.home.appending(path: "out").path
        let differing = try compare("--to", out, "--base", original.address)
        #expect(differing.code == 3, "\(differing.errors)")
        #expect(differing.output.contains("postgres  public.akten"))
        let folder = out + "/postgres/public/akten"
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["different-original.csv", "different-twin.csv", "only-original.csv"])
        #expect(
            try String(contentsOfFile: folder + "/different-twin.csv", encoding: .utf8)
                == "\"id\",\"t\",\"changed_by\"\r\n\"2\",\"B\",\"twin\"\r\n")
        let json = try object(try compare("--json"))
        #expect(json["data"] as? String == "register" && json["cluster"] != nil)
    }
}
