// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground

func trouble(_ body: () async throws -> Void) async -> Trouble? {
    do {
        try await body()
        return nil
    } catch { return error as? Trouble }
}

/// Another program that runs beside the test, on a thread of its own.
enum Helper {
    /// Everything that it says until it ends.
    static func output(_ arguments: [String], input: String = "") async throws -> String {
        let process = make(arguments)
        let (said, told) = (Pipe(), Pipe())
        (process.standardOutput, process.standardInput) = (said, told)
        try process.run()
        try told.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try told.fileHandleForWriting.close()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let bytes = said.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    /// What a script in Python says that can open connections to `port`.
    static func python(_ script: String, port: Int) async throws -> String {
        let start = """
            import socket
            def connect():
                s = socket.create_connection(("127.0.0.1", \(port)), 5)
                return s
            def rest(s):
                all = b""
                while True:
                    try: more = s.recv(65536)
                    except ConnectionResetError: return all + b"RESET"
                    if not more: return all
                    all += more
            def talk(words):
                with connect() as s:
                    s.sendall(words)
                    return rest(s).decode("latin-1")

            """
        return try await output(["python3", "-c", start + script])
    }

    /// Runs it until `body` ends, which learns the first line that it says.
    static func running<Result>(
        _ arguments: [String], _ body: (_ first: String) async throws -> Result
    ) async throws -> Result {
        let process = make(arguments)
        let said = Pipe()
        process.standardOutput = said
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { process.terminate() }
        let first = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let bytes = said.fileHandleForReading.availableData
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
        return try await body(first)
    }

    private static func make(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        return process
    }
}

/// Runs a server until `body` ends, which learns its port. The server has ended after that.
func serving<Result>(
    _ run: @escaping @Sendable (@escaping @Sendable (_ port: Int) -> Void) async throws -> Void,
    _ body: (_ port: Int) async throws -> Result
) async throws -> Result {
    let (ports, told) = AsyncStream.makeStream(of: Int.self)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { told.finish() }
            try await run { told.yield($0) }
        }
        for await port in ports {
            let result = try await body(port)
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
        try await group.waitForAll()
        throw CancellationError()
    }
}
