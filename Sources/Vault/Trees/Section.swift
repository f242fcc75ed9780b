// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// A run of entries in tree order that stands on its own: the unit in which trees are stored,
/// taken over unchanged, and read (docs/format.md, section 8).
package struct Section: Sendable {
    /// The directory of the first entry.
    package let parent: TreePath
    package let chunks: [ChunkReference]
    /// Each with how many directories to leave before it.
    package let entries: [(up: Int, entry: Entry)]

    package init(
        parent: TreePath, chunks: [ChunkReference], entries: [(up: Int, entry: Entry)]
    ) {
        (self.parent, self.chunks, self.entries) = (parent, chunks, entries)
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: entries.count * 64 + chunks.count * 36)
        writer.treePath(parent)
        writer.references(chunks)
        writer.varint(entries.count)
        for (up, entry) in entries {
            writer.varint(up)
            entry.encode(to: &writer)
        }
        return writer.bytes
    }

    /// Reads a section and checks that its entries are in tree order below their directories and
    /// that every number of a chunk exists.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        parent = try reader.treePath()
        chunks = try reader.references()
        let chunkCount = chunks.count
        var walk = TreeWalk(at: parent)
        entries = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            let start = reader.offset
            let up = try reader.number(upTo: 1 << 20)
            let entry = try Entry(decoding: &reader, chunks: chunkCount)
            guard walk.enter(entry.name, up: up, isDirectory: entry.kind == .directory) else {
                throw Malformed("entries out of order", at: start)
            }
            return (up, entry)
        }
        try reader.end()
        guard entries.first?.up ?? 0 == 0 else {
            throw Malformed("the first entry leaves its directory", at: 0)
        }
    }

    /// Path of its last entry.
    var last: TreePath? {
        var last: TreePath?
        forEach { path, _ in last = path }
        return last
    }

    /// Each entry with its whole path.
    package func forEach<Failure>(
        _ body: (TreePath, Entry) throws(Failure) -> Void
    ) throws(Failure) {
        var directory = parent
        for (up, entry) in entries {
            directory.removeLast(up)
            let path = directory + [entry.name]
            try body(path, entry)
            if entry.kind == .directory { directory = path }
        }
    }
}

/// Follows entries through a tree and tells whether they come in tree order.
struct TreeWalk {
    /// The current directory, and in each directory on the way the last name seen.
    private var depth: Int
    private var lastNames: [[UInt8]?]

    init(at parent: TreePath) {
        depth = parent.count
        lastNames = parent.map { $0 } + [nil]
    }

    mutating func enter(_ name: [UInt8], up: Int, isDirectory: Bool) -> Bool {
        guard up <= depth else { return false }
        depth -= up
        lastNames.removeLast(up)
        if let last = lastNames[depth], !last.lexicographicallyPrecedes(name) { return false }
        lastNames[depth] = name
        if isDirectory {
            depth += 1
            lastNames.append(nil)
        }
        return true
    }
}
