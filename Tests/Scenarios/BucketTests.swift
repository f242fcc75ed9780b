// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("A vault in a bucket", .serialized, .enabled(if: Cloud.isPossible(.seaweed), "needs SeaweedFS (tools/setup.sh test)"))
struct BucketTests {
    let town: Town
    let cloud: Cloud
    let address: String
    let zwilling: Computer
    private let credentials: URL

    init() throws {
        town = try Town()
        cloud = try Cloud.good.get()
        address = "\(cloud.address)/\(UUID().uuidString.lowercased())"
        zwilling = try Computer(town, with: ["ZWILLING_VAULT": address, "HOME": town.home.path])
        credentials = town.home.appending(path: "credentials")
        try write(secret: Cloud.secret)
        try town.settle()
    }

    private func write(secret: String) throws {
        let text = "[default]\naws_access_key_id = \(Cloud.keyId)\naws_secret_access_key=\(secret)\nregion = x\n"
        try Data(text.utf8).write(to: credentials)
    }

    private func create() throws {
        let known = try zwilling("sites", "login", address, "--credentials-file", credentials.path)
        try #require(known.code == 0, "\(known.errors)")
        let made = try zwilling.reading("vault", "create", address, "--sheet", town.home.path + "/sheet.html")
        try #require(made.code == 0, "\(made.errors)")
    }

    @Test("Protected, looked at, verified and brought back, as from a directory; no secret is anywhere")
    func story() throws {
        try create()
        let captured = try zwilling("protect", town.tree.path)
        #expect(captured.code == 0, "\(captured.errors)")
        try town.write("streets/new", "a new resident")
        #expect(try zwilling("protect", town.tree.path).code == 0)
        #expect(try zwilling("snapshots").output.split(separator: "\n").count >= 3)
        let verified = try zwilling.reading("verify", "--read-data")
        #expect(verified.code == 0, "\(verified.errors)")
        // Another machine, with vault, credentials and passphrase.
        let other = try Computer(town, named: "other", with: ["ZWILLING_VAULT": address, "HOME": town.home.path])
        let refused = try other.reading("restore", "latest", "--to", town.target.path)
        #expect(refused.code == 1 && refused.errors.contains("zwilling sites login"), "\(refused.errors)")
        #expect(try other("sites", "login", address, "--credentials-file", credentials.path).code == 0)
        let restored = try other.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        let told = [captured, verified, refused, restored].map { $0.output + $0.errors }.joined()
        #expect(!told.contains(Cloud.secret))
        let kept = try town.run("find", zwilling.state.appending(path: "sites").path, "-type", "f", "-printf", "%m ").output
        #expect(kept == "600 ")
        #expect(try !String(contentsOf: town.home.appending(path: "sheet.html"), encoding: .utf8).contains(Cloud.secret))
    }

