// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import Ground
import Sites
import Testing
import Vault

// swift-crypto has a protocol of this name.
typealias Digest = Ground.Digest

/// A small vault in memory, with every key at hand.
struct TestVault {
    static let passphrase = Array("correct horse".utf8)

    let site: MemorySite
    var vault: Vault
    var unlocked: UnlockedKeyring
    let keys: WriterKeys
    let world: World

    /// One writer, no record. The passphrase is stretched by as little as the format allows.
    init(seed: UInt64 = 1) async throws {
        world = .seeded(seed)
        site = MemorySite()
        let first = try Keyring.new(
            passphrase: Self.passphrase, companions: [], world: world, roundsExponent: 10)
        (unlocked, keys) = try first.adding(writerNamed: "hall", after: nil, world: world)
        try await site.putKeyring(1, unlocked.encoded)
        vault = try await Vault(at: site, remembering: nil)
    }

    /// The same keys at another site: a copy, or the past.
    init(_ other: TestVault, at site: MemorySite, world: World? = nil) async throws {
        (self.site, unlocked, keys) = (site, other.unlocked, other.keys)
        self.world = world ?? other.world
        vault = try await Vault(at: site, remembering: nil)
    }

    var writer: VaultWriter {
        get throws { try VaultWriter(vault, keys: keys, world: world) }
    }

    var domain: Domain { Domain(id: keys.domain, secret: SymmetricKey(data: keys.domainSecret)) }

    var observer: Sealing.RecipientKey {
        get throws { try Strongbox.recipientKey(unlocked.strongbox.observerSeed) }
    }

    func observed(_ memory: Memory? = nil) async throws -> Observed {
        try await Observed(vault, with: observer, remembering: memory)
    }

    func opened() async throws -> OpenVault { try await OpenVault(vault, unlocked) }

    func record(_ sequence: UInt64) -> ObjectName { Record.name(keys.writer, sequence) }

    /// What a machine remembers that has seen everything.
    func memory() async throws -> Memory {
        var memory = Memory(of: vault)
        memory.note(vault)
        for (id, head) in try await observed().heads { memory.note(id, head) }
        return memory
    }

    func draft(_ dataSet: String = "files") -> RecordBody {
        RecordBody(
            kind: .snapshot, begun: world.now(), dataSet: dataSet, host: "host",
            paths: [Array("/data".utf8)])
    }

    func emptyCache() -> WriterCache { WriterCache(for: domain) }

    func run(on cache: WriterCache, _ dataSet: String = "files") async throws -> WriterRun {
        try await WriterRun(writer, cache: cache, draft: draft(dataSet), level: 3)
    }

    typealias Done = (head: ChainHead, body: RecordBody, cache: WriterCache)

    /// Protects files with these contents, as a capture does.
    func protect(
        _ contents: [[UInt8]], on cache: WriterCache? = nil, _ dataSet: String = "files"
    ) async throws -> Done {
        let cache = cache ?? emptyCache()
        let run = try await run(on: cache, dataSet)
        let roots = try await Self.store(contents, in: run)
        return try await Self.commit(run, roots, on: cache)
    }

    static func commit(
        _ run: WriterRun, _ roots: [Digest], on cache: WriterCache
    ) async throws(Trouble) -> Done {
        try await run.commit(rootChunks: roots, counts: .init(), memory: .init(), cache: cache)
    }

    /// Everything of a run but its record: one file for each content, in one section.
    static func store(_ contents: [[UInt8]], in run: WriterRun) async throws -> [Digest] {
        let chunks = run.chunkWriter()
        var references: [ChunkReference] = []
        var entries: [(up: Int, entry: Entry)] = []
        for (number, content) in contents.enumerated() {
            references.append(try await chunks.store(content[...], .data).reference)
            var file = entry("f\(1000 + number)")
            file.content = Content(
                size: UInt64(content.count), regions: nil, stream: .chunks([number]))
            entries.append((0, file))
        }
        let section = Section(
            parent: [Array("data".utf8)], chunks: references, entries: entries)
        let stored = try await chunks.store(section.encoded[...], .tree).reference
        let root = RootChunk.encode([
            SectionReference(
                chunk: stored, entries: entries.count,
                first: section.parent + [entries[0].entry.name])
        ])
        let rootId = try await chunks.store(root[...], .tree).reference.id
        try await chunks.flush()
        return [rootId]
    }

    /// What a verification with the passphrase finds.
    func findings() async throws -> [Trouble] {
        var options = VerifyOptions()
        options.readsData = true
        options.width = 2
        return try await OpenVault(vault, unlocked, isBundled: false).verify(options) { _ in }.findings
    }

    /// The contents of all files of a snapshot, or the trouble that hinders.
    func contents(of wish: String = "latest") async throws -> [[UInt8]] {
        let open = try await opened()
        let snapshot = try open.observed.snapshot(wish)
        let index = await open.index(of: snapshot, width: 2)
        let reader = ChunkReader(
            index, PackWindows(site: site, .stretches), site: site.label)
        var contents: [[UInt8]] = []
        for reference in try await open.sections(of: snapshot, reader) {
            for chunk in try await open.section(reference, reader).chunks {
                contents.append(Array(try await reader.read(chunk, .data)))
            }
        }
        return contents
    }
}

func entry(_ name: String, _ kind: FileKind = .file) -> Entry { entry(Array(name.utf8), kind) }

func entry(_ name: [UInt8], _ kind: FileKind = .file) -> Entry {
    Entry(
        name: name,
        status: FileStatus(
            kind: kind, permissions: 0o644, links: 1, user: 1000, group: 100, size: 0, blocks: 0,
            device: 1, inode: 2, major: 0, minor: 0, modified: Moment(seconds: 1_600_000_000),
            changed: Moment(seconds: 1_600_000_000)))
}

/// The trouble in which `act` ends; nil where it goes well.
func trouble(_ act: () async throws -> Void) async throws -> Trouble? {
    do {
        try await act()
        return nil
    } catch let trouble as Trouble {
        return trouble
    }
}

extension MemorySite {
    func bytes(_ name: ObjectName) async throws -> [UInt8] { try await get(name, in: nil) }

    func replace(_ name: ObjectName, by bytes: [UInt8]) async throws {
        try await put(name, bytes[...], existing: .replace)
    }

    /// Both copies of a keyring.
    func putKeyring(_ number: UInt32, _ bytes: [UInt8]) async throws {
        for folder in Keyring.folders {
            try await replace(Keyring.name(number, in: folder), by: bytes)
        }
    }

    func dropKeyring(_ number: UInt32) {
        for folder in Keyring.folders { drop(Keyring.name(number, in: folder)) }
    }

    func packNames() async throws -> [ObjectName] { try await list("packs/").map(\.name) }
}
