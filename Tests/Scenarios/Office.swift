// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// A small institution that really runs: a database, and a program that works only with it, with
/// its secret, and with its files.
final class Office {
    let town: Town
    let original: Computer
    /// A machine that has never seen it.
    let elsewhere: Computer
    let database: Cluster
    let port = Int.random(in: 20_000...30_000)
    let pagePort = Int.random(in: 40_001...50_000)
    private let databasePort = Int.random(in: 30_001...40_000)
    /// Short enough for sockets.
    let place = "/tmp/zw-\(UUID().uuidString.prefix(8))"

    static let name = "Amt Probe"

    /// Whether a drill can have a network of its own.
    static let canIsolate: Bool = {
        let own = getuid() == 0 ? ["--net"] : ["--user", "--map-current-user", "--keep-caps", "--net"]
        return (try? Cluster.run("/usr/bin/unshare", own + ["ip", "link", "set", "lo", "up"], asServer: false)) != nil
    }()

    private static let program = """
        import http.server, os, smtplib, socket, sys
        if os.environ.get("MAIL"):
            with smtplib.SMTP(os.environ["MAIL"], 25, timeout=5) as mail:
                mail.sendmail("a@b.example", ["c@d.example"], "Subject: hello\\r\\n\\r\\nhello\\r\\n")
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                try:
                    if self.path == "/health":
                        socket.create_connection((os.environ["DB"], int(os.environ["DB_PORT"])), 2).close()
                        text = open(os.environ["SECRET_FILE"]).read() + os.environ["TOKEN"]
                    elif self.path == "/outside":
                        socket.create_connection(("127.0.0.1", int(os.environ["OUTSIDE"])), 2).close()
                        text = "reached"
                    else:
                        text = open(os.environ["FILES"] + self.path).read()
                    self.send_response(200)
                except Exception as reason:
                    text = str(reason)
                    self.send_response(500)
                self.end_headers()
                self.wfile.write(text.encode())
            def log_message(self, *rest): pass
        class Server(http.server.ThreadingHTTPServer): allow_reuse_address = True
        Server(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
        """

    init() throws {
        town = try Town()
        original = try Computer(town)
        elsewhere = try Computer(town, named: "elsewhere", on: "elsewhere")
        database = try Cluster()
        try database.start()
        try database.psql("CREATE TABLE residents AS SELECT generate_series(1, 1000) AS id")
        try town.write("program.py", Self.program)
        try town.write("files/letter", "Sehr geehrte Damen und Herren")
        try Data("geheim\n".utf8).write(to: town.home.appending(path: "secret"))
        for folder in [town.home, town.tree, town.tree.appending(path: "files")] {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        }
        try describe()
        try original.create()
    }

    deinit {
        _ = try? elsewhere("stop", "--confirm", Self.name, "--delete-data", "--accept-loss")
        try? FileManager.default.removeItem(atPath: place)
        try? FileManager.default.removeItem(atPath: place + ".led")
    }

    /// What the commands that lead people over have noted.
    func led() throws -> String { try String(contentsOfFile: place + ".led", encoding: .utf8) }

    /// Until the twin has captured each of them itself.
    func waitForCopies(of ids: [String]) throws {
        var missing = Set(ids)
        for _ in 0..<300 where !missing.isEmpty {
            let log = try String(contentsOfFile: place + "/logs/protect", encoding: .utf8)
            missing = missing.filter { !log.contains("\($0): captured") }
            usleep(100_000)
        }
        try #require(missing.isEmpty, "\(missing)")
    }

    /// - Parameter trial: one more, of the database.
    func describe(trial: String = "SELECT count(*) FROM residents", outside: Int = 9) throws {
        let text = """
            institution: \(Self.name)
            services:
              - {id: post, name: Posteingang, rto: 1 min, rpo: 10 min, applications: [office]}
            applications:
              - id: office
                process: exec python3 '{data:program}' \(port)
                ports: [\(port)]
                health: {http: /health, within: 30 s}
                trials:
                  - {name: residents are there, sql: "\(trial)", data: db}
                  - {name: a letter is there, http: /letter, contains: geehrte}
                configuration:
                  environment:
                    DB: "{host:db}"
                    DB_PORT: \(databasePort)
                    SECRET_FILE: "{secret:password}"
                    FILES: "{data:files}"
                    MAIL: "{host:mail}"
                    OUTSIDE: \(outside)
                secrets: [{data: password, as: environment TOKEN}]
                data: [db, files, program, password]
                platforms: [plain]
                needs: [{kind: mail, stand-in: by hand}]
            data:
              - id: db
                kind: postgres
                connection: \(database.address)
                server: {port: \(databasePort)}
                rpo: 10 min
              - {id: files, kind: files, paths: ["\(town.tree.path)/files"], rpo: 10 min}
              - {id: program, kind: files, paths: ["\(town.tree.path)/program.py"], rpo: 1 d}
              - {id: password, kind: secret, file: "\(town.home.path)/secret", rpo: 1 d}
            platforms:
              - id: plain
                kind: process
                status-page: \(pagePort)
                serve: echo there >> \(place).led
                leave: echo away >> \(place).led
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
    }

    /// Captures it, and then it is gone.
    func burn() throws {
        let outcome = try original("protect")
        try #require(outcome.code == 0, "\(outcome.errors)")
        database.kill()
        try FileManager.default.removeItem(atPath: database.data)
        try FileManager.default.removeItem(at: town.tree)
        try FileManager.default.removeItem(at: town.home.appending(path: "institution.yaml"))
    }

    var activation: [String] {
        ["activate", "--emergency", "--confirm", Self.name, "--to", place, "--passphrase-file", "passphrase"]
    }

    func activate() throws -> Town.Outcome {
        try elsewhere.run(activation + ["--json"])
    }

    /// Changes its blueprint before anything of it is captured.
    func rewrite(_ old: String, _ new: String) throws {
        let file = town.home.appending(path: "institution.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(old))
        try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
    }

    /// What the program answers; nil where it does not.
    func answer(_ path: String, port other: Int? = nil) -> String? {
        guard let url = URL(string: "http://127.0.0.1:\(other ?? port)\(path)") else { return nil }
        return try? Cluster.run("/usr/bin/python3", [
            "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode(), end='')",
            url.absoluteString,
        ], asServer: false)
    }

    func query(_ sql: String) throws -> String {
        try Cluster.run(
            "psql", ["-X", "-q", "-A", "-t", "-h", place + "/run/db", "-p", "\(databasePort)", "-U", "postgres", "-c", sql]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
