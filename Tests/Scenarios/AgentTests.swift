// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// Several machines, one vault, one blueprint: each a state directory and a host name of its own.
@Suite("Agents", .enabled(if: getuid() == 0 && Host.isPossible))
struct AgentTests {
    private let realm: Realm
    private var town: Town { realm.town }
    private var hall: Host { realm.hall }

    init() throws { realm = try Realm() }

    private func describe() throws {
        let text = """
            institution: Musterstadt
            data:
              - {id: register, kind: files, paths: ["\(town.tree.path)/registers"], host: hall}
              - {id: streets, kind: files, paths: ["\(town.tree.path)/streets"], host: mill}
              - {id: pw, kind: secret, command: "echo x", host: pond}
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    @Test("One blueprint, two hosts: the second enrols with a token and captures what names it")
    func story() throws {
        try describe()
        #expect(try hall("protect").code == 0)
        let mill = Host(town, named: "mill")
        #expect(try mill("protect").code == 1)
        let text = try realm.invite("mill")
        let permissions = try town.run("stat", "-c", "%a", town.home.path + "/token-mill")
        #expect(permissions.output == "600\n")
        #expect(try realm.listed() == ["mill": ["open", ""]])

        let enrolled = try mill("agent", "enrol", "--token-file", "token-mill")
        #expect(enrolled.code == 0, "\(enrolled.errors)")
        #expect(enrolled.output.contains("mill") && enrolled.errors.contains("zwilling protect"))
        #expect(try realm.listed() == ["mill": ["claimed", "mill"]])
        for file in ["writer.key", "memory", "place"] {
            let found = try town.run("find", mill.state.path, "-name", file)
            #expect(found.output.hasSuffix("/\(file)\n"))
        }
        let key = try town.run("find", mill.state.path, "-name", "writer.key", "-perm", "600")
        #expect(key.output.hasSuffix("/writer.key\n"))

        #expect(try mill("check").code != 1)
        let protected = try mill("protect", "--json")
        #expect(protected.code == 0, "\(protected.errors)")
        let status = try #require(
            try realm.json(hall("status", "--json"))["dataSets"] as? [[String: Any]])
        let states = status.map { "\($0["dataSet"] ?? "") \($0["state"] ?? "")" }
        #expect(states.map { $0.hasSuffix("never") } == [false, false, true], "\(states)")

        let target = town.home.appending(path: "back")
        let restored = try hall.reading(
            "restore", "latest:\(town.tree.path)/streets", "--data", "streets", "--to", target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        let streets = town.tree.appending(path: "streets")
        #expect(try town.differences(streets, target) == "")
        #expect(try hall.reading("verify", "--read-data").code == 0)
        let rescued = try town.rescue(to: town.home.appending(path: "rescued"), "--check")
        #expect(rescued.code == 0, "\(rescued.errors)")

        let found = try town.run(
            "grep", "-rlaFi", String(text.prefix(11)), town.vault.path, mill.state.path,
            hall.state.path)
        #expect(found.output == "")
    }

    @Test("A token works once; who comes second is told who was first and how to retire that writer")
    func once() throws {
        _ = try realm.invite("mill")
        #expect(try Host(town, named: "mill")("agent", "enrol", "--token-file", "token-mill").code == 0)
        let thief = Host(town, named: "thief")
        let second = try thief("agent", "enrol", "--token-file", "token-mill", "--json")
        #expect(second.code == 1)
        #expect((try realm.json(second)["error"] as? [String: Any])?["kind"] as? String == "exists")
        #expect(second.errors.contains("\"mill\"") && second.errors.contains("keys retire mill"))
        #expect(try town.run("find", thief.state.path, "-name", "writer.key").output == "")
        // The machine that has it is told the same, and stays what it is.
        let again = try Host(town, named: "mill")("agent", "enrol", "--token-file", "token-mill")
        #expect(again.code == 1)
        #expect(try Host(town, named: "mill")("protect", town.tree.path).code == 0)

        let retired = try hall.reading("keys", "retire", "mill", "--confirm", "mill")
        #expect(retired.code == 0, "\(retired.errors)")
        #expect(try Host(town, named: "mill")("protect", town.tree.path).code == 1)
        #expect(try realm.listed() == ["mill": ["retired", "mill"]])
    }

    @Test("Two hosts race for one token, and one wins")
    func race() throws {
        for round in 0..<min(Town.rounds, 5) {
            _ = try realm.invite("mill-\(round)")
            let hosts = (0..<4).map { Host(town, named: "racer-\(round)-\($0)") }
            let running = try hosts.map {
                try $0.start("agent", "enrol", "--token-file", "token-mill-\(round)")
            }
            for one in running { one.process.waitUntilExit() }
            let codes = running.map(\.process.terminationStatus)
            #expect(codes.sorted() == [0, 1, 1, 1], "round \(round)")
            let keys = try hosts.filter {
                try !town.run("find", $0.state.path, "-name", "writer.key").output.isEmpty
            }
            #expect(keys.map(\.name) == zip(hosts, codes).filter { $0.1 == 0 }.map(\.0.name))
        }
    }

    @Test("Killed at any moment, a machine enrols by the same command, and nobody else does")
    func killed() throws {
        var dice = Dice(seed: UInt64.random(in: 0...UInt64.max))
        // What a whole run takes here, so that the moments fall within it.
        _ = try realm.invite("trial")
        let start = ContinuousClock.now
        let trial = try Host(town, named: "trial")("agent", "enrol", "--token-file", "token-trial")
        #expect(trial.code == 0, "\(trial.errors)")
        let span = UInt32((ContinuousClock.now - start) / .microseconds(1))
        func claims() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: town.vault.path + "/claims")
                .count { !$0.hasPrefix(".") }
        }
        for round in 0..<Town.rounds {
            let name = "mill-\(round)"
            _ = try realm.invite(name)
            let host = Host(town, named: name)
            let before = try claims()
            let running = try host.start("agent", "enrol", "--token-file", "token-\(name)")
            if round.isMultiple(of: 2) {
                usleep(UInt32.random(in: 0...span, using: &dice))
            } else {
                // Around the claim, where there is most to lose.
                while try claims() == before && running.process.isRunning {}
                usleep(UInt32.random(in: 0...2000, using: &dice))
            }
            kill(running.process.processIdentifier, SIGKILL)
            running.process.waitUntilExit()
            let again = try host("agent", "enrol", "--token-file", "token-\(name)")
            let isWriter = try host("protect", town.tree.path + "/registers")
            #expect(isWriter.code == 0, "round \(round): \(again.errors)\(isWriter.errors)")
            let other = try Host(town, named: "other")("agent", "enrol", "--token-file", "token-\(name)")
            #expect(other.code == 1)
        }
        #expect(try hall("verify").code == 0)
    }

    @Test("Dead between claim and keys: the same machine goes on, another is refused")
    func betweenClaimAndKeys() throws {
        let text = try realm.invite("mill")
        let mill = Host(town, named: "mill")
        // A file of more than 180 bytes ends it: the key is the first that has more.
        let limited = try town.run(
            "prlimit",
            ["--fsize=180"] + mill.command(["agent", "enrol", "--token-file", "token-mill"]),
            environment: mill.environment)
        #expect(limited.code != 0)
        #expect(try town.run("find", mill.state.path, "-name", "writer.key").output == "")
        try #require(try town.run("ls", town.vault.path + "/claims").output.count > 30)

        let other = try Host(town, named: "pond")("agent", "enrol", "--token-file", "token-mill")
        #expect(other.code == 1 && other.errors.contains("\"mill\""))
        let again = try mill("agent", "enrol", "--token-file", "token-mill")
        #expect(again.code == 0, "\(again.errors)")
        #expect(!again.errors.contains(text.prefix(5)))
        #expect(try town.run("ls", town.vault.path + "/invitations").output == "")
        #expect(try mill("protect", town.tree.path).code == 0)
    }

    @Test("The words are there in German too", arguments: ["C", "de_DE.UTF-8"])
    func languages(language: String) throws {
        var german = hall
        german.language = language
        let isGerman = language != "C"
        let help = try german("--help")
        #expect(help.output.contains("agent"))
        #expect(try german("agent").code == 2)
        let empty = try german("agent", "list")
        #expect(empty.output.contains(isGerman ? "Keine Einladungen" : "No invitations"))
        _ = try realm.invite("mill")
        #expect(try german("agent", "list").output.contains(isGerman ? "offen" : "open"))
        let missing = try german("agent", "enrol", "--token-file", "nowhere")
        #expect(missing.errors.contains(isGerman ? "Token nicht lesbar" : "Cannot read the token"))
    }
}
