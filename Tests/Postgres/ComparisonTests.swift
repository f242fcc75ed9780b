// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

/// What a comparison hands out, as text.
private struct Seen: ComparisonSink {
    var tables: [String: ComparedColumns] = [:]
    var rows: [String] = []
    var count = 0
    var keeps = true
    private var table = ""

    init(keeping: Bool = true) { keeps = keeping }

    mutating func begin(_ columns: ComparedColumns) {
        table = "\(columns.database).\(columns.table.schema).\(columns.table.name)"
        tables[table] = columns
    }

    mutating func row(_ row: DifferingRow) {
        count += 1
        guard keeps else { return }
        func text(_ cells: Cells?) -> String {
            guard let cells else { return "-" }
            return cells.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "NULL" }.joined(separator: "|")
        }
        let by = row.changer.map { " by \($0)" } ?? ""
        rows.append("\(table): \(text(row.original)) / \(text(row.twin))\(by)")
    }
}

extension ServerTests {
    @Suite("A comparison of two clusters")
    struct ComparisonTests {
        let original: Cluster
        let twin: Cluster

        init() throws {
            original = try Cluster()
            twin = try Cluster()
            try original.start()
            try twin.start()
        }

        private func both(_ sql: String) throws {
            try original.psql(sql)
            try twin.psql(sql)
        }

        private func compare(_ base: Cluster? = nil) throws -> (ComparedCluster, Seen) {
            var seen = Seen()
            let result = try ClusterComparison(
                original: ServerAddress(original.address), twin: ServerAddress(twin.address),
                base: base.map { try ServerAddress($0.address) }
            ).run(into: &seen)
            return (result, seen)
        }

        private func table(_ result: ComparedCluster, _ name: String) throws -> ComparedTable {
            try #require(result.databases.first { $0.name == "postgres" }?.tables.first { $0.name.name == name })
        }

        @Test("Rows of one side and rows that differ are found, in the order of their keys, and counted")
        func rows() throws {
            try both("CREATE TABLE akten (id int PRIMARY KEY, text text); INSERT INTO akten SELECT i, 'a' FROM generate_series(1, 30) i")
            #expect(try compare().0.isEqual)
            try original.psql("INSERT INTO akten VALUES (100, 'neu'); UPDATE akten SET text = NULL WHERE id = 7")
            try twin.psql("DELETE FROM akten WHERE id = 3; INSERT INTO akten VALUES (-5, '')")
            let (result, seen) = try compare()
            #expect(!result.isEqual)
            #expect(
                seen.rows == [
                    "postgres.public.akten: - / -5|", "postgres.public.akten: 100|neu / -",
                    "postgres.public.akten: 3|a / -", "postgres.public.akten: 7|NULL / 7|a",
                ])
            let counts = try table(result, "akten").rows
            #expect((counts.onlyOriginal, counts.onlyTwin, counts.different) == (2, 1, 1))
            #expect(counts.byOriginal + counts.byTwin + counts.byBoth == 0)
        }

