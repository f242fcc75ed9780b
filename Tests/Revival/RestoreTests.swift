// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Foundation
import Ground
import Revival
import Sites
import Testing
import Vault

@Suite("Restoring")
struct RestoreTests {
    let home: URL

    init() throws {
        home = FileManager.default.temporaryDirectory
            .appending(path: "zwilling-restore-\(UUID().uuidString)").resolvingSymlinksInPath()
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    /// A vault whose only snapshot consists of these sections.
    private func vault(_ sections: [Section]) async throws -> (OpenVault, Observed.Fact) {
        var liar = try await Liar()
        try await liar.snapshot { _ in sections.map { Liar.Lie($0) } }
        let open = try await liar.open()
        return (open, try open.observed.snapshot("latest"))
    }

    private func entry(_ name: String, _ kind: FileKind, target: String = "") -> Entry {
        let now = World.real.now()
        var entry = Entry(
            name: Array(name.utf8),
            status: FileStatus(
                kind: kind, permissions: 0o755, links: 1, user: getuid(), group: getgid(), size: 0,
                blocks: 0, device: 1, inode: 1, major: 0, minor: 0, modified: now, changed: now))
        entry.target = Array(target.utf8)
        return entry
    }

    private func restore(
        _ vault: (OpenVault, Observed.Fact), options: RestoreOptions = RestoreOptions()
    ) async throws -> Restored {
        try await Restore(vault.0, vault.1, options: options)
            .run(to: Array(home.appending(path: "target").path.utf8)) { _ in }
    }

    @Test("A symbolic link that later sections would write through is not followed")
    func symlinkTrick() async throws {
        let outside = home.appending(path: "outside")
        try FileManager.default.createDirectory(at: outside, withIntermediateDirectories: true)
        let trick = try await vault([
            Section(
                parent: [], chunks: [],
                entries: [(0, entry("door", .symlink, target: outside.path))]),
            Section(parent: [Array("door".utf8)], chunks: [], entries: [(0, entry("loot", .file))]),
        ])
        let restored = try await restore(trick)
        #expect(!restored.notRestored.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == [])
    }

    @Test("A symbolic link that lies in the target already is not followed either")
    func plantedLink() async throws {
        let outside = home.appending(path: "outside")
        let target = home.appending(path: "target")
        for place in [outside, target] {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            at: target.appending(path: "house"), withDestinationURL: outside)
        let honest = try await vault([
            Section(
                parent: [], chunks: [],
                entries: [(0, entry("house", .directory)), (0, entry("file", .file))])
        ])
        var options = RestoreOptions()
        options.overwrites = true
        let restored = try await restore(honest, options: options)
        #expect(!restored.notRestored.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == [])
    }

    @Test(
        "Names that would lead out of the target are refused",
        arguments: ["..", ".", "a/b", "/etc", "", "nul%00"])
    func hostileNames(name: String) async throws {
        let hostile = try await vault([
            Section(
                parent: [], chunks: [],
                entries: [(0, entry(name.replacing("%00", with: "\0"), .file))])
        ])
        await #expect(throws: Trouble.self) {
            let restored = try await restore(hostile)
            if let first = restored.notRestored.first { throw first.trouble }
        }
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: home.appending(path: "target").path)
        #expect((names ?? []).isEmpty)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: home.path)
                .allSatisfy { $0 == "target" })
    }

    @Test("Sections that pretend to hold something else are refused")
    func outOfOrder() async throws {
        let reversed = try await vault([
            Section(parent: [], chunks: [], entries: [(0, entry("b", .file))]),
            Section(parent: [], chunks: [], entries: [(0, entry("a", .file))]),
        ])
        await #expect(throws: Trouble.self) { try await restore(reversed) }
    }

    @Test("A section that reaches into the next is refused, so that no name stands twice")
    func overlap() async throws {
        let overlapping = try await vault([
            Section(
                parent: [], chunks: [], entries: [(0, entry("a", .file)), (0, entry("z", .file))]),
            Section(
                parent: [], chunks: [],
                entries: [(0, entry("b", .file)), (0, entry("z", .symlink, target: "b"))]),
        ])
        var options = RestoreOptions()
        options.overwrites = true
        let restored = try await restore(overlapping, options: options)
        #expect(restored.notRestored.map(\.path) == [[Array("a".utf8)]])
        #expect(restored.notRestored.first?.trouble.kind == .damaged)
        #expect(restored.counts.files == 1 && restored.counts.others == 1)
    }

    @Test("Entries with one identity and different kinds are different files")
    func identities() async throws {
        var entries = [("a", FileKind.file), ("b", .fifo), ("c", .file), ("d", .fifo)].map {
            (up: 0, entry: entry($0.0, $0.1))
        }
        for index in entries.indices { entries[index].entry.link = .init(device: 1, inode: 1) }
        let mixed = try await vault([Section(parent: [], chunks: [], entries: entries)])
        #expect(try await restore(mixed).notRestored.isEmpty)
        let target = try Descriptor.directory(Array(home.appending(path: "target").path.utf8))
        let found = try entries.map { try target.status($0.entry.name) }
        #expect(found.map(\.kind) == entries.map(\.entry.kind))
        #expect(found[0].inode == found[2].inode && found[1].inode == found[3].inode)
    }

    @Test("A target with something in it is refused unless it may be overwritten")
    func notEmpty() async throws {
        let target = home.appending(path: "target")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        try Data("old".utf8).write(to: target.appending(path: "file"))
        let honest = try await vault([
            Section(parent: [], chunks: [], entries: [(0, entry("file", .file))])
        ])
        let error = await #expect(throws: Trouble.self) { try await restore(honest) }
        #expect(error?.kind == .exists)
        var options = RestoreOptions()
        options.overwrites = true
        #expect(try await restore(honest, options: options).notRestored.isEmpty)
        #expect(try Data(contentsOf: target.appending(path: "file")).isEmpty)
    }
}
