// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Subprocess
import SystemPackage

/// Another program, started and watched by this one: a vendor's dump tool, a hook, a check.
///
/// It leads a process group of its own, so that what it starts ends with it, and nothing waits for
/// it longer than `timeout`. Its arguments are never told, since they may hold a secret.
package struct Program: Sendable {
    /// The program, by its path or as found in PATH, and its arguments.
    package let arguments: [String]
    package var timeout: Duration
    /// Whether errors quote what it said on its standard error. Not where that may be a secret.
    package var isQuoted = true
    /// Beside what this process has.
    package var environment: [String: String] = [:]

    package init(_ arguments: [String], timeout: Duration) {
        (self.arguments, self.timeout) = (arguments, timeout)
    }

    /// What a person wrote in one line: the shell takes it apart. A pipe fails with any of its
    /// programs, where there is a shell that can tell.
    package init(shell line: String, timeout: Duration) {
        self.init(Self.shell + [line], timeout: timeout)
    }

    /// Takes a line as its last argument.
    package static let shell =
        Machine.exists(Array("/bin/bash".utf8))
        ? ["/bin/bash", "-o", "pipefail", "-c"] : ["/bin/sh", "-c"]

    /// Hands out what the program says on its standard output while it runs.
    ///
    /// - Returns: what `body` made of it, once the program has ended with exit code 0.
    /// - Throws: where it could not be started, or ended in any other way, whatever it had said.
    package func streaming<Result: Sendable>(
        _ body: @escaping @Sendable (ProgramOutput) async throws(Trouble) -> Result
    ) async throws(Trouble) -> Result {
        try await watched { program in
            try await Subprocess.run(
                program, input: .none, output: .sequence, error: .sequence
            ) { running in
                let complaints = ProgramOutput(running.standardError)
                async let complaint = complaints.tail()
                let result = try await body(ProgramOutput(running.standardOutput))
                return (result, await complaint)
            }
        }
    }

    /// Everything that the program says on its standard output, if it is not more than `limit`.
    package func output(upTo limit: Int) async throws(Trouble) -> [UInt8] {
        try await streaming { output async throws(Trouble) in
            var bytes: [UInt8] = []
            while let more = try await output.next() {
                bytes += more
                guard bytes.count <= limit else { throw tooMuch(limit) }
            }
            return bytes
        }
    }

    /// Writes to the program's standard input while it runs; what it says itself is not kept.
    package func fed(
        _ body: @escaping @Sendable (ProgramInput) async throws(Trouble) -> Void
    ) async throws(Trouble) {
        Machine.surviveBrokenPipes()
        try await watched { program in
            try await Subprocess.run(
                program, input: .inputWriter, output: .discarded, error: .sequence
            ) { running in
                let complaints = ProgramOutput(running.standardError)
                async let complaint = complaints.tail()
                do { try await body(ProgramInput(running.standardInputWriter)) } catch {
                    try await running.standardInputWriter.finish()
                    throw error
                }
                try await running.standardInputWriter.finish()
                return ((), await complaint)
            }
        }
    }

    /// Says things to the program and hears what it says, both at any time.
    package func conversing(
        _ body: @escaping @Sendable (ProgramInput, ProgramOutput) async throws(Trouble) -> Void
    ) async throws(Trouble) {
        Machine.surviveBrokenPipes()
        try await watched { program in
            try await Subprocess.run(
                program, input: .inputWriter, output: .sequence, error: .sequence
            ) { running in
                let complaints = ProgramOutput(running.standardError)
                async let complaint = complaints.tail()
                do { try await body(ProgramInput(running.standardInputWriter), ProgramOutput(running.standardOutput)) } catch {
                    try await running.standardInputWriter.finish()
                    throw error
                }
                try await running.standardInputWriter.finish()
                return ((), await complaint)
            }
        }
    }

    // MARK: Watching

    private typealias Ran<Result, Output: OutputProtocol> = ExecutionResult<
        (Result, [UInt8]), Output, SequenceOutput
    >

    private func watched<Result: Sendable, Output: OutputProtocol>(
        _ run: @escaping @Sendable (Configuration) async throws -> Ran<Result, Output>
    ) async throws(Trouble) -> Result {
        let configuration = configuration
        let ended: (Result, [UInt8], TerminationStatus)?
        do {
            ended = try await withThrowingTaskGroup(of: (Result, [UInt8], TerminationStatus)?.self) {
                group in
                group.addTask {
                    let ran = try await run(configuration)
                    return (ran.closureResult.0, ran.closureResult.1, ran.terminationStatus)
                }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch let trouble as Trouble {
            throw trouble
        } catch { throw notRun(error) }
        guard let (result, complaint, status) = ended else { throw tooSlow }
        guard status.isSuccess else { throw failed(status, complaint) }
        return result
    }

    private var configuration: Configuration {
        let name = arguments.first ?? ""
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
        ]
        let added = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value as String?) }
        return Configuration(
            executable: name.contains("/") ? .path(FilePath(name)) : .name(name),
            arguments: Arguments(Array(arguments.dropFirst())),
            environment: .inherit.updating(Dictionary(added) { $1 }), platformOptions: options)
    }
}
