// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Wire

/// Asks a program over a network that only this process sees; started by Zwilling itself.
struct AskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", shouldDisplay: false, subcommands: [AskHTTPCommand.self, AskTCPCommand.self])
}

private let patience = Duration.seconds(5)

struct AskHTTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "http")

    @Argument var host: String
    @Argument var port: Int
    @Argument var path: String

    /// The status on a line of its own, then the body.
    mutating func run() async throws {
        let answer = try await HTTPQuestion(host: host, port: port, path: path).ask(within: patience)
        do throws(SystemError) {
            try Terminal.write(Array("\(answer.status)\n".utf8) + answer.body, to: .output)
        } catch { throw error.trouble(Words("Cannot write", de: "Lässt sich nicht schreiben:")) }
    }
}

struct AskTCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tcp")

    @Argument var host: String
    @Argument var port: Int

    mutating func run() async throws {
        try await ConnectionQuestion(host: host, port: port).ask(within: patience)
    }
}