    @Test("With the least rights a machine protects; who steals them reads, replaces and deletes nothing")
    func leastRights() throws {
        let bucket = try cloud.lockedBucket(days: 3)
        let place = "s3+http://127.0.0.1:\(cloud.port)/\(bucket)/town"
        let machine = try Computer(town, named: "least", with: ["ZWILLING_VAULT": place, "HOME": town.home.path])
        #expect(try machine("sites", "login", place, "--credentials-file", credentials.path).code == 0)
        let made = try machine.reading("vault", "create", place, "--sheet", town.home.path + "/s.html")
        try #require(made.code == 0, "\(made.errors)")
        // Of another writer nothing may be read, not even that it is there.
        let colleague = try Computer(town, named: "colleague", with: ["ZWILLING_VAULT": place, "HOME": town.home.path])
        #expect(try colleague("sites", "login", place, "--credentials-file", credentials.path).code == 0)
        let second = try colleague.reading("keys", "add", "--name", "colleague")
        try #require(second.code == 0, "\(second.errors)")
        let rights = try machine("sites", "rights", place, "--role", "writer")
        try #require(rights.code == 0, "\(rights.errors)")
        // A policy of the bucket instead of the user says whom it is for.
        let policy = rights.output.replacing("\"Effect\":", with: "\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:user/stranger\"},\"Effect\":")
        try #require(try cloud.request("PUT", bucket, query: [("policy", "")], policy).status == 204)
        let keys = "[default]\naws_access_key_id = \(Cloud.strangerId)\naws_secret_access_key=\(Cloud.strangerSecret)\n"
        let stolen = town.home.appending(path: "stolen")
        try Data(keys.utf8).write(to: stolen)
        let login = try machine("sites", "login", place, "--credentials-file", stolen.path)
        #expect(login.code == 0, "\(login.errors)")

        let first = try machine("protect", town.tree.path)
        #expect(first.code == 0 && first.errors == "", "\(first.errors)")
        try town.write("streets/new", "a new resident")
        let again = try machine("protect", town.tree.path)
        #expect(again.code == 0 && again.errors == "", "\(again.errors)")
        let shown = try machine("snapshots")
        #expect(shown.output.contains(town.tree.path) && shown.errors.contains("AccessDenied"), "\(shown.errors)")
        let text = "institution: X\ndata: [{id: files, kind: files, paths: [\"\(town.tree.path)\"], rpo: 1 d}]\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let institution = try machine("protect")
        #expect(institution.code == 0, "\(institution.errors)")
        // All that is stored again where the cache is gone, since no pack may be read.
        try town.run("find", machine.state.path, "-name", "cache", "-delete")
        let anew = try machine("protect", town.tree.path)
        #expect(anew.code == 0, "\(anew.errors)")

        let whole = try cloud.request("GET", bucket, query: [("list-type", "2"), ("prefix", "town")])
        let all = whole.body.split(separator: "<Key>").dropFirst().map { String($0.prefix { $0 != "<" }) }
        #expect(all.count >= 8)
        for key in all {
            let thief = Cloud.stranger
            #expect(try cloud.request("DELETE", "\(bucket)/\(key)", as: thief).status == 403, "\(key)")
            let lock = "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>"
            #expect(try cloud.request("PUT", "\(bucket)/\(key)", query: [("retention", "")], lock, as: thief).status == 403, "\(key)")
            if !key.hasPrefix("town/keyring"), !key.contains("/records/") {
                #expect(try cloud.request("GET", "\(bucket)/\(key)", as: thief).status == 403, "\(key)")
            }
            let mayAdd = ["packs", "records", "bundles"].contains { key.hasPrefix("town/\($0)/") }
            #expect(try cloud.request("PUT", "\(bucket)/\(key)", "what a thief puts in front", as: thief).status == (mayAdd ? 200 : 403), "\(key)")
        }
        let restoring = try machine.reading("restore", "latest", "--to", town.target.path)
        #expect(restoring.code == 1, "\(restoring.errors)")
        // With the owner's credentials all of it is seen through.
        #expect(try machine("sites", "login", place, "--credentials-file", credentials.path).code == 0)
        let restored = try machine.reading("restore", "latest", "--to", town.target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        let renewed = try machine("sites", "renew", "--json")
        #expect(renewed.code == 0 && renewed.output.contains("\"days\":3") && renewed.output.contains("\"failures\":[]"), "\(renewed.errors)")
        let tested = try machine("sites", "test", place)
        #expect(tested.code == 0 && tested.output.contains("COMPLIANCE, for 3 days"), "\(tested.output)")

        // So do a reader, who changes nothing, and a keeper, who renews locks.
        for role in ["reader", "keeper"] {
            let rights = try machine("sites", "rights", place, "--role", role)
            let policy = rights.output.replacing("\"Effect\":", with: "\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:user/stranger\"},\"Effect\":")
            try #require(try cloud.request("PUT", bucket, query: [("policy", "")], policy).status == 204)
            #expect(try machine("sites", "login", place, "--credentials-file", stolen.path).code == 0)
            let target = town.home.appending(path: role)
            let restored = try machine.reading("restore", "latest", "--to", target.path)
            #expect(restored.code == 0, "\(role): \(restored.errors)")
            #expect(try town.differences(town.tree, town.restored(below: target)) == "")
            #expect(try cloud.request("PUT", "\(bucket)/town/packs/new", "x", as: Cloud.stranger).status == (role == "reader" ? 403 : 200))
            #expect(try cloud.request("DELETE", "\(bucket)/town/keyring/00000001", as: Cloud.stranger).status == 403)
        }
        let kept = try machine("sites", "renew", "--json")
        #expect(kept.code == 0 && kept.output.contains("\"failures\":[]"), "\(kept.errors)")
    }

    @Test("Credentials that other programs keep are used, and wrong ones are refused before anything is kept")
    func access() throws {
        try write(secret: "wrong")
        let refused = try zwilling("sites", "login", address, "--credentials-file", credentials.path)
        #expect(refused.code == 1 && refused.errors.contains("SignatureDoesNotMatch"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: zwilling.state.appending(path: "sites").path))
        try Data("nothing".utf8).write(to: credentials)
        #expect(try zwilling("sites", "login", address, "--credentials-file", credentials.path).code == 2)
        #expect(try zwilling("sites", "login", "/srv/vault", "--credentials-file", credentials.path).code == 2)
        try FileManager.default.createDirectory(at: town.home.appending(path: ".aws"), withIntermediateDirectories: true)
        try write(secret: Cloud.secret)
        try FileManager.default.copyItem(at: credentials, to: town.home.appending(path: ".aws/credentials"))
        let made = try zwilling.reading("vault", "create", address, "--sheet", town.home.path + "/sheet.html")
        #expect(made.code == 0, "\(made.errors)")
    }

    @Test("An institution is captured into one, and activated from it")
    func institution() throws {
        try create()
        let text = """
            institution: Amt Wolke
            applications: [{id: reader, process: sleep 600, data: [files], platforms: [plain]}]
            data: [{id: files, kind: files, paths: ["\(town.tree.path)"], rpo: 1 d}]
            platforms: [{id: plain, kind: process}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let captured = try zwilling("protect")
        #expect(captured.code == 0, "\(captured.errors)")
        let place = "/tmp/zw-\(UUID().uuidString.prefix(8))"
        let activated = try zwilling.reading("activate", "--emergency", "--confirm", "Amt Wolke", "--to", place)
        #expect(activated.code == 0, "\(activated.errors)")
        #expect(try town.differences(town.tree, URL(fileURLWithPath: place + "/data/files" + town.tree.path)) == "")
        let stopped = try zwilling("stop", "--confirm", "Amt Wolke", "--delete-data")
        #expect(stopped.code == 0, "\(stopped.errors)")
    }

    @Test("A cloud that goes away in the middle is waited for; one that is gone is named")
    func away() throws {
        let own = try Cloud(.seaweed)
        let place = "\(own.address)/town"
        let machine = try Computer(town, named: "lonely", with: ["ZWILLING_VAULT": place, "HOME": town.home.path])
        #expect(try machine("sites", "login", place, "--credentials-file", credentials.path).code == 0)
        try #require(try machine.reading("vault", "create", place, "--sheet", town.home.path + "/s.html").code == 0)
        try town.write("registers/larger", Town.noise(200 << 20, seed: 3))
        let running = try town.start(Computer.program, ["protect", town.tree.path], environment: machine.environment)
        usleep(400_000)
        own.end()
        usleep(500_000)
        #expect(running.process.isRunning)
        try own.begin()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        #expect(try machine.reading("restore", "latest", "--to", town.target.path).code == 0)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
        own.end()
        let gone = try machine("snapshots")
        #expect(gone.code == 1 && gone.errors.contains(place), "\(gone.errors)")
    }

    @Test("sites test says what a cloud lacks, and such a one gets no vault: rclone", .enabled(if: Cloud.isPossible(.rclone)))
    func deficient() throws {
        let poor = try Cloud(.rclone)
        let place = "\(poor.address)/town"
        #expect(try zwilling("sites", "login", place, "--credentials-file", credentials.path).code == 0)
        let tested = try zwilling("sites", "test", place)
        #expect(tested.code == 1 && tested.output.contains("two writers take one place"), "\(tested.output)")
        let refused = try zwilling.reading("vault", "create", place, "--sheet", town.home.path + "/sheet.html")
        #expect(refused.code == 1 && refused.errors.contains("sites test"), "\(refused.errors)")
        let good = try zwilling("sites", "login", address, "--credentials-file", credentials.path)
        #expect(good.code == 0)
        let fine = try zwilling("sites", "test", address, "--json")
        #expect(fine.code == 0 && fine.output.contains("\"canHoldAVault\":true"), "\(fine.output)")
        #expect(try zwilling("sites", "test", town.home.path).code == 0)
    }
}
