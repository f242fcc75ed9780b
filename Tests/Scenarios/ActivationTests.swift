// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite(
    "A twin that runs", .serialized,
    .enabled(if: Cluster.isAvailable, Comment(rawValue: Cluster.absence)))
struct ActivationTests {
    let office: Office

    init() throws { office = try Office() }

    private func json(_ outcome: Town.Outcome) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.errors)")
    }

    private func standing() throws -> [String: String] {
        let running = try json(office.elsewhere("running", "--json"))["running"] as? [[String: Any]]
        let members = try #require(running?.first?["members"] as? [[String: String]])
        return Dictionary(uniqueKeysWithValues: members.map { ($0["id"] ?? "", $0["standing"] ?? "") })
    }

    @Test("Vault and passphrase are enough: it serves, goes on, and is ended")
    func story() throws {
        try office.burn()
        let unconfirmed = try office.elsewhere.reading("activate", "--emergency", "--to", office.place)
        #expect(unconfirmed.code == 2 && unconfirmed.errors.contains("--confirm '\(Office.name)'"))
        #expect(!FileManager.default.fileExists(atPath: office.place))
        let outcome = try office.activate()
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("by hand"))
        let services = try #require(try json(outcome)["services"] as? [[String: Any]])
        #expect(services.first?["service"] as? String == "post")
        #expect(try json(outcome)["directory"] as? String == office.place)
        #expect(office.answer("/health") == "geheim\ngeheim")
        #expect(office.answer("/letter") == "Sehr geehrte Damen und Herren")
        #expect(try office.query("SELECT count(*) FROM residents") == "1000")
        #expect(try standing() == ["db": "runs", "guard": "runs", "office": "runs", "protect": "runs", "status-page": "runs"])
        let page = try #require(office.answer("/status.json", port: office.pagePort))
        #expect(page.contains("Posteingang") && page.contains("true"))
        #expect(try office.led() == "there\n")

        // It is a primary on a timeline of its own, and takes work.
        #expect(try office.query("SELECT timeline_id FROM pg_control_checkpoint()") == "2")
        _ = try office.query("INSERT INTO residents VALUES (1001)")

        // Whatever ends is started again.
        try office.town.run("pkill", "-KILL", "-f", "program.py' \(office.port)|program.py \(office.port)")
        Cluster.wait { office.answer("/health") != nil }
        #expect(office.answer("/health") == "geheim\ngeheim")

        let twice = try office.activate()
        #expect(twice.code == 1 && twice.errors.contains("runs here already"))
        #expect(try office.elsewhere("stop", "--confirm", "Amt Falsch").code == 2)
        let stopped = try office.elsewhere("stop", "--confirm", Office.name)
        #expect(stopped.code == 0, "\(stopped.errors)")
        #expect(office.answer("/health") == nil)
        #expect(try office.led() == "there\naway\n")
        #expect(FileManager.default.fileExists(atPath: office.place + "/data/db/pgdata/PG_VERSION"))
        #expect(!FileManager.default.fileExists(atPath: office.place + "/data/db/pgdata/postmaster.pid"))
        #expect(try office.elsewhere("running").output.contains("goes on"))
    }

    @Test("A twin protects itself, and can be activated again elsewhere after a second crash")
    func secondCrash() throws {
        try office.burn()
        try #require(try office.activate().code == 0)
        _ = try office.query("INSERT INTO residents SELECT generate_series(2001, 2100)")
        try "Neuer Brief".write(
            toFile: office.place + "/data/files" + office.town.tree.path + "/files/new", atomically: true, encoding: .utf8)
        // In order, so that all of it is in the vault.
        try office.waitForCopies(of: ["db", "files", "program", "password"])
        let wished = try office.town.run(
            Computer.program, ["protect", "-f", office.place + "/blueprint/institution.yaml", "--data", "files"],
            environment: office.elsewhere.environment)
        #expect(wished.code == 0, "\(wished.errors)")
        #expect(try office.elsewhere("stop", "--confirm", Office.name, "--delete-data").code == 0)
        let third = try Computer(office.town, named: "third")
        let again = try office.town.run(Computer.program, office.activation, environment: third.environment)
        #expect(again.code == 0, "\(again.errors)")
        #expect(office.answer("/new") == "Neuer Brief")
        #expect(try office.query("SELECT count(*) FROM residents") == "1100")
        #expect(try office.query("SELECT timeline_id FROM pg_control_checkpoint()") == "3")
        #expect(try third("stop", "--confirm", Office.name, "--delete-data").code == 0)
    }

    @Test("Soak: killed at any moment, the same command goes on where it was")
    func killed() throws {
        try office.burn()
        var dice = Dice(seed: UInt64.random(in: 0...UInt64.max))
        for round in 0..<max(Town.rounds / 4, 2) {
            let running = try office.town.start(
                Computer.program, office.activation, environment: office.elsewhere.environment)
            usleep(UInt32.random(in: 100_000...2_500_000, using: &dice))
            kill(running.process.processIdentifier, SIGKILL)
            running.process.waitUntilExit()
            let again = try office.activate()
            let isThere = again.errors.contains("runs here already")
            #expect(again.code == 0 || isThere, "round \(round): \(again.errors)")
            #expect(try standing()["protect"] == "runs")
            #expect(office.answer("/health") == "geheim\ngeheim")
            #expect(try office.query("SELECT count(*) FROM residents") == "1000")
            let stopped = try office.elsewhere("stop", "--confirm", Office.name, "--delete-data")
            #expect(stopped.code == 0, "\(stopped.errors)")
            #expect(!FileManager.default.fileExists(atPath: office.place))
        }
    }

    @Test("A program that does not stand is told by its last words, and the rest is not hidden")
    func fallen() throws {
        try office.town.write("program.py", "raise SystemExit('no licence')")
        try office.burn()
        let outcome = try office.activate()
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("\"office\" does not stand") && outcome.errors.contains("no licence"), "\(outcome.errors)")
        #expect(try standing()["db"] == "runs")
    }

    @Test("What lies in a directory already is neither written over nor deleted")
    func occupied() throws {
        try office.burn()
        try FileManager.default.createDirectory(atPath: office.place, withIntermediateDirectories: true)
        try "mine".write(toFile: office.place + "/mine", atomically: true, encoding: .utf8)
        let refused = try office.activate()
        #expect(refused.code == 2 && refused.errors.contains("not empty"))
        try FileManager.default.removeItem(atPath: office.place)
        try #require(try office.activate().code == 0)
        try "mine".write(toFile: office.place + "/mine", atomically: true, encoding: .utf8)
        #expect(try office.elsewhere("stop", "--confirm", Office.name, "--delete-data").code == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: office.place) == ["mine"])
    }

    @Test("After a stop it goes on with what was worked, and the vault has the last of it")
    func stopped() throws {
        try office.burn()
        try #require(try office.activate().code == 0)
        try office.waitForCopies(of: ["db", "files", "program", "password"])
        _ = try office.query("INSERT INTO residents VALUES (5000)")
        try "Letzter Brief".write(
            toFile: office.place + "/data/files" + office.town.tree.path + "/files/last", atomically: true, encoding: .utf8)
        let stopped = try office.elsewhere("stop", "--confirm", Office.name)
        #expect(stopped.code == 0, "\(stopped.errors)")
        let again = try office.activate()
        #expect(again.code == 0 && !again.errors.contains("is back"), "\(again.errors)")
        #expect(office.answer("/last") == "Letzter Brief")
        #expect(try office.query("SELECT count(*) FROM residents") == "1001")
        let third = try Computer(office.town, named: "third")
        let back = office.town.home.appending(path: "back")
        let restored = try third.reading("restore", "--data", "files", "--to", back.path)
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(FileManager.default.fileExists(atPath: back.path + office.town.tree.path + "/files/last"))
    }

    @Test("An unfinished one goes on by a mended blueprint, and on no other platform")
    func mended() throws {
        let file = office.town.home.appending(path: "institution.yaml")
        let good = try String(contentsOf: file, encoding: .utf8)
        let mended = office.town.home.appending(path: "mended.yaml")
        try Data(good.utf8).write(to: mended)
        let bad = good.replacingOccurrences(of: "/health, within: 30 s", with: "/nothing, within: 2 s")
            + "\n  - {id: other, kind: process}\n"
        try Data(bad.utf8).write(to: file)
        try office.burn()
        let first = try office.activate()
        #expect(first.code == 1 && first.errors.contains("does not stand"))
        func go(_ more: String...) throws -> Town.Outcome { try office.elsewhere.run(office.activation + more) }
        let otherwise = try go("--service", "post")
        #expect(otherwise.code == 2 && otherwise.errors.contains("was begun otherwise"), "\(otherwise.errors)")
        let other = try go("--platform", "other")
        #expect(other.code == 2 && other.errors.contains("two platforms"))
        let second = try go("-f", mended.path)
        #expect(second.code == 0 && second.errors.contains("office is started"), "\(second.errors)")
    }

    @Test(
        "On a machine that has never seen it, in a network that leads nowhere, it serves",
        .enabled(if: Office.canIsolate && getuid() == 0))
    func nowhere() throws {
        try office.burn()
        let fresh = try Computer(office.town, named: "never-seen")
        let ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:\(office.port)/health', timeout=5).read().decode(), end='')"
        let line = "ip link set lo up && \"$@\" >&2 && /usr/bin/python3 -c \"\(ask)\""
        let outcome = try office.town.run(
            "unshare", ["--net", "sh", "-c", line, "sh", Computer.program] + office.activation, environment: fresh.environment)
        #expect(outcome.code == 0 && outcome.output == "geheim\ngeheim", "\(outcome.errors)")
        #expect(try fresh("stop", "--confirm", Office.name, "--delete-data", "--accept-loss").code == 0)
    }

    @Test("Two cannot bring it up at once, and none while another ends it")
    func alone() throws {
        try office.burn()
        let first = try office.town.start(Computer.program, office.activation, environment: office.elsewhere.environment)
        usleep(700_000)
        let second = try office.activate()
        let stopping = try office.elsewhere("stop", "--confirm", Office.name, "--delete-data")
        first.process.waitUntilExit()
        #expect(first.process.terminationStatus == 0)
        for one in [second, stopping] { #expect(one.code == 1 && one.errors.contains("Another command"), "\(one.errors)") }
        #expect(office.answer("/health") == "geheim\ngeheim")
    }

    @Test("Nobody takes over without a fence where there can be one")
    func unfenced() throws {
        try office.burn()
        let refused = try office.town.run(
            Computer.program, office.activation + ["--unfenced"], environment: office.elsewhere.environment)
        #expect(refused.code == 2 && refused.errors.contains("Leave out --unfenced"), "\(refused.errors)")
        #expect(office.answer("/health") == nil)
    }

    @Test("What was worked is not deleted before it is in the vault")
    func unkept() throws {
        try office.burn()
        try #require(try office.activate().code == 0)
        _ = try office.query("INSERT INTO residents VALUES (7777)")
        try office.town.run("pkill", "-KILL", "-f", "keep-running \(office.place)/run/protect.keeper")
        let refused = try office.elsewhere("stop", "--confirm", Office.name, "--delete-data")
        #expect(refused.code == 1 && refused.errors.contains("--accept-loss"), "\(refused.errors)")
        #expect(try office.query("SELECT count(*) FROM residents") == "1001")
        #expect(try office.elsewhere("stop", "--confirm", Office.name, "--delete-data", "--accept-loss").code == 0)
        #expect(!FileManager.default.fileExists(atPath: office.place))
    }

    @Test("A dump whose loading broke off is not loaded twice in silence")
    func halfLoaded() throws {
        let (loaded, gate) = (office.place + ".loaded", office.place + ".gate")
        defer { for file in [loaded, gate] { try? FileManager.default.removeItem(atPath: file) } }
        try office.rewrite("data: [db, files, program, password]", "data: [db, files, program, password, dump]")
        try office.rewrite("  - {id: program,", "  - {id: dump, kind: command, dump: echo all, load: 'cat >> \(loaded); test -e \(gate)'}\n  - {id: program,")
        try office.burn()
        #expect(try office.activate().code == 1)
        let refused = try office.activate()
        #expect(refused.code == 1 && refused.errors.contains("--load-again"), "\(refused.errors)")
        #expect(try String(contentsOfFile: loaded, encoding: .utf8) == "all\n")
        try Data().write(to: URL(fileURLWithPath: gate))
        let done = try office.elsewhere.run(office.activation + ["--load-again"])
        #expect(done.code == 0, "\(done.errors)")
        #expect(try String(contentsOfFile: loaded, encoding: .utf8) == "all\nall\n")
    }

    @Test("A machine with less than the applications ask for is refused, unless it shall do")
    func tight() throws {
        try office.rewrite("    platforms: [plain]\n", "    platforms: [plain]\n    memory: 900 TiB\n")
        try office.burn()
        let refused = try office.activate()
        #expect(refused.code == 1 && refused.errors.contains("900") && refused.errors.contains("--tight"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: office.place))
        let done = try office.elsewhere.run(office.activation + ["--tight"])
        #expect(done.code == 0 && done.errors.contains("900"), "\(done.errors)")
    }

    @Test("Its name can be typed where there is a terminal; another one is none")
    func typed() throws {
        try office.burn()
        let bare = office.activation.filter { !["--confirm", Office.name].contains($0) }
        func type(_ name: String) throws -> Town.Outcome {
            let line = "printf '%s\\n' \"$0\" | script -qec \"$1\" /dev/null"
            let command = ([Computer.program] + bare).map { "'\($0)'" }.joined(separator: " ")
            return try office.town.run("sh", ["-c", line, name, command], environment: office.elsewhere.environment)
        }
        let refused = try type("Amt Falsch")
        #expect(refused.code == 2 && refused.output.contains("Type its name"), "\(refused.output)")
        #expect(!FileManager.default.fileExists(atPath: office.place))
        let done = try type(Office.name)
        #expect(done.code == 0 && office.answer("/health") == "geheim\ngeheim", "\(done.output)")
    }

    @Test("What cannot be brought back is named, and the rest goes on, with exit code 3")
    func incomplete() throws {
        #expect(try office.original("protect").code == 0)
        let folder = office.town.vault.appending(path: "packs")
        func packs() throws -> Set<String> { Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.contains("/") }) }
        let before = try packs()
        try office.town.write("files/large", Town.noise(3 << 20, seed: 5))
        #expect(try office.original("protect", "--data", "files").code == 0)
        let new = try packs().subtracting(before).map { folder.appending(path: $0) }
        let largest = try #require(try new.max { try Data(contentsOf: $0).count < Data(contentsOf: $1).count })
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: largest.path)
        var bytes = try Data(contentsOf: largest)
        for place in stride(from: 1 << 20, to: bytes.count, by: 1 << 18) { bytes[place] ^= 1 }
        try bytes.write(to: largest)
        try office.burn()
        let outcome = try office.activate()
        #expect(outcome.code == 3 && outcome.errors.contains("files: "), "\(outcome.errors)")
        #expect(office.answer("/letter") == "Sehr geehrte Damen und Herren")
    }

    @Test("A killed keeper's program does not stay behind")
    func orphan() throws {
        try office.burn()
        try #require(try office.activate().code == 0)
        try office.town.run("pkill", "-KILL", "-f", "keep-running \(office.place)/run/office.keeper")
        #expect(try office.elsewhere("stop", "--confirm", Office.name, "--delete-data").code == 0)
        #expect(office.answer("/health") == nil)
    }

    // MARK: Drills

    private func rehearse(_ more: String...) throws -> Town.Outcome {
        try office.town.run(
            Computer.program,
            ["drill", "--passphrase-file", "passphrase", "--to", office.place, "--json"] + more,
            environment: office.elsewhere.environment)
    }

    @Test(
        "A drill reaches nobody, catches its mail, measures, leaves nothing but a signed report",
        .enabled(if: Office.canIsolate))
    func drill() throws {
        // Stands for the original: whoever reaches it is counted.
        let listener = try Cluster.listener()
        defer { close(listener.socket) }
        try office.describe(outside: listener.port)
        let captured = try office.original("protect")
        try #require(captured.code == 0, "\(captured.errors)")
        let report = office.town.home.appending(path: "report")
        let outcome = try rehearse("--report", report.path)
        let told = try json(outcome)
        #expect(outcome.code == 0, "\(outcome.errors) \(outcome.output)")
        #expect(told["mails"] as? Int == 1)
        let service = try #require((told["services"] as? [[String: Any]])?.first)
        #expect((service["standsAfter"] as? Double ?? 99) < 60 && service["rto"] as? Double == 60)
        #expect((told["trials"] as? [[String: Any]])?.count == 2)
        #expect(listener.guests == 0)
        #expect(!FileManager.default.fileExists(atPath: office.place))
        #expect(try office.elsewhere("running").output.contains("Nothing runs"))
        #expect(try office.town.run("pgrep", "-f", office.place).output == "")
        // The original works on.
        #expect(try office.database.psql("SELECT count(*) FROM residents").hasPrefix("1000"))

        #expect(try office.elsewhere("drills", "check", report.path).code == 0)
        let file = report.appending(path: "report.json")
        let bytes = try Data(contentsOf: file)
        let digit = try #require(bytes.firstIndex { (0x30...0x39).contains($0) })
        var forged = bytes
        forged[digit] = bytes[digit] == 0x31 ? 0x32 : 0x31
        try forged.write(to: file)
        let checked = try office.elsewhere("drills", "check", report.path)
        #expect(checked.code == 1 && checked.errors.contains("not what was signed"))

        // What was done with the twin is no part of it.
        let latest = office.town.home.appending(path: "latest")
        #expect(try office.elsewhere.reading("restore", "latest", "--to", latest.path).code == 0)
        let rescued = office.town.home.appending(path: "rescued")
        #expect(try office.town.rescue(to: rescued).code == 0)
        for place in [latest, rescued] {
            let names = try FileManager.default.subpathsOfDirectory(atPath: place.path)
            #expect(!names.isEmpty && !names.contains { $0.hasSuffix("report.json") }, "\(names)")
        }

        // The next one knows this one.
        let next = try json(rehearse("--scan", "test -s \"$ZWILLING_DATA\"/files/*/*/tree/files/letter"))
        #expect((next["earlier"] as? [[String: Any]])?.count == 1)
        #expect(try office.elsewhere.reading("drills", "list").output.split(separator: "\n").count == 3)
    }

    @Test("A dropped table makes the drill red and names the service", .enabled(if: Office.canIsolate))
    func red() throws {
        try office.database.psql("DROP TABLE residents")
        try #require(try office.original("protect").code == 0)
        let outcome = try rehearse()
        #expect(outcome.code == 1)
        let service = try #require((try json(outcome)["services"] as? [[String: Any]])?.first)
        #expect("\(service)".contains("residents are there") && "\(service)".contains("Posteingang"))
        #expect(!FileManager.default.fileExists(atPath: office.place))
    }

    @Test("A scan that finds something makes the drill red", .enabled(if: Office.canIsolate))
    func scanned() throws {
        try #require(try office.original("protect").code == 0)
        let outcome = try rehearse("--scan", "echo Eicar found >&2; exit 1", "--scenario", "cloud-off")
        #expect(outcome.code == 1 && outcome.output.contains("Eicar found"))
        #expect(try json(outcome)["mails"] as? Int == 0)
    }
}
