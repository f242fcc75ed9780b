// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Revival
import Testing

@Suite(
    "Container images",
    .enabled(
        if: Containers.isPossible, "needs podman, skopeo and /bin/busybox (tools/setup.sh test)"))
struct ImageTests {
    let town: Town
    let zwilling: Computer
    let containers: Containers

    init() throws {
        town = try Town()
        containers = try Containers(town)
        zwilling = try Computer(town, with: containers.environment)
        try town.settle(files: 3)
        try zwilling.create()
    }

    /// A blueprint with an application for each image.
    private func describe(_ images: [String], _ more: String = "") throws {
        var text = "institution: Musterstadt\n\(more)\napplications:\n"
        for (number, image) in images.enumerated() {
            text += "  - {id: app\(number), image: \"\(image)\", stateless: true}\n"
        }
        text += "data: [{id: akten, kind: files, paths: [\"\(town.tree.path)\"], rpo: 1 d}]\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
            "\(outcome.errors)")
    }

    /// How many snapshots of images there are.
    private func count() throws -> Int {
        let all = try #require(
            try json(zwilling("snapshots", "--json"))["snapshots"] as? [[String: Any]])
        return all.count { $0["dataSet"] as? String == "images" }
    }

    private func restored(to name: String = "layout") throws -> URL {
        let target = town.home.appending(path: name)
        let outcome = try zwilling.reading("restore", "--data", "images", "--to", target.path)
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("zwilling restore --data images --load"))
        return target
    }

    private func blobs(_ layout: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: layout.appending(path: "blobs/sha256").path)
    }

    private static let pair = ["localhost/app-a:1", "localhost/app-b:1"]

    @Test("Captured once while they stay the same, layers that they share once, and not without need")
    func story() throws {
        try containers.build("app-a", ["hello": "A"])
        try containers.build("app-b", ["hello": "B"], format: "docker")
        try describe(Self.pair)
        let before = try zwilling("status")
        #expect(before.output.contains("No container image"))
        let first = try zwilling("protect")
        #expect(first.code == 0, "\(first.errors)")
        #expect(try count() == 1)
        #expect(try zwilling("protect").code == 0)
        #expect(try zwilling("protect", "--data", "images").code == 0)
        #expect(try count() == 1)
        #expect(try zwilling("status").output.contains("Container images: as they were"))
        #expect(try zwilling("status").code == 0)
        let moments = try zwilling("moments", "--json").output
        #expect(moments.contains("akten") && !moments.contains("images"))

        // Two manifests, two configurations, one layer of each and the one that they share.
        let layout = try restored()
        #expect(try blobs(layout).count == 7)
        let read = try ImageLayout(at: Array(layout.path.utf8))
        #expect(read.images.map(\.reference) == Self.pair)
        #expect(try read.images.map(\.id.hex) == Self.pair.map { try containers.id($0) })
        #expect(read.images.map(\.isOCI) == [true, false])
        try read.verify()

        try containers.build("app-b", ["hello": "C"], format: "docker")
        #expect(try zwilling("protect").code == 0)
        #expect(try count() == 2)
        try describe([Self.pair[0]])
        #expect(try zwilling("protect").code == 0)
        #expect(try count() == 3)
        #expect(try blobs(restored(to: "smaller")).count == 4)
    }

    @Test("With the store lost they are there again under the same names and ids, whatever their format")
    func back() throws {
        try containers.build("app-a", ["hello": "A"])
        try containers.build("app-b", ["hello": "B"], format: "docker")
        try describe(Self.pair)
        #expect(try zwilling("protect").code == 0)
        let ids = try Self.pair.map { try containers.id($0) }
        let one = try restored()
        try containers.forget()
        let loaded = try zwilling.reading("restore", "--data", "images", "--load")
        #expect(loaded.code == 0 && loaded.output.contains("localhost/app-b:1: loaded"), "\(loaded.errors)")
        #expect(try Self.pair.map { try containers.id($0) } == ids)
        let again = try zwilling.reading("restore", "--data", "images", "--load")
        #expect(again.code == 0 && again.output.contains("localhost/app-b:1: was there"))
        // What was loaded is what was captured.
        #expect(try zwilling("protect").code == 0)
        #expect(try count() == 1)
        // By hand, as the report says.
        try containers.forget()
        let copied = try containers.skopeo(
            "copy", "oci:\(one.path):localhost/app-a:1", "containers-storage:localhost/app-a:1")
        #expect(copied.code == 0, "\(copied.errors)")
        #expect(try containers.id("localhost/app-a:1") == ids[0])
        let state = try FileManager.default.subpathsOfDirectory(atPath: zwilling.state.path)
        #expect(!state.contains { $0.contains("on-their-way/") || $0.contains("to-load") })
    }

    @Test(
        "They run", .enabled(if: Containers.canRun, "containers do not start here"))
    func running() throws {
        try containers.build("app-a", ["hello": "A"])
        try describe(["localhost/app-a:1"])
        #expect(try zwilling("protect").code == 0)
        try containers.forget()
        #expect(try containers.run("localhost/app-a:1", "cat", "/hello").code != 0)
        #expect(try zwilling.reading("restore", "--data", "images", "--load").code == 0)
        let said = try containers.run("localhost/app-a:1", "cat", "/hello")
        #expect(said.code == 0 && said.output == "A", "\(said.errors)")
    }

    @Test("One that does not exist is named, and keeps neither the others nor data from being captured")
    func missing() throws {
        try containers.build("app-a", ["hello": "A"])
        try describe(["localhost/app-a:1", "localhost/nowhere:3"])
        let outcome = try zwilling("protect", "--json")
        #expect(outcome.code == 1)
        let report = try json(outcome)
        #expect("\(report["failures"] ?? "")".contains("localhost/nowhere:3"))
        let names = try #require(report["snapshots"] as? [[String: Any]]).map { $0["dataSet"] as? String }
        #expect(Set(names) == ["blueprint", "images", "akten"])
        #expect(try zwilling("protect").code == 1)
        #expect(try count() == 1)
        #expect(try blobs(restored()).count == 4)
    }

    @Test("One that the twin has and this machine no longer keeps its place in the newest copy")
    func gone() throws {
        try containers.build("app-a", ["hello": "A"])
        try containers.build("app-b", ["hello": "B"])
        try describe(Self.pair)
        #expect(try zwilling("protect").code == 0)
        try containers.podman("rmi", "--force", "localhost/app-b:1")
        try containers.build("app-a", ["hello": "C"])
        let outcome = try zwilling("protect")
        #expect(outcome.code == 1 && outcome.errors.contains("localhost/app-b:1"), "\(outcome.errors)")
        #expect(try count() == 1)
        #expect(try blobs(restored()).count == 7)
    }

    @Test("A policy that lets nothing through is named, and is captured with the blueprint")
    func policy() throws {
        try containers.build("app-a", ["hello": "A"])
        let policy = town.home.appending(path: "trust.json")
        try describe(["localhost/app-a:1"], "image-policy: trust.json")
        let without = try zwilling("protect")
        #expect(without.code == 2 && without.errors.contains("trust.json"))
        try Data(#"{"default": [{"type": "reject"}]}"#.utf8).write(to: policy)
        let refused = try zwilling("protect")
        #expect(refused.code == 1 && refused.errors.contains("image-policy"), "\(refused.errors)")
        #expect(refused.errors.contains("localhost/app-a:1"))
        #expect(try count() == 0)
        #expect(try zwilling.reading("ls", "-R", "--data", "blueprint").output.contains("trust.json"))
        try Data(#"{"default": [{"type": "insecureAcceptAnything"}]}"#.utf8).write(to: policy)
        #expect(try zwilling("protect").code == 0)
        #expect(try count() == 1)
        // What was let through is judged anew when the policy is another.
        try Data(#"{"default": [{"type": "reject"}]}"#.utf8).write(to: policy)
        #expect(try zwilling("protect").code == 1)
        #expect(try count() == 1)
    }

    @Test("A flipped byte in what was brought back is found, and such an image is not loaded")
    func flipped() async throws {
        try containers.build("app-a", ["hello": "A"])
        try describe(["localhost/app-a:1"])
        #expect(try zwilling("protect").code == 0)
        let layout = try restored()
        for name in try blobs(layout) {
            let file = layout.appending(path: "blobs/sha256/\(name)")
            let whole = try Data(contentsOf: file)
            var bytes = whole
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: file)
            #expect(throws: (any Error).self, "\(name)") {
                try ImageLayout(at: Array(layout.path.utf8)).verify()
            }
            try whole.write(to: file)
        }
        try ImageLayout(at: Array(layout.path.utf8)).verify()
    }

    @Test("A service captures them when it starts")
    func service() throws {
        try containers.build("app-a", ["hello": "A"])
        try describe(["localhost/app-a:1"])
        let follower = try Follower(zwilling)
        try follower.start()
        try follower.wait(for: "images: captured")
        #expect(follower.stop() == 0)
        #expect(try count() == 1)
    }

    @Test("Where none is named, skopeo is not asked")
    func none() throws {
        try describe([])
        let text = try String(
            contentsOf: town.home.appending(path: "institution.yaml"), encoding: .utf8)
        try Data(text.replacingOccurrences(of: "applications:\n", with: "").utf8)
            .write(to: town.home.appending(path: "institution.yaml"))
        let outcome = try town.run(
            Computer.program, ["protect"],
            environment: zwilling.environment.merging(["PATH": "/nowhere"]) { $1 })
        #expect(outcome.code == 0, "\(outcome.errors)")
        try describe(["localhost/app-a:1"])
        let without = try town.run(
            Computer.program, ["protect"],
            environment: zwilling.environment.merging(["PATH": "/nowhere"]) { $1 })
        #expect(without.code == 1 && without.errors.contains("apt install skopeo"), "\(without.errors)")
    }
}

