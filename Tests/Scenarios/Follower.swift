// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// `zwilling protect --continuous` in the background; it ends with its owner.
final class Follower {
    private let zwilling: Computer
    private let log: URL
    private var process: Process?

    init(_ zwilling: Computer) throws {
        self.zwilling = zwilling
        log = zwilling.town.home.appending(path: "continuous-\(zwilling.state.lastPathComponent)")
    }

    deinit { kill() }

    func start() throws {
        let shell = "exec \"$0\" protect --continuous >>\"$1\" 2>&1"
        process = try zwilling.town.start(
            "/bin/sh", ["-c", shell, Computer.program, log.path],
            environment: zwilling.environment).process
    }

    /// In order, as the service manager does it.
    @discardableResult
    func stop() -> Int32 {
        process?.terminate()
        return ended()
    }

    func kill() {
        if let process, process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        _ = ended()
    }

    private func ended() -> Int32 {
        guard let process else { return 0 }
        process.waitUntilExit()
        self.process = nil
        return process.terminationStatus
    }

    var isRunning: Bool { process?.isRunning ?? false }

    var said: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    func wait(for text: String, times: Int = 1) throws {
        Cluster.wait { said.components(separatedBy: text).count > times }
        try #require(said.components(separatedBy: text).count > times, "\(text) not in: \(said)")
    }

    /// Until everything that the server has written is durable in the vault.
    func waitUntilComplete(_ cluster: Cluster) throws {
        let end = try cluster.psql("SELECT pg_current_wal_flush_lsn()").dropLast()
        Cluster.wait {
            (try? cluster.psql(
                "SELECT bool_or(restart_lsn >= '\(end)') FROM pg_replication_slots")) == "t\n"
        }
    }
}

/// A client that commits row after row, and knows which the server has acknowledged.
final class Client {
    struct Row {
        let number: Int
        /// Before it was committed.
        let time: Double
    }

    private let process: Process
    private let output: URL

    /// - Parameter settings: put before everything, such as a SET.
    init(_ cluster: Cluster, in folder: URL, _ settings: String = "") throws {
        output = folder.appending(path: "client-\(UUID().uuidString)")
        let one = "INSERT INTO acked(who) VALUES (:'who') RETURNING n, extract(epoch FROM clock_timestamp());"
        process = Cluster.process(
            "/bin/sh",
            [
                "-c",
                "(echo \"\(settings)\"; yes \"\(one)\") | \(Cluster.binaries ?? "")/psql -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 -v who=\(UUID().uuidString.prefix(8)) postgres",
            ], asServer: false)
        process.environment = ProcessInfo.processInfo.environment.merging(cluster.environment) { $1 }
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    static func prepare(_ cluster: Cluster) throws {
        try cluster.psql("CREATE TABLE acked (n bigserial PRIMARY KEY, who text)")
    }

    /// What was acknowledged, once the server has gone.
    func rows() throws -> [Row] {
        process.waitUntilExit()
        let text = try String(contentsOf: output, encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 2, let number = Int(fields[0]), let time = Double(fields[1])
            else { return nil }
            return Row(number: number, time: time)
        }
    }
}
