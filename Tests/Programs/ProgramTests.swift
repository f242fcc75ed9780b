// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Programs
import Testing

@Suite("A program")
struct ProgramTests {
    private func trouble(_ body: () async throws -> Void) async -> Trouble? {
        do {
            try await body()
            return nil
        } catch { return error as? Trouble }
    }

    @Test("What it says comes out byte for byte, however much")
    func output() async throws {
        let program = Program(shell: "head -c 3000000 /dev/zero; printf end", timeout: .seconds(60))
        let bytes = try await program.output(upTo: 4_000_000)
        #expect(bytes.count == 3_000_003 && bytes.suffix(3) == Array("end".utf8)[...])
    }

    @Test("A program that fails is told by its exit code and last words, without its arguments")
    func failing() async throws {
        let program = Program(
            ["sh", "-c", "echo half; echo before >&2; echo first >&2; echo second >&2; echo no such table >&2; exit 3", "hunter2"],
            timeout: .seconds(60))
        let trouble = try #require(await trouble { _ = try await program.output(upTo: 100) })
        #expect(trouble.message.english == "\"sh\" ended with exit code 3: first; second; no such table.")
        #expect(!"\(trouble)".contains("hunter2"))
        var quiet = program
        quiet.isQuoted = false
        let silent = try #require(await self.trouble { _ = try await quiet.output(upTo: 100) })
        #expect(!"\(silent)".contains("table"))
    }

    @Test("A pipe fails with any of its programs")
    func pipe() async throws {
        let program = Program(shell: "(echo half; exit 3) | cat", timeout: .seconds(60))
        let trouble = await trouble { _ = try await program.output(upTo: 100) }
        #expect(trouble?.message.english.contains("exit code 3") == true)
    }

    @Test("A signal is no success, and a program that is not there is named")
    func others() async throws {
        let killed = Program(shell: "kill -9 $$", timeout: .seconds(60))
        let trouble = await trouble { _ = try await killed.output(upTo: 100) }
        #expect(trouble?.message.english.contains("signal 9") == true)
        let absent = Program(["no-such-program-7f"], timeout: .seconds(60))
        let missing = await self.trouble { _ = try await absent.output(upTo: 100) }
        #expect(missing?.kind == .missing)
        #expect(missing?.message.english.contains("no-such-program-7f") == true)
    }

    @Test("One that does not end in time is stopped with all that it started")
    func timeout() async throws {
        let mark = "zwilling-\(UUID().uuidString)"
        let program = Program(
            shell: "sh -c 'sleep 300; : \(mark)' & wait", timeout: .milliseconds(300))
        let trouble = await trouble { _ = try await program.output(upTo: 100) }
        #expect(trouble?.message.english.contains("stopped") == true)
        // The signal is on its way to all of them; they go as soon as they run.
        for _ in 0..<500 where try running(mark) > 0 { usleep(10_000) }
        #expect(try running(mark) == 0)
    }

    private func running(_ mark: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").count { process in
            let line = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline"))
            return line.map { String(decoding: $0, as: UTF8.self).contains(mark) } ?? false
        }
    }

    @Test("What is written to it arrives, and more than a pipe holds on its errors does not block")
    func fed() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        let program = Program(
            shell: "head -c 300000 /dev/zero >&2; cat > '\(file.path)'", timeout: .seconds(60))
        try await program.fed { input async throws(Trouble) in
            for _ in 0..<100 { try await input.write([UInt8](repeating: 7, count: 10_000)[...]) }
        }
        #expect(try Data(contentsOf: file) == Data(repeating: 7, count: 1_000_000))
    }

    @Test("One that ends before it has taken everything fails, and does not end us")
    func deaf() async throws {
        let program = Program(shell: "exit 4", timeout: .seconds(60))
        let trouble = await trouble {
            try await program.fed { input async throws(Trouble) in
                for _ in 0..<100 {
                    try await input.write([UInt8](repeating: 7, count: 100_000)[...])
                }
            }
        }
        #expect(trouble != nil)
    }
}
