// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("An institution")
struct InstitutionTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
        try zwilling.create()
    }

    private static let secret = "Geheimnis-5d41402a-bc4b"

    /// Writes the blueprint where the commands look for it.
    private func describe(_ more: String = "", dump: String = "seq 1 200000") throws {
        let text = """
            institution: Musterstadt
            applications:
              - id: fach
                data: [db, akten, pw]
                quiesce: echo quiesce >> \(town.home.path)/order
                resume: echo resume >> \(town.home.path)/order
            data:
              - id: db
                kind: command
                dump: echo dump >> \(town.home.path)/order; \(dump)
                load: cat > \(town.home.path)/loaded
                rpo: 1 h
              - {id: akten, kind: files, paths: ["\(town.tree.path)"], exclude: "*-1*", rpo: 1 h}
              - {id: pw, kind: secret, command: "printf %s \(Self.secret)", rpo: 1 w}
              - {id: far, kind: files, paths: [/], host: elsewhere}
            \(more)
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            "\(outcome.errors)")
    }

    @Test("All that the blueprint names here is captured, shown, and brought back by its kind")
    func story() throws {
        try describe()
        let before = try zwilling("status")
        #expect(before.code == 3 && before.output.contains("no copy"))
        #expect(try zwilling("moments").code == 3)
        let first = try zwilling("protect")
        #expect(first.code == 0, "\(first.errors)")
        let order = try String(
            contentsOf: town.home.appending(path: "order"), encoding: .utf8)
        #expect(order == "quiesce\ndump\nresume\n")

        let status = try json(zwilling("status", "--json"))
        let states = try #require(status["dataSets"] as? [[String: Any]]).map {
            [$0["dataSet"] as? String, $0["state"] as? String]
        }
        #expect(states == [["db", "in-time"], ["akten", "in-time"], ["pw", "in-time"], ["far", "never"]])

        let files = town.home.appending(path: "files")
        let restored = try zwilling.reading(
            "restore", "latest:\(town.tree.path)", "--data", "akten", "--to", files.path)
        #expect(restored.code == 0, "\(restored.errors)")
        // What was excluded goes, and with it the time at which it went.
        try town.run(
            "sh", "-c",
            "cd \(town.tree.path) && rm streets/*/*-1* && for d in streets streets/*/; do touch -r \(files.path)/$d $d; done"
        )
        let differences = try town.differences(town.tree, files)
        #expect(differences == "", "\(differences)")
        let loaded = try zwilling.reading("restore", "--data", "db", "--load")
        #expect(loaded.code == 0, "\(loaded.errors)")
        let numbers = try String(
            contentsOf: town.home.appending(path: "loaded"), encoding: .utf8)
        #expect(numbers == (1...200_000).map { "\($0)\n" }.joined())
        let secrets = town.home.appending(path: "secrets")
        #expect(try zwilling.reading("restore", "--data", "pw", "--to", secrets.path).code == 0)
        #expect(
            try String(contentsOf: secrets.appending(path: "pw"), encoding: .utf8) == Self.secret)
        #expect(
            try zwilling.reading("ls", "--data", "blueprint").output
                .contains("institution.yaml"))
        #expect(!(try zwilling("snapshots").output.contains("()")))
    }

    @Test("The blueprint is captured at every change, and only then")
    func blueprint() throws {
        func count() throws -> Int {
            let all = try #require(try json(zwilling("snapshots", "--json"))["snapshots"] as? [[String: Any]])
            return all.count { $0["dataSet"] as? String == "blueprint" }
        }
        try describe()
        #expect(try zwilling("protect", "--data", "pw").code == 0)
        #expect(try zwilling("protect", "--data", "pw").code == 0)
        #expect(try count() == 1)
        try describe("roles: []")
        #expect(try zwilling("protect", "--data", "pw").code == 0)
        #expect(try count() == 2)
    }

    @Test("A dump command that fails leaves no snapshot, and the others are captured all the same")
    func failing() throws {
        try describe(dump: "seq 1 300000; exit 9")
        let outcome = try zwilling("protect", "--json")
        #expect(outcome.code == 1)
        let report = try json(outcome)
        let failures = try #require(report["failures"] as? [[String: Any]])
        #expect(failures.map { $0["dataSet"] as? String } == ["db"])
        #expect("\(failures)".contains("exit code 9"))
        let names = try #require(report["snapshots"] as? [[String: Any]]).map { $0["dataSet"] as? String }
        #expect(names == ["blueprint", "akten", "pw"])
        let order = try String(contentsOf: town.home.appending(path: "order"), encoding: .utf8)
        #expect(order.hasSuffix("resume\n"))
        #expect(try zwilling.reading("restore", "--data", "db", "--load").code == 1)
    }

    @Test("An application that cannot hold still is not captured half, and is let go on")
    func restless() throws {
        try describe()
        let file = town.home.appending(path: "institution.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "quiesce: echo", with: "quiesce: exit 7; echo")
        try Data(text.utf8).write(to: file)
        let outcome = try zwilling("protect")
        #expect(outcome.code == 1 && outcome.errors.contains("exit code 7"))
        let order = try String(contentsOf: town.home.appending(path: "order"), encoding: .utf8)
        #expect(order == "resume\n")
    }

    @Test("What a run held still that was killed goes on with the next run, before anything else")
    func killed() throws {
        let begun = town.home.appending(path: "begun")
        try describe(dump: "test -e \(begun.path) || { touch \(begun.path); exec sleep 60; }")
        let running = try town.start(
            Computer.program, ["protect"], environment: zwilling.environment)
        while !FileManager.default.fileExists(atPath: begun.path) {
            try #require(running.process.isRunning)
            usleep(10_000)
        }
        kill(running.process.processIdentifier, SIGKILL)
        running.process.waitUntilExit()
        try town.run("pkill", "-f", "exec sleep 60|^sleep 60$")
        let order = town.home.appending(path: "order")
        let before = try String(contentsOf: order, encoding: .utf8)
        let next = try zwilling("protect", "--data", "akten")
        #expect(next.code == 0 && next.errors.contains("it goes on now"), "\(next.errors)")
        let after = try String(contentsOf: order, encoding: .utf8)
        #expect(before == "quiesce\ndump\n")
        #expect(after == before + "resume\nquiesce\nresume\n")
        #expect(try zwilling("protect", "--data", "akten").errors == "")
    }

    @Test("A secret is in no vault, state, output or error in the clear, also where it fails")
    func canary() throws {
        try describe()
        let first = try zwilling("protect")
        let shown = try zwilling.reading("ls", "-R", "--data", "pw", "latest:/")
        let file = town.home.appending(path: "institution.yaml")
        let text = try String(contentsOf: file, encoding: .utf8).replacingOccurrences(
            of: "printf %s \(Self.secret)", with: "echo \(Self.secret) >&2; exit 1")
        try Data(text.utf8).write(to: file)
        let failed = try zwilling("protect", "--verbose")
        #expect(failed.code == 1)
        for outcome in [first, shown, failed] {
            #expect(!(outcome.output + outcome.errors).contains(Self.secret))
        }
        let found = try town.run(
            "grep", "-rlaF", Self.secret, town.vault.path, zwilling.state.path)
        #expect(found.output == "")
    }

    @Test("A drop folder counts only when it is complete")
    func marker() throws {
        let marker = town.tree.appending(path: "complete").path
        let text = """
            institution: X
            data: [{id: drop, kind: files, paths: ["\(town.tree.path)"], complete-marker: "\(marker)"}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let early = try zwilling("protect")
        #expect(early.code == 1 && early.errors.contains("not complete"))
        try town.write("complete", "")
        #expect(try zwilling("protect").code == 0)
    }

    @Test("Moments: every data set has a copy at each, and the oldest is named")
    func moments() throws {
        try describe()
        let file = town.home.appending(path: "institution.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
            .split(separator: "\n").filter { !$0.contains("elsewhere") }.joined(separator: "\n")
        try Data(text.utf8).write(to: file)
        #expect(try zwilling("protect").code == 0)
        #expect(try zwilling("protect", "--data", "akten").code == 0)
        let moments = try #require(try json(zwilling("moments", "--json"))["moments"] as? [[String: Any]])
        #expect(moments.map { $0["heldBackBy"] as? String } == ["db", "db"])
        #expect(try zwilling("status").code == 0)
    }

    @Test("A blueprint with errors is refused with its places, and nothing is captured")
    func wrong() throws {
        try describe("nonsense: 1")
        let outcome = try zwilling("protect")
        #expect(outcome.code == 2 && outcome.errors.contains("institution.yaml:16:1: error"))
        let checked = try zwilling("check", "--json")
        #expect(checked.code == 2)
        let findings = try #require(try json(checked)["findings"] as? [[String: Any]])
        #expect(findings.contains { $0["code"] as? String == "unknown-key" })
        #expect(try zwilling("snapshots").output.contains("No snapshot"))
        #expect(try zwilling("protect", "--data", "nobody").code == 2)
        #expect(try zwilling("status", "-f", "nowhere.yaml").code == 2)
        // What would not be heeded is refused.
        #expect(try zwilling("protect", "--exclude", "x").code == 2)
        #expect(try zwilling("protect", "--name", "x").code == 2)
        #expect(try zwilling("protect", town.tree.path, "--data", "db").code == 2)
    }

    @Test("init writes a blueprint that check takes, and never over another", arguments: ["C", "de_DE.UTF-8"])
    func first(language: String) throws {
        let made = try zwilling("init", "--template", "kreis", "--name", "Kreis \"X\"", language: language)
        #expect(made.code == 0, "\(made.errors)")
        // Roles are still to be filled in.
        let checked = try zwilling("check", language: language)
        #expect(checked.code == 3, "\(checked.output)")
        #expect(try zwilling("init").code == 1)
        #expect(try zwilling("leika", "wohngeld", language: language).output.contains("99107023017000"))
        #expect(try zwilling("leika", "xyzzy").code == 2)
        #expect(try zwilling("check", "--schema").output.hasPrefix("{"))
    }

    @Test("init takes other hosts from a table, and nothing from one with errors")
    func hosts() throws {
        let table = town.home.appending(path: "hosts.csv")
        try Data("host;kind;place\ndb2;tapes;/a\n".utf8).write(to: table)
        let refused = try zwilling("init", "--hosts", "hosts.csv")
        #expect(refused.code == 2 && refused.errors.contains("hosts.csv:2:5: error"))
        let file = town.home.appending(path: "institution.yaml")
        #expect(!FileManager.default.fileExists(atPath: file.path))
        try Data("host;kind;place;application\ndb2;files;/srv/a;fach\n".utf8).write(to: table)
        let made = try json(zwilling("init", "--hosts", "hosts.csv", "--json"))
        #expect(made["told"] as? Int == 1)
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains("- id: db2-fach\n") && text.contains("data: [db2-fach]"))
        #expect(try zwilling("check").code == 3)
    }

    @Test("What a blueprint names is captured with it: people, settings, processes")
    func beside() throws {
        let text = """
            institution: X
            structures-from: people.csv
            applications:
              - {id: a, stateless: true, configuration: {files: [{path: /etc/a, from: conf/a}]}}
            data: [{id: t, kind: files, paths: ["\(town.tree.path)"]}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let conf = town.home.appending(path: "conf")
        try FileManager.default.createDirectory(at: conf, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: conf.appending(path: "a"))
        let people = town.home.appending(path: "people.csv")
        try Data("name;unit\nA;B;C\n".utf8).write(to: people)
        let refused = try zwilling("protect")
        #expect(refused.code == 2 && refused.errors.contains("people.csv:2:1: error"))
        try Data("name;unit\nA;B\n".utf8).write(to: people)
        let done = try zwilling("protect")
        #expect(done.code == 0, "\(done.errors)")
        let listed = try zwilling.reading("ls", "-R", "--data", "blueprint").output
        for name in ["institution.yaml", "people.csv", "conf/a"] { #expect(listed.contains(name)) }
    }
}
