// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Revival
import Sites
import Testing
import Vault

/// A vault of format version 1 that stands in the checkout and never changes: whatever is built
/// later must still read it. Its format is the one of docs/format.md.
@Suite("The vault of format version 1 in Tests/Fixtures", .serialized)
struct FixtureTests {
    let town: Town

    init() throws { town = try Town() }

    private static let place = Town.checkout.appending(path: "Tests/Fixtures/vault-1")
    private static let passphraseFile = Town.checkout
        .appending(path: "Tests/Fixtures/vault-1.passphrase")
    private static let passphrase = "a passphrase for tests only"
    /// Where the original stood when the vault was made.
    private static let original: TreePath = ["var", "tmp", "zwilling-fixture", "town"]
        .map { Array($0.utf8) }

    /// Kind, permissions, time, size, SHA-256 and name; then what else there is to say.
    private static let latest = """
        directory 755 1600000000.000000000 .
        symlink 777 1600000008.000000000 dangling -> ../nowhere/at/all
        file 600 1600000002.000000000 0 e3b0c442 empty
        file 640 1700000000.000000000 19 c8bac1b9 hello.txt user.town=cafe00 user.void=
        file 644 -2.500000000 200000 2e2082b8 large.txt
        symlink 777 1600000008.000000000 link -> hello.txt
        directory 1750 1600000005.000000001 names
        file 644 4300000000.123456789 6 46265dd2 names/\u{e4} %0a~
        file 644 1600000005.000000001 10 bb45d1f9 names/%ff%fe bytes
        file 4755 1600000003.000000000 7 cf99975a one links 2
        fifo 620 1600000007.000000000 pipe
        file 644 1600000004.000000000 1048576 e17135df sparse
        file 4755 1600000003.000000000 7 cf99975a two links 2 = one
        """

    /// What the first snapshot has instead.
    private static let first = [
        "file 640 1600000001.000000000 13 81a94eee hello.txt user.town=cafe00 user.void=",
        "file 644 1600000006.000000000 5 4b9f2c32 gone",
    ]

    @Test("is written anew", .enabled(if: isWriting))
    func write() async throws {
        let root = path(of: Self.original)
        try? FileManager.default.removeItem(atPath: root)
        try FixtureTown.build(at: root)
        defer { try? FileManager.default.removeItem(atPath: root) }
        try? FileManager.default.removeItem(at: Self.place)
        try FileManager.default.createDirectory(
            at: Self.place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((Self.passphrase + "\n").utf8).write(to: Self.passphraseFile)
        let (vault, keys) = try await Self.found()
        let empty = WriterCache(for: keys.openDomain)
        let cache = try await Self.protect(vault, keys, on: empty, at: 1_800_000_000)
        try FixtureTown.change(at: root)
        _ = try await Self.protect(vault, keys, on: cache, at: 1_800_086_400)
    }

    @Test("opens, and both of its snapshots are sound")
    func sound() async throws {
        let open = try await open()
        #expect(open.observed.troubles.isEmpty)
        #expect(open.observed.snapshots.map(\.body.dataSet) == ["town", "town"])
        #expect(open.observed.snapshots.map(\.body.counts.files) == [9, 8])
        #expect(open.observed.snapshots.map(\.body.base) == [0, 1])
        var options = VerifyOptions()
        options.readsData = true
        let verified = try await open.verify(options) { _ in }
        #expect(verified.findings.map(\.description) == [])
        #expect(verified.snapshots == 2)
    }

    @Test("comes back as it was")
    func restored() async throws {
        let open = try await open()
        let snapshots = open.observed.snapshots
        try await restore(open, try #require(snapshots.last), to: town.target)
        #expect(try FixtureTown.listing(of: town.target.path) == Self.latest)

        let earlier = town.home.appending(path: "earlier")
        try await restore(open, try #require(snapshots.first), to: earlier)
        let lines = try FixtureTown.listing(of: earlier.path).split(separator: "\n")
        #expect(Set(lines.map(String.init)).isSuperset(of: Self.first))
        #expect(lines.count == Self.latest.split(separator: "\n").count + 1)
    }

    @Test("comes back by rescue.py, with and without its packages", arguments: [[], ["--plain"]])
    func rescued(options: [String]) throws {
        let outcome = try town.run(
            "python3",
            [
                Town.tool("rescue.py"), Self.place.path, "--to", town.target.path,
                "--passphrase-file", Self.passphraseFile.path,
            ] + options)
        #expect(outcome.code == (isRoot ? 0 : 3), "\(outcome.errors)")
        let root = town.target.path + path(of: Self.original)
        #expect(try FixtureTown.listing(of: root) == Self.latest)
    }

    // MARK: The vault

    private func open() async throws -> OpenVault {
        let site = try DirectorySite(opening: Array(Self.place.path.utf8))
        let vault = try await Vault(at: site, remembering: nil)
        let passphrase = try String(contentsOf: Self.passphraseFile, encoding: .utf8)
        #expect(passphrase == Self.passphrase + "\n")
        let unlocked = try vault.unlock(passphrase: Array(passphrase.utf8.dropLast()))
        return try await OpenVault(vault, unlocked)
    }

    private func restore(
        _ open: OpenVault, _ snapshot: Observed.Fact, to target: URL
    ) async throws {
        var options = RestoreOptions()
        options.subtree = Self.original
        let restored = try await Restore(open, snapshot, options: options)
            .run(to: Array(target.path.utf8)) { _ in }
        if isRoot { #expect(restored.notRestored.map(\.trouble.description) == []) }
    }

    private static func world(at seconds: Int64) -> World {
        World(now: { Moment(seconds: seconds) }, random: World.real.random)
    }

    private static func found() async throws -> (Vault, WriterKeys) {
        let world = world(at: 1_799_999_999)
        let site = try DirectorySite.create(Array(place.path.utf8), world: world)
        // Fewer rounds than a real vault has, so that reading it costs a test little.
        let first = try Keyring.new(
            passphrase: Array(passphrase.utf8), companions: [], world: world, roundsExponent: 12)
        let (unlocked, keys) = try first.adding(writerNamed: "town hall", after: nil, world: world)
        for folder in Keyring.folders {
            try await site.put(
                Keyring.name(1, in: folder), unlocked.encoded[...], existing: .refuse)
        }
        return (try await Vault(at: site, remembering: nil), keys)
    }

    private static func protect(
        _ vault: Vault, _ keys: WriterKeys, on cache: WriterCache, at seconds: Int64
    ) async throws -> WriterCache {
        var options = CaptureOptions()
        // One worker fills fewer packs.
        options.width = 1
        let capture = FileCapture(
            try VaultWriter(vault, keys: keys, world: world(at: seconds)), dataSet: "town",
            host: "fixture", paths: [original], options: options)
        let captured = try await capture.run(cache: cache) { _ in }
        #expect(captured.leftOut.isEmpty)
        return captured.cache
    }

    private func path(of path: TreePath) -> String {
        path.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
    }
}

private let isWriting = ProcessInfo.processInfo.environment["ZWILLING_WRITE_FIXTURE"] != nil
private let isRoot = geteuid() == 0
