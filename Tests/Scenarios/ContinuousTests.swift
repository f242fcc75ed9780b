// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

@Suite("A cluster whose log is followed", .enabled(if: Cluster.isAvailable), .serialized)
struct ContinuousTests {
    let town: Town
    let zwilling: Computer
    let original: Cluster
    let follower: Follower

    init() throws {
        town = try Town()
        zwilling = try Computer(town)
        original = try Cluster(["max_slot_wal_keep_size": "256MB"])
        try original.start()
        try zwilling.create()
        follower = try Follower(zwilling)
        try describe(original.address)
        try Cluster.run("/bin/chmod", ["711", town.home.path], asServer: false)
    }

    private func describe(_ address: String, _ more: String = "") throws {
        let text = """
            institution: Musterstadt
            data:
              - {id: db, kind: postgres, connection: "\(address)", rpo: 1 s}
            \(more)
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    private static var rounds: Int {
        ProcessInfo.processInfo.environment["ZWILLING_SOAK"] == nil ? 2 : 20
    }

    // MARK: Coming back

    /// Restores to a goal and starts what came back as a cluster of its own.
    private func revive(_ goal: String...) throws -> Cluster {
        let target = town.home.appending(path: "revived-\(UUID().uuidString)").path
        let outcome = try town.run(
            Computer.program,
            ["restore"] + goal + ["--data", "db", "--to", target, "--passphrase-file", "passphrase"],
            environment: zwilling.environment)
        #expect(outcome.code == 0, "\(goal) \(outcome.errors)")
        return try start(target + "/pgdata")
    }

    private func start(_ data: String) throws -> Cluster {
        let copy = try Cluster(folder: Cluster.newFolder())
        try Cluster.run("/bin/mv", [data, copy.data], asServer: false)
        try copy.configure([:])
        try copy.start()
        Cluster.wait { (try? copy.psql("SELECT pg_is_in_recovery()")) == "f\n" }
        return copy
    }

    private func numbers(_ cluster: Cluster) throws -> Set<Int> {
        Set(try cluster.psql("SELECT n FROM acked").split(separator: "\n").compactMap { Int($0) })
    }

    /// A row, a moment right after it, and a row after that.
    private func mark(_ word: String) throws -> String {
        try original.psql("INSERT INTO marks VALUES ('\(word) before')")
        let moment = try original.psql(
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')||'Z'")
        try original.psql("INSERT INTO marks VALUES ('\(word) after')")
        return String(moment.dropLast())
    }

    // MARK: Loss

    @Test("Killed under load it lost a second at most, and each of three moments is reached")
    func killed() throws {
        for _ in 0..<Self.rounds {
            let round = try ContinuousTests()
            try round.killedOnce()
        }
    }

    private func killedOnce() throws {
        try Client.prepare(original)
        try original.psql("CREATE TABLE marks (word text)")
        try follower.start()
        try follower.wait(for: "db: captured")
        let clients = try (0..<3).map { _ in try Client(original, in: town.home) }
        var moments: [String] = []
        for word in ["first", "second", "third"] {
            usleep(700_000)
            moments.append(try mark(word))
        }
        usleep(700_000)
        let killed = Date().timeIntervalSince1970
        original.kill()
        try FileManager.default.removeItem(atPath: original.data)
        let acked = try clients.flatMap { try $0.rows() }
        #expect(acked.count > 100)
        usleep(600_000)
        #expect(follower.stop() == 0)

        let copy = try revive()
        let there = try numbers(copy)
        let missing = acked.filter { !there.contains($0.number) }
        #expect(missing.allSatisfy { $0.time > killed - 1 }, "\(missing.count) missing")
        try copy.psql("CREATE EXTENSION amcheck")
        try copy.tool("pg_amcheck", ["--all", "--heapallindexed"])
        copy.quit()
        for (word, moment) in zip(["first", "second", "third"], moments) {
            let then = try revive(moment)
            let words = try then.psql("SELECT word FROM marks")
            #expect(words.hasSuffix("\(word) before\n"), "\(word): \(words)")
        }
        // All of it is sound, and the second reader brings the same log.
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
        let target = town.home.appending(path: "rescued")
        let base = try zwilling("snapshots", "--json").output.components(separatedBy: "\"dataSet\":\"db\"")
        #expect(base.count > 1)
        let rescued = try town.rescue(to: target, "--snapshot", try snapshot(of: "db"))
        #expect(rescued.code == 0, "\(rescued.errors)")
        let settings = """
            restore_command = 'cp "\(target.path)/pg_wal/%f" "%p"'
            recovery_target_timeline = 'latest'
            """
        try Cluster.run("/bin/chmod", ["-R", "o+rX", target.path], asServer: false)
        try Cluster.append(settings, to: target.path + "/pgdata/postgresql.auto.conf")
        try Cluster.append("", to: target.path + "/pgdata/recovery.signal")
        try Cluster.run("/bin/chmod", ["700", target.path + "/pgdata"], asServer: false)
        let second = try start(target.path + "/pgdata")
        #expect(try numbers(second) == there)
    }

    private func snapshot(of dataSet: String) throws -> String {
        let outcome = try zwilling("snapshots", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let all = (report as? [String: Any])?["snapshots"] as? [[String: Any]]
        let own = all?.last { $0["dataSet"] as? String == dataSet }
        return try #require(own?["snapshot"] as? String)
    }

    @Test("Where commits wait for the copy, nothing that was acknowledged is missing")
    func synchronous() throws {
        try Client.prepare(original)
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("ALTER SYSTEM SET synchronous_standby_names = 'zwilling'")
        try original.psql("SELECT pg_reload_conf()")
        Cluster.wait {
            (try? original.psql("SELECT sync_state FROM pg_stat_replication WHERE sync_state = 'sync'"))
                == "sync\n"
        }
        // Once the program knows it, commits do not wait for its cadence.
        usleep(1_500_000)
        let clients = try (0..<3).map { _ in try Client(original, in: town.home) }
        usleep(2_000_000)
        original.kill()
        try FileManager.default.removeItem(atPath: original.data)
        let acked = try clients.flatMap { try $0.rows() }
        follower.kill()
        #expect(acked.count > 100, "\(acked.count)")
        let there = try numbers(revive())
        #expect(acked.allSatisfy { there.contains($0.number) })
    }

    // MARK: Going on

    @Test("It goes on after a kill of either side, and leaves no gap")
    func restarts() throws {
        try Client.prepare(original)
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("INSERT INTO acked(who) SELECT 'a' FROM generate_series(1, 20000)")
        follower.kill()
        try original.psql("INSERT INTO acked(who) SELECT 'b' FROM generate_series(1, 20000)")
        try follower.start()
        try follower.wait(for: "follows the log", times: 2)
        original.kill()
        // Its shared memory goes only when all of its processes have noticed.
        usleep(500_000)
        try original.start()
        try original.psql("INSERT INTO acked(who) SELECT 'c' FROM generate_series(1, 20000)")
        try follower.wait(for: "follows the log", times: 3)
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        original.stop()
        let copy = try revive()
        #expect(try copy.psql("SELECT count(*), count(DISTINCT who) FROM acked") == "60000|3\n")
        // Every unit is either superseded or readable.
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
    }

    @Test("It follows a failover to the new timeline, and can go back to before and after it")
    func failover() throws {
        let standby = try Cluster(folder: Cluster.newFolder())
        try original.psql("SELECT pg_create_physical_replication_slot('standby')")
        try original.tool(
            "pg_basebackup", ["-D", standby.data, "-R", "-X", "stream", "-S", "standby", "-c", "fast"])
        try standby.configure(["primary_slot_name": "standby", "hot_standby": "on"])
        try standby.start()
        try describe(
            "host=\(original.folder),\(standby.folder) port=\(original.port),\(standby.port) user=postgres target_session_attrs=read-write")
        try original.psql("CREATE TABLE marks (word text)")
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("INSERT INTO marks VALUES ('old')")
        let moment = try mark("switch")
        let end = try original.psql("SELECT pg_current_wal_flush_lsn()").dropLast()
        Cluster.wait {
            (try? standby.psql("SELECT pg_last_wal_receive_lsn() >= '\(end)'")) == "t\n"
        }
        try follower.waitUntilComplete(original)
        original.kill()
        try standby.psql("SELECT pg_promote()")
        try standby.psql("INSERT INTO marks VALUES ('new')")
        try follower.wait(for: "follows the log of timeline 2")
        try follower.waitUntilComplete(standby)
        #expect(follower.stop() == 0)
        standby.stop()
        #expect(try revive().psql("SELECT word FROM marks").hasSuffix("after\nnew\n"))
        #expect(try revive(moment).psql("SELECT word FROM marks").hasSuffix("switch before\n"))
        #expect(try zwilling.reading("verify", "--read-data").code == 0)
    }

    @Test("A slot that the server gave up is a gap: it is said, and a new base closes it")
    func slotLost() throws {
        try Client.prepare(original)
        try follower.start()
        try follower.wait(for: "db: captured")
        follower.kill()
        try original.psql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        // More than is kept without a slot, so that what follows the copy is gone.
        for _ in 0..<6 {
            try original.psql(
                "INSERT INTO acked(who) SELECT 'lost' FROM generate_series(1, 20000); SELECT pg_switch_wal(); CHECKPOINT")
        }
        try follower.start()
        try follower.wait(for: "has a gap")
        try follower.wait(for: "db: captured", times: 2)
        try original.psql("INSERT INTO acked(who) VALUES ('later')")
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        let copy = try revive()
        #expect(try copy.psql("SELECT count(*) FROM acked WHERE who = 'later'") == "1\n")
    }

    @Test("A slot that a lost writer has left is named, with what drops it")
    func abandoned() throws {
        try original.psql("SELECT pg_create_physical_replication_slot('zwilling_db_0123abcd', true)")
        try original.psql("SELECT pg_create_physical_replication_slot('zwilling_dbx_0123abcd', true)")
        try follower.start()
        try follower.wait(for: "pg_drop_replication_slot('zwilling_db_0123abcd')")
        #expect(!follower.said.contains("zwilling_dbx"))
    }

    @Test("A server that was put back to an older state is told from one that goes on")
    func wentBack() throws {
        try Client.prepare(original)
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("CHECKPOINT")
        original.stop()
        try follower.wait(for: "cannot be reached")
        let old = original.folder + "/old"
        try Cluster.run("/bin/cp", ["-a", original.data, old], asServer: false)
        try original.start()
        try original.psql("INSERT INTO acked(who) SELECT 'gone' FROM generate_series(1, 20000)")
        try follower.waitUntilComplete(original)
        original.stop()
        try FileManager.default.removeItem(atPath: original.data)
        try FileManager.default.moveItem(atPath: old, toPath: original.data)
        try original.start()
        try follower.wait(for: "put back to an older state")
        #expect(follower.isRunning)
    }

    // MARK: Places

    @Test("A named point, a place in the log and a moment before the first base are told apart")
    func places() throws {
        try original.psql("CREATE TABLE marks (word text)")
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("INSERT INTO marks VALUES ('one')")
        try original.psql("SELECT pg_create_restore_point('before the import')")
        try original.psql("INSERT INTO marks VALUES ('two')")
        let place = try original.psql("SELECT pg_current_wal_lsn()").dropLast()
        try original.psql("INSERT INTO marks VALUES ('three')")
        try follower.waitUntilComplete(original)
        follower.stop()
        original.stop()
        #expect(
            try revive("--restore-point", "before the import").psql("SELECT word FROM marks")
                == "one\n")
        #expect(try revive("--lsn", "\(place)").psql("SELECT word FROM marks") == "one\ntwo\n")
        let target = town.home.appending(path: "nothing").path
        func refused(_ goal: String...) throws -> Town.Outcome {
            try town.run(
                Computer.program,
                ["restore"] + goal + ["--data", "db", "--to", target, "--passphrase-file", "passphrase"],
                environment: zwilling.environment)
        }
        let early = try refused("2001-01-01 00:00")
        #expect(early.code == 1 && early.errors.contains("no base from before"))
        let unknown = try refused("--restore-point", "never")
        #expect(unknown.code == 1 && unknown.errors.contains("pg_create_restore_point"))
        #expect(try refused("--lsn", "nowhere").code == 2)
        #expect(!FileManager.default.fileExists(atPath: target))
        // Later than all log: as far as that leads, and said.
        let late = try refused("2199-01-01 00:00")
        #expect(late.code == 3 && late.errors.contains("the log ends before that"))
    }

    @Test("status and moments know how far the log leads, and that it stays with its files")
    func standing() throws {
        try town.settle(files: 3)
        try describe(
            original.address,
            """
              - {id: akten, kind: files, paths: ["\(town.tree.path)"], rpo: 1 h}
            applications: [{id: fach, data: [db, akten]}]
            """)
        try follower.start()
        try follower.wait(for: "akten: captured")
        try follower.wait(for: "db: captured")
        // At once, on demand: the service has the writer, so it is asked.
        try town.write("new", "on demand")
        let asked = try zwilling("protect", "--data", "akten", "--json")
        #expect(asked.code == 0 && asked.output.contains("\"dataSet\":\"akten\""), "\(asked.errors)")
        #expect(try zwilling.reading("find", "new", "--data", "akten").output.contains("/new"))
        try original.psql("CREATE TABLE late (n int)")
        try follower.waitUntilComplete(original)
        Cluster.wait { (try? zwilling("status").code) == 0 }
        let status = try zwilling("status", "--json")
        #expect(status.code == 0 && status.output.contains("logUntil"), "\(status.output)")
        follower.kill()
        let moments = try JSONSerialization.jsonObject(
            with: Data(zwilling("moments", "--json").output.utf8)) as? [String: Any]
        let newest = try #require((moments?["moments"] as? [[String: Any]])?.first)
        let parts = try #require(newest["parts"] as? [[String: String]])
        let files = try #require(parts.first { $0["dataSet"] == "akten" })
        let cluster = try #require(parts.first { $0["dataSet"] == "db" })
        // The rows are no newer than the copy of the files they may point at.
        #expect(try #require(cluster["at"]) <= (try #require(files["begun"])))
    }

    @Test("A password that was copied long ago holds no rows back")
    func password() throws {
        try describe(
            original.address,
            """
              - {id: pw, kind: secret, command: printf x, rpo: 1 w}
            applications: [{id: fach, data: [db, pw]}]
            """)
        try follower.start()
        for id in ["db", "pw"] { try follower.wait(for: "\(id): captured") }
        try original.psql("CREATE TABLE late (n int)")
        try follower.waitUntilComplete(original)
        follower.kill()
        let moments = try JSONSerialization.jsonObject(
            with: Data(zwilling("moments", "--json").output.utf8)) as? [String: Any]
        let newest = try #require((moments?["moments"] as? [[String: Any]])?.first)
        let parts = try #require(newest["parts"] as? [[String: String]])
        let cluster = try #require(parts.first { $0["dataSet"] == "db" })
        #expect(cluster["at"] == newest["moment"] as? String)
    }

    @Test("Over TLS, by a role that may do only this, with every database of the cluster")
    func leastPrivilege() throws {
        let (certificate, key) = (original.folder + "/server.crt", original.folder + "/server.key")
        let other = original.folder + "/other.crt"
        for (file, keyFile) in [(certificate, key), (other, original.folder + "/other.key")] {
            try Cluster.run(
                "/usr/bin/openssl",
                [
                    "req", "-new", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", keyFile, "-out", file,
                ])
        }
        try Cluster.run("psql", ["-X", "-q", "-f", Town.tool("postgres-role.sql"), "postgres"],
            environment: original.environment)
        let password = "only-for-this-7"
        try original.psql("ALTER ROLE zwilling PASSWORD '\(password)'")
        try original.psql("CREATE DATABASE second")
        original.stop()
        try Cluster.append(
            "hostssl replication,postgres zwilling 127.0.0.1/32 scram-sha-256\n",
            to: original.data + "/pg_hba.conf")
        try original.configure([
            "listen_addresses": "127.0.0.1", "ssl": "on", "ssl_cert_file": certificate,
            "ssl_key_file": key, "max_slot_wal_keep_size": "256MB",
        ])
        try original.start()
        let passwords = town.home.appending(path: "pgpass")
        try Data("localhost:\(original.port):*:zwilling:\(password)\n".utf8).write(to: passwords)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: passwords.path)
        func connection(_ root: String) -> String {
            "host=localhost port=\(original.port) user=zwilling sslmode=verify-full sslrootcert=\(root) passfile=\(passwords.path)"
        }
        try describe(connection(other))
        let refused = try zwilling("protect")
        #expect(refused.code == 1 && refused.errors.contains("certificate"), "\(refused.errors)")
        try describe(connection(certificate))
        try follower.start()
        try follower.wait(for: "db: captured")
        try original.psql("CREATE TABLE there AS SELECT 1 AS n", database: "second")
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        for text in [follower.said, refused.errors] { #expect(!text.contains(password)) }
        #expect(!follower.said.contains("may do everything"))
        let copy = try revive()
        #expect(try copy.psql("SELECT n FROM there", database: "second") == "1\n")
    }

    @Test("A changed blueprint is captured and taken up; one with errors is told, and the last goes on")
    func blueprint() throws {
        try town.settle(files: 3)
        try follower.start()
        try follower.wait(for: "db: captured")
        try describe(original.address, "  - {id: oops, kind: nothing}")
        try follower.wait(for: "the blueprint has errors")
        #expect(follower.isRunning)
        try describe(
            original.address, "  - {id: akten, kind: files, paths: [\"\(town.tree.path)\"], rpo: 1 h}")
        try follower.wait(for: "akten: captured")
        try original.psql("CREATE TABLE after_all (n int)")
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        let snapshots = try zwilling("snapshots", "--json").output
        #expect(snapshots.components(separatedBy: "\"dataSet\":\"blueprint\"").count == 3)
        #expect(try revive().psql("SELECT count(*) FROM after_all") == "0\n")
    }
}