        @Test("Values of any type are compared as they are: line breaks, quotes, umlauts, bytes, numbers, keys of several columns")
        func values() throws {
            try both(
                """
                CREATE TYPE art AS ENUM ('eins', 'zwei');
                CREATE TABLE "Bürger ""x"".;" (
                  "Straße" text COLLATE "C", nr numeric, flag bool, raw bytea, j json, a int[], art art,
                  c char(8), i inet, f float8, z timestamptz, PRIMARY KEY ("Straße", nr, flag));
                INSERT INTO "Bürger ""x"".;" SELECT 'Am "Öltor"' || chr(10) || ',', i / 3.0, i % 2 = 0, '\\x00ff22',
                  '{"a": 1}', '{1,NULL}', 'zwei', 'kurz', '10.0.0.1', 0.1 + i, '2026-03-29 02:30+01'
                  FROM generate_series(1, 50) i
                """)
            #expect(try compare().0.isEqual)
            try original.psql("UPDATE \"Bürger \"\"x\"\".;\" SET raw = '\\x00ff23', f = 'NaN' WHERE nr = 1")
            try twin.psql("SET timezone = 'Asia/Tokyo'; UPDATE \"Bürger \"\"x\"\".;\" SET a = '{}' WHERE nr = 2")
            let seen = try compare().1
            let mine = seen.rows.map { $0.components(separatedBy: " / ") }
            #expect(mine.count == 2)
            let columns = try #require(seen.tables.values.first)
            #expect(columns.keyCount == 3 && columns.columns.prefix(3) == ["Straße", "nr", "flag"])
            #expect(mine[0][0].contains("Am \"Öltor\"\n,|1.00000000000000000000|f|\\x00ff23|{\"a\": 1}|{1,NULL}|zwei|kurz    |10.0.0.1|NaN|2026-03-29 01:30:00+00"))
            #expect(mine[0][1].contains("|\\x00ff22|"))
            #expect(mine[1][1].contains("|{}|"))
        }

