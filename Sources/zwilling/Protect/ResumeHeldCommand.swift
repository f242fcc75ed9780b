// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

/// What `protect` becomes when it is told to end: nothing more can be captured by then, so what
/// holds still may go on. Not for people.
struct ResumeHeldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume-held",
        abstract: say(
            "Let go on what a run held still that was told to end.",
            de: "Weiterlaufen lassen, was ein abgebrochener Lauf angehalten hat."),
        shouldDisplay: false)

    @Argument var vault: String
    @Argument var signal: Int32

    private static let triesMax = 100

    /// The words by which it is called; the signal's number comes behind them.
    static func words(_ vault: Identifier) -> [String] { ["zwilling", "resume-held", "\(vault)"] }

    mutating func run() async throws {
        StopRequest.expectAgain()
        Machine.endChildren()
        tell(say("Stopped; nothing more is captured.", de: "Abgebrochen; es wird nichts mehr gesichert."))
        guard let id = [UInt8](hex: vault).flatMap({ Identifier($0) }) else { throw ExitCode(2) }
        let state = try StateDirectory().state(of: id)
        let lock = try Self.lock(state)
        defer { withExtendedLifetime(lock) {} }
        try await state.resumeHeld()
        throw ExitCode(128 + signal)
    }

    /// A child that was being started may have held it for a moment longer.
    private static func lock(_ state: VaultState) throws(Trouble) -> WriterLock {
        for _ in 0..<triesMax {
            do throws(Trouble) { return try WriterLock(state) } catch {
                guard error.kind == .busy else { throw error }
                Machine.pause(milliseconds: 20)
            }
        }
        // Whoever has it begins by letting go on what holds still.
        return try WriterLock(state)
    }
}
