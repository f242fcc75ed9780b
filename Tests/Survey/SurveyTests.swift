// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Ground
import Survey
import Testing

@Suite("Looking around on a machine")
final class SurveyTests {
    private let root = FileManager.default.temporaryDirectory
        .appending(path: "zwilling-survey-\(UUID().uuidString)").resolvingSymlinksInPath()

    deinit { try? FileManager.default.removeItem(at: root) }

    private func write(_ path: String, _ text: String) throws {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private func link(_ path: String, to target: String) throws {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: file.path, withDestinationPath: target)
    }

    private func run(
        ask: @escaping Survey.Ask = { _ throws(Trouble) in [] }
    ) async -> (found: [Found], unseen: [Words]) {
        await Survey(root: root.path, ask: ask).run()
    }

    @Test("A machine with nothing on it has nothing, and nothing is unseen")
    func empty() async throws {
        try write("etc/hostname", "x")
        let (found, unseen) = await run()
        #expect(found == [] && unseen == [])
    }

    @Test("Clusters are found where Debian says, where they usually lie, and where they run")
    func clusters() async throws {
        try write("etc/postgresql/15/main/postgresql.conf", "# port = 1\ndata_directory = '/data/pg' # x\nport = 5433\n")
        try write("data/pg/PG_VERSION", "15\n")
        try write("data/pg/postmaster.pid", "77\n/data/pg\n1700000000\n5433\n/run\n")
        try write("var/lib/postgresql/14/old/PG_VERSION", "14\n")
        try write("elsewhere/db/PG_VERSION", "17\n")
        try write("proc/80/cmdline", "/usr/lib/postgresql/17/bin/postgres\0-D\0/elsewhere/db\0")
        try write("standing/PG_VERSION", "16\n")
        try write("proc/81/cmdline", "postgres\0")
        try link("proc/81/cwd", to: "/standing")
        try write("proc/82/cmdline", "postgres: checkpointer\0")
        // Named from where it was started; it went into its directory since.
        try write("far/relative/PG_VERSION", "15\n")
        try write("proc/83/cmdline", "postgres\0-D\0relative\0")
        try link("proc/83/cwd", to: "/far/relative")
        try write("other/below/PG_VERSION", "14\n")
        try write("proc/84/cmdline", "postgres\0-Dbelow\0")
        try link("proc/84/cwd", to: "/other")
        let (found, _) = await run()
        #expect(
            found == [
                .postgres(directory: "/data/pg", version: "15", socket: "/run", port: 5433),
                .postgres(
                    directory: "/elsewhere/db", version: "17", socket: "/var/run/postgresql",
                    port: 5432),
                .postgres(
                    directory: "/far/relative", version: "15", socket: "/var/run/postgresql",
                    port: 5432),
                .postgres(
                    directory: "/other/below", version: "14", socket: "/var/run/postgresql",
                    port: 5432),
                .postgres(
                    directory: "/standing", version: "16", socket: "/var/run/postgresql",
                    port: 5432),
                .postgres(
                    directory: "/var/lib/postgresql/14/old", version: "14",
                    socket: "/var/run/postgresql", port: nil),
            ])
    }

    private static let inspected = """
        [{"Id": "a1", "Name": "/fach", "Config": {"Image": "fach:2", "Env": ["PATH=/bin", "DB_PASSWORD=geheim"]},
          "Mounts": [{"Type": "volume", "Source": "/var/lib/containers/storage/volumes/fach/_data"},
                     {"Type": "bind", "Source": "/etc/localtime"}, {"Type": "tmpfs", "Source": ""}],
          "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": null}}}]
        """

    @Test("Containers are asked for, with what they keep, and without the values of variables")
    func containers() async throws {
        try write("usr/bin/podman", "")
        let (found, unseen) = await run { arguments throws(Trouble) in
            if arguments[1] == "ps" { return Array("a1\n".utf8) }
            #expect(arguments == ["podman", "inspect", "--type", "container", "a1"])
            return Array(Self.inspected.utf8)
        }
        #expect(unseen == [])
        #expect(
            found == [
                .container(
                    Found.Container(
                        name: "fach", image: "fach:2", ports: [8080],
                        volumes: ["/var/lib/containers/storage/volumes/fach/_data"],
                        variables: ["DB_PASSWORD"]))
            ])
        let text = Template.gemeinde.blueprint(of: "X", found: found, in: .english)
        #expect(text.contains("DB_PASSWORD") && !text.contains("geheim"))
    }

    @Test("A cluster in a container's volume is captured as one, not as files")
    func containedCluster() async throws {
        try write("usr/bin/podman", "")
        try write("var/lib/containers/storage/volumes/fach/_data/PG_VERSION", "15\n")
        let inspected = Self.inspected.replacingOccurrences(
            of: "\"81/tcp\": null", with: "\"5432/tcp\": [{\"HostIp\": \"\", \"HostPort\": \"15432\"}]")
        let (found, _) = await run { arguments throws(Trouble) in
            Array((arguments[1] == "ps" ? "a1\n" : inspected).utf8)
        }
        let volume = "/var/lib/containers/storage/volumes/fach/_data"
        #expect(found.contains(.postgres(directory: volume, version: "15", socket: "localhost", port: 15432)))
        let text = Template.gemeinde.blueprint(of: "X", found: found, in: .english)
        #expect(text.contains("host=localhost port=15432") && !text.contains("paths: [\(volume)"))
    }

    @Test("Containers that cannot be asked for are said to be unseen", arguments: ["{", "[{}]", "[]]"])
    func silent(answer: String) async throws {
        try write("usr/bin/docker", "")
        let (found, unseen) = await run { arguments throws(Trouble) in
            if arguments[1] == "ps", answer == "{" { throw Trouble(.denied, Words("no", de: "nein")) }
            return Array(answer.utf8)
        }
        #expect(found == [] && unseen.count == 1)
        #expect(unseen.first?.english.hasPrefix("Containers of docker: ") == true)
    }

    private static let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

    @Test("Programs that listen are found by their sockets; the system's own are not")
    func listeners() async throws {
        func line(_ port: String, _ state: String, _ inode: Int) -> String {
            "   0: 00000000:\(port) 00000000:0000 \(state) 00000000:00000000 00:00000000 00000000     0        0 \(inode) 1\n"
        }
        try write(
            "proc/net/tcp",
            Self.header + line("1F90", "0A", 11) + line("0016", "0A", 12) + line("1F91", "01", 13)
                + line("0050", "0A", 14))
        try write("proc/net/tcp6", Self.header + line("1F92", "0A", 15))
        for (process, name, socket) in [("7", "fach", 11), ("7", "fach", 15), ("8", "sshd", 12), ("9", "fach", 13)] {
            try write("proc/\(process)/comm", name + "\n")
            try link("proc/\(process)/fd/\(socket)", to: "socket:[\(socket)]")
        }
        let (found, unseen) = await run()
        #expect(found == [.listener(program: "fach", ports: [8080, 8082])])
        #expect(unseen.map(\.english) == ["Which programs listen on ports 80: this user may not look."])
    }

    @Test("Directories with something in them are found, but for those known otherwise")
    func directories() async throws {
        for path in [
            "srv/akten/a", "srv/leer/", "home/anna/x", "opt/fach/bin", "var/lib/dpkg/status",
            "var/lib/gitea/db", "var/lib/mysql/ibdata1", "var/www/html/index",
            "var/lib/postgresql/15/main/PG_VERSION",
        ] {
            if path.hasSuffix("/") {
                try FileManager.default.createDirectory(
                    at: root.appending(path: path), withIntermediateDirectories: true)
            } else {
                try write(path, "x")
            }
        }
        let (found, _) = await run()
        #expect(
            found.dropFirst() == [
                .mysql(directory: "/var/lib/mysql"), .directory(path: "/srv/akten"),
                .directory(path: "/opt/fach"), .directory(path: "/home/anna"),
                .directory(path: "/var/www/html"), .directory(path: "/var/lib/gitea"),
            ])
    }
}
