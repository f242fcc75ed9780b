// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Testing

@Suite("The command line, where others are at work or little is allowed")
struct CommandEdgeTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
    }

    @Test("A pattern that could never match is refused with its place, before anything is done")
    func malformedPatterns() throws {
        try zwilling.create()
        let file = town.home.appending(path: "patterns")
        try Data("# left out\n\n*.tmp\nlogs[\n".utf8).write(to: file)
        let typed = try zwilling("protect", town.tree.path, "--exclude", "a", "--exclude", "./b")
        #expect(typed.code == 2 && typed.errors.contains("\"./b\" is no pattern: "))
        let listed = try zwilling("protect", town.tree.path, "--exclude-file", file.path)
        #expect(listed.code == 2 && listed.errors.contains("patterns:4: \"logs[\" is no pattern"))
        let blueprint = town.home.appending(path: "institution.yaml")
        let text = """
            institution: Musterstadt
            data:
              - {id: files, kind: files, paths: [\(town.tree.path)], exclude: "logs["}
            """
        try Data(text.utf8).write(to: blueprint)
        for command in ["protect", "check"] {
            let outcome = try zwilling(command)
            #expect(outcome.code == 2, "\(command)")
            #expect((outcome.output + outcome.errors).contains("institution.yaml:3:"))
        }
        #expect(!(try zwilling("snapshots").output.contains(town.tree.path)))
        #expect(try zwilling.reading("find", "[").code == 2)
        let restored = try zwilling.reading(
            "restore", "latest", "--to", town.target.path, "--include", "[")
        #expect(restored.code == 2)
    }

    @Test("A file under a file server's lease is read once the server lets go of it")
    func leased() throws {
        try zwilling.create()
        try town.write("leased", "kept by a client")
        let server = town.home.appending(path: "server.py")
        try Data(Self.leaseHolder.utf8).write(to: server)
        let running = try town.start(
            "python3", [server.path, town.tree.appending(path: "leased").path])
        #expect(running.output.fileHandleForReading.availableData.count > 0)
        let outcome = try zwilling("protect", town.tree.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0, "it was not asked to let go")
        #expect(try zwilling.reading("restore", "latest", "--to", town.target.path).code == 0)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    /// Holds a write lease, as Samba does for a client, until the kernel asks for it back.
    private static let leaseHolder = """
        import fcntl, os, signal, sys
        file = os.open(sys.argv[1], os.O_RDWR)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        print("held", flush=True)
        if signal.sigtimedwait({signal.SIGIO}, 60) is None:
            sys.exit(1)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        """

    @Test("Deep trees are read and restored where few open files are usual and more are allowed")
    func openFiles() throws {
        try zwilling.create()
        let deep = [String](repeating: "d", count: 100).joined(separator: "/")
        try town.write(deep + "/file", "deep down")
        func limited(_ arguments: String...) throws -> Town.Outcome {
            try town.run(
                "bash", ["-c", "ulimit -Sn 60; exec \"$@\"", "-", Computer.program] + arguments,
                environment: zwilling.environment)
        }
        let outcome = try limited("protect", town.tree.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let restored = try limited(
            "restore", "latest", "--to", town.target.path, "--passphrase-file", "passphrase")
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("What a machine has seen of a vault is never replaced by less, whoever writes it down")
    func newestHead() throws {
        try zwilling.create()
        let folder = try #require(
            FileManager.default.contentsOfDirectory(
                at: zwilling.state.appending(path: "vaults"), includingPropertiesForKeys: nil
            ).first)
        let file = folder.appending(path: "memory")
        let copy = town.home.appending(path: "copy")
        var seen: [Data] = []
        for round in 0..<3 {
            try town.write("note", "round \(round)")
            #expect(try zwilling("protect", town.tree.path).code == 0)
            seen.append(try Data(contentsOf: file))
            if round == 1 { try town.run("cp", "-a", town.vault.path, copy.path) }
        }
        #expect(Set(seen).count == 3)

        // One that has read the oldest memory waits for its turn, having a newer record to write
        // down. Meanwhile another writes down what is newer still.
        try seen[0].write(to: file)
        let held = try Descriptor.directory(Array(folder.path.utf8))
        try held.lock()
        var environment = zwilling.environment
        environment["ZWILLING_VAULT"] = copy.path
        let reading = try town.start(Computer.program, ["snapshots"], environment: environment)
        var isWaiting = false
        while !isWaiting, reading.process.isRunning {
            let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
            isWaiting = locks.split(separator: "\n").contains {
                $0.contains("-> FLOCK")
                    && $0.contains(" \(reading.process.processIdentifier) ")
            }
        }
        #expect(isWaiting)
        try seen[2].write(to: file)
        _ = consume held
        reading.process.waitUntilExit()
        #expect(try Data(contentsOf: file) == seen[2])
    }
}
