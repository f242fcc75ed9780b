// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

// Reading the trees of a snapshot, each thing checked as it comes.
extension OpenVault {
    /// All sections of a snapshot, in tree order.
    package func sections(
        of snapshot: Observed.Fact, _ reader: ChunkReader
    ) async throws(Trouble) -> [SectionReference] {
        var sections: [SectionReference] = []
        for id in snapshot.body.rootChunks {
            let bytes = try await reader.readTree(id)
            do { sections += try RootChunk.decode(bytes) } catch {
                throw .malformed("root chunk \(id.short)…", at: vault.site.label, error)
            }
        }
        for (one, next) in zip(sections, sections.dropFirst())
        where !treePrecedes(one.first, next.first) {
            throw .damaged(
                "snapshot \(snapshot.id.short)", at: vault.site.label,
                Words("its sections are out of order", de: "seine Abschnitte sind ungeordnet"))
        }
        for index in sections.indices.dropLast() { sections[index].next = sections[index + 1].first }
        return sections
    }

    package func section(
        _ reference: SectionReference, _ reader: ChunkReader
    ) async throws(Trouble) -> Section {
        let bytes = Array(try await reader.read(reference.chunk, .tree))
        let name = "section \(reference.chunk.id.short)…"
        let section: Section
        do { section = try Section(decoding: bytes) } catch {
            throw .malformed(name, at: vault.site.label, error)
        }
        guard let first = section.entries.first, section.entries.count == reference.entries,
            section.parent + [first.entry.name] == reference.first
        else {
            throw .damaged(
                name, at: vault.site.label,
                Words("it is another section", de: "es ist ein anderer Abschnitt"))
        }
        // Else a name could stand in two sections, and what one makes the other would write to.
        if let next = reference.next, let last = section.last, !treePrecedes(last, next) {
            throw .damaged(
                name, at: vault.site.label,
                Words("it reaches into the next one", de: "er reicht in den nächsten hinein"))
        }
        return section
    }

    package func list(
        _ reference: ChunkReference, _ reader: ChunkReader
    ) async throws(Trouble) -> [ChunkReference] {
        let bytes = Array(try await reader.read(reference, .tree))
        do { return try ChunkList.decode(bytes) } catch {
            throw .malformed("list \(reference.id.short)…", at: vault.site.label, error)
        }
    }
}
