// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Revival
import Sites
import Vault

/// A place of its own for one test: a tree to protect, a vault, somewhere to restore to. All of it
/// goes when the test ends.
final class Town: Sendable {
    let home: URL
    var tree: URL { home.appending(path: "tree") }
    var vault: URL { home.appending(path: "vault") }
    var target: URL { home.appending(path: "target") }

    static let passphrase = "correct horse battery staple"

    /// How often the loops of these tests run: few in `make test`, many in `make soak`.
    static var rounds: Int {
        ProcessInfo.processInfo.environment["ZWILLING_SOAK"].flatMap { Int($0) } ?? 10
    }

    init() throws {
        // Short: Podman starts nothing again where its directories have long names.
        home = FileManager.default.temporaryDirectory
            .appending(path: "zt-\(UUID().uuidString.prefix(13).lowercased())").resolvingSymlinksInPath()
        try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: true)
    }

    deinit {
        // Some tests leave directories that let nobody in.
        _ = try? run("chmod", "-R", "u+rwx", home.path)
        try? FileManager.default.removeItem(at: home)
    }

    // MARK: The original

    func write(_ name: String, _ bytes: some DataProtocol) throws {
        let file = tree.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

    /// Bytes that do not compress, the same for the same seed.
    static func noise(_ count: Int, seed: UInt64) -> Data {
        var dice = Dice(seed: seed)
        var bytes = [UInt8]()
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            var word = dice.next()
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return Data(bytes.prefix(count))
    }

    /// A small tree with a bit of everything.
    func settle(files: Int = 40) throws {
        for index in 0..<files {
            try write("streets/\(index % 7)/house-\(index)", "resident \(index)\n")
        }
        try write("registers/large", Self.noise(3 << 20, seed: 7))
        try write("registers/empty", "")
        try FileManager.default.createSymbolicLink(
            atPath: tree.appending(path: "latest").path, withDestinationPath: "registers/large")
        try FileManager.default.linkItem(
            at: tree.appending(path: "registers/large"), to: tree.appending(path: "streets/large"))
    }

    // MARK: Tools

    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    @discardableResult
    func run(
        _ program: String, _ arguments: String..., environment: [String: String] = [:]
    ) throws -> Outcome {
        try run(program, arguments, environment: environment)
    }

    func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = try start(program, arguments, environment: environment)
        let errors = Reader(process.errors)
        let output = process.output.fileHandleForReading.readDataToEndOfFile()
        process.process.waitUntilExit()
        return Outcome(
            code: process.process.terminationReason == .exit
                ? process.process.terminationStatus : -process.process.terminationStatus,
            output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors.value, as: UTF8.self))
    }

    struct Running {
        let process: Process
        let output: Pipe
        let errors: Pipe
    }

    func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program.hasPrefix("/") ? program : "/usr/bin/env")
        process.arguments = program.hasPrefix("/") ? arguments : [program] + arguments
        process.currentDirectoryURL = home
        process.standardInput = FileHandle.nullDevice
        var all = ProcessInfo.processInfo.environment
        for name in ["LANG", "LC_ALL", "LC_MESSAGES", "ZWILLING_VAULT"] { all[name] = nil }
        all.merge(environment) { $1 }
        process.environment = all
        let running = Running(process: process, output: Pipe(), errors: Pipe())
        process.standardOutput = running.output
        process.standardError = running.errors
        try process.run()
        return running
    }

    /// Drains a pipe while another is read, so that neither fills up.
    private final class Reader: @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)
        private var data = Data()

        init(_ pipe: Pipe) {
            DispatchQueue.global().async {
                self.data = pipe.fileHandleForReading.readDataToEndOfFile()
                self.done.signal()
            }
        }

        var value: Data {
            done.wait()
            defer { done.signal() }
            return data
        }
    }

    static let checkout = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func tool(_ name: String) -> String { checkout.appending(path: "tools/\(name)").path }

    /// What differs between two trees, told by a walker of another make; empty where nothing does.
    func differences(_ one: URL, _ other: URL) throws -> String {
        let outcome = try run("python3", Self.tool("compare_trees.py"), one.path, other.path)
        return outcome.code == 0 ? "" : outcome.output + outcome.errors
    }

    /// Where the tree stands below a target.
    func restored(below target: URL) -> URL { target.appending(path: tree.path) }

    func rescue(to target: URL, _ more: String...) throws -> Outcome {
        let file = home.appending(path: "passphrase")
        try Data((Self.passphrase + "\n").utf8).write(to: file)
        return try run(
            "python3",
            [Self.tool("rescue.py"), vault.path, "--to", target.path, "--passphrase-file", file.path]
                + more)
    }
}

/// Pseudo-random numbers that a seed repeats (SplitMix64, Steele et al. 2014).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
