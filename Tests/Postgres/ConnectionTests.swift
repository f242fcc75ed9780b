// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

extension ServerTests {
    @Suite("A connection")
    struct ConnectionTests {
        @Test("A password in the address is refused, and never repeated")
        func secrets() throws {
            for text in [
                "host=x password=hunter2", "postgres://u:hunter2@x/db", "hunter2",
                "host=x password='hunter2", "postgres://u:hunter2@x:port]/", "host hunter2=",
                "host=x sslpassword=hunter2", "postgres://u@x/?hunter2=1",
            ] {
                let error = #expect(throws: ServerError.self) { try ServerAddress(text) }
                let trouble = try #require(error?.trouble)
                #expect(trouble.kind == .wrongUse)
                #expect(!"\(trouble)\(trouble.message.german)".contains("hunter2"), "\(text)")
            }
            let address = try ServerAddress("postgres://u@x:99/db?sslmode=require")
            #expect(address.shown == "\"host=x port=99 dbname=db user=u\"")
        }

        @Test("A wrong password is refused without being shown")
        func wrongPassword() throws {
            let cluster = try Cluster()
            try cluster.start()
            try cluster.psql("CREATE ROLE guarded LOGIN REPLICATION PASSWORD 'right'")
            let rules = """
                local all,replication guarded scram-sha-256
                local all all trust\n
                """
            try Data(rules.utf8).write(to: URL(fileURLWithPath: cluster.data + "/pg_hba.conf"))
            try cluster.psql("SELECT pg_reload_conf()")
            let passwords = cluster.folder + "/pgpass"
            let base = cluster.address(user: "guarded") + " passfile=\(passwords)"
            func attempt(_ password: String, database: String = "*") throws -> String? {
                _ = FileManager.default.createFile(
                    atPath: passwords, contents: Data("*:*:\(database):*:\(password)".utf8),
                    attributes: [.posixPermissions: 0o600])
                let address = try ServerAddress(base)
                if database == "replication" { return "\(try Replication(to: address).timeline)" }
                let connection = try Connection(to: address, for: .questions(database: nil))
                return try connection.ask("SELECT current_user")[0, 0]
            }
            let error = #expect(throws: ServerError.self) { try attempt("guarded-wrong") }
            let text = "\(try #require(error?.trouble))"
            #expect(text.contains("cannot be reached") && text.contains(cluster.folder))
            #expect(!text.contains("guarded-wrong"))
            #expect(try attempt("right") == "guarded")
            #expect(try attempt("right", database: "replication") == "1")
        }

        @Test("A server that is not there, or does not answer, is told in time")
        func absent() throws {
            let nowhere = try ServerAddress("host=/tmp/zwilling-nowhere port=5999")
            let error = #expect(throws: ServerError.self) {
                try Connection(to: nowhere, for: .replication)
            }
            #expect(error?.isWorthRetrying == true)
            // Listens, and says nothing: a socket whose queue takes the connection.
            let socket = Deaf()
            let deaf = try ServerAddress("host=127.0.0.1 port=\(socket.port) sslmode=disable")
            let late = #expect(throws: ServerError.self) {
                try Connection(to: deaf, for: .replication, .milliseconds(200))
            }
            #expect("\(try #require(late?.trouble))".contains("no answer in time"))
            let wake = try #require(Wake())
            wake.raise()
            let stopped = #expect(throws: ServerError.self) {
                try Connection(to: deaf, for: .replication, .endless(or: wake))
            }
            guard case .interrupted? = stopped else {
                Issue.record("\(String(describing: stopped))")
                return
            }
        }

        @Test("Questions bring text, bytes and NULL; refusals their SQLSTATE, and go on")
        func questions() throws {
            let cluster = try Cluster()
            try cluster.start()
            let connection = try cluster.connection()
            let rows = try connection.ask("SELECT 'grün', NULL, '\\x00ff'::bytea, 7")
            #expect(rows[0, 0] == "grün" && rows[0, 1] == nil && rows[0, 2] == "\\x00ff")
            #expect(rows[0, 3] == "7" && rows[1, 0] == nil && rows[0, 4] == nil)
            let error = #expect(throws: ServerError.self) {
                try connection.ask("SELECT * FROM nowhere")
            }
            guard case .refused(let refusal)? = error else { return #expect(Bool(false)) }
            #expect(refusal.sqlState == "42P01" && refusal.message.contains("nowhere"))
            #expect(try connection.ask("SHOW application_name")[0, 0] == "zwilling")
            let late = #expect(throws: ServerError.self) {
                try connection.ask("SELECT pg_sleep(30)", .milliseconds(50))
            }
            guard case .late? = late else { return #expect(Bool(false)) }
            let next = try cluster.connection()
            cluster.quit()
            let gone = #expect(throws: ServerError.self) { try next.ask("SELECT 1") }
            #expect(gone?.isWorthRetrying == true)
        }

        @Test("The facts of a server, what hinders capturing it, and the role that may")
        func facts() throws {
            let cluster = try Cluster(["max_wal_senders": "1", "max_replication_slots": "0"])
            try cluster.start()
            let facts = try ServerFacts(cluster.connection())
            #expect(facts.databases.map(\.name) == ["postgres", "template1"])
            #expect(facts.hasDataChecksums == true && facts.dataDirectory == cluster.data)
            #expect(facts.roleIsSuperuser && facts.roleMayReplicate && !facts.isStandby)
            let found = facts.obstacles(hasSlot: false).map(\.message.english).joined()
            #expect(found.contains("max_wal_senders is 1"))
            #expect(found.contains("max_replication_slots is 0"))
            #expect(facts.warnings.contains { $0.english.contains("may do everything") })

            try cluster.psql("CREATE ROLE nobody LOGIN")
            let stranger = try Connection(
                to: ServerAddress(cluster.address(user: "nobody")),
                for: .questions(database: nil))
            let seen = try ServerFacts(stranger)
            #expect(seen.dataDirectory == nil && !seen.roleMayReplicate)
            #expect(seen.obstacles(hasSlot: true).contains { $0.kind == .denied })

            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appending(path: "../../tools/postgres-role.sql").path
            let copy = cluster.folder + "/role.sql"
            try FileManager.default.copyItem(atPath: script, toPath: copy)
            for _ in 0..<2 {
                try cluster.tool("psql", ["-X", "-q", "-f", copy, "-v", "role=zwi", "postgres"])
            }
            let address = try ServerAddress(cluster.address(user: "zwi"))
            let own = try Connection(to: address, for: .questions(database: nil))
            let mine = try ServerFacts(own)
            #expect(mine.roleMayReplicate && !mine.roleIsSuperuser)
            #expect(mine.dataDirectory == cluster.data)
            #expect(try own.makeRestorePoint("here") > LSN(0))
            #expect(try Replication(to: address).timeline == 1)
        }
    }
}

/// A port that takes connections and never says anything.
private final class Deaf {
    let port: UInt16
    private let raw: Int32

    init() {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe because the kernel is told the size of the structure, in and out.
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe _ = bind(raw, name, size)
                _ = listen(raw, 5)
                unsafe _ = getsockname(raw, name, &size)
            }
        }
        self.raw = raw
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(raw) }
}

/// Everything that needs a server; one after the other, since each starts some.
@Suite(
    "With a server", .serialized, .enabled(if: Cluster.isAvailable, "\(Cluster.absence)"))
struct ServerTests {}
