// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Programs

/// Plain programs on this machine, each under a keeper of its own that starts it again when it ends.
package struct ProcessPlatform: LivePlatform {
    private let place: ActivationPlace
    /// This program, which is its own keeper.
    private let keeper: String
    /// A network of its own; nil for that of the machine.
    private let isolation: Isolation?

    package init(at place: ActivationPlace, keeper: String, isolation: Isolation?) {
        (self.place, self.keeper, self.isolation) = (place, keeper, isolation)
    }

    package let hasOwnFiles = false
    package var outside: [String] { isolation?.prefix(withFiles: true) ?? [] }
    package let gateway = "127.0.0.1"
    package func address(of member: String) -> String { "127.0.0.1" }

    private static let startMilliseconds = 10_000
    private static let stopMilliseconds = 40_000
    private static let logBytesShown = 4096

    package func prepare(_ members: [String]) async throws(Trouble) {}

    package func start(_ launch: Launch) async throws(Trouble) {
        guard !launch.arguments.isEmpty else { throw .noProcess(launch.id) }
        try await stop(launch.id)
        var program = KeptProgram(launch.arguments)
        program.environment = launch.environment
        program.secretVariables = launch.secretVariables
        program.stopSignal = launch.stop.rawValue
        if Machine.isRoot, let user = launch.user {
            program.user = user
            program.group = try await Self.group(of: user)
        }
        try program.write(to: spec(launch.id))
        let log = String(decoding: place.part(.logs, launch.id), as: UTF8.self)
        // Of a session of its own, so that it outlives this program and its terminal.
        let line = "exec setsid --fork \"$0\" keep-running \"$1\" </dev/null >>\"$2\" 2>&1"
        let files = [mark(launch.id), spec(launch.id)].map { String(decoding: $0, as: UTF8.self) }
        _ = try await Program(
            outside + ["/bin/sh", "-c", line, keeper, files[0], log], timeout: .seconds(30)
        ).output(upTo: 1 << 16)
        let isHeld = try await Self.waits(Self.startMilliseconds) { () throws(Trouble) in
            try keeperProcess(launch.id) != nil
        }
        guard isHeld else { throw .notKept(launch.id, log) }
    }

    /// Of the user, as the system has it.
    package static func group(of user: String) async throws(Trouble) -> UInt32 {
        let said = try await Program(["id", "-g", "--", user], timeout: .seconds(10)).output(upTo: 100)
        return UInt32(String(decoding: said, as: UTF8.self).prefix { $0.isNumber }) ?? 0
    }

    package func standing() async throws(Trouble) -> [String: Standing] {
        var standing: [String: Standing] = [:]
        for id in try members() {
            guard try keeperProcess(id) != nil else {
                standing[id] = .stopped
                continue
            }
            standing[id] = try KeeperMark.read(mark(id)).isRunning ? .runs : .restarts
        }
        return standing
    }

    package func command(_ line: String, in member: String) -> [String] {
        outside + [keeper, "keep-running", String(decoding: mark(member), as: UTF8.self), "--once", line]
    }

    package func log(of member: String) async -> String {
        do throws(Trouble) {
            let path = String(decoding: place.part(.logs, member), as: UTF8.self)
            let said = try await Program(
                ["tail", "-c", "\(Self.logBytesShown)", "--", path], timeout: .seconds(10)
            ).output(upTo: 1 << 16)
            // What its keeper says is of no help.
            return String(decoding: said, as: UTF8.self).split(separator: "\n")
                .filter { !$0.hasPrefix(KeptProgram.mark) }.joined(separator: "\n")
        } catch { return "" }
    }

    package func stop(_ member: String) async throws(Trouble) {
        if let orphan = try KeeperMark.read(mark(member)).orphan { Machine.killGroup(orphan) }
        guard let process = try keeperProcess(member) else { return }
        Machine.askToStop(process)
        let isGone = try await Self.waits(Self.stopMilliseconds) { () throws(Trouble) in
            try keeperProcess(member) == nil
        }
        guard isGone else { throw .staysAlive(member, process) }
    }

    package func clear() async throws(Trouble) {
        for member in try members() { try await stop(member) }
    }

    /// Without waiting until they have ended.
    package func askAllToStop() async throws(Trouble) {
        for member in try members() {
            if let process = try keeperProcess(member) { Machine.askToStop(process) }
        }
    }

    package func traces() async throws(Trouble) -> [String] {
        var traces: [String] = []
        for member in try members() {
            let mark = try KeeperMark.read(mark(member))
            if let process = mark.process ?? mark.orphan { traces.append("process \(process) of \(member)") }
        }
        return traces
    }

    // MARK: What is kept

    private func mark(_ id: String) -> [UInt8] { place.part(.run, id + ".keeper") }
    private func spec(_ id: String) -> [UInt8] { KeeperMark.spec(of: mark(id)) }

    private func keeperProcess(_ id: String) throws(Trouble) -> Int32? {
        try KeeperMark.read(mark(id)).process
    }

    private func members() throws(Trouble) -> [String] {
        do throws(SystemError) {
            return try Descriptor.directory(place.part(.run)).names()
                .map { String(decoding: $0, as: UTF8.self) }
                .filter { $0.hasSuffix(".keeper") }.map { String($0.dropLast(7)) }.sorted()
        } catch {
            if error.kind == .missing { return [] }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
    }

    private static func waits(
        _ milliseconds: Int, until isSo: () throws(Trouble) -> Bool
    ) async throws(Trouble) -> Bool {
        for _ in 0..<max(milliseconds / 20, 1) {
            if try isSo() { return true }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return false }
        }
        return try isSo()
    }
}

extension Trouble {
    fileprivate static func noProcess(_ id: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("The blueprint does not say how \"\(id)\" is started without containers.", de: "Der Bauplan sagt nicht, wie „\(id)“ ohne Container gestartet wird."),
            advice: Words("Add \"process\", or choose another platform.", de: "„process“ ergänzen oder eine andere Plattform wählen."))
    }

    fileprivate static func notKept(_ id: String, _ log: String) -> Trouble {
        Trouble(
            .system,
            Words("\"\(id)\" could not be started.", de: "„\(id)“ ließ sich nicht starten."),
            advice: Words("See \(log).", de: "Siehe \(log)."))
    }

    fileprivate static func staysAlive(_ id: String, _ process: Int32) -> Trouble {
        Trouble(
            .busy,
            Words("\"\(id)\" does not end: process \(process).", de: "„\(id)“ endet nicht: Prozess \(process)."))
    }
}
