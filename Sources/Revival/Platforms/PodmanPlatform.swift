// SPDX-License-Identifier: EUPL-1.2
import Files
import FoundationEssentials
import Ground
import Programs
import Synchronization

/// Containers of Podman on this machine, in a network of their own. Order and readiness are seen to
/// by whoever starts them; that one is started again when it ends, by Podman.
package final class PodmanPlatform: LivePlatform {
    private let id: String
    private let isolation: Isolation?
    private let way: [String]
    private let addresses = Mutex<Addresses>(Addresses())

    private struct Addresses {
        var members: [String: String] = [:]
        var gateway = ""
        /// Containers and secrets that are there, each under its name.
        var made: Set<String> = []
    }

    /// - Parameter way: what Podman is started by, such as `env` with another store than the usual one.
    package init(id: String, isolation: Isolation?, by way: [String] = []) {
        (self.id, self.isolation, self.way) = (id, isolation, way)
    }

    package let hasOwnFiles = true
    package var outside: [String] { isolation?.prefix(withFiles: false) ?? [] }
    package var gateway: String { addresses.withLock { $0.gateway } }

    private var tool: [String] { outside + way + ["podman"] }
    private var name: String { "zwilling-\(id)" }
    private func container(_ member: String) -> String { "\(name)-\(member)" }

    private static let patience = Duration.seconds(120)
    private static let answerBytesMax = 16 << 20
    /// Podman waits so long before it kills.
    private static let stopSeconds = 20

    /// Why there can be no containers here.
    package static func obstacle() async -> Trouble? {
        do throws(Trouble) {
            _ = try await Program(["podman", "info", "--format", "{{.Host.OCIRuntime.Name}}"], timeout: patience).output(upTo: answerBytesMax)
            return nil
        } catch {
            return Trouble(
                error.kind, error.message,
                advice: Words("Install podman, or choose a platform of kind process.", de: "podman installieren oder eine Plattform der Art process wählen."),
                cause: error)
        }
    }

    @discardableResult
    private func podman(_ arguments: [String]) async throws(Trouble) -> String {
        let said = try await Program(tool + arguments, timeout: Self.patience).output(upTo: Self.answerBytesMax)
        return String(decoding: said, as: UTF8.self)
    }

    // MARK: Network

    /// Addresses are given out beforehand, so that each is known before the first is started.
    package func prepare(_ members: [String]) async throws(Trouble) {
        let there = try await podman(["network", "ls", "--format", "{{.Name}}"]).split(separator: "\n")
        if !there.contains(where: { $0 == name }) {
            try await podman(["network", "create", "--disable-dns", "--label", "zwilling=\(id)", name])
        }
        let told = try await podman(["network", "inspect", "--format", "{{range .Subnets}}{{.Subnet}} {{.Gateway}}{{end}}", name])
        let words = told.split { $0 == " " || $0 == "\n" }
        let made = try await Set(containers().flatMap(\.Names)).union(secrets())
        // Such as 10.89.0.0/24 10.89.0.1.
        guard words.count >= 2, let prefix = words[1].lastIndex(of: ".").map({ words[1][..<$0] }) else {
            throw Trouble(.system, Words("Podman does not tell the network it has made.", de: "Podman nennt das angelegte Netz nicht."))
        }
        addresses.withLock { addresses in
            addresses.gateway = String(words[1])
            addresses.made = made
            for (index, member) in members.enumerated() { addresses.members[member] = "\(prefix).\(10 + index)" }
        }
    }

    package func address(of member: String) -> String {
        addresses.withLock { $0.members[member] ?? member }
    }

    // MARK: Containers

    package func start(_ launch: Launch) async throws(Trouble) {
        guard let image = launch.image else { throw .noImage(launch.id) }
        let container = container(launch.id)
        if isThere(container) { try await podman(["rm", "--force", "--ignore", "--volumes", container]) }
        var line = [
            "run", "--detach", "--name", container, "--label", "zwilling=\(id)", "--label", "member=\(launch.id)",
            "--network", name, "--ip", address(of: launch.id), "--hostname", launch.id, "--pull", "never",
            "--restart", "always", "--stop-signal", launch.stop.rawValue, "--stop-timeout", "\(Self.stopSeconds)",
        ]
        for (other, address) in addresses.withLock({ $0.members }).sorted(by: { $0.key < $1.key }) {
            line += ["--add-host", "\(other):\(address)"]
        }
        if let user = launch.user { line += ["--user", user] }
        // A drill's network leads nowhere, so there is nothing to publish to.
        if isolation == nil { for port in launch.ports { line += ["--publish", "\(port):\(port)"] } }
        for (name, value) in launch.environment.sorted(by: { $0.key < $1.key }) { line += ["--env", "\(name)=\(value)"] }
        for share in launch.shares {
            let outside = String(decoding: share.outside, as: UTF8.self)
            line += ["--volume", "\(outside):\(share.inside)" + (share.isGivenAway ? ":U" : "")]
        }
        var number = 0
        for (path, bytes) in launch.secretFiles.sorted(by: { $0.key < $1.key }) {
            number += 1
            let secret = try await keep(bytes, "\(container)-\(number)")
            line += ["--secret", "\(secret),target=\(path),mode=0444"]
        }
        for (name, bytes) in launch.secretVariables.sorted(by: { $0.key < $1.key }) {
            number += 1
            let secret = try await keep(bytes, "\(container)-\(number)")
            line += ["--secret", "\(secret),type=env,target=\(name)"]
        }
        try await podman(line + [image] + launch.arguments)
    }

    /// Before it is made: it is there from now on.
    private func isThere(_ name: String) -> Bool { addresses.withLock { !$0.made.insert(name).inserted } }

    /// By its standard input: it stands in no argument.
    private func keep(_ secret: [UInt8], _ name: String) async throws(Trouble) -> String {
        if isThere(name) { try await podman(["secret", "rm", name]) }
        try await Program(tool + ["secret", "create", name, "-"], timeout: Self.patience).fed { input async throws(Trouble) in
            try await input.write(secret[...])
        }
        return name
    }

    private func secrets() async throws(Trouble) -> [String] {
        try await podman(["secret", "ls", "--format", "{{.Name}}"]).split(separator: "\n").map { String($0) }
    }

    private struct Shown: Decodable {
        let Names: [String]
        let State: String
        let Labels: [String: String]?
    }

    private func containers() async throws(Trouble) -> [Shown] {
        let told = try await podman(["ps", "--all", "--filter", "label=zwilling=\(id)", "--format", "json"])
        do { return try JSONDecoder().decode([Shown].self, from: Data(told.utf8)) } catch {
            throw Trouble(.system, Words("Podman tells its containers in another way than this program knows.", de: "Podman nennt seine Container anders, als dieses Programm es kennt."), cause: error)
        }
    }

    package func standing() async throws(Trouble) -> [String: Standing] {
        var standing: [String: Standing] = [:]
        for one in try await containers() {
            guard let member = one.Labels?["member"] else { continue }
            switch one.State {
            case "running": standing[member] = .runs
            case "created", "initialized", "restarting", "stopping": standing[member] = .restarts
            default: standing[member] = .stopped
            }
        }
        return standing
    }

    package func command(_ line: String, in member: String) -> [String] {
        tool + ["exec", container(member), "/bin/sh", "-c", line]
    }

    package func log(of member: String) async -> String {
        do throws(Trouble) {
            let said = try await Program(
                ["/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"] + tool + ["logs", "--tail", "20", container(member)], timeout: Self.patience
            ).output(upTo: Self.answerBytesMax)
            return String(decoding: said, as: UTF8.self)
        } catch { return "" }
    }

    package func stop(_ member: String) async throws(Trouble) {
        try await podman(["stop", "--ignore", "--time", "\(Self.stopSeconds)", container(member)])
    }

    package func clear() async throws(Trouble) {
        for one in try await containers() {
            for name in one.Names { try await podman(["rm", "--force", "--ignore", "--volumes", "--time", "\(Self.stopSeconds)", name]) }
        }
        for secret in try await secrets() where secret.hasPrefix(name + "-") { try await podman(["secret", "rm", secret]) }
        if try await networks().contains(name) { try await podman(["network", "rm", "--force", name]) }
    }

    private func networks() async throws(Trouble) -> [String] {
        try await podman(["network", "ls", "--format", "{{.Name}}"]).split(separator: "\n").map { String($0) }
    }

    package func traces() async throws(Trouble) -> [String] {
        try await containers().flatMap(\.Names).map { "container \($0)" }
            + secrets().filter { $0.hasPrefix(name + "-") }.map { "secret \($0)" }
            + networks().filter { $0 == name }.map { "network \($0)" }
    }
}

extension Trouble {
    fileprivate static func noImage(_ id: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("The blueprint names no image for \"\(id)\".", de: "Der Bauplan nennt kein Abbild für „\(id)“."),
            advice: Words(
                "Add \"image\", for a cluster under \"server\", or choose another platform.",
                de: "„image“ ergänzen, für einen Cluster unter „server“, oder eine andere Plattform wählen."))
    }
}
