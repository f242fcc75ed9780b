// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite(
    "A twin in containers", .serialized,
    .enabled(if: Containers.canRun && getuid() == 0, "needs root, podman, skopeo and /bin/busybox (tools/setup.sh test)"))
struct ContainedTwinTests {
    let town: Town
    let original: Computer
    let containers: Containers
    let port = Int.random(in: 20_000...30_000)
    let place = "/tmp/zw-\(UUID().uuidString.prefix(8))"

    private static let image = "localhost/letters:1"
    private static let name = "Amt Kiste"

    init() throws {
        town = try Town()
        containers = try Containers(town)
        original = try Computer(town, with: containers.environment)
        try town.write("files/letter", "Sehr geehrte Damen und Herren")
        try Data("geheim".utf8).write(to: town.home.appending(path: "secret"))
        let blueprint = """
            institution: \(Self.name)
            services: [{id: post, name: Posteingang, rto: 1 min, applications: [letters]}]
            applications:
              - id: letters
                image: \(Self.image)
                ports: [\(port)]
                health: {http: /letter, within: 30 s}
                trials:
                  - {name: it knows its secret, command: "/bin/busybox grep -q geheim /run/secrets/password"}
                  - {name: a letter is there, http: /letter, contains: geehrte}
                data: [files, password]
                mounts: [{data: files, at: /srv/files}]
                secrets: [{data: password, as: file /run/secrets/password}]
                platforms: [boxes]
            data:
              - {id: files, kind: files, paths: ["\(town.tree.path)/files"], rpo: 10 min}
              - {id: password, kind: secret, file: "\(town.home.path)/secret", rpo: 1 d}
            platforms: [{id: boxes, kind: podman}]
            """
        try Data(blueprint.utf8).write(to: town.home.appending(path: "institution.yaml"))
        try original.create()
        let entry = "ENTRYPOINT [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"\(port)\", \"-h\", \"/srv/files\"]\n"
        try containers.build("letters", ["hello": "A"], Containers.shell + entry)
        let captured = try original("protect")
        try #require(captured.code == 0, "\(captured.errors)")
    }

    private func podman(_ arguments: String...) throws -> String {
        try town.run("podman", arguments, environment: original.environment).output
    }

    /// All that an activation makes. Networks are those of the machine, also of others.
    private func traces(_ id: String? = nil) throws -> [String] {
        let networks = try podman("network", "ls", "--format", "{{.Name}}").split(separator: "\n")
        return try [
            podman("ps", "--all", "--format", "{{.Names}}"), podman("secret", "ls", "--format", "{{.Name}}"),
            podman("volume", "ls", "--format", "{{.Name}}"),
        ] + networks.filter { $0.hasPrefix("zwilling-\(id ?? "no such id")") }.map { String($0) }
    }

    @Test("Image, files and secret come out of the vault, with the store empty and no registry")
    func story() throws {
        let before = try traces()
        try containers.forget()
        try FileManager.default.removeItem(at: town.tree)
        let outcome = try town.run(Computer.program, activation, environment: original.environment)
        defer { _ = try? original("stop", "--confirm", Self.name, "--delete-data") }
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(letter() == "Sehr geehrte Damen und Herren")
        let name = try podman("ps", "--format", "{{.Names}}").trimmingCharacters(in: .whitespacesAndNewlines)
        let running = try original("running")
        #expect(running.output.contains("letters") && running.output.contains("runs"))
        let shown = try podman("inspect", name)
        #expect(!shown.contains("geheim"))
        let stopped = try original("stop", "--confirm", Self.name, "--delete-data")
        #expect(stopped.code == 0, "\(stopped.errors)")
        let id = name.split(separator: "-").dropFirst().first.map { String($0) }
        #expect(try traces(id) == before)
        #expect(letter() == nil && !FileManager.default.fileExists(atPath: place))
    }

    private var activation: [String] {
        ["activate", "--emergency", "--confirm", Self.name, "--to", place, "--passphrase-file", "passphrase"]
    }

    @Test("Soak: killed at any moment, the same command goes on where it was")
    func killed() throws {
        let before = try traces()
        var dice = Dice(seed: UInt64.random(in: 0...UInt64.max))
        for round in 0..<max(Town.rounds / 4, 2) {
            try containers.forget()
            let running = try town.start(Computer.program, activation, environment: original.environment)
            usleep(UInt32.random(in: 100_000...4_000_000, using: &dice))
            kill(running.process.processIdentifier, SIGKILL)
            running.process.waitUntilExit()
            let again = try town.run(Computer.program, activation, environment: original.environment)
            let isThere = again.errors.contains("runs here already")
            #expect(again.code == 0 || isThere, "round \(round): \(again.errors)")
            #expect(try original("running", "--json").output.contains("\"protect\""))
            #expect(letter() == "Sehr geehrte Damen und Herren")
            let stopped = try original("stop", "--confirm", Self.name, "--delete-data")
            #expect(stopped.code == 0, "\(stopped.errors)")
            #expect(try traces() == before && !FileManager.default.fileExists(atPath: place))
        }
    }

    private func letter() -> String? {
        let python = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:\(port)/letter', timeout=5).read().decode(), end='')"
        return try? Cluster.run("/usr/bin/python3", ["-c", python], asServer: false)
    }

    @Test("A drill leaves Podman as it was", .enabled(if: Office.canIsolate))
    func drill() throws {
        let before = try traces()
        let outcome = try original.reading("drill", "--to", place, "--json")
        #expect(outcome.code == 0, "\(outcome.errors) \(outcome.output)")
        #expect(outcome.output.contains("it knows its secret"))
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(try traces(#require(report["id"] as? String)) == before)
        #expect(!FileManager.default.fileExists(atPath: place))
    }
}
