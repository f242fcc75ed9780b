// SPDX-License-Identifier: EUPL-1.2
import Ground

/// One line of a snapshot's table of sections.
package struct SectionReference: Hashable, Sendable {
    package let chunk: ChunkReference
    package let entries: Int
    /// Path of its first entry.
    package let first: TreePath
    /// That of the next section, which this one must not reach; nil where there is none, and where
    /// it stands alone.
    package internal(set) var next: TreePath?

    package init(chunk: ChunkReference, entries: Int, first: TreePath) {
        (self.chunk, self.entries, self.first) = (chunk, entries, first)
    }
}

/// The chunks from which a snapshot is read (docs/format.md, section 8).
package enum RootChunk {
    /// Cuts the table where the ids say so, so that most of its chunks stay when a section changes.
    package static func cut(_ sections: [SectionReference]) -> [[SectionReference]] {
        var parts: [[SectionReference]] = []
        var part: [SectionReference] = []
        for section in sections {
            part.append(section)
            if section.chunk.id.d & 0xff == 0 || part.count == Limits.rootSectionsMax {
                parts.append(part)
                part = []
            }
        }
        if !part.isEmpty { parts.append(part) }
        return parts
    }

    package static func encode(_ sections: [SectionReference]) -> [UInt8] {
        var writer = ByteWriter(reserving: sections.count * 96)
        writer.varint(sections.count)
        for section in sections {
            writer.digest(section.chunk.id)
            writer.varint(section.chunk.bytes)
            writer.varint(section.entries)
            writer.treePath(section.first)
        }
        return writer.bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> [SectionReference] {
        var reader = ByteReader(bytes)
        let sections = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            SectionReference(
                chunk: ChunkReference(
                    id: try reader.digest(),
                    bytes: try reader.number(upTo: Limits.treeChunkBytesMax)),
                entries: try reader.number(upTo: 1 << 20), first: try reader.treePath())
        }
        try reader.end()
        return sections
    }
}
