// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Programs
import Revival

/// Keeps one program of an activation running; started by Zwilling itself, never by people.
struct KeepRunningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "keep-running", shouldDisplay: false)

    @Argument var mark: PathArgument
    /// Only this line of shell, as the same user and with the same environment.
    @Option var once: String?

    mutating func run() async throws {
        if let once {
            let program = try KeptProgram(from: KeeperMark.spec(of: mark.bytes))
            throw ExitCode(try await program.once(["/bin/sh", "-c", once]))
        }
        StopRequest.expect()
        let held = try KeeperMark.Held(mark.bytes)
        held.note(nil)
        let program = try KeptProgram(from: KeeperMark.spec(of: mark.bytes))
        await program.keep { held.note($0) }
    }
}
