// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Sites
import Testing
import Vault

/// What does not make a writer, and what is not shown.
@Suite("Agents that are refused", .enabled(if: getuid() == 0 && Host.isPossible))
struct AgentRefusalTests {
    private let realm: Realm
    private var town: Town { realm.town }
    private var hall: Host { realm.hall }

    init() throws { realm = try Realm() }

    @Test("A token that was mistyped, expired, of another vault, or whose writer is retired is refused")
    func refused() async throws {
        let text = try realm.invite("mill")
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
            (try realm.json(hall("keys", "list", "--json"))["root"] as? String).flatMap { Digest(hex: $0) })
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
        #expect(try realm.listed() == ["mill": ["open", ""], "old": ["expired", ""]])

        #expect(try hall.reading("keys", "retire", "mill", "--confirm", "mill").code == 0)
        #expect(try town.run("ls", town.vault.path + "/invitations").output.split(separator: "\n").count == 1)
        let retired = try enrol(text)
        #expect(retired.code == 1 && retired.errors.contains("no invitation"))
        #expect(try town.run("find", mill.state.path, "-name", "writer.key").output == "")
    }

    @Test("A damaged invitation is named by enrolment, list and verify of both readers")
    func damaged() throws {
        _ = try realm.invite("mill")
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
        let text = try realm.invite("mill")
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
}
