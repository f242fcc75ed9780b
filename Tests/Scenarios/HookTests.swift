// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("Commands of a blueprint")
struct HookTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle(files: 3)
        try zwilling.create()
    }

    private func describe(
        quiesce: String = "true", resume: String = "true", dump: String = "echo x"
    ) throws {
        let text = """
            institution: Musterstadt
            applications:
              - {id: fach, data: [db, akten], quiesce: "\(quiesce)", resume: "\(resume)"}
            data:
              - {id: db, kind: command, dump: "\(dump)", rpo: 1 h}
              - {id: akten, kind: files, paths: ["\(town.tree.path)"], rpo: 1 h}
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private func captured() throws -> String { try zwilling("snapshots", "--json").output }

    @Test("A dump that fails in the middle of a pipe is none", arguments: [
        ("(echo half; exit 4) | cat", "exit code 4"), ("true", "said nothing"),
        ("(echo why >&2; exit 5) | (cat; echo then >&2)", "why"),
    ])
    func dumps(dump: String, said: String) throws {
        try describe(dump: dump)
        let outcome = try zwilling("protect")
        #expect(outcome.code == 1 && outcome.errors.contains(said), "\(outcome.errors)")
        #expect(!(try captured().contains("\"dataSet\":\"db\"")))
    }

    @Test("A secret command that says nothing leaves no secret")
    func secret() throws {
        let text = "institution: X\ndata: [{id: pw, kind: secret, command: \"true\"}]\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let outcome = try zwilling("protect")
        #expect(outcome.code == 1 && outcome.errors.contains("said nothing"), "\(outcome.errors)")
        #expect(!(try captured().contains("\"dataSet\":\"pw\"")))
    }

    @Test("A hook that fails is named, with its application and a remedy")
    func named() throws {
        try describe(quiesce: "echo busy >&2; exit 7")
        let quiesce = try zwilling("protect")
        #expect(quiesce.code == 1 && quiesce.errors.contains("\"quiesce\" of application \"fach\""))
        #expect(quiesce.errors.contains("busy") && quiesce.errors.contains("by hand"))
        try describe(resume: "exit 8")
        let resume = try zwilling("protect")
        #expect(resume.code == 1 && resume.errors.contains("\"resume\" of application \"fach\""))
        #expect(resume.errors.contains("by hand"), "\(resume.errors)")
    }

    @Test("Beside the service: a hook that fails is told, and a path is told where it belongs")
    func besideService() throws {
        try describe()
        let follower = try Follower(zwilling)
        try follower.start()
        for id in ["db", "akten"] { try follower.wait(for: "\(id): captured") }
        let path = try zwilling("protect", town.tree.path)
        #expect(path.code == 1 && path.errors.contains("The service that protects this machine"))
        #expect(path.errors.contains("kind: files") && !path.errors.contains("Wait until"), "\(path.errors)")
        try describe(resume: "echo stuck >&2; exit 8")
        try follower.wait(for: "beginning anew")
        let resume = try zwilling("protect", "--data", "akten")
        #expect(resume.code == 1 && resume.errors.contains("\"resume\" of application \"fach\""), "\(resume.errors)")
        #expect(resume.errors.contains("stuck") && resume.errors.contains("by hand"))
        try describe(quiesce: "echo busy >&2; exit 7")
        try follower.wait(for: "beginning anew", times: 2)
        let quiesce = try zwilling("protect", "--data", "akten")
        #expect(quiesce.code == 1 && quiesce.errors.contains("\"quiesce\" of application \"fach\""), "\(quiesce.errors)")
        #expect(quiesce.errors.contains("by hand"))
        #expect(follower.stop() == 0)
    }

    @Test("Asked while it takes up another blueprint, the service answers all the same")
    func askedBetween() throws {
        try describe()
        let follower = try Follower(zwilling)
        try follower.start()
        try follower.wait(for: "akten: captured")
        for round in 1...4 {
            try describe(dump: "echo \(round)")
            let asked = try zwilling("protect", "--data", "akten")
            #expect(asked.code == 0 && asked.errors == "", "\(asked.errors)")
            try follower.wait(for: "beginning anew", times: round)
            let after = try zwilling("protect", "--data", "akten")
            #expect(after.code == 0 && after.errors == "", "\(after.errors)")
        }
        #expect(follower.stop() == 0)
    }

    @Test("Told to end, it lets the application go on at once, and states nothing after that", arguments: [
        SIGINT, SIGTERM, SIGHUP,
    ])
    func toldToEnd(signal: Int32) throws {
        let seconds = Int.random(in: 1000...1_000_000)
        let (order, begun) = (town.home.path + "/order", town.home.path + "/begun")
        try describe(
            quiesce: "echo quiesce >> \(order)", resume: "echo resume >> \(order)",
            dump: "echo $$ > \(begun).new; mv \(begun).new \(begun); echo x; sleep \(seconds) | cat; true")
        let running = try town.start(Computer.program, ["protect"], environment: zwilling.environment)
        while !FileManager.default.fileExists(atPath: begun) {
            try #require(running.process.isRunning)
            usleep(10_000)
        }
        let shell = try String(contentsOfFile: begun, encoding: .utf8).dropLast()
        kill(running.process.processIdentifier, signal)
        running.process.waitUntilExit()
        #expect(running.process.terminationReason == .exit && running.process.terminationStatus == 128 + signal)
        #expect(try String(contentsOfFile: order, encoding: .utf8) == "quiesce\nresume\n")
        // With all that the dump had started.
        let left = try town.run("ps", "-e", "-o", "args=").output.split(separator: "\n")
        #expect(!left.contains("sleep \(seconds)"))
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(shell)"))
        let there = try captured()
        #expect(!there.contains("\"dataSet\":\"db\"") && !there.contains("\"dataSet\":\"akten\""))
        try describe()
        let next = try zwilling("protect")
        #expect(next.code == 0 && next.errors == "", "\(next.errors)")
    }
}
