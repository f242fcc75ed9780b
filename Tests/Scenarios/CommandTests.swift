// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// The program as a person uses it.
struct Computer {
    let town: Town
    /// The state directory: what this machine keeps.
    let state: URL
    /// Beside what leads to the vault.
    private let more: [String: String]
    /// As which its commands know it, where that is another than this machine's.
    private let host: String?

    init(
        _ town: Town, named name: String = "machine", on host: String? = nil, with more: [String: String] = [:]
    ) throws {
        (self.town, self.more, self.host) = (town, more, Host.isPossible ? host : nil)
        state = town.home.appending(path: name)
        try Data((Town.passphrase + "\n").utf8).write(to: town.home.appending(path: "passphrase"))
    }

    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "zwilling").path

    /// A copy of it lies in every vault.
    static let programMegabytes =
        ((try? FileManager.default.attributesOfItem(atPath: program)[.size] as? Int ?? 0) ?? 0) >> 20

    var environment: [String: String] {
        ["ZWILLING_HOME": state.path, "ZWILLING_VAULT": town.vault.path].merging(more) { $1 }
    }

    func callAsFunction(
        _ arguments: String..., language: String = "C"
    ) throws -> Town.Outcome {
        try run(arguments, language: language)
    }

    func run(_ arguments: [String], language: String = "C") throws -> Town.Outcome {
        let line = host.map { Host(town, named: $0).command(arguments) } ?? [Self.program] + arguments
        return try town.run(
            line[0], Array(line.dropFirst()), environment: environment.merging(["LANG": language]) { $1 })
    }

    /// Commands that read content.
    func reading(_ arguments: String...) throws -> Town.Outcome {
        try reading(arguments)
    }

    func reading(_ arguments: [String]) throws -> Town.Outcome {
        try run(arguments + ["--passphrase-file", "passphrase"])
    }

    func create() throws {
        let outcome = try town.run(
            Self.program,
            ["vault", "create", town.vault.path, "--passphrase-file", "passphrase"],
            environment: environment)
        try #require(outcome.code == 0, "\(outcome.errors)")
    }
}

