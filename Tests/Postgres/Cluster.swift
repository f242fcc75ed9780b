// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Synchronization

/// A real PostgreSQL server of the tests' own: its data in a fresh directory, reachable only
/// through a socket there, gone with its owner.
final class Cluster {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The newest installation that Debian has put here; nil where there is none.
    static let binaries: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap(Int.init).max().map { "\(root)/\($0)/bin" }
        return newest.flatMap {
            FileManager.default.isExecutableFile(atPath: "\($0)/postgres") ? $0 : nil
        }
    }()

    /// Whether tests with a server can run; in CI they must.
    static var isAvailable: Bool {
        binaries != nil || ProcessInfo.processInfo.environment["CI"] != nil
    }

    static let absence = "PostgreSQL is not installed: apt-get install postgresql"

    let folder: String
    let port: Int
    private var server: Process?

    var data: String { folder + "/data" }

    /// libpq's connection string for the superuser.
    var address: String { address(user: "postgres") }

    func address(user: String) -> String { "host=\(folder) port=\(port) user=\(user)" }

    /// A new cluster that does not run yet, with WAL segments of 1 MiB so that there are many.
    convenience init(_ settings: [String: String] = [:]) throws {
        try self.init(folder: Self.newFolder())
        try Self.run("/bin/cp", ["-a", try Self.template(), data], asServer: false)
        try configure(settings)
    }

    /// A place for a cluster whose data directory the caller brings.
    init(folder: String) throws {
        self.folder = folder
        port = Int.random(in: 20_000...60_000)
    }

    deinit {
        quit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func newFolder() throws -> String {
        let folder = "/tmp/zwpg-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        try own(folder)
        return folder
    }

    /// Appends to the configuration; what is said last counts.
    func configure(_ settings: [String: String]) throws {
        let usual = [
            "listen_addresses": "", "unix_socket_directories": folder, "port": "\(port)",
            "fsync": "off", "dynamic_shared_memory_type": "mmap", "shared_buffers": "16MB",
            "log_min_messages": "warning",
        ]
        let lines = usual.merging(settings) { $1 }.sorted { $0.key < $1.key }
            .map { "\($0.key) = '\($0.value)'\n" }
        try Self.append(lines.joined(), to: data + "/postgresql.conf")
    }

    static func append(_ text: String, to path: String) throws {
        let old = FileManager.default.contents(atPath: path) ?? Data()
        try (old + Data(text.utf8)).write(to: URL(fileURLWithPath: path))
        try own(path)
    }

    // MARK: Running

    /// Returns when the server takes connections.
    func start() throws {
        let log = folder + "/log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let server = Self.process("postgres", ["-D", data])
        server.standardError = FileHandle(forWritingAtPath: log).map { handle in
            handle.seekToEndOfFile()
            return handle
        }
        server.standardOutput = FileHandle.nullDevice
        try server.run()
        self.server = server
        Self.wait { self.isReady || !server.isRunning }
        guard isReady else { throw Failure(description: "the server does not start: \(self.log)") }
    }

    /// What the server says of itself in its own file, which it writes before it is ready.
    private var isReady: Bool {
        guard let server, server.isRunning else { return false }
        let pid = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)
        let lines = pid?.split(separator: "\n") ?? []
        return lines.first == "\(server.processIdentifier)"
            && lines.last?.hasPrefix("ready") == true
    }

    /// Half a minute at most.
    static func wait(until isSo: () throws -> Bool) rethrows {
        for _ in 0..<3000 {
            if try isSo() { return }
            usleep(10_000)
        }
    }

    var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

    /// In order: every commit is in its files.
    func stop() { end(SIGINT) }

    /// As if it crashed, but without anything left behind in the kernel.
    func quit() { end(SIGQUIT) }

    /// As if it lost power, except that what it wrote stays.
    func kill() { end(SIGKILL) }

    /// Tells the server something and does not wait for it.
    func signal(_ signal: Int32) {
        if let server { Foundation.kill(server.processIdentifier, signal) }
    }

    private func end(_ signal: Int32) {
        guard let server else { return }
        self.signal(signal)
        Self.wait { !server.isRunning }
        if server.isRunning { self.signal(SIGKILL) }
        server.waitUntilExit()
        self.server = nil
    }

    // MARK: Programs

    /// The unaligned output of psql without a header, one row a line.
    @discardableResult
    func psql(_ sql: String, database: String = "postgres") throws -> String {
        try tool("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, database])
    }

    /// One of PostgreSQL's programs, told where this server is.
    @discardableResult
    func tool(_ name: String, _ arguments: [String]) throws -> String {
        try Self.run(name, arguments, environment: environment)
    }

    var environment: [String: String] {
        ["PGHOST": folder, "PGPORT": "\(port)", "PGUSER": "postgres", "TZ": "UTC"]
    }

    @discardableResult
    static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        asServer: Bool = true
    ) throws -> String {
        let process = process(name, arguments, asServer: asServer)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(name) \(arguments): \(text)")
        }
        return text
    }

    /// The server and its programs refuse root, so root lends them the rights of `postgres`.
    static func process(
        _ name: String, _ arguments: [String], asServer: Bool = true
    ) -> Process {
        let path = name.hasPrefix("/") ? name : "\(binaries ?? "")/\(name)"
        let process = Process()
        let lend = asServer && getuid() == 0
        process.executableURL = URL(fileURLWithPath: lend ? "/usr/bin/setpriv" : path)
        let lent = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", path]
        process.arguments = (lend ? lent : []) + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
        return process
    }

    /// Gives a tree to the user as whom the server runs.
    static func own(_ path: String) throws {
        if getuid() == 0 {
            try run("/bin/chown", ["-R", "postgres:postgres", path], asServer: false)
        }
    }

    // MARK: The template

    private static let made = Mutex<String?>(nil)

    /// initdb takes a second; a copy of what it made does not.
    private static func template() throws -> String {
        try made.withLock { made in
            if let made { return made }
            guard binaries != nil else { throw Failure(description: absence) }
            let folder = try newFolder()
            try run(
                "initdb",
                [
                    "-D", folder + "/data", "-U", "postgres", "-A", "trust", "--no-sync", "-k",
                    "--locale=C", "-E", "UTF8", "--wal-segsize=1",
                ])
            made = folder + "/data"
            atexit { Cluster.removeTemplate() }
            return folder + "/data"
        }
    }

    private static func removeTemplate() {
        let folder = made.withLock { $0.map { String($0.dropLast("/data".count)) } }
        if let folder { try? FileManager.default.removeItem(atPath: folder) }
    }
}

extension Cluster {
    /// Takes connections on loopback, and counts who came.
    struct Listener {
        let socket: Int32
        let port: Int

        var guests: Int {
            var count = 0
            while accept(socket, nil, nil) >= 0 { count += 1 }
            return count
        }
    }

    static func listener() throws -> Listener {
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isThere = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listening, address, length) == 0 && listen(listening, 16) == 0
                    && getsockname(listening, address, &length) == 0
            }
        }
        guard isThere else { throw Failure(description: "no listener") }
        return Listener(socket: listening, port: Int(UInt16(bigEndian: address.sin_port)))
    }
}
