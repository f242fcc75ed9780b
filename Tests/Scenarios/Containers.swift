// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// A store of container images of its own, below a town's directory, and the real tools over it.
struct Containers {
    let town: Town
    private var folder: URL { town.home.appending(path: "containers") }

    /// For images in which a line of shell is to run.
    static let shell = "RUN [\"/bin/busybox\", \"ln\", \"-s\", \"busybox\", \"/bin/sh\"]\n"

    /// What they need to do anything at all; and what to start one.
    static let isPossible = works { try $0.build("trial", ["x": "x"]) }
    static let canRun = isPossible && works { containers in
        try containers.build("trial", ["x": "x"])
        try #require(try containers.run("localhost/trial:1", "true").code == 0)
    }

    private static func works(_ act: (Containers) throws -> Void) -> Bool {
        do {
            let containers = try Containers(try Town())
            let skopeo = try containers.town.run("skopeo", "--version")
            guard skopeo.code == 0 else { return false }
            try act(containers)
            return true
        } catch { return false }
    }

    init(_ town: Town) throws {
        self.town = town
        let settings = folder.appending(path: "home/.config/containers")
        try FileManager.default.createDirectory(at: settings, withIntermediateDirectories: true)
        let text = """
            [storage]
            driver = "vfs"
            graphroot = "\(folder.path)/store"
            runroot = "\(folder.path)/run"
            """
        try Data(text.utf8).write(to: folder.appending(path: "storage.conf"))
        let engine = """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            """
        try Data(engine.utf8).write(to: folder.appending(path: "containers.conf"))
    }

    /// For every program that is to find this store and no other.
    var environment: [String: String] {
        [
            "CONTAINERS_CONF": folder.appending(path: "containers.conf").path,
            "CONTAINERS_STORAGE_CONF": folder.appending(path: "storage.conf").path,
            "HOME": folder.appending(path: "home").path,
        ]
    }

    /// Takes a registry without TLS for what it is, as an administrator would.
    func trust(_ registry: String) throws {
        let text = "[[registry]]\nlocation = \"\(registry)\"\ninsecure = true\n"
        try Data(text.utf8).write(
            to: folder.appending(path: "home/.config/containers/registries.conf"))
    }

    @discardableResult
    func podman(_ arguments: String...) throws -> Town.Outcome {
        try town.run("podman", arguments, environment: environment)
    }

    func skopeo(_ arguments: String...) throws -> Town.Outcome { try skopeo(arguments) }

    func skopeo(_ arguments: [String]) throws -> Town.Outcome {
        try town.run("skopeo", arguments, environment: environment)
    }

    /// Where signatures of images in registries lie (containers-registries.d(5)).
    func keepSignatures() throws {
        let place = folder.appending(path: "home/.config/containers/registries.d")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let signatures = "file://\(folder.path)/signatures"
        let text = "default-docker:\n  sigstore: \(signatures)\n  sigstore-staging: \(signatures)\n"
        try Data(text.utf8).write(to: place.appending(path: "signatures.yaml"))
    }

    /// A key of GnuPG for `signer@example`; its public half is handed out.
    func makeSigner() throws -> URL {
        let keys = folder.appending(path: "home/.gnupg")
        try FileManager.default.createDirectory(
            at: keys, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let quiet = ["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        let made = try town.run(
            "gpg", quiet + ["--quick-generate-key", "signer@example", "rsa2048", "sign", "never"], environment: environment)
        try #require(made.code == 0, "\(made.errors)")
        let file = folder.appending(path: "signer.asc")
        let told = try town.run("gpg", ["--armor", "--output", file.path, "--export", "signer@example"], environment: environment)
        try #require(told.code == 0, "\(told.errors)")
        return file
    }

    /// Builds `localhost/NAME:1` from busybox and these files, in one layer each.
    ///
    /// - Parameter more: lines of a Containerfile.
    func build(_ name: String, _ files: [String: String], format: String = "oci", _ more: String = "") throws {
        let place = folder.appending(path: "build-\(name)")
        try? FileManager.default.removeItem(at: place)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        if try podman("image", "exists", "localhost/base:1").code != 0 {
            let base = folder.appending(path: "build-base")
            try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: URL(fileURLWithPath: "/bin/busybox"), to: base.appending(path: "busybox"))
            let text = "FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT [\"/bin/busybox\"]\n"
            try Data(text.utf8).write(to: base.appending(path: "Containerfile"))
            try done(podman("build", "--quiet", "--tag", "localhost/base:1", base.path))
        }
        var text = "FROM localhost/base:1\n"
        for (file, content) in files.sorted(by: { $0.key < $1.key }) {
            try Data(content.utf8).write(to: place.appending(path: file))
            text += "COPY \(file) /\(file)\n"
        }
        text += more
        try Data(text.utf8).write(to: place.appending(path: "Containerfile"))
        try done(
            podman("build", "--quiet", "--format", format, "--tag", "localhost/\(name):1", place.path))
    }

    private func done(_ outcome: Town.Outcome) throws {
        try #require(outcome.code == 0, "\(outcome.errors)")
    }

    func id(_ image: String) throws -> String {
        try podman("image", "inspect", "--format", "{{.Id}}", image).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What the image says when it is started with these arguments.
    func run(_ image: String, _ arguments: String...) throws -> Town.Outcome {
        let options = ["run", "--rm", "--pull", "never", "--network", "none", image]
        return try town.run("podman", options + arguments, environment: environment)
    }

    /// As when the machine is new.
    func forget() throws { try podman("rmi", "--all", "--force") }
}

/// Debian's docker-registry on a port of its own; it ends with its owner.
final class Registry {
    let address: String
    private let process: Process

    static let isPossible: Bool = {
        do { return try Town().run("docker-registry", "--version").code == 0 } catch { return false }
    }()

    init(_ town: Town) throws {
        let port = Int.random(in: 20_000..<30_000)
        address = "127.0.0.1:\(port)"
        let folder = town.home.appending(path: "registry")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let settings = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: "\(folder.path)/data"}}
            http: {addr: "\(address)"}
            """
        let file = folder.appending(path: "config.yml")
        try Data(settings.utf8).write(to: file)
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["docker-registry", "serve", file.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        var answers = false
        for _ in 0..<200 where !answers {
            answers = try town.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port)").code == 0
            if !answers { usleep(50_000) }
        }
        try #require(answers && process.isRunning)
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    deinit { if process.isRunning { stop() } }
}
