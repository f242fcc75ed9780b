// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A chunk is in none of the packs that should hold it, though all of them open: so one of them is
/// not the pack whose name it bears.
package struct UnplacedChunk: Error, Sendable {}

/// Where each chunk lies, for one who can read it. Made from the chunk tables, never stored.
package final class ChunkIndex: Sendable {
    package struct Place: Sendable {
        package let pack: Int
        /// Number of the chunk within its pack.
        package let counter: UInt64
        package let offset: Int
        package let row: ChunkTable.Row
    }

    package let packs: [OpenVault.Pack]
    /// Packs that could not be opened.
    package let troubles: [Trouble]
    private let places: [Digest: Place]
    private let site: String

    package init(_ opened: [Result<OpenVault.Pack, Trouble>], site: String) {
        var packs: [OpenVault.Pack] = []
        var troubles: [Trouble] = []
        var places: [Digest: Place] = [:]
        for result in opened {
            switch result {
            case .failure(let trouble): troubles.append(trouble)
            case .success(let pack):
                var offset = pack.front.chunksStart
                for (counter, row) in pack.rows.enumerated() {
                    places[row.id] = Place(
                        pack: packs.count, counter: UInt64(counter), offset: offset, row: row)
                    offset += Int(row.stored) + Sealing.tagBytes
                }
                packs.append(pack)
            }
        }
        (self.packs, self.troubles, self.places, self.site) = (packs, troubles, places, site)
    }

    /// - Throws: `.missing`, with the pack that most likely held it where one could not be opened.
    package func place(of id: Digest, _ content: PackContent) throws(Trouble) -> Place {
        guard let place = places[id] else {
            throw troubles.first
                ?? .missing("chunk \(id.short)…", at: site, cause: UnplacedChunk())
        }
        guard packs[place.pack].front.header.content == content else {
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

    package func contains(_ id: Digest) -> Bool { places[id] != nil }
}
