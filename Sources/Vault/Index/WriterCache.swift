// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// What a writer keeps on its machine to be fast: a cache, derived from the vault and from the
/// last run. A thief learns from it names of data sets and a few paths, but no content. Lost or damaged, it is made anew from the chunk tables, and
/// nothing is uploaded again.
package struct WriterCache: Sendable {
    /// The record after which all this was true.
    package var head: ChainHead
    /// Every pack that the chain up to `head` names.
    package var packs: [PackReference]
    /// Numbers of packs by chunk.
    package var chunks: [Digest: UInt32]
    package var dataSets: [String: DataSetMemory] = [:]
    /// Number of the steward's newest statement that is obeyed.
    package var obeyed: UInt64 = 0
    /// Packs on which nothing may be built any more. Not kept: a run that ends well knows them no longer.
    private(set) var condemned: Set<Digest> = []

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
        /// Numbers of all packs from which it is restored.
        package let packs: [UInt32]

        package init(
            reference: SectionReference, counts: RecordBody.Counts, packs: [UInt32]
        ) {
            (self.reference, self.counts, self.packs) = (reference, counts, packs)
        }
    }

    /// A group or a large file that need not be read again while its fingerprint stays.
    package struct KnownContent: Hashable, Sendable {
        package let chunks: [ChunkReference]
        package let areLists: Bool
        package let regions: [Content.Region]?
        package let packs: [UInt32]

        package init(
            chunks: [ChunkReference], areLists: Bool, regions: [Content.Region]?, packs: [UInt32]
        ) {
            (self.chunks, self.areLists) = (chunks, areLists)
            (self.regions, self.packs) = (regions, packs)
        }
    }

    package init(head: ChainHead, packs: [PackReference], chunks: [Digest: UInt32]) {
        (self.head, self.packs, self.chunks) = (head, packs, chunks)
    }
}

extension WriterCache {
    mutating func obey(_ statements: [Statement]) {
        for one in statements { condemned.formUnion(one.body.condemned) }
        obeyed = max(obeyed, statements.last?.number ?? 0)
    }

    private static let magic = Array("ZWILLING CACHE 2\n".utf8)

    private static func key(_ domain: Domain) -> SymmetricKey {
        Sealing.derive(domain.secret, "zwilling cache")
    }

    /// With an authentication code at the end, so that a damaged cache is never believed.
    package func encoded(for domain: Domain) -> [UInt8] {
        var writer = ByteWriter(reserving: chunks.count * 36 + 4096)
        writer.raw(Self.magic)
        writer.u64(head.sequence)
        writer.digest(head.hash)
        writer.u64(obeyed)
        writer.varint(packs.count)
        for pack in packs {
            writer.digest(pack.name)
            writer.varint(pack.bytes)
        }
        writer.varint(chunks.count)
        for (id, pack) in chunks {
            writer.digest(id)
            writer.varint(UInt64(pack))
        }
        writer.varint(dataSets.count)
        for (name, memory) in dataSets {
            writer.text(name)
            memory.encode(to: &writer)
        }
        writer.digest(Sealing.keyedHash(writer.bytes, Self.key(domain)))
        return writer.bytes
    }

    package init(decoding bytes: [UInt8], for domain: Domain) throws(Malformed) {
        let end = bytes.count - Digest.byteCount
        guard end > Self.magic.count, Array(bytes[..<Self.magic.count]) == Self.magic,
            Sealing.keyedHash(bytes[..<end], Self.key(domain)) == Digest(bytes[end...])
        else { throw Malformed("not a cache of this writer", at: 0) }
        var reader = ByteReader(bytes, in: Self.magic.count..<end)
        head = ChainHead(sequence: try reader.sequence(), hash: try reader.digest())
        obeyed = try reader.u64()
        packs = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            PackReference(
                name: try reader.digest(), bytes: try reader.number(upTo: Limits.packBytesMax))
        }
        let count = try reader.number(upTo: reader.remaining)
        chunks = Dictionary(minimumCapacity: count)
        for _ in 0..<count { chunks[try reader.digest()] = try reader.packNumber() }
        for _ in 0..<(try reader.number(upTo: reader.remaining)) {
            let name = try reader.text()
            dataSets[name] = try DataSetMemory(decoding: &reader)
        }
        try reader.end()
    }
}

extension WriterCache.DataSetMemory {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.u64(sequence)
        writer.varint(deltas)
        writer.packNumbers(packs)
        writer.varint(sections.count)
        for (fingerprint, section) in sections {
            writer.digest(fingerprint)
            writer.references([section.reference.chunk])
            writer.varint(section.reference.entries)
            writer.treePath(section.reference.first)
            section.counts.encode(to: &writer)
            writer.packNumbers(section.packs)
        }
        writer.varint(contents.count)
        for (fingerprint, content) in contents {
            writer.digest(fingerprint)
            writer.references(content.chunks)
            writer.u8(content.areLists ? 1 : 0)
            writer.u8(content.regions == nil ? 0 : 1)
            if let regions = content.regions {
                writer.varint(regions.count)
                for region in regions {
                    writer.varint(region.gap)
                    writer.varint(region.length)
                }
            }
            writer.packNumbers(content.packs)
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(Malformed) {
        sequence = try reader.u64()
        deltas = try reader.number(upTo: Limits.deltasInARowMax)
        packs = try reader.packNumbers()
        for _ in 0..<(try reader.number(upTo: reader.remaining)) {
            let fingerprint = try reader.digest()
            guard let chunk = try reader.references().first else {
                throw Malformed("a section without a chunk", at: reader.offset)
            }
            let reference = SectionReference(
                chunk: chunk, entries: try reader.number(upTo: 1 << 20),
                first: try reader.treePath())
            sections[fingerprint] = WriterCache.KnownSection(
                reference: reference, counts: try RecordBody.Counts(decoding: &reader),
                packs: try reader.packNumbers())
        }
        for _ in 0..<(try reader.number(upTo: reader.remaining)) {
            let fingerprint = try reader.digest()
            let chunks = try reader.references()
            let areLists = try reader.flag()
            let regions: [Content.Region]? =
                try reader.flag()
                ? try reader.list { (reader: inout ByteReader) throws(Malformed) in
                    Content.Region(gap: try reader.varint(), length: try reader.varint())
                } : nil
            contents[fingerprint] = WriterCache.KnownContent(
                chunks: chunks, areLists: areLists, regions: regions,
                packs: try reader.packNumbers())
        }
    }
}

extension ByteWriter {
    fileprivate mutating func packNumbers(_ numbers: [UInt32]) {
        varint(numbers.count)
        for number in numbers { varint(UInt64(number)) }
    }
}

extension ByteReader {
    fileprivate mutating func packNumber() throws(Malformed) -> UInt32 {
        UInt32(try number(upTo: Int(UInt32.max)))
    }

    fileprivate mutating func packNumbers() throws(Malformed) -> [UInt32] {
        try list { (reader: inout ByteReader) throws(Malformed) in try reader.packNumber() }
    }
}
