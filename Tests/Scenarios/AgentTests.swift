// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing
import Vault

/// Several machines, one vault, one blueprint: each a state directory and a host name of its own.
@Suite("Agents", .enabled(if: getuid() == 0 && Host.isPossible))
struct AgentTests {
    let town: Town
    let hall: Host

    init() throws {
        town = try Town()
        hall = Host(town, named: "hall")
        try town.settle(files: 5)
        try Data((Town.passphrase + "\n").utf8).write(to: town.home.appending(path: "passphrase"))
        let made = try hall.reading("vault", "create", town.vault.path)
        try #require(made.code == 0, "\(made.errors)")
    }

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

    /// The token that the town hall has left in a file.
    private func invite(_ name: String, _ more: String...) throws -> String {
        let outcome = try hall.reading(
            ["agent", "invite", name, "--token-file", "token-\(name)"] + more)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try String(
            contentsOf: town.home.appending(path: "token-\(name)"), encoding: .utf8)
    }

    private func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            "\(outcome.errors)")
    }

    /// State and host of each invitation, by the writer's name.
    private func listed() throws -> [String: [String]] {
        let list = try #require(
            try json(hall("agent", "list", "--json"))["invitations"] as? [[String: Any]])
        return list.reduce(into: [:]) { all, one in
            let name = one["name"] as? String ?? ""
            all[name] = [one["state"] as? String ?? "", one["claimedBy"] as? String ?? ""]
        }
    }

    @Test("One blueprint, two hosts: the second enrols with a token and captures what names it")
    func story() throws {
        try describe()
        #expect(try hall("protect").code == 0)
        let mill = Host(town, named: "mill")
        #expect(try mill("protect").code == 1)
        let text = try invite("mill")
        let permissions = try town.run("stat", "-c", "%a", town.home.path + "/token-mill")
        #expect(permissions.output == "600\n")
        #expect(try listed() == ["mill": ["open", ""]])

        let enrolled = try mill("agent", "enrol", "--token-file", "token-mill")
        #expect(enrolled.code == 0, "\(enrolled.errors)")
        #expect(enrolled.output.contains("mill") && enrolled.errors.contains("zwilling protect"))
        #expect(try listed() == ["mill": ["claimed", "mill"]])
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
            try json(hall("status", "--json"))["dataSets"] as? [[String: Any]])
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
        _ = try invite("mill")
        #expect(try Host(town, named: "mill")("agent", "enrol", "--token-file", "token-mill").code == 0)
        let thief = Host(town, named: "thief")
        let second = try thief("agent", "enrol", "--token-file", "token-mill", "--json")
        #expect(second.code == 1)
        #expect((try json(second)["error"] as? [String: Any])?["kind"] as? String == "exists")
        #expect(second.errors.contains("\"mill\"") && second.errors.contains("keys retire mill"))
        #expect(try town.run("find", thief.state.path, "-name", "writer.key").output == "")
        // The machine that has it is told the same, and stays what it is.
        let again = try Host(town, named: "mill")("agent", "enrol", "--token-file", "token-mill")
        #expect(again.code == 1)
        #expect(try Host(town, named: "mill")("protect", town.tree.path).code == 0)

        let retired = try hall.reading("keys", "retire", "mill", "--confirm", "mill")
        #expect(retired.code == 0, "\(retired.errors)")
        #expect(try Host(town, named: "mill")("protect", town.tree.path).code == 1)
        #expect(try listed() == ["mill": ["retired", "mill"]])
    }

    @Test("Two hosts race for one token, and one wins")
    func race() throws {
        for round in 0..<min(Town.rounds, 5) {
            _ = try invite("mill-\(round)")
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
        _ = try invite("trial")
        let start = ContinuousClock.now
        let trial = try Host(town, named: "trial")("agent", "enrol", "--token-file", "token-trial")
        #expect(trial.code == 0, "\(trial.errors)")
        let span = UInt32((ContinuousClock.now - start) / .microseconds(1))
        for round in 0..<Town.rounds {
            let name = "mill-\(round)"
            _ = try invite(name)
            let host = Host(town, named: name)
            let running = try host.start("agent", "enrol", "--token-file", "token-\(name)")
            usleep(UInt32.random(in: 0...span, using: &dice))
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
        let text = try invite("mill")
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

    @Test("A token that was mistyped, expired, of another vault, or whose writer is retired is refused")
    func refused() async throws {
        let text = try invite("mill")
        let mill = Host(town, named: "mill")
        func enrol(_ token: String, _ more: String...) throws -> Town.Outcome {
            try Data(token.utf8).write(to: town.home.appending(path: "typed"))
            return try mill.run(["agent", "enrol", "--token-file", "typed"] + more)
        }
        let last = text.hasSuffix("A\n") ? "B" : "A"
        for (typed, says) in [
            (String(text.dropLast(2)) + last, "letter is another one"),
            (String(text.dropLast(2)), "39 letters"), ("", "0 letters"), ("U" + text, "letter 1"),
        ] {
            let outcome = try enrol(typed)
            #expect(outcome.code == 2 && outcome.errors.contains(says), "\(outcome.errors)")
            #expect(!outcome.errors.contains(text.prefix(5)))
        }
        let root = try #require(
            (try json(hall("keys", "list", "--json"))["root"] as? String).flatMap { Digest(hex: $0) })
        let guessed = try enrol(Token(for: root, from: .real).text)
        #expect(guessed.code == 1 && guessed.errors.contains("no invitation"))
        let foreign = try enrol(Token(for: .zero, from: .real).text)
        #expect(foreign.code == 1 && foreign.errors.contains("another vault"))

        // Made an hour ago, for a minute.
        let vault = try await Vault(
            at: DirectorySite(opening: Array(town.vault.path.utf8)), remembering: nil)
        let old = Token(for: root, from: .real)
        let hourAgo = World(
            now: {
                Moment(seconds: World.real.now().seconds - 3600)
            }, random: World.real.random)
        _ = try await vault.inviting(
            writerNamed: "old", by: old, for: 60,
            with: vault.unlock(passphrase: Array(Town.passphrase.utf8)), companions: [],
            world: hourAgo)
        let expired = try enrol(old.text)
        #expect(expired.code == 1 && expired.errors.contains("valid until"))
        #expect(try listed() == ["mill": ["open", ""], "old": ["expired", ""]])

        #expect(try hall.reading("keys", "retire", "mill", "--confirm", "mill").code == 0)
        #expect(try town.run("ls", town.vault.path + "/invitations").output.split(separator: "\n").count == 1)
        let retired = try enrol(text)
        #expect(retired.code == 1 && retired.errors.contains("no invitation"))
        #expect(try town.run("find", mill.state.path, "-name", "writer.key").output == "")
    }

    @Test("A damaged invitation is named by enrolment, list and verify of both readers")
    func damaged() throws {
        _ = try invite("mill")
        let file = try #require(
            try town.run("find", town.vault.path + "/invitations", "-type", "f").output
                .split(separator: "\n").first.map { URL(fileURLWithPath: String($0)) })
        let name = "invitations/" + file.lastPathComponent
        func check() throws -> Town.Outcome {
            try town.run(
                "python3", Town.tool("rescue.py"), town.vault.path, "--check", "--passphrase-file",
                "passphrase")
        }
        #expect(try hall("verify").code == 0)
        let whole = try check()
        #expect(whole.code == 0, "\(whole.errors)")
        var bytes = try Data(contentsOf: file)
        bytes[90] ^= 1
        try town.run("chmod", "u+w", file.path)
        try bytes.write(to: file)
        let mill = Host(town, named: "mill")
        let outcomes = [
            try mill("agent", "enrol", "--token-file", "token-mill"), try hall("agent", "list"),
            try hall("verify"), try hall.reading("verify", "--read-data"),
            try check(),
        ]
        for (index, outcome) in outcomes.enumerated() {
            #expect(outcome.code == 1, "\(index): \(outcome.errors)")
            #expect((outcome.errors + outcome.output).contains(name), "\(index)")
        }
    }

    @Test("The token is in no output but the one asked for, and on the terminal where there is one")
    func canary() throws {
        let text = try invite("mill")
        let letters = String(text.prefix(11))
        let piped = try hall.reading("agent", "invite", "pond", "--token-file", "-")
        #expect(piped.code == 0 && piped.output.wholeMatch(of: /([0-9A-Z]{5}-){7}[0-9A-Z]{5}\n/) != nil)
        // Without a terminal and without a file nothing is made.
        let before = try town.run("ls", town.vault.path + "/keyring").output
        let nowhere = try town.run(
            "setsid", ["-w"] + hall.command(["agent", "invite", "lake", "--passphrase-file", "passphrase"]),
            environment: hall.environment)
        #expect(nowhere.code == 2 && nowhere.errors.contains("--token-file"))
        #expect(try hall.reading("agent", "invite", "lake", "--valid", "31d", "--token-file", "x").code == 2)
        #expect(try hall.reading("agent", "invite", "lake", "--token-file", "token-mill").code == 1)
        #expect(try hall.reading("agent", "invite", "lake", "--token-file", "vault/x").code == 2)
        #expect(try town.run("ls", town.vault.path + "/keyring").output == before)

        let shown = try town.run(
            "script", [
                "-qec",
                hall.command(["agent", "invite", "lake", "--passphrase-file", "passphrase"])
                    .map { "'\($0)'" }.joined(separator: " ") + " > out 2> errors", "/dev/null",
            ], environment: hall.environment)
        #expect(shown.output.contains(/([0-9A-Z]{5}-){7}[0-9A-Z]{5}/), "\(shown.errors)")
        let quiet = try town.run("grep", "-E", "([0-9A-Z]{5}-){7}", town.home.path + "/out", town.home.path + "/errors")
        #expect(quiet.output == "")

        let mill = Host(town, named: "mill")
        let enrolled = try mill("agent", "enrol", "--token-file", "token-mill", "--verbose")
        let again = try mill("agent", "enrol", "--token-file", "token-mill", "--verbose")
        for outcome in [enrolled, again, try hall("agent", "list"), try hall("agent", "list", "--json")] {
            #expect(!(outcome.output + outcome.errors).contains(letters))
        }
        let found = try town.run(
            "grep", "-rlaF", "-e", letters, "-e", letters.replacing("-", with: ""), town.vault.path,
            mill.state.path, hall.state.path)
        #expect(found.output == "")
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
        _ = try invite("mill")
        #expect(try german("agent", "list").output.contains(isGerman ? "offen" : "open"))
        let missing = try german("agent", "enrol", "--token-file", "nowhere")
        #expect(missing.errors.contains(isGerman ? "Token nicht lesbar" : "Cannot read the token"))
    }
}

