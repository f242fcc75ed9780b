// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("One vault at several sites", .serialized)
struct SeveralSitesTests {
    let town: Town
    let zwilling: Computer
    private let second: URL
    private let third: URL

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        second = town.home.appending(path: "second")
        third = town.home.appending(path: "third")
        try town.settle()
        try zwilling.create()
    }

    private func good(_ arguments: String...) throws -> Town.Outcome {
        let outcome = try zwilling.run(arguments)
        try #require(outcome.code == 0, "\(arguments): \(outcome.errors)")
        return outcome
    }

    private func spreadOut() throws {
        _ = try good("sites", "add", second.path, "--operator", "Second", "--jurisdiction", "de", "--passphrase-file", "passphrase")
        _ = try good("sites", "add", third.path, "--name", "far", "--jurisdiction", "US", "--passphrase-file", "passphrase")
        _ = try good("sites", "rules", "--replicas", "2", "--passphrase-file", "passphrase")
    }

    private func files(_ site: URL) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: site.path).filter { !$0.hasPrefix("set-aside") && !$0.hasPrefix("probe") && $0.contains("/") })
    }

    private func expectRestored(by computer: Computer, to name: String = "target") throws {
        let target = town.home.appending(path: name)
        let restored = try computer.reading("restore", "latest", "--to", target.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try town.differences(town.tree, target.appending(path: town.tree.path)) == "")
    }

    @Test("A repair that destroys: one deleted, one reset to yesterday, one flipping bytes: all comes back, and repair makes all well, each named")
    func lost() throws {
        try spreadOut()
        _ = try good("protect", town.tree.path)
        let yesterday = town.home.appending(path: "yesterday")
        try FileManager.default.copyItem(at: town.vault, to: yesterday)
        for index in 0..<6 { try town.write("registers/new-\(index)", Town.noise(2 << 20, seed: UInt64(100 + index))) }
        _ = try good("protect", town.tree.path)
        #expect(try files(town.vault) == files(second) && files(second) == files(third))

        try FileManager.default.removeItem(at: third)
        try FileManager.default.removeItem(at: town.vault)
        try FileManager.default.moveItem(at: yesterday, to: town.vault)
        let packs = try files(second).filter { $0.hasPrefix("packs/") && $0.split(separator: "/").count == 3 }
        for pack in packs {
            // Those that another site still has; what lies here alone must stay whole.
            guard FileManager.default.fileExists(atPath: town.vault.appending(path: pack).path) else { continue }
            try flip(second.appending(path: pack))
        }
        try expectRestored(by: zwilling)
        let told = try zwilling("restore", "latest", "--to", town.home.path + "/again", "--passphrase-file", "passphrase")
        #expect(told.errors.contains("far") && told.errors.contains("No copy of the vault"), "\(told.errors)")

        let seen = try zwilling("verify", "--read-data")
        #expect(seen.code == 1 && seen.errors.contains("second: packs/") && seen.errors.contains("was damaged"), "\(seen.errors)")
        #expect(seen.errors.contains("vault: records/") && seen.errors.contains("was missing"))
        let repaired = try zwilling("verify", "--read-data", "--repair")
        #expect(repaired.code == 1 && repaired.errors.contains("put again from vault; the damaged bytes lie in set-aside/"), "\(repaired.errors)")
        let unasked = try zwilling("sites", "add", third.path, "--country", "US", "--passphrase-file", "passphrase")
        #expect(unasked.code == 1 && !FileManager.default.fileExists(atPath: third.path))
        let anew = try zwilling("sites", "add", third.path, "--anew", "--passphrase-file", "passphrase")
        #expect(anew.code == 0, "\(anew.errors)")
        let well = try zwilling("verify", "--read-data")
        #expect(well.code == 0 && well.output.contains("Nothing is wrong"), "\(well.errors)")
        #expect(try files(town.vault) == files(second) && files(second) == files(third))
        let rescued = try town.rescue(to: town.home.appending(path: "rescued"))
        #expect(rescued.code == 0, "\(rescued.errors)")
        #expect(try town.differences(town.tree, town.home.appending(path: "rescued" + town.tree.path)) == "")
        // By itself, each is whole; also for one who knows only that one.
        for site in [second, third] {
            let other = try Computer(town, named: "other-\(site.lastPathComponent)", with: ["ZWILLING_VAULT": site.path])
            try expectRestored(by: other, to: "from-\(site.lastPathComponent)")
        }
    }

    private func flip(_ file: URL) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
    }

    @Test("The first site gone: every command goes on with the others")
    func firstGone() throws {
        try spreadOut()
        _ = try good("protect", town.tree.path)
        try FileManager.default.removeItem(at: town.vault)
        try town.write("streets/new", "a new resident")
        let captured = try zwilling("protect", town.tree.path)
        #expect(captured.code == 0 && captured.errors.contains("vault"), "\(captured.errors)")
        try expectRestored(by: zwilling)
        #expect(try zwilling("snapshots").output.split(separator: "\n").count >= 3)
        try FileManager.default.removeItem(at: second)
        let refused = try zwilling("protect", town.tree.path)
        #expect(refused.code == 1 && refused.errors.contains("must lie at 2"), "\(refused.errors)")
        try expectRestored(by: zwilling, to: "once-more")
    }

    @Test("A directory that hangs when the vault is opened holds up nobody", .enabled(if: StallingSite.isAvailable))
    func hanging() throws {
        let place = town.home.appending(path: "hanging")
        let site = try StallingSite(at: place, backing: town.home.appending(path: "backing"))
        let vault = place.appending(path: "vault")
        let other = try Computer(town, named: "other", with: ["ZWILLING_VAULT": vault.path])
        let made = try other.reading("vault", "create", vault.path, "--sheet", town.home.path + "/hanging.html")
        try #require(made.code == 0, "\(made.errors)")
        let added = try other.reading("sites", "add", second.path)
        try #require(added.code == 0, "\(added.errors)")
        #expect(try other("protect", town.tree.path).code == 0)
        site.stall()
        defer { site.resume() }
        let begun = ContinuousClock.now
        try expectRestored(by: other)
        #expect(begun.duration(to: .now) < .seconds(120))
        try town.write("streets/new", "a new resident")
        let captured = try other("protect", town.tree.path)
        #expect(captured.code == 0 && captured.errors.contains("does not answer"), "\(captured.errors)")
    }

    @Test("A site moves: add, then remove, which is refused while another is incomplete")
    func moved() throws {
        _ = try good("protect", town.tree.path)
        _ = try good("sites", "add", second.path, "--passphrase-file", "passphrase")
        let pack = try #require(try files(second).first { $0.hasPrefix("packs/") && $0.split(separator: "/").count == 3 })
        try FileManager.default.removeItem(at: second.appending(path: pack))
        let listed = try zwilling("sites", "list")
        #expect(listed.code == 1 && listed.output.contains("lacking 1"), "\(listed.output)")
        let refused = try zwilling("sites", "remove", "vault", "--passphrase-file", "passphrase")
        #expect(refused.code == 1 && refused.errors.contains("lacks 1 objects"), "\(refused.errors)")
        _ = try good("sites", "catch-up", "second")
        _ = try good("sites", "remove", "vault", "--passphrase-file", "passphrase")
        try FileManager.default.removeItem(at: town.vault)
        try town.write("streets/new", "a new resident")
        _ = try good("protect", town.tree.path)
        try expectRestored(by: zwilling)
        let last = try zwilling("sites", "remove", "second", "--passphrase-file", "passphrase")
        #expect(last.code == 2 && last.errors.contains("only site"), "\(last.errors)")
    }

    @Test("What cannot be a site is refused before anything is put, and leaves no trace")
    func refusedSites() throws {
        let inside = try zwilling.reading("sites", "add", town.vault.path + "/inside")
        #expect(inside.code == 2 && inside.errors.contains("lie one in the other"), "\(inside.errors)")
        let unknown = try zwilling.reading("sites", "add", second.path, "--anew")
        #expect(unknown.code == 2, "\(unknown.errors)")
        let locked = try zwilling.reading("sites", "add", second.path, "--lock-days", "30")
        #expect(locked.code == 2 && locked.errors.contains("only buckets"), "\(locked.errors)")
        #expect(try zwilling("sites", "add", second.path).code != 0)
        #expect(!FileManager.default.fileExists(atPath: second.path))
        try FileManager.default.createDirectory(at: second, withIntermediateDirectories: true)
        #expect(try zwilling("sites", "test", second.path).code == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: second.path) == [])
        let added = try zwilling.reading("sites", "add", second.path)
        #expect(added.code == 0, "\(added.errors)")
        // Who has lost a site for good asks for fewer copies.
        _ = try good("sites", "rules", "--replicas", "2", "--passphrase-file", "passphrase")
        try FileManager.default.removeItem(at: second)
        let fewer = try zwilling.reading("sites", "rules", "--replicas", "1")
        #expect(fewer.code == 0 && fewer.errors.contains("--anew"), "\(fewer.errors)")
        #expect(try zwilling("protect", town.tree.path).code == 0)
    }

    @Test("A host reached by OpenSSH is a site; one whose disk is not mounted is none, until it is made anew", .enabled(if: SSHHost.isPossible))
    func host() throws {
        let host = try SSHHost()
        let folder = town.home.appending(path: "host")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let address = host.address(folder.path + "/vault")
        let path = host.folder.appending(path: "bin").path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
        let near = try Computer(town, named: "near", with: ["PATH": path, "ZWILLING_VAULT": town.vault.path])
        let added = try near.reading("sites", "add", address, "--name", "host")
        try #require(added.code == 0, "\(added.errors)")
        #expect(try near.reading("keys", "add", "--name", "near").code == 0)
        #expect(try near("protect", town.tree.path).code == 0)
        #expect(try files(town.vault) == files(folder.appending(path: "vault")))
        let far = try Computer(town, named: "far", with: ["PATH": path, "ZWILLING_VAULT": address])
        try expectRestored(by: far)

        try FileManager.default.removeItem(at: folder.appending(path: "vault"))
        try FileManager.default.createDirectory(at: folder.appending(path: "vault"), withIntermediateDirectories: true)
        try town.write("streets/new", "a new resident")
        let without = try near("protect", town.tree.path)
        #expect(without.code == 0 && without.errors.contains("No copy of the vault"), "\(without.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/vault") == [])
        let anew = try near.reading("sites", "add", address, "--anew")
        #expect(anew.code == 0, "\(anew.errors)")
        #expect(try files(town.vault) == files(folder.appending(path: "vault")))
    }

    @Test("A removable disk gets its copy when it is plugged in, and nothing is written where it is not")
    func removable() throws {
        _ = try good("protect", town.tree.path)
        _ = try good("sites", "add", second.path, "--removable", "--name", "safe", "--passphrase-file", "passphrase")
        let drawer = town.home.appending(path: "drawer")
        try FileManager.default.moveItem(at: second, to: drawer)
        try FileManager.default.createDirectory(at: second, withIntermediateDirectories: true)
        try town.write("streets/new", "a new resident")
        let captured = try good("protect", town.tree.path)
        #expect(!captured.errors.contains("safe"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: second.path) == [])
        #expect(try zwilling("sites", "list").code == 0)
        let missing = try zwilling("sites", "catch-up", "safe")
        #expect(missing.code == 1, "\(missing.output)")
        try FileManager.default.removeItem(at: second)
        try FileManager.default.moveItem(at: drawer, to: second)
        _ = try good("sites", "catch-up", "safe")
        try FileManager.default.removeItem(at: town.vault)
        let other = try Computer(town, named: "other", with: ["ZWILLING_VAULT": second.path])
        try expectRestored(by: other)
    }

    @Test("Rules that cannot hold are refused by their name, and policy says what is survived")
    func rules() throws {
        try spreadOut()
        let law = try zwilling("sites", "rules", "--jurisdiction", "EU", "--passphrase-file", "passphrase")
        #expect(law.code == 2 && law.errors.contains("jurisdictions EU: the law of US reaches \"far\""), "\(law.errors)")
        let many = try zwilling("sites", "rules", "--replicas", "4", "--passphrase-file", "passphrase")
        #expect(many.code == 2 && many.errors.contains("replicas 4"), "\(many.errors)")
        for wrong in [["--category", "D9=EU"], ["--category", "D4"], ["--jurisdiction", "Germany"], ["--replicas", "0"]] {
            #expect(try zwilling.run(["sites", "rules", "--passphrase-file", "passphrase"] + wrong).code == 2, "\(wrong)")
        }
        _ = try good("sites", "rules", "--category", "D4=DE,EU", "--passphrase-file", "passphrase")
        let policy = try good("policy")
        #expect(policy.output.contains("any one site: nothing is lost"), "\(policy.output)")
        #expect(policy.output.contains("all sites under the law of US: nothing is lost"))
        #expect(policy.output.contains("category D4=DE,EU"))
        let blueprint = """
            institution: Amt Recht
            data:
              - {id: letters, kind: files, paths: ["\(town.tree.path)"], rpo: 1 d, categories: [D4]}
            """
        try Data(blueprint.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let checked = try zwilling("check")
        #expect(checked.code == 2 && checked.output.contains("must not lie at site \"far\": the law of US reaches"), "\(checked.output)")
        let refused = try zwilling("protect")
        #expect(refused.code == 2 && refused.errors.contains("must not lie at site"), "\(refused.errors)")
        _ = try good("sites", "remove", "far", "--passphrase-file", "passphrase")
        let still = try zwilling("protect")
        #expect(still.code == 2 && still.errors.contains("site \"vault\": nobody said"), "\(still.errors)")
        _ = try good("sites", "add", town.vault.path, "--jurisdiction", "DE", "--passphrase-file", "passphrase")
        #expect(try zwilling("protect").code == 0)
    }

    @Test(
        "kill -9 of an S3 server while it is written to: protect goes on at the others, and it catches up after",
        .enabled(if: Cloud.isPossible(.seaweed), "needs SeaweedFS (tools/setup.sh test)"))
    func cloudKilled() throws {
        let cloud = try Cloud(.seaweed)
        let credentials = town.home.appending(path: "credentials")
        try Data("aws_access_key_id = \(Cloud.keyId)\naws_secret_access_key = \(Cloud.secret)\n".utf8).write(to: credentials)
        _ = try good("sites", "login", cloud.address, "--credentials-file", credentials.path)
        _ = try good("sites", "add", second.path, "--passphrase-file", "passphrase")
        _ = try good("sites", "add", cloud.address, "--name", "cloud", "--passphrase-file", "passphrase")
        for index in 0..<40 { try town.write("bulk/\(index)", Town.noise(4 << 20, seed: UInt64(500 + index))) }
        let running = try town.start(Computer.program, ["protect", town.tree.path], environment: zwilling.environment)
        usleep(300_000)
        cloud.end()
        running.process.waitUntilExit()
        let errors = String(decoding: running.errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(running.process.terminationStatus == 0 && errors.contains("\"cloud\""), "\(errors)")
        let listed = try zwilling("sites", "list")
        #expect(listed.code == 1, "\(listed.output)")
        try cloud.begin()
        // It takes a while until it serves what it had.
        var caughtUp = try zwilling("sites", "catch-up")
        for _ in 0..<10 where caughtUp.code != 0 {
            sleep(3)
            caughtUp = try zwilling("sites", "catch-up")
        }
        #expect(caughtUp.code == 0, "\(caughtUp.errors)")
        for site in [town.vault, second] { try FileManager.default.removeItem(at: site) }
        try expectRestored(by: zwilling)
    }
}
