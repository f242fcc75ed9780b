// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// What a writer keeps on its machine to be fast: a cache, derived from the vault and from the last
/// run. A thief learns from it names of data sets and a few paths, but no content. Lost or damaged, it
/// is made anew from the chunk tables, and nothing is uploaded again.
package struct WriterCache: Sendable {
    /// The record after which all this was true.
    package var head: ChainHead
    /// Every pack that the chain up to `head` names. Their numbers stay.
    package private(set) var packs: [PackReference] = []
    /// Bytes of content in each; 0 where that is not known.
    package private(set) var content: [UInt32] = []
    /// Numbers of packs that were lost, or never put. What they held is unknown.
    package private(set) var gone: Set<UInt32> = []
    /// Numbers of packs by chunk.
    package var chunks: ChunkLevels
    package var dataSets = DataSetMemories()
    /// Number of the steward's newest statement that is obeyed.
    package private(set) var obeyed: UInt64 = 0
    /// Stretches of `packs`, each a file.
    var stretches: [Stretch] = []

    struct Stretch: Hashable, Sendable {
        let id: UInt64
        let count: Int
    }

    /// What the last run over a data set found, by fingerprints of what lay there.
    package struct DataSetMemory: Sendable {
        /// The last snapshot: its place, how many changes of pack lists led to it, its packs.
        package var sequence: UInt64 = 0
        package var deltas = 0
        package var packs: [UInt32] = []
        package var sections: [Digest: KnownSection] = [:]
        package var contents: [Digest: KnownContent] = [:]

        package init() {}
    }

    /// A section that need not be read again while its fingerprint stays.
    package struct KnownSection: Hashable, Sendable {
        package let reference: SectionReference
        package let counts: RecordBody.Counts
        /// All packs from which it is restored.
        package let uses: PackUses

        package init(reference: SectionReference, counts: RecordBody.Counts, uses: PackUses) {
            (self.reference, self.counts, self.uses) = (reference, counts, uses)
        }
    }

    /// A group or a large file that need not be read again while its fingerprint stays.
    package struct KnownContent: Hashable, Sendable {
        package let chunks: [ChunkReference]
        package let areLists: Bool
        package let regions: [Content.Region]?
        package let uses: PackUses

        package init(
            chunks: [ChunkReference], areLists: Bool, regions: [Content.Region]?, uses: PackUses
        ) {
            (self.chunks, self.areLists) = (chunks, areLists)
            (self.regions, self.uses) = (regions, uses)
        }
    }

    /// An empty one.
    package init(
        for domain: Domain, head: ChainHead = .start, rowsInMemory: Int = LevelShape.rowsInMemoryUsually
    ) {
        self.head = head
        chunks = ChunkLevels(LevelShape(valueBytes: 4, key: Self.key(domain), rowsInMemory: rowsInMemory))
    }

    init(
        head: ChainHead, obeyed: UInt64, packs: [PackReference], content: [UInt32], stretches: [Stretch], gone: Set<UInt32>,
        chunks: ChunkLevels, dataSets: DataSetMemories
    ) {
        (self.head, self.obeyed, self.packs, self.content, self.stretches) = (head, obeyed, packs, content, stretches)
        (self.gone, self.chunks, self.dataSets) = (gone, chunks, dataSets)
    }

    static func key(_ domain: Domain) -> SymmetricKey { Sealing.derive(domain.secret, "zwilling cache") }

    /// So small a stretch is written again together with what is added; one so large never is.
    private static let stretchMin = 1 << 12
    private static let stretchMax = 1 << 18

    /// - Parameter content: bytes of content in each.
    package mutating func add(_ more: [PackReference], content: [Int]) {
        packs += more
        self.content += content.map { UInt32(clamping: $0) }
        guard !more.isEmpty else { return }
        var count = more.count
        while let last = stretches.last?.count, last < Self.stretchMax, last < max(4 * count, Self.stretchMin) {
            count += last
            stretches.removeLast()
        }
        stretches.append(Stretch(id: .random(in: 1...UInt64.max), count: count))
    }

    /// On what they condemn nothing is built any more.
    mutating func obey(_ statements: [Statement]) {
        guard let last = statements.last else { return }
        obeyed = last.number
        let condemned = Set(statements.flatMap(\.body.condemned))
        guard !condemned.isEmpty else { return }
        for (number, pack) in packs.enumerated() where condemned.contains(pack.name) { gone.insert(UInt32(number)) }
    }

    /// The packs of which a snapshot takes little, those first that hold most of what it does not take.
    func sparse(_ taken: [(pack: UInt32, bytes: Int)]) -> [RecordBody.Sparse] {
        var found: [(sparse: RecordBody.Sparse, dead: Int)] = []
        for (pack, bytes) in taken {
            let all = Int(content[Int(pack)])
            guard all > 0, bytes * 100 <= all * (Limits.sparsePercent - 1) else { continue }
            found.append((RecordBody.Sparse(packs[Int(pack)].name, percent: UInt8((bytes * 100 + all - 1) / all)), all - bytes))
        }
        return found.sorted { $0.dead > $1.dead }.prefix(Limits.sparsePacksMax).map(\.sparse)
    }

    /// What is known at the end of a run. To be settled then.
    package mutating func take(_ known: KnownChunks) {
        let before = UInt32(packs.count)
        for (number, isLive) in known.live.enumerated() where !isLive { gone.insert(UInt32(number)) }
        let (added, chunks) = known.result
        for (number, pack) in added.enumerated() where pack == nil { gone.insert(before + UInt32(number)) }
        add(added.map { $0?.reference ?? PackReference(name: .zero, bytes: 0) }, content: added.map { $0?.content ?? 0 })
        self.chunks = chunks
    }

    /// Lays down what has come, which now and then takes a while. After it, nothing new is in a table.
    package mutating func settle() { chunks.settle { [gone] in !gone.contains(UInt32($0)) } }
}