/// A machine: a state directory, and a host name that only its commands see.
struct Host {
    let town: Town
    let name: String
    var language = "C"

    init(_ town: Town, named name: String) { (self.town, self.name) = (town, name) }

    var state: URL { town.home.appending(path: "state-\(name)") }

    static let isPossible: Bool = {
        do {
            let outcome = try Town().run("unshare", "--uts", "hostname", "trial")
            return outcome.code == 0
        } catch { return false }
    }()

    var environment: [String: String] {
        ["ZWILLING_HOME": state.path, "ZWILLING_VAULT": town.vault.path, "LANG": language]
    }

    func command(_ arguments: [String]) -> [String] {
        ["unshare", "--uts", "sh", "-c", "hostname \(name) && exec \"$0\" \"$@\"", Computer.program]
            + arguments
    }

    func run(_ arguments: [String]) throws -> Town.Outcome {
        let command = command(arguments)
        return try town.run(command[0], Array(command.dropFirst()), environment: environment)
    }

    func callAsFunction(_ arguments: String...) throws -> Town.Outcome { try run(arguments) }

    func start(_ arguments: String...) throws -> Town.Running {
        let command = command(arguments)
        return try town.start(command[0], Array(command.dropFirst()), environment: environment)
    }

    func reading(_ arguments: String...) throws -> Town.Outcome { try reading(arguments) }

    func reading(_ arguments: [String]) throws -> Town.Outcome {
        try run(arguments + ["--passphrase-file", "passphrase"])
    }
}
