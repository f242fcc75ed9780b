// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Synchronization

/// A chunk is in none of the packs that should hold it, though all of them open: so one of them is
/// not the pack whose name it bears.
package struct UnplacedChunk: Error, Sendable {}

/// Where each chunk lies, for one who can read it. Made from the chunk tables and never kept: beyond a
/// million chunks it lies in files without names.
package final class ChunkIndex: Sendable {
    package struct Place: Sendable {
        package let pack: Int
        /// Number of the chunk within its pack.
        package let counter: UInt64
        package let offset: Int
        package let row: ChunkTable.Row
    }

    /// What is needed of a pack to open its chunks.
    package struct Pack: Sendable {
        package let name: Digest
        package let bytes: Int
        package let content: PackContent
        package let chunks: Int
        let binding: Digest
        let key: SymmetricKey
    }

    package let packs: [Pack]
    /// Packs that could not be opened.
    package let troubles: [Trouble]
    /// Of the writer of all these packs.
    let domain: Domain
    private let places: ChunkLevels
    private let site: String

    /// Takes one pack after the other, so that no more of them than are being opened stand in memory.
    final class Gathering: Sendable {
        private let state: Mutex<(packs: [Pack], places: ChunkLevels)>

        init() {
            let shape = LevelShape(valueBytes: 16, key: SymmetricKey(size: .bits256))
            state = Mutex(([], ChunkLevels(shape)))
        }

        func add(_ pack: OpenVault.Pack) {
            let content = pack.front.header.content
            state.withLock { state in
                var offset = pack.front.chunksStart
                for (counter, row) in pack.rows.enumerated() {
                    let place = Place(pack: state.packs.count, counter: UInt64(counter), offset: offset, row: row)
                    state.places.insert(row.id, place.packed)
                    offset += Int(row.stored) + Sealing.tagBytes
                }
                state.packs.append(
                    Pack(
                        name: pack.front.name, bytes: pack.bytes, content: content, chunks: pack.rows.count,
                        binding: pack.front.binding, key: pack.key))
            }
        }

        fileprivate var result: (packs: [Pack], places: ChunkLevels) {
            state.withLock { state in
                state.places.settle()
                return state
            }
        }
    }

    init(_ gathering: Gathering, _ troubles: [Trouble], domain: Domain, site: String) {
        (packs, places) = gathering.result
        (self.troubles, self.domain, self.site) = (troubles, domain, site)
    }

    /// - Throws: `.missing`, with the pack that most likely held it where one could not be opened.
    package func place(of id: Digest, _ content: PackContent) throws(Trouble) -> Place {
        guard let place = places.find(id).map({ Place($0, of: id) }) else {
            throw troubles.first
                ?? .missing("chunk \(id.short)…", at: site, cause: UnplacedChunk())
        }
        guard packs[place.pack].content == content else {
            throw .damaged(
                "chunk \(id.short)…", at: site,
                Words("it is of another kind", de: "es ist von anderer Art"))
        }
        return place
    }

    package func place(
        of reference: ChunkReference, _ content: PackContent
    ) throws(Trouble) -> Place {
        let place = try place(of: reference.id, content)
        guard Int(place.row.plain) == reference.bytes else {
            throw .damaged(
                "chunk \(reference.id.short)…", at: site,
                Words("it has another length", de: "es hat eine andere Länge"))
        }
        return place
    }

    package func contains(_ id: Digest) -> Bool { places.find(id) != nil }
}

extension ChunkIndex.Place {
    // Enough for any table that can be read, also of a liar: 4,096 chunks of 16 MiB. The pack has what
    // is left.
    private static let (counterBits, lengthBits, offsetBits) = (12, 25, 37)

    /// All but the id, in 128 bits.
    fileprivate var packed: UInt128 {
        var value = UInt128(pack)
        value = value << Self.offsetBits | UInt128(offset)
        value = value << Self.lengthBits | UInt128(row.stored)
        value = value << Self.lengthBits | UInt128(row.plain)
        value = value << Self.counterBits | UInt128(counter)
        return value << 1 | (row.isCompressed ? 1 : 0)
    }

    fileprivate init(_ packed: UInt128, of id: Digest) {
        var rest = packed
        func next(_ bits: Int) -> Int {
            defer { rest >>= UInt128(bits) }
            return Int(rest & (1 << UInt128(bits) - 1))
        }
        let isCompressed = next(1) == 1
        counter = UInt64(next(Self.counterBits))
        let plain = next(Self.lengthBits)
        let stored = next(Self.lengthBits)
        offset = next(Self.offsetBits)
        pack = Int(rest)
        row = ChunkTable.Row(id: id, stored: UInt32(stored), plain: UInt32(plain), isCompressed: isCompressed)
    }
}
