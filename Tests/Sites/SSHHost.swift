// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Testing

/// A real OpenSSH server on this machine, of its own port, keys and directory.
final class SSHHost: Sendable {
    static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/sbin/sshd")

    let port = Int.random(in: 30_000..<40_000)
    let folder: URL
    private let server = Process()
    /// While it is open, the server runs: so it ends with this process, however that ends.
    private let hold = Pipe()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "zwilling-ssh-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "bin"), withIntermediateDirectories: true)
        for key in ["host", "client"] {
            try Self.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.appending(path: key).path])
        }
        // Where the server runs as root, it wants this.
        if getuid() == 0 { try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
        try write("sshd_config", """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder.path)/host
            AuthorizedKeysFile \(folder.path)/client.pub
            PasswordAuthentication no
            StrictModes no
            UsePAM no
            PidFile none
            MaxStartups 1000
            Subsystem sftp internal-sftp
            """)
        try write("ssh_config", """
            Host *
              IdentityFile \(folder.path)/client
              IdentitiesOnly yes
              UserKnownHostsFile \(folder.path)/known
              StrictHostKeyChecking accept-new
              LogLevel ERROR
            """)
        // OpenSSH does not look for its configuration where HOME says.
        try write("bin/ssh", "#!/bin/sh\nexec /usr/bin/ssh -F '\(folder.path)/ssh_config' \"$@\"\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: ssh)
        server.executableURL = URL(fileURLWithPath: "/bin/sh")
        // Not by itself: it closes what Foundation watches its end by.
        server.arguments = [
            "-c", "/usr/sbin/sshd -D -f \"$0\" </dev/null & child=$!; cat >/dev/null; kill -KILL $child",
            folder.appending(path: "sshd_config").path,
        ]
        server.standardInput = hold
        server.standardError = FileHandle.nullDevice
        try server.run()
        var answers = false
        for _ in 0..<100 where !answers {
            answers = (try? Self.run(ssh, ["-oBatchMode=yes", "-p", "\(port)", "127.0.0.1", "true"])) != nil
            if !answers { usleep(50_000) }
        }
        try #require(answers, "sshd does not come up")
    }

    private func write(_ name: String, _ text: String) throws {
        try Data((text + "\n").utf8).write(to: folder.appending(path: name))
    }

    private struct Failed: Error {}

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw Failed() }
    }

    /// A program that gets there without asking.
    var ssh: String { folder.appending(path: "bin/ssh").path }

    /// Of a directory on it.
    func address(_ path: String) -> String { "sftp://127.0.0.1:\(port)\(path)" }

    private func end() {
        hold.fileHandleForWriting.closeFile()
        server.waitUntilExit()
    }

    deinit {
        end()
        try? FileManager.default.removeItem(at: folder)
    }

    /// One for all tests.
    static let good = Result { try SSHHost() }
}
