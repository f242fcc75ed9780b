// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

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

/// A town hall with a vault, which can invite other machines.
struct Realm {
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

    /// The token that the town hall has left in a file.
    func invite(_ name: String, _ more: String...) throws -> String {
        let outcome = try hall.reading(
            ["agent", "invite", name, "--token-file", "token-\(name)"] + more)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try String(
            contentsOf: town.home.appending(path: "token-\(name)"), encoding: .utf8)
    }

    func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            "\(outcome.errors)")
    }

    /// State and host of each invitation, by the writer's name.
    func listed() throws -> [String: [String]] {
        let list = try #require(
            try json(hall("agent", "list", "--json"))["invitations"] as? [[String: Any]])
        return list.reduce(into: [:]) { all, one in
            let name = one["name"] as? String ?? ""
            all[name] = [one["state"] as? String ?? "", one["claimedBy"] as? String ?? ""]
        }
    }
}
