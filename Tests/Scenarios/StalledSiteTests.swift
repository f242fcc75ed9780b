// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// The vault on a file system of its own that can be made to hang.
final class StallingSite {
    static let isAvailable =
        FileManager.default.isExecutableFile(atPath: "/usr/bin/bindfs")
        && FileManager.default.fileExists(atPath: "/dev/fuse")
        || ProcessInfo.processInfo.environment["CI"] != nil

    private let place: String
    private let server = Process()

    init(at place: URL, backing: URL) throws {
        self.place = place.path
        for folder in [place, backing] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        server.executableURL = URL(fileURLWithPath: "/usr/bin/bindfs")
        server.arguments = ["-f", backing.path, place.path]
        (server.standardOutput, server.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try server.run()
        Cluster.wait {
            ((try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? "")
                .contains(" \(place.path) ")
        }
    }

    deinit {
        resume()
        // Whichever there is, and may. It would wait for ever for what is still open there.
        let tools = [["/bin/umount", "--lazy"], ["/bin/fusermount3", "-u", "-z"], ["/bin/fusermount", "-u", "-z"]]
        _ = tools.first { (try? Cluster.run($0[0], Array($0.dropFirst()) + [place], asServer: false)) != nil }
        kill(server.processIdentifier, SIGKILL)
        server.waitUntilExit()
    }

    func stall() { kill(server.processIdentifier, SIGSTOP) }
    func resume() { kill(server.processIdentifier, SIGCONT) }
}

@Suite(
    "pgBackRest #1848: a site that hangs while the disk fills",
    .enabled(if: Cluster.isAvailable && StallingSite.isAvailable))
struct StalledSiteTests {
    @Test("Log that waits is bounded and warned of, and caught up when the site is back")
    func stalls() throws {
        let town = try Town()
        let site = try StallingSite(at: town.vault, backing: town.home.appending(path: "backing"))
        let zwilling = try Computer(town)
        try zwilling.create()
        let bound = 64 << 20
        let original = try Cluster(["max_slot_wal_keep_size": "64MB", "max_wal_size": "16MB"])
        try original.start()
        let text = """
            institution: Musterstadt
            data: [{id: db, kind: postgres, connection: "\(original.address)", rpo: 1 s}]
            """
        try Data(text.utf8).write(to: town.home.appending(path: "institution.yaml"))
        try original.psql("CREATE TABLE load (n int, word text)")
        let follower = try Follower(zwilling)
        try follower.start()
        try follower.wait(for: "db: captured")

        site.stall()
        for round in 0..<10 {
            try original.psql(
                "INSERT INTO load SELECT \(round), repeat(md5(n::text), 8) FROM generate_series(1, 13000) n")
        }
        try follower.wait(for: "wait at the server for slot")
        let held = try FileManager.default.contentsOfDirectory(atPath: original.data + "/pg_wal")
            .filter { $0.count == 24 }.count
        #expect(held << 20 <= bound + 24 << 20, "\(held) segments")
        #expect(follower.isRunning)

        site.resume()
        try original.psql("INSERT INTO load VALUES (10, 'last')")
        try follower.waitUntilComplete(original)
        #expect(follower.stop() == 0)
        #expect(!follower.said.contains("has a gap"), "\(follower.said)")
        let target = town.home.appending(path: "back").path
        let outcome = try zwilling.reading("restore", "--data", "db", "--to", target, "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let end = try original.psql("SELECT pg_current_wal_flush_lsn()").dropLast()
        #expect(outcome.output.contains("\"logEnd\":\"\(end)\""), "\(end): \(outcome.output)")
    }
}
