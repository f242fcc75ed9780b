// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Revival
import Sites
import Testing
import Vault

/// Does in one process what the commands do, with any site: what a machine keeps from run to run,
/// and the acts over it.
struct Keeper {
    let site: any Site
    let keys: WriterKeys
    var cache: WriterCache?
    var memory: Memory
    private let state = StateFolder()

    static func found(at site: any Site) async throws -> Keeper {
        let (vault, keys) = try await Vault.create(
            at: site, passphrase: Array(Town.passphrase.utf8), writerNamed: "town hall",
            companions: [("README.txt", Array("read me".utf8))], world: .real)
        return Keeper(site: site, keys: keys, cache: nil, memory: Memory(of: vault))
    }

    init(site: any Site, keys: WriterKeys, cache: WriterCache?, memory: Memory) {
        (self.site, self.keys, self.cache, self.memory) = (site, keys, cache, memory)
    }

    static func path(_ url: URL) -> TreePath {
        url.path.split(separator: "/").map { Array($0.utf8) }
    }

    @discardableResult
    mutating func protect(
        _ urls: URL..., options: CaptureOptions = CaptureOptions(),
        report: @escaping @Sendable (CaptureProgress) -> Void = { _ in }
    ) async throws -> Captured {
        let vault = try await Vault(at: site, remembering: memory)
        let writer = try VaultWriter(vault, keys: keys, world: .real)
        let (known, _) = try await writer.knowledge(cache: cache, memory: memory)
        let capture = FileCapture(
            writer, dataSet: urls.map(\.path).joined(separator: ", "), host: "here",
            paths: urls.map(Self.path), options: options)
        let captured = try await capture.run(cache: known, report: report)
        memory.note(keys.writer, captured.head)
        try keep(captured.cache, writer.domain)
        return captured
    }

    /// Through its files, as a machine would keep it.
    mutating func keep(_ cache: WriterCache, _ domain: Domain) throws {
        try cache.keep(at: state.path, for: domain)
        self.cache = WriterCache(keptAt: state.path, for: domain)
        #expect(self.cache != nil)
    }

    func open(remembering isRemembering: Bool = true) async throws -> OpenVault {
        let memory = isRemembering ? self.memory : nil
        let vault = try await Vault(at: site, remembering: memory)
        let unlocked = try vault.unlock(passphrase: Array(Town.passphrase.utf8))
        return try await OpenVault(vault, unlocked, remembering: memory)
    }

    @discardableResult
    func restore(
        _ wish: String = "latest", to target: URL, options: RestoreOptions = RestoreOptions()
    ) async throws -> Restored {
        let open = try await open()
        let snapshot = try open.observed.snapshot(wish)
        return try await Restore(open, snapshot, options: options)
            .run(to: Array(target.path.utf8)) { _ in }
    }

    func verify(readsData: Bool = true) async throws -> Verified {
        var options = VerifyOptions()
        options.readsData = readsData
        return try await open().verify(options) { _ in }
    }
}

/// Where a keeper keeps its cache, for as long as there is one.
private final class StateFolder: Sendable {
    let url = FileManager.default.temporaryDirectory.appending(path: "zk-\(UUID().uuidString)")
    var path: [UInt8] { Array(url.appending(path: "cache").path.utf8) }

    deinit { try? FileManager.default.removeItem(at: url) }
}