        @Test("A table without a key is compared by whole rows, each as often as it is there")
        func keyless() throws {
            try both("CREATE TABLE log (t text, n int)")
            try original.psql("INSERT INTO log VALUES ('a', 1), ('a', 1), ('a', 1), (NULL, 2), ('', 2)")
            try twin.psql("INSERT INTO log VALUES ('a', 1), ('', 2), ('b', NULL)")
            let (result, seen) = try compare()
            #expect(
                seen.rows.sorted() == [
                    "postgres.public.log: - / b|NULL", "postgres.public.log: NULL|2 / -",
                    "postgres.public.log: a|1 / -", "postgres.public.log: a|1 / -",
                ])
            let counts = try table(result, "log").rows
            #expect((counts.onlyOriginal, counts.onlyTwin, counts.different) == (3, 1, 0))
        }

        @Test("With a base each row says who has changed it since, also where the base has fewer columns")
        func base() throws {
            let base = try Cluster()
            try base.start()
            let sql = "CREATE TABLE akten (id int PRIMARY KEY, t text); INSERT INTO akten SELECT i, 'a' FROM generate_series(1, 9) i; CREATE TABLE log (t text); INSERT INTO log VALUES ('x'), ('x')"
            try both(sql)
            try base.psql(sql)
            try original.psql(
                "INSERT INTO akten VALUES (20, 'o'), (40, 'o'); DELETE FROM akten WHERE id IN (1, 5); UPDATE akten SET t = 'o' WHERE id IN (3, 4); INSERT INTO log VALUES ('x'), ('y')")
            try twin.psql(
                "INSERT INTO akten VALUES (30, 't'), (40, 't'); DELETE FROM akten WHERE id IN (2, 4, 5); UPDATE akten SET t = 't' WHERE id IN (3, 6); DELETE FROM log WHERE ctid = '(0,1)'")
            let (result, seen) = try compare(base)
            #expect(
                seen.rows == [
                    "- / 1|a by original", "2|a / - by twin", "20|o / - by original", "3|o / 3|t by both",
                    "- / 30|t by twin", "4|o / - by both", "40|o / 40|t by both", "6|a / 6|t by twin",
                ].map { "postgres.public.akten: " + $0 } + [
                    // Three of the original against one of the twin, where there were two.
                    "x / - by twin", "x / - by original", "y / - by original",
                ].map { "postgres.public.log: " + $0 })
            let counts = try table(result, "akten").rows
            #expect((counts.byOriginal, counts.byTwin, counts.byBoth) == (2, 3, 3))

            try both("TRUNCATE akten; ALTER TABLE akten ADD n int; INSERT INTO akten VALUES (1, 'a', 1)")
            try twin.psql("UPDATE akten SET t = 'b'")
            try both("CREATE TABLE young (id int PRIMARY KEY)")
            try twin.psql("INSERT INTO young VALUES (1)")
            let later = try compare(base).1.rows.filter { !$0.contains(".log") }
            #expect(later == ["postgres.public.akten: 1|a|1 / 1|b|1 by twin", "postgres.public.young: - / 1 by twin"])
        }

        @Test("Tables, databases and columns of one side are named, with their rows, and sequences by their values")
        func shapes() throws {
            try both("CREATE TABLE shared (id int PRIMARY KEY, a text, b int); INSERT INTO shared VALUES (1, 'x', 2)")
            try original.psql("CREATE TABLE extra (id int PRIMARY KEY); INSERT INTO extra VALUES (1), (2); ALTER TABLE shared ADD c int")
            try twin.psql("ALTER TABLE shared DROP a; ALTER TABLE shared ALTER b TYPE text; CREATE TABLE nothing ()")
            try both("CREATE SEQUENCE same; CREATE SEQUENCE other; SELECT nextval('same'); SELECT setval('other', 5)")
            try twin.psql("SELECT setval('other', 900)")
            try twin.psql("CREATE DATABASE zweite ENCODING 'LATIN1' TEMPLATE template0")
            try twin.tool("psql", ["-X", "-q", "-c", "CREATE TABLE t (t text PRIMARY KEY); INSERT INTO t VALUES (U&'\\00E4')", "zweite"])
            let (result, seen) = try compare()
            let shared = try table(result, "shared")
            #expect(shared.columnsOnlyOriginal == ["a", "c"] && shared.columnsOnlyTwin == [])
            #expect(shared.columnsOfOtherType == ["b"] && shared.rows.total == 0 && !shared.isEqual)
            #expect(try table(result, "extra").onlyAt == .original)
            #expect(try table(result, "extra").rows.onlyOriginal == 2)
            #expect(try table(result, "nothing").onlyAt == .twin)
            #expect(result.databases.map(\.name) == ["postgres", "zweite"])
            #expect(result.databases[1].onlyAt == .twin)
            #expect(seen.rows.last == "zweite.public.t: - / ä")
            let sequences = try #require(result.databases.first?.sequences)
            #expect(sequences.map(\.name) == ["other"])
            #expect(sequences.first.map { [$0.original, $0.twin] } == [5, 900])
        }

        @Test("Databases of other encodings are the same where they hold the same text, and bytes of none are compared as they are")
        func encodings() throws {
            for (cluster, encoding) in [(original, "LATIN9"), (twin, "UTF8")] {
                try cluster.psql("CREATE DATABASE alt ENCODING '\(encoding)' TEMPLATE template0")
                try cluster.psql("CREATE DATABASE roh ENCODING 'SQL_ASCII' TEMPLATE template0")
                try cluster.psql("CREATE TABLE t (t text PRIMARY KEY); INSERT INTO t VALUES (U&'\\20AC'), (U&'\\00FC'), ('z')", database: "alt")
                try cluster.psql("CREATE TABLE t (t text PRIMARY KEY); INSERT INTO t VALUES (E'\\xff'), ('a')", database: "roh")
            }
            #expect(try compare().0.isEqual)
            try original.psql("DELETE FROM t WHERE t = U&'\\00FC'", database: "alt")
            #expect(try compare().1.rows == ["alt.public.t: - / ü"])
        }

        @Test("What the role may not read is named, and the rest compared; no policy hides rows")
        func denied() throws {
            try both(
                """
                CREATE ROLE reader LOGIN;
                CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY);
                GRANT SELECT ON b, c TO reader; ALTER TABLE b ENABLE ROW LEVEL SECURITY
                """)
            try twin.psql("INSERT INTO b VALUES (1); INSERT INTO c VALUES (1)")
            var seen = Seen()
            let result = try ClusterComparison(
                original: ServerAddress(original.address(user: "reader")), twin: ServerAddress(twin.address(user: "reader"))
            ).run(into: &seen)
            #expect(try table(result, "a").unreadable?.message.english.contains("permission denied") == true)
            #expect(try table(result, "b").unreadable?.message.english.contains("row-level security") == true)
            #expect(seen.rows == ["postgres.public.c: - / 1"])
            #expect(!result.isEqual)
        }

        @Test("Users of a database cannot make the comparison call what they have made")
        func hostileCast() throws {
            try both(
                """
                CREATE TYPE trick AS (a int);
                CREATE FUNCTION caught(trick) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
                CREATE CAST (trick AS text) WITH FUNCTION caught(trick) AS IMPLICIT;
                CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
                CREATE TABLE t (id int PRIMARY KEY, v trick); INSERT INTO t VALUES (1, ROW(1))
                """)
            #expect(try compare().0.isEqual)
            try twin.psql("UPDATE t SET v = ROW(2)")
            #expect(try compare().1.rows == ["postgres.public.t: 1|(1) / 1|(2)"])
        }

        @Test("The twin may be a standby, whose sequences are not taken for others")
        func standby() throws {
            try original.psql("CREATE TABLE akten (id serial PRIMARY KEY, t text); INSERT INTO akten (t) SELECT 'a' FROM generate_series(1, 3)")
            let standby = try Cluster(folder: Cluster.newFolder())
            try original.tool("pg_basebackup", ["-D", standby.data, "-R", "-X", "stream", "-c", "fast"])
            try standby.configure(["hot_standby": "on"])
            try standby.start()
            try original.psql("CREATE TABLE later (id int PRIMARY KEY, lo oid); INSERT INTO later VALUES (1, lo_from_bytea(0, 'x')); INSERT INTO akten (t) VALUES ('b')")
            let reached = try original.flushedLSN()
            try Cluster.wait { LSN(try standby.psql("SELECT pg_last_wal_replay_lsn()").trimmingCharacters(in: .newlines)) ?? reached >= reached }
            var seen = Seen()
            func compare() throws -> ComparedCluster {
                try ClusterComparison(original: ServerAddress(original.address), twin: ServerAddress(standby.address)).run(into: &seen)
            }
            #expect(try compare().isEqual)
            try standby.psql("SELECT pg_wal_replay_pause()")
            try original.psql("DELETE FROM akten WHERE id = 2; SELECT lo_put(lo, 0, 'y') FROM later")
            #expect(try !compare().isEqual)
            #expect(seen.rows == ["postgres.pg_catalog.pg_largeobject: \(Self.object(seen, "y")) / \(Self.object(seen, "x"))", "postgres.public.akten: - / 2|a"])
        }

        /// The page of a large object, whose number is the server's choice.
        private static func object(_ seen: Seen, _ content: String) -> String {
            let number = seen.rows.first?.split(separator: " ").dropFirst().first?.split(separator: "|").first ?? ""
            return "\(number)|0|\\x\(Array(content.utf8).map { String($0, radix: 16) }.joined())"
        }

        @Test("Three rows of 100,000 are found without fetching the others, and a whole table without holding it")
        func large() throws {
            try both("CREATE TABLE t (id int PRIMARY KEY, t text); INSERT INTO t SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 100000) i")
            try twin.psql("DELETE FROM t WHERE id = 99999; UPDATE t SET t = 'x' WHERE id = 5; INSERT INTO t VALUES (0, 'y')")
            let (result, seen) = try compare()
            #expect(try table(result, "t").rows.total == 3)
            #expect(seen.rows.count == 3)
            try original.psql("CREATE TABLE big AS SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 100000) i")
            let before = Self.residentKilobytes
            var count = Seen(keeping: false)
            _ = try ClusterComparison(original: ServerAddress(original.address), twin: ServerAddress(twin.address)).run(into: &count)
            #expect(count.count == 100_003)
            // The table has 100 MB.
            #expect(Self.residentKilobytes - before < 30_000)
        }

        private static var residentKilobytes: Int {
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
            return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
        }
    }
}
