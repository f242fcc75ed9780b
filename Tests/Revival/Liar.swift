// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Sites
import Vault

/// A writer that lies: its snapshots consist of sections made by hand.
struct Liar {
    private static let passphrase = Array("a hostile passphrase".utf8)

    private let vault: Vault
    private let writer: VaultWriter
    private var cache: WriterCache

    /// A section as it goes into the vault, and what the root chunk says of it.
    struct Lie {
        let bytes: [UInt8]
        let entries: Int
        let first: TreePath
    }

    init() async throws {
        let (vault, keys) = try await Vault.create(
            at: MemorySite(), passphrase: Self.passphrase, writerNamed: "liar", companions: [],
            world: .real)
        self.vault = vault
        writer = try VaultWriter(vault, keys: keys, world: .real)
        cache = WriterCache(for: writer.domain)
    }

    /// Makes a snapshot and gives its id.
    ///
    /// - Parameter tell: gives the sections, to which it may store what they name.
    @discardableResult
    mutating func snapshot(_ tell: (ChunkWriter) async throws -> [Lie]) async throws -> Digest {
        let draft = RecordBody(
            kind: .snapshot, begun: World.real.now(), dataSet: "lies", host: "h", paths: [])
        let run = try await WriterRun(writer, cache: cache, draft: draft, level: 1)
        let chunks = run.chunkWriter()
        var references: [SectionReference] = []
        for lie in try await tell(chunks) {
            references.append(
                SectionReference(
                    chunk: try await chunks.store(lie.bytes[...], .tree).reference,
                    entries: lie.entries, first: lie.first))
        }
        let root = try await chunks.store(RootChunk.encode(references)[...], .tree)
        try await chunks.flush()
        let done = try await run.commit(
            rootChunks: [root.reference.id], counts: .init(), memory: .init(), cache: cache)
        cache = done.cache
        return done.head.hash
    }

    func open() async throws -> OpenVault {
        try await OpenVault(vault, vault.unlock(passphrase: Self.passphrase))
    }
}

extension Liar.Lie {
    /// One that is told well.
    init(_ section: Section) {
        self.init(
            bytes: section.encoded, entries: section.entries.count,
            first: section.parent + [section.entries[0].entry.name])
    }
}