@Suite("The command line")
struct CommandTests {
    let town: Town
    let zwilling: Computer

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        try town.settle()
    }

    @Test("Create, protect, look, destroy, restore: every byte is back")
    func story() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        try town.write("note", "one more")
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let reference = town.home.appending(path: "reference")
        try town.run("cp", "-a", town.tree.path, reference.path)

        let snapshots = try zwilling("snapshots", "--json")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(snapshots.output.utf8)) as? [String: Any])
        #expect((object["snapshots"] as? [Any])?.count == 2)
        #expect(try zwilling.reading("ls", "latest:\(town.tree.path)").output.contains("note"))
        #expect(try zwilling.reading("find", "house-1*").output.contains("house-12"))
        #expect(try zwilling.reading("verify", "--read-data").code == 0)

        try FileManager.default.removeItem(at: town.tree)
        let restored = try zwilling.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(reference, town.restored(below: town.target)) == "")
    }

    @Test("With all local state deleted, vault and passphrase are enough for everything")
    func newMachine() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let other = try Computer(town, named: "new machine")
        let restored = try other.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        #expect(try other.reading("verify", "--read-data").code == 0)
        #expect(try other("protect", town.tree.path).code != 0)
        let added = try other.reading("keys", "add", "--name", "replacement")
        #expect(added.code == 0, "\(added.errors)")
        #expect(try other("protect", town.tree.path).code == 0)
        let retired = try other.reading(
            "keys", "retire", "replacement", "--confirm", "replacement")
        #expect(retired.code == 0, "\(retired.errors)")
        #expect(try other("protect", town.tree.path).code == 1)
        #expect(try zwilling("protect", town.tree.path).code == 0)
    }

    @Test("A planted canary text is nowhere in vault, state, output or errors")
    func canary() throws {
        let canary = "Kanarienvogel-8f14e45f-ceea"
        for index in 0..<50 { try town.write("secret/\(index)", "\(canary)\n") }
        try zwilling.create()
        let first = try zwilling("protect", town.tree.path)
        let second = try zwilling("protect", town.tree.path)
        let searched = try town.run(
            "grep", "-rlaF", canary, town.vault.path, zwilling.state.path)
        #expect(searched.output == "")
        for outcome in [first, second] {
            #expect(!(outcome.output + outcome.errors).contains(canary))
        }
        // Nor is the passphrase, which the vault was made with.
        let passphrase = try town.run(
            "grep", "-rlaF", Town.passphrase, town.vault.path, zwilling.state.path)
        #expect(passphrase.output == "")
    }

    @Test("Wrong use ends with 2 and says what to do, in English and German")
    func wrongUse() throws {
        try zwilling.create()
        #expect(try zwilling("protect").code == 2)
        #expect(try zwilling("protect", town.home.path + "/nowhere").code == 2)
        #expect(try zwilling("nonsense").code == 2)
        #expect(try zwilling("protect", town.tree.path, "--unknown").code == 2)
        #expect(try zwilling("--help").code == 0)
        // A script that forgot the command must not take that for done.
        let bare = try zwilling()
        #expect(bare.code == 2)
        #expect(bare.output == "" && bare.errors.contains("protect"))
        #expect(try zwilling("keys").code == 2)
        try Data("wrong wrong wrong".utf8).write(to: town.home.appending(path: "passphrase"))
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let wrong = try zwilling.reading("restore", "latest", "--to", town.target.path)
        #expect(wrong.code == 1)
        #expect(wrong.errors.contains("does not open"))
        #expect(!wrong.errors.contains("wrong wrong"))
        let german = try zwilling("protect", town.home.path + "/nowhere", language: "de_DE.UTF-8")
        #expect(german.errors.contains("sichern"))
    }

    @Test("Plain text is never restored into the vault itself")
    func intoTheVault() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let inside = town.vault.appending(path: "x/y").path
        #expect(try zwilling.reading("restore", "latest", "--to", inside).code == 2)
        #expect(!FileManager.default.fileExists(atPath: inside))
        let sheet = town.vault.appending(path: "sheet.html").path
        #expect(try zwilling("vault", "sheet", "--sheet", sheet).code == 2)
        #expect(!FileManager.default.fileExists(atPath: sheet))
    }

    @Test("Asking for a path that is not there makes no directory")
    func nothingToRestore() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        #expect(
            try zwilling.reading("restore", "latest:/nowhere", "--to", town.target.path).code == 2)
        #expect(!FileManager.default.fileExists(atPath: town.target.path))
        // Nor one on the way; what was there before stays.
        let deep = town.target.path + "/a/b/"
        #expect(try zwilling.reading("restore", "latest:/nowhere", "--to", deep).code == 2)
        #expect(!FileManager.default.fileExists(atPath: town.target.path))
        try FileManager.default.createDirectory(
            at: town.target, withIntermediateDirectories: true)
        #expect(try zwilling.reading("restore", "latest:/nowhere", "--to", deep).code == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: town.target.path) == [])
    }

    @Test("A restore counts the bytes that protecting counted, hard links included")
    func sameCounts() throws {
        try zwilling.create()
        func bytes(_ outcome: Town.Outcome) throws -> Int? {
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            let counts = (object as? [String: Any])?["counts"] as? [String: Any]
            return counts?["bytes"] as? Int
        }
        let protected = try bytes(zwilling("protect", town.tree.path, "--json"))
        let restored = try bytes(
            zwilling.reading("restore", "latest", "--to", town.target.path, "--json"))
        #expect(protected != nil && protected == restored)
    }

    @Test(
        "Protecting / takes patterns and cache tags as anywhere else",
        .enabled(if: getuid() == 0 && Mount.isPossible))
    func everything() throws {
        // A small machine of its own: the program, what it is linked to, and little else.
        let script = """
            set -e
            mkdir -p root/proc root/state root/data/skip root/data/keep root/other/data/skip
            touch root/data/skip/a root/data/keep/b root/other/data/skip/c
            cp "$1" root/zwilling
            for library in $(ldd "$1" | grep -o '/[^ ]*'); do
                mkdir -p "root$(dirname "$library")"
                cp "$library" "root$library"
            done
            cp passphrase root/passphrase
            mount --bind /proc root/proc
            run() { env ZWILLING_HOME=/state ZWILLING_VAULT=/vault chroot root /zwilling "$@"; }
            run vault create /vault --passphrase-file /passphrase --sheet /sheet.html
            run protect / --one-file-system --exclude /data/skip --exclude-caches
            run find '?' --passphrase-file /passphrase
            printf 'Signature: 8a477f597d28d172789f06886806bc55' > root/CACHEDIR.TAG
            run protect / --one-file-system --exclude-caches
            echo ---
            run ls -R latest --passphrase-file /passphrase
            """
        let outcome = try town.run("unshare", "-m", "bash", "-c", script, "-", Computer.program)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let parts = outcome.output.split(separator: "---")
        try #require(parts.count == 2)
        #expect(parts[0].contains("/data/keep/b") && parts[0].contains("/other/data/skip/c"))
        #expect(!parts[0].contains("/data/skip/a"))
        #expect(parts[1].contains("CACHEDIR.TAG") && !parts[1].contains("data"))
    }

    @Test("A directory that may be entered but not listed can be passed", .enabled(if: getuid() == 0))
    func passage() throws {
        try zwilling.create()
        try town.run("chown", "-R", "65534", town.home.path)
        try town.run("chown", "0", town.home.path)
        try town.run("chmod", "711", town.home.path)
        let outcome = try town.run(
            "setpriv",
            ["--reuid=65534", "--clear-groups", Computer.program, "protect", town.tree.path],
            environment: zwilling.environment)
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test("A second run of the same writer is told who is at it")
    func busy() throws {
        try zwilling.create()
        try town.write("large", Town.noise(64 << 20, seed: 21))
        let first = try town.start(
            Computer.program, ["protect", town.tree.path], environment: zwilling.environment)
        var second = try zwilling("protect", town.tree.path)
        // The first may not have its lock yet, or no longer.
        for _ in 0..<20 where second.code == 0 && first.process.isRunning {
            second = try zwilling("protect", town.tree.path)
        }
        first.process.waitUntilExit()
        #expect([0, 1].contains(second.code))
        if second.code == 1 { #expect(second.errors.contains("\(first.process.processIdentifier)")) }
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
    }

    @Test("Who has only just taken the lock is waited for until its name stands there")
    func named() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let path = try town.run("find", zwilling.state.path, "-name", "lock").output
            .trimmingCharacters(in: .newlines)
        // Held, but the file still tells a run that is long over.
        try Data("4194305\n".utf8).write(to: URL(fileURLWithPath: path))
        let script = "exec 9<>\"$1\"; flock 9; echo held; sleep 0.5; echo $$ >\"$1\"; exec sleep 60"
        let holder = try town.start("sh", ["-c", script, "sh", path])
        defer { holder.process.terminate() }
        try #require(!holder.output.fileHandleForReading.availableData.isEmpty)
        let second = try zwilling("protect", town.tree.path)
        #expect(second.code == 1)
        #expect(second.errors.contains("process \(holder.process.processIdentifier)."), "\(second.errors)")
    }

    @Test("What cannot be read is named, and the exit code is 3", .enabled(if: getuid() == 0))
    func unreadable() throws {
        try zwilling.create()
        try town.write("locked", "x")
        try town.run("chmod", "000", town.tree.appending(path: "locked").path)
        try town.run("chmod", "-R", "a+rX", town.home.path, zwilling.state.path)
        try town.run("chmod", "000", town.tree.appending(path: "locked").path)
        try town.run("chown", "-R", "nobody", town.home.path)
        let outcome = try town.run(
            "setpriv",
            ["--reuid=65534", "--clear-groups", Computer.program, "protect", town.tree.path],
            environment: zwilling.environment)
        #expect(outcome.code == 3)
        #expect(outcome.errors.contains("locked"))
        #expect(try zwilling.reading("restore", "latest", "--to", town.target.path).code == 0)
        let restored = town.restored(below: town.target)
        #expect(!FileManager.default.fileExists(atPath: restored.appending(path: "locked").path))
    }

    @Test("Soak: killed at any moment, every earlier snapshot restores by both readers")
    func killed() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let first = town.home.appending(path: "first")
        #expect(try zwilling.reading("restore", "latest", "--to", first.path).code == 0)
        let reference = town.restored(below: first)
        let id = try #require(
            try zwilling("snapshots").output.firstMatch(of: /\b[0-9a-f]{8}\b/)?.output)
        var dice = Dice(seed: UInt64.random(in: 0...UInt64.max))
        for round in 0..<Town.rounds {
            try town.write(
                "more/\(round % 4)", Town.noise(8 << 20, seed: UInt64.random(in: 0...9, using: &dice)))
            let running = try town.start(
                Computer.program, ["protect", town.tree.path], environment: zwilling.environment)
            usleep(UInt32.random(in: 0...150_000, using: &dice))
            kill(running.process.processIdentifier, SIGKILL)
            running.process.waitUntilExit()

            let again = town.home.appending(path: "again-\(round)")
            let restored = try zwilling.reading("restore", String(id), "--to", again.path)
            #expect(restored.code == 0, "round \(round): \(restored.errors)")
            #expect(try town.differences(reference, town.restored(below: again)) == "")
            let rescued = town.home.appending(path: "rescued-\(round)")
            let outcome = try town.rescue(to: rescued, "--snapshot", String(id))
            #expect(outcome.code == 0, "round \(round): \(outcome.errors)")
            #expect(try town.differences(reference, town.restored(below: rescued)) == "")
            try FileManager.default.removeItem(at: again)
            try FileManager.default.removeItem(at: rescued)
        }
        #expect(try zwilling("protect", town.tree.path).code == 0)
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
    }

    @Test("A copy of the second reader, of the format and of the program lies in every vault")
    func companions() throws {
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        let rescued = town.home.appending(path: "rescued")
        let outcome = try town.run(
            "python3", town.vault.appending(path: "rescue.py").path, town.vault.path, "--to",
            rescued.path, "--passphrase-file", "passphrase")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try town.differences(town.tree, town.restored(below: rescued)) == "")
        #expect(
            FileManager.default.fileExists(atPath: town.vault.appending(path: "format.md").path))
        let programs = try FileManager.default.contentsOfDirectory(
            atPath: town.vault.appending(path: "program").path)
        let program = try #require(programs.first)
        let copy = town.home.appending(path: "copy")
        try FileManager.default.copyItem(
            at: town.vault.appending(path: "program/\(program)"), to: copy)
        try town.run("chmod", "755", copy.path)
        let fromVault = try town.run(
            copy.path, ["restore", "latest", "--to", town.target.path, "--passphrase-file", "passphrase"],
            environment: zwilling.environment)
        #expect(fromVault.code == 0, "\(fromVault.errors)")
    }

    @Test("A flipped byte in a companion is named by verify")
    func damagedCompanion() throws {
        try zwilling.create()
        let file = town.vault.appending(path: "rescue.py")
        try town.run("chmod", "u+w", file.path)
        var bytes = try Data(contentsOf: file)
        bytes[100] ^= 1
        try bytes.write(to: file)
        let outcome = try zwilling("verify")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("rescue.py") || outcome.output.contains("rescue.py"))
    }
}

