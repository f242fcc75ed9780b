// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("A PostgreSQL cluster", .enabled(if: Cluster.isAvailable))
struct PostgresTests {
    let town: Town
    let zwilling: Computer
    let original: Cluster

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        original = try Cluster()
        try original.start()
        try zwilling.create()
        let text = """
            institution: Musterstadt
            data: [{id: db, kind: postgres, connection: "\(original.address)", rpo: 1 h}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private func protect() throws -> (bytes: UInt64, added: UInt64) {
        let outcome = try zwilling("protect", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let all = (report as? [String: Any])?["snapshots"] as? [[String: Any]]
        let one = try #require(all?.first { $0["dataSet"] as? String == "db" })
        let counts = try #require(one["counts"] as? [String: Any])
        return (
            try #require(counts["bytes"] as? UInt64), try #require(one["bytesAdded"] as? UInt64)
        )
    }

    /// Restores the latest base, checks it, and starts it as a cluster of its own.
    private func revive() throws -> Cluster {
        let target = town.home.appending(path: "revived-\(UUID().uuidString)").path
        let outcome = try zwilling.reading("restore", "--data", "db", "--to", target)
        #expect(outcome.code == 0, "\(outcome.errors)")
        // What makes it a copy is all that differs from what the server sent.
        let changed = [
            "postgresql.auto.conf", "postgresql.conf", "recovery.signal", "tablespace_map",
            "pg_tblspc",
        ].flatMap { ["-i", $0] }
        try Cluster.run("/bin/chmod", ["711", town.home.path], asServer: false)
        try Cluster.run("pg_verifybackup", ["-n"] + changed + [target + "/pgdata"])
        let copy = try Cluster(folder: Cluster.newFolder())
        try Cluster.run("/bin/mv", [target + "/pgdata", copy.data], asServer: false)
        try copy.configure([:])
        try copy.start()
        Cluster.wait { (try? copy.psql("SELECT pg_is_in_recovery()")) == "f\n" }
        return copy
    }

    @Test("Captured under load it starts elsewhere, whole and consistent, and is read only by its own")
    func underLoad() throws {
        try original.tool("pgbench", ["-i", "-q", "-s", "4", "postgres"])
        try original.psql("CREATE TABLE marked AS SELECT 'before' AS word")
        let load = Cluster.process("pgbench", ["-c", "4", "-T", "60", "-n", "postgres"])
        load.environment = ProcessInfo.processInfo.environment.merging(original.environment) { $1 }
        (load.standardOutput, load.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try load.run()
        let first = try protect()
        // Its signals are blocked, since they are in the thread that started it.
        kill(load.processIdentifier, SIGKILL)
        load.waitUntilExit()
        #expect(first.bytes > 60 << 20)
        original.kill()

        let copy = try revive()
        #expect(try copy.psql("SELECT word FROM marked") == "before\n")
        // pgbench's own invariant: every transaction adds the same to all four.
        let sums = try copy.psql(
            """
            SELECT count(DISTINCT s) FROM (SELECT sum(abalance) AS s FROM pgbench_accounts
            UNION ALL SELECT sum(tbalance) FROM pgbench_tellers
            UNION ALL SELECT sum(bbalance) FROM pgbench_branches
            UNION ALL SELECT coalesce(sum(delta), 0) FROM pgbench_history) AS sums
            """)
        #expect(sums == "1\n")
        try copy.psql("CREATE EXTENSION amcheck")
        try copy.tool("pg_amcheck", ["--all", "--heapallindexed"])
        // It began a timeline of its own.
        #expect(try copy.psql("SELECT timeline_id FROM pg_control_checkpoint()") != "1\n")
    }

    @Test("The second base costs what has changed, and tablespaces come along")
    func again() throws {
        let space = original.folder + "/space"
        try FileManager.default.createDirectory(atPath: space, withIntermediateDirectories: true)
        try Cluster.own(space)
        try original.psql("CREATE TABLESPACE apart LOCATION '\(space)'")
        try original.psql(
            "CREATE TABLE far TABLESPACE apart AS SELECT n, md5(n::text) AS t FROM generate_series(1, 200000) n")
        try original.tool("pgbench", ["-i", "-q", "-s", "6", "postgres"])
        try original.psql("VACUUM FREEZE")
        let first = try protect()
        try original.psql("UPDATE pgbench_accounts SET abalance = 1 WHERE aid <= 6000")
        let second = try protect()
        #expect(second.added * 10 <= first.added, "\(second.added) of \(first.added)")
        original.stop()
        let copy = try revive()
        #expect(try copy.psql("SELECT count(*) FROM pgbench_accounts WHERE abalance = 1") == "6000\n")
        #expect(try copy.psql("SELECT count(*) FROM far WHERE t = md5(n::text)") == "200000\n")
    }

    @Test("A server that is gone, or a password in the blueprint, is refused in words and leaves no snapshot")
    func refused() throws {
        original.stop()
        let gone = try zwilling("protect")
        #expect(gone.code == 1 && gone.errors.contains("db"))
        #expect(try zwilling("snapshots", "--json").output.contains("\"dataSet\":\"db\"") == false)
        let file = town.home.appending(path: "institution.yaml")
        for address in ["host=x password=hunter2", "postgresql://a:hunter2@x/db", "postgres://x/db?password=hunter2"] {
            let text = "institution: X\ndata: [{id: db, kind: postgres, connection: \"\(address)\"}]\n"
            try Data(text.utf8).write(to: file)
            let outcome = try zwilling("protect")
            #expect(outcome.code == 2)
            #expect(!(outcome.output + outcome.errors).contains("hunter2"))
            #expect(outcome.errors.contains(".pgpass"))
        }
    }

    @Test("A role that may not replicate is told how to make one that may")
    func role() throws {
        try original.psql("CREATE ROLE nobody LOGIN")
        let text = "institution: X\ndata: [{id: db, kind: postgres, connection: \"\(original.address(user: "nobody"))\"}]\n"
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        let outcome = try zwilling("protect")
        #expect(outcome.code == 1 && outcome.errors.contains("/postgres-role.sql"), "\(outcome.errors)")
    }

    @Test("A secret shows nowhere, comes back, and opens the door that it is for")
    func secret() throws {
        let canary = "Kanari-7f3b-9c21-Vogel"
        let key = town.home.appending(path: "app.password")
        try Data(canary.utf8).write(to: key)
        let rules = original.data + "/pg_hba.conf"
        let open = try String(contentsOfFile: rules, encoding: .utf8)
        try Data("local all app scram-sha-256\n\(open)".utf8).write(to: URL(fileURLWithPath: rules))
        try Cluster.own(rules)
        try original.psql("CREATE ROLE app LOGIN PASSWORD '\(canary)'; SELECT pg_reload_conf()")
        let blueprint = town.home.appending(path: "institution.yaml")
        try Data(
            """
            institution: Musterstadt
            data:
              - {id: pw, kind: secret, file: "\(key.path)"}
              - {id: lost, kind: secret, command: "cat \(key.path); cat \(key.path) >&2; exit 3"}
            """.utf8
        ).write(to: blueprint)
        // One that fails is told without what it said.
        let protected = try zwilling("protect", "--verbose")
        #expect(protected.code == 1 && protected.errors.contains("lost"))
        let shown = try ["snapshots", "status", "moments", "check"].map { command in
            let outcome = try zwilling(command, "--json")
            return outcome.output + outcome.errors
        }
        try FileManager.default.removeItem(at: key)
        for text in shown + [protected.output, protected.errors] { #expect(!text.contains(canary)) }
        let everywhere = try town.run("grep", "-r", "-l", "-a", canary, town.home.path)
        #expect(everywhere.output == "", "\(everywhere.output)")

        let target = town.home.appending(path: "back")
        #expect(try zwilling.reading("restore", "--data", "pw", "--to", target.path).code == 0)
        let back = target.appending(path: "pw")
        let mode = try FileManager.default.attributesOfItem(atPath: back.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let password = try String(contentsOf: back, encoding: .utf8)
        func login(_ password: String) throws -> String {
            try Cluster.run(
                "psql", ["-X", "-A", "-t", "-c", "SELECT current_user", "postgres"],
                environment: original.environment.merging(
                    ["PGUSER": "app", "PGPASSWORD": password]) { $1 })
        }
        #expect(try login(password) == "app\n")
        #expect(throws: Cluster.Failure.self) { try login("wrong") }
    }
}