@Suite(
    "Container images from a registry",
    .enabled(
        if: Containers.isPossible && Registry.isPossible,
        "needs podman, skopeo, /bin/busybox and docker-registry (CI=1 tools/setup.sh test)"))
struct RegistryImageTests {
    let town: Town
    let zwilling: Computer
    let containers: Containers
    let registry: Registry

    init() throws {
        town = try Town()
        containers = try Containers(town)
        zwilling = try Computer(town, with: containers.environment)
        registry = try Registry(town)
        try containers.trust(registry.address)
        try town.settle(files: 3)
        try zwilling.create()
    }

    private func describe(_ image: String, _ more: String = "") throws {
        let text = """
            institution: X
            \(more)
            applications: [{id: a, image: "\(image)", stateless: true}]
            data: [{id: akten, kind: files, paths: ["\(town.tree.path)"]}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    @Test(
        "A signature that the policy asks for is checked; an image without it is not taken",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gpg"), "needs gpg"))
    func signatures() throws {
        let (signed, unsigned) = ("\(registry.address)/app:1", "\(registry.address)/app:2")
        try containers.build("app", ["hello": "A"])
        try containers.keepSignatures()
        let key = try containers.makeSigner()
        for (target, options) in [(signed, ["--sign-by", "signer@example"]), (unsigned, [])] {
            let pushed = try containers.skopeo(
                ["--insecure-policy", "copy"] + options + ["containers-storage:localhost/app:1", "docker://\(target)"])
            try #require(pushed.code == 0, "\(pushed.errors)")
        }
        try containers.forget()
        let policy = """
            {"default": [{"type": "reject"}], "transports": {"docker": {"\(registry.address)":
            [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "\(key.path)"}]}}}
            """
        try Data(policy.utf8).write(to: town.home.appending(path: "trust.json"))
        try describe(signed, "image-policy: trust.json")
        let taken = try zwilling("protect")
        #expect(taken.code == 0, "\(taken.errors)")
        #expect(try layout("signed").images.map(\.reference) == [signed])
        try describe(unsigned, "image-policy: trust.json")
        let refused = try zwilling("protect")
        #expect(refused.code == 1 && refused.errors.contains(unsigned) && refused.errors.contains("image-policy"), "\(refused.errors)")
    }

    private func digest(_ image: String) throws -> String {
        let outcome = try town.run(
            "sh", ["-c", "skopeo inspect --raw docker://\(image) | sha256sum"],
            environment: containers.environment)
        return "sha256:" + outcome.output.prefix(64)
    }

    private func layout(_ name: String) throws -> ImageLayout {
        let target = town.home.appending(path: name)
        let outcome = try zwilling.reading("restore", "--data", "images", "--to", target.path)
        try #require(outcome.code == 0, "\(outcome.errors)")
        let layout = try ImageLayout(at: Array(target.path.utf8))
        try layout.verify()
        return layout
    }

    @Test("Bit for bit by digest, also where this host has unpacked it; with the registry gone it is there")
    func exact() throws {
        try containers.build("app-b", ["hello": "B"], format: "docker")
        let image = "\(registry.address)/app-b:1"
        let pushed = try containers.podman("push", "--quiet", "localhost/app-b:1", "docker://\(image)")
        try #require(pushed.code == 0, "\(pushed.errors)")
        let (id, digest) = (try containers.id("localhost/app-b:1"), try digest(image))
        try containers.forget()
        try describe(image)
        let first = try zwilling("protect")
        #expect(first.code == 0, "\(first.errors)")
        #expect(try layout("one").images.map(\.digest.ociText) == [digest])

        // Pulled, so that the local store has it and no longer its bytes.
        try containers.podman("pull", "--quiet", image)
        try describe("\(registry.address)/app-b@\(digest)")
        let second = try zwilling("protect")
        #expect(second.code == 0 && second.errors == "", "\(second.errors)")
        #expect(try layout("two").images.map(\.digest.ociText) == [digest])

        registry.stop()
        #expect(try zwilling("protect").code == 0)
        try describe(image)
        let third = try zwilling("protect")
        #expect(third.code == 0 && third.errors.contains("the same content and id"), "\(third.errors)")
        let unpacked = try layout("three").images[0]
        #expect(unpacked.id.hex == id && unpacked.digest.ociText != digest)

        try containers.forget()
        #expect(try zwilling("protect").code == 1)
        let loaded = try zwilling.reading("restore", "--data", "images", "--load")
        #expect(loaded.code == 0, "\(loaded.errors)")
        #expect(try containers.id(image) == id)
    }

    @Test("A reference by the digest of a list for several machines comes back under that name")
    func list() throws {
        try containers.build("app-a", ["hello": "A"])
        let image = "\(registry.address)/many"
        try containers.podman("push", "--quiet", "localhost/app-a:1", "docker://\(image):amd")
        try containers.podman("manifest", "create", "many:1", "docker://\(image):amd")
        let pushed = try containers.podman(
            "manifest", "push", "--quiet", "many:1", "docker://\(image):1")
        try #require(pushed.code == 0, "\(pushed.errors)")
        let id = try containers.id("localhost/app-a:1")
        let digest = try digest("\(image):1")
        try containers.forget()
        try describe("\(image)@\(digest)")
        let done = try zwilling("protect")
        #expect(done.code == 0 && done.errors == "", "\(done.errors)")
        registry.stop()
        // What is named by its digest cannot have changed.
        #expect(try zwilling("protect").code == 0)
        let found = try layout("one").images[0]
        #expect(found.digest.ociText == digest && found.id.hex == id && found.manifest != found.digest)
        let loaded = try zwilling.reading("restore", "--data", "images", "--load")
        #expect(loaded.code == 0, "\(loaded.errors)")
        #expect(try containers.id("\(image)@\(digest)") == id)
    }
}