@Suite("A full disk", .enabled(if: getuid() == 0 && Mount.isPossible))
struct FullDiskTests {
    @Test("A full vault says so, keeps every earlier snapshot, and goes on when there is room")
    func vault() throws {
        let town = try Town()
        let zwilling = try Computer(town)
        let disk = try Mount(at: town.home.appending(path: "disk"), megabytes: Computer.programMegabytes + 30)
        defer { disk.unmount() }
        try town.settle()
        var environment = zwilling.environment
        let vault = disk.place.appending(path: "vault").path
        environment["ZWILLING_VAULT"] = vault
        func run(_ arguments: String...) throws -> Town.Outcome {
            try town.run(Computer.program, arguments, environment: environment)
        }
        let passphrase = ["--passphrase-file", "passphrase"]
        try #require(
            try town.run(
                Computer.program, ["vault", "create", vault] + passphrase, environment: environment
            ).code == 0)
        #expect(try run("protect", town.tree.path).code == 0)
        let reference = town.home.appending(path: "reference")
        try town.run("cp", "-a", town.tree.path, reference.path)

        try town.write("huge", Town.noise(100 << 20, seed: 31))
        let full = try run("protect", town.tree.path)
        #expect(full.code == 1)
        #expect(full.errors.contains("space"))
        let restored = try run(
            "restore", "latest", "--to", town.target.path, "--passphrase-file", "passphrase")
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(reference, town.restored(below: town.target)) == "")
        #expect(try run("verify", "--read-data", "--passphrase-file", "passphrase").code == 0)

        // A target that fills up says so too.
        let small = try Mount(at: town.home.appending(path: "small"), megabytes: 1)
        defer { small.unmount() }
        let target = try run(
            "restore", "latest", "--to", small.place.appending(path: "t").path,
            "--passphrase-file", "passphrase")
        #expect(target.code == 1)
        #expect(target.errors.contains("space"))
    }

    @Test("A vault that can only be read says so and can be read")
    func readOnly() throws {
        let town = try Town()
        let zwilling = try Computer(town)
        let disk = try Mount(at: town.vault, megabytes: Computer.programMegabytes + 30)
        defer { disk.unmount() }
        try town.settle()
        try zwilling.create()
        #expect(try zwilling("protect", town.tree.path).code == 0)
        try town.run("mount", "-o", "remount,ro", town.vault.path)
        let refused = try zwilling("protect", town.tree.path)
        #expect(refused.code == 1)
        #expect(refused.errors.contains("can only be read"))
        let restored = try zwilling.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("One file system stays one")
    func oneFileSystem() throws {
        let town = try Town()
        let zwilling = try Computer(town)
        try town.settle()
        try zwilling.create()
        let disk = try Mount(at: town.tree.appending(path: "mounted"), megabytes: 1)
        defer { disk.unmount() }
        try town.write("mounted/file", "x")
        #expect(try zwilling("protect", town.tree.path, "--one-file-system").code == 0)
        let listed = try zwilling.reading("ls", "-R", "latest:\(town.tree.path)").output
        #expect(listed.contains("mounted"))
        #expect(!listed.contains("mounted/file"))
    }
}

/// A small file system in memory.
struct Mount {
    let place: URL

    static let isPossible: Bool = {
        do {
            let town = try Town()
            let mount = try Mount(at: town.home.appending(path: "trial"), megabytes: 1)
            mount.unmount()
            return true
        } catch { return false }
    }()

    init(at place: URL, megabytes: Int) throws {
        self.place = place
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0700", "tmpfs", place.path,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    func unmount() {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["umount", "-l", place.path]
        do {
            try process.run()
            process.waitUntilExit()
        } catch {}
    }
}
