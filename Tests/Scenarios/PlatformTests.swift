// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Programs
import Revival
import Testing

/// A platform of one kind on this machine, with something that it can run.
struct Stage {
    /// Every kind there is. A new one gets a case here, and has then to pass the suite.
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case process
        case podman

        var testDescription: String { rawValue }

        /// Without what cannot be started here, so that none passes unseen.
        static var allCases: [Kind] { [.process] + (Containers.canRun && getuid() == 0 ? [.podman] : []) }
    }

    let town: Town
    let platform: any LivePlatform
    let place: ActivationPlace
    private let kind: Kind
    private let isolation: Isolation?
    /// What the programs leave, for all to see.
    let shared: URL
    /// What a drill must not change.
    let original: URL

    private static let image = "localhost/stage:1"

    init(_ kind: Kind, isolated: Bool = false) async throws {
        town = try Town()
        self.kind = kind
        let id = UUID().uuidString.prefix(8).lowercased()
        place = ActivationPlace(Array("/tmp/zw-\(id)".utf8))
        try place.make()
        shared = town.tree
        original = town.home.appending(path: "original")
        try FileManager.default.createDirectory(at: original, withIntermediateDirectories: true)
        isolation = isolated ? try await Isolation.make("zwilling-\(id)", place.isolation, sparing: [original.path]) : nil
        switch kind {
        case .process:
            platform = ProcessPlatform(at: place, keeper: Computer.program, isolation: isolation)
        case .podman:
            let containers = try Containers(town)
            try containers.build("stage", [:], Containers.shell)
            let words = containers.environment.map { "\($0.key)=\($0.value)" }
            platform = PodmanPlatform(id: id, isolation: isolation, by: ["env"] + words)
        }
    }

    /// A line of shell as a program; busybox is the whole image. The line waits for what it starts in
    /// the background, since the first process of a container gets no signal that it has not asked for.
    func launch(_ id: String, _ line: String, signal: String = "TERM") -> Launch {
        var launch = Launch(id: id)
        launch.image = Self.image
        let text = "trap 'echo \(signal) >> \"\(shared.path)/ended\"; exit 0' \(signal)\n" + line
        launch.arguments = (kind == .process ? ["/bin/busybox"] : []) + ["sh", "-c", text]
        launch.shares = [
            Launch.Share(outside: Array(shared.path.utf8), inside: shared.path, isGivenAway: false)
        ]
        return launch
    }

    func text(_ name: String) -> String {
        (try? String(contentsOf: shared.appending(path: name), encoding: .utf8)) ?? ""
    }

    func waits(_ isSo: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<600 {
            if try await isSo() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    func end() async throws {
        try await platform.clear()
        #expect(try await platform.traces() == [])
        isolation?.end()
        try await place.remove()
    }
}

@Suite("Every platform", .serialized, .enabled(if: FileManager.default.fileExists(atPath: "/bin/busybox")))
struct PlatformTests {
    private func on(
        _ kind: Stage.Kind, isolated: Bool = false, _ members: [String] = ["one"], _ body: (Stage) async throws -> Void
    ) async throws {
        let stage = try await Stage(kind, isolated: isolated)
        do {
            try await stage.platform.prepare(members)
            try await body(stage)
        } catch {
            try await stage.end()
            throw error
        }
        try await stage.end()
    }

    @Test("runs a program with its files, its environment, its secrets, and answers at its address", arguments: Stage.Kind.allCases)
    func serves(kind: Stage.Kind) async throws {
        try await on(kind) { stage in
            try stage.town.write("page", "it works")
            var launch = stage.launch(
                "one", "cd '\(stage.shared.path)'; echo \"$COLOUR $TOKEN\" > seen; busybox httpd -f -p 18080 & wait")
            launch.environment = ["COLOUR": "green"]
            launch.secretVariables = ["TOKEN": Array("geheim".utf8)]
            try await stage.platform.start(launch)
            let address = stage.platform.address(of: "one")
            #expect(try await stage.waits { try stage.town.run("busybox", "wget", "-qO-", "http://\(address):18080/page").output == "it works" })
            #expect(stage.text("seen") == "green geheim\n")
            #expect(try await stage.platform.standing() == ["one": .runs])
            #expect(try !stage.town.run("ps", "axww").output.contains("geheim"))
            #expect(try await !stage.platform.traces().isEmpty)
        }
    }

    @Test("starts again what has ended, and tells its last words", arguments: Stage.Kind.allCases)
    func restarts(kind: Stage.Kind) async throws {
        try await on(kind) { stage in
            try await stage.platform.start(
                stage.launch("one", "echo begun >> '\(stage.shared.path)/begun'; echo no licence >&2; sleep 0.2; exit 1"))
            #expect(try await stage.waits { stage.text("begun").split(separator: "\n").count >= 3 })
            #expect(await stage.platform.log(of: "one").contains("no licence"))
        }
    }

    @Test("ends a program in order, by the signal that it asks for", arguments: Stage.Kind.allCases)
    func stops(kind: Stage.Kind) async throws {
        try await on(kind, ["one", "two"]) { stage in
            let line = "echo up >> '\(stage.shared.path)/up'; sleep 600 & wait"
            try await stage.platform.start(stage.launch("one", line))
            var other = stage.launch("two", line, signal: "INT")
            other.stop = .interrupt
            try await stage.platform.start(other)
            #expect(try await stage.waits { stage.text("up") == "up\nup\n" })
            try await stage.platform.stop("one")
            #expect(stage.text("ended") == "TERM\n")
            #expect(try await stage.platform.standing() == ["one": .stopped, "two": .runs])
            try await stage.platform.stop("two")
            #expect(stage.text("ended") == "TERM\nINT\n")
        }
    }

    @Test("replaces a program of the same name, also one of an earlier run", arguments: Stage.Kind.allCases)
    func replaces(kind: Stage.Kind) async throws {
        try await on(kind) { stage in
            let line = "echo here >> '\(stage.shared.path)/"
            try await stage.platform.start(stage.launch("one", line + "old'; sleep 600 & wait"))
            #expect(try await stage.waits { stage.text("old") == "here\n" })
            try await stage.platform.start(stage.launch("one", line + "new'; sleep 600 & wait"))
            #expect(try await stage.waits { stage.text("new") == "here\n" })
            // As after a run that was killed.
            try await stage.platform.prepare(["one"])
            try await stage.platform.start(stage.launch("one", line + "newer'; sleep 600 & wait"))
            #expect(try await stage.waits { stage.text("newer") == "here\n" })
            #expect(stage.text("old") == "here\n" && stage.text("new") == "here\n")
            #expect(try await stage.platform.standing() == ["one": .runs])
        }
    }

    @Test("runs a command where a member runs, with its environment", arguments: Stage.Kind.allCases)
    func commands(kind: Stage.Kind) async throws {
        try await on(kind) { stage in
            var launch = stage.launch("one", "sleep 600 & wait")
            launch.environment = ["COLOUR": "green"]
            try await stage.platform.start(launch)
            let told = try await Program(stage.platform.command("echo \"$COLOUR\"", in: "one"), timeout: .seconds(30)).output(upTo: 100)
            #expect(String(decoding: told, as: UTF8.self) == "green\n")
            await #expect(throws: Trouble.self) {
                try await Program(stage.platform.command("exit 3", in: "one"), timeout: .seconds(30)).output(upTo: 100)
            }
        }
    }

    @Test("lets members find each other", arguments: Stage.Kind.allCases)
    func finds(kind: Stage.Kind) async throws {
        try await on(kind, ["one", "two"]) { stage in
            try stage.town.write("page", "it works")
            try await stage.platform.start(stage.launch("one", "cd '\(stage.shared.path)'; busybox httpd -f -p 18081 & wait"))
            let address = stage.platform.address(of: "one")
            try await stage.platform.start(
                stage.launch("two", "until busybox wget -qO '\(stage.shared.path)/got' http://\(address):18081/page; do sleep 0.1; done; sleep 600 & wait"))
            #expect(try await stage.waits { stage.text("got") == "it works" })
        }
    }

    @Test("in isolation reaches nobody outside, and is asked from within", .enabled(if: Office.canIsolate), arguments: Stage.Kind.allCases)
    func isolated(kind: Stage.Kind) async throws {
        let listener = try Cluster.listener()
        defer { close(listener.socket) }
        let outside = try #require(
            try Town().run("hostname", "-I").output.split { $0 == " " || $0 == "\n" }.first.map { String($0) } ?? "127.0.0.1")
        try await on(kind, isolated: true) { stage in
            try stage.town.write("page", "it works")
            try await stage.platform.start(
                stage.launch(
                    "one",
                    """
                    cd '\(stage.shared.path)'
                    for place in \(outside) 127.0.0.1 \(stage.platform.gateway)
                    do busybox nc -w 2 $place \(listener.port) </dev/null && echo $place >> reached; done
                    echo x > '\(stage.original.path)/spoilt'; ls /run > seen
                    echo tried > tried
                    busybox httpd -f -p 18082 & wait
                    """))
            #expect(try await stage.waits { stage.text("tried") == "tried\n" })
            #expect(stage.text("reached") == "" && listener.guests == 0)
            if getuid() == 0 {
                #expect(try FileManager.default.contentsOfDirectory(atPath: stage.original.path) == [])
                #expect(!stage.text("seen").contains("postgresql") && !stage.text("seen").contains("lock"))
            }
            let address = stage.platform.address(of: "one")
            let ask = stage.platform.outside + ["busybox", "wget", "-qO-", "http://\(address):18082/page"]
            #expect(try await stage.waits { try stage.town.run(ask[0], Array(ask.dropFirst())).output == "it works" })
        }
    }
}
