// SPDX-License-Identifier: EUPL-1.2
import Files
import FoundationEssentials
import Ground
import Subprocess
import Synchronization
import SystemPackage

/// A program that is to go on running: started again whenever it ends, until told to stop.
package struct KeptProgram: Codable, Sendable {
    /// The program, by its path or as found in PATH, and its arguments.
    package var arguments: [String]
    package var environment: [String: String] = [:]
    /// Whether it has all variables of whoever keeps it, not only what every program has.
    package var inheritsEnvironment: Bool?
    /// Variables that nobody else may see; they stand in no argument and no environment but the
    /// program's own.
    package var secretVariables: [String: [UInt8]] = [:]
    /// By name; whoever keeps it where there is none.
    package var user: String?
    package var group: UInt32?
    /// That ends it in order.
    package var stopSignal = "SIGTERM"

    package init(_ arguments: [String]) { self.arguments = arguments }

    /// Begins what the keeper itself says.
    package static let mark = "zwilling: "

    /// How long it may take to end in order.
    private static let patience = Duration.seconds(30)
    private static let restartMillisecondsMin = 250
    private static let glanceMilliseconds = 50
    private static let restartMillisecondsMax = 15_000
    /// One that ran for so long begins anew with little patience.
    private static let steadySeconds = 60.0

    package init(from path: [UInt8]) throws(Trouble) {
        let act = Words("Cannot read what to keep running", de: "Was laufen soll, ist nicht lesbar:")
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Machine.readWhole(path, upTo: 1 << 24) } catch { throw error.trouble(act) }
        do { self = try JSONDecoder().decode(KeptProgram.self, from: Data(bytes)) } catch {
            throw Trouble(.damaged, Words("\"\(printable(path))\" tells no program.", de: "„\(printable(path))“ nennt kein Programm."), cause: error)
        }
    }

    package func write(to path: [UInt8]) throws(Trouble) {
        do {
            try Machine.writeDurably(path, Array(try JSONEncoder().encode(self)))
        } catch {
            throw Trouble(
                .system, Words("Cannot write \"\(printable(path))\".", de: "„\(printable(path))“ lässt sich nicht schreiben."),
                cause: error)
        }
    }

    /// Keeps it running until this process is told to stop (`StopRequest`), and ends it then.
    ///
    /// - Parameters:
    ///   - may: whether it may run now; it ends as soon as it may not.
    ///   - mark: notes the process that runs, or that none does, for whoever looks.
    package func keep(
        while may: @escaping @Sendable () -> Bool = { true }, mark: @escaping @Sendable (_ process: Int32?) -> Void
    ) async {
        var wait = Self.restartMillisecondsMin
        while !StopRequest.wait(milliseconds: 0) {
            guard may() else {
                if StopRequest.wait(milliseconds: Self.glanceMilliseconds) { return }
                continue
            }
            let begun = Terminal.seconds()
            await runOnce(may, mark)
            if StopRequest.wait(milliseconds: 0) { return }
            mark(nil)
            guard may() else {
                Terminal.say("\(Self.mark)the program may not run now\n")
                wait = Self.restartMillisecondsMin
                continue
            }
            if Terminal.seconds() - begun > Self.steadySeconds { wait = Self.restartMillisecondsMin }
            Terminal.say("\(Self.mark)the program has ended and is started again in \(wait) ms\n")
            if StopRequest.wait(milliseconds: wait) { return }
            wait = min(2 * wait, Self.restartMillisecondsMax)
        }
    }

    private func runOnce(_ may: @escaping @Sendable () -> Bool, _ mark: @escaping @Sendable (Int32?) -> Void) async {
        let configuration = configuration
        let started = Started()
        // What a shell has started need not have ended with it.
        defer { if let process = started.process.withLock({ $0 }) { Machine.killGroup(process) } }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let ended = try await Subprocess.run(
                        configuration, input: .none, output: .currentStandardOutput,
                        error: .currentStandardError
                    ) { running in
                        let process = running.processIdentifier.value
                        started.process.withLock { $0 = process }
                        mark(process)
                    }
                    Terminal.say("\(Self.mark)the program: \(ended.terminationStatus)\n")
                }
                group.addTask {
                    while !StopRequest.wait(milliseconds: 0), may() { try await Task.sleep(for: .milliseconds(Self.glanceMilliseconds)) }
                }
                _ = try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            // It was told to stop.
        } catch { Terminal.say("\(Self.mark)the program cannot be run: \(error)\n") }
    }

    private final class Started: Sendable { let process = Mutex<Int32?>(nil) }

    /// Another program with the same user and environment, instead of this process.
    package func once(_ arguments: [String]) async throws(Trouble) -> Int32 {
        var other = self
        other.arguments = arguments
        do {
            let ended = try await Subprocess.run(
                other.configuration, input: .none, output: .currentStandardOutput, error: .currentStandardError)
            if case .exited(let code) = ended.terminationStatus { return Int32(code) }
            return 1
        } catch { throw Trouble(.system, Words("The command cannot be run.", de: "Der Befehl lässt sich nicht ausführen."), cause: error) }
    }

    private var signal: Signal { stopSignal == "SIGINT" ? .interrupt : .terminate }

    private var configuration: Configuration {
        // It ends with whoever keeps it, also where that is killed.
        var line = ["setpriv", "--pdeathsig", String(stopSignal.dropFirst(3))]
        if let user, let group {
            line += ["--reuid", user, "--regid", "\(group)", "--init-groups"]
        }
        line += arguments
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            // A database's processes have each a meaning of their own for an interrupt.
            .send(
                signal: signal, toProcessGroup: signal == .terminate,
                allowedDurationToNextStep: Self.patience),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
        ]
        var variables: [[UInt8]] = []
        // Nothing of whoever started it, beyond what every program has.
        for name in ["PATH", "LANG", "LC_ALL", "TZ", "HOME"] where environment[name] == nil {
            if let value = Terminal.environment(name) { variables.append(Array("\(name)=\(value)".utf8)) }
        }
        variables += environment.map { Array("\($0.key)=\($0.value)".utf8) }
        variables += secretVariables.map { Array("\($0.key)=".utf8) + $0.value }
        return Configuration(
            executable: .name(line[0]), arguments: Arguments(Array(line.dropFirst())),
            environment: inheritsEnvironment == true ? .inherit : .custom(variables.map { $0 + [0] }), workingDirectory: FilePath("/"), platformOptions: options)
    }
}

extension Terminal {
    fileprivate static func say(_ text: String) {
        do throws(SystemError) { try write(Array(text.utf8), to: .talk) } catch {
            // Nobody reads it.
        }
    }
}
