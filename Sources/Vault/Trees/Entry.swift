// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// One name in a tree, with everything that Linux keeps about it (docs/format.md, section 8).
package struct Entry: Hashable, Sendable {
    /// Device and inode: entries with the same are one file with several names.
    package struct Link: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64

        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package enum Attributes: Hashable, Sendable {
        case here([Attribute])
        /// In the section's chunk of that number, a tree chunk.
        case chunk(Int)
    }

    package var name: [UInt8]
    package var kind: FileKind
    package var permissions: UInt16
    package var user: UInt32
    package var group: UInt32
    package var modified: Moment
    package var link: Link?
    package var attributes: Attributes = .here([])
    package var changedWhileRead = false
    /// Regular files.
    package var content = Content(size: 0, regions: nil, stream: .empty)
    /// Symbolic links.
    package var target: [UInt8] = []
    /// Devices.
    package var major: UInt32 = 0
    package var minor: UInt32 = 0

    package init(name: [UInt8], status: FileStatus) {
        self.name = name
        kind = status.kind
        permissions = status.permissions
        user = status.user
        group = status.group
        modified = status.modified
        if status.links > 1, status.kind != .directory {
            link = Link(device: status.device, inode: status.inode)
        }
        major = status.major
        minor = status.minor
    }

    init(
        name: [UInt8], kind: FileKind, permissions: UInt16, user: UInt32, group: UInt32,
        modified: Moment
    ) {
        (self.name, self.kind, self.permissions) = (name, kind, permissions)
        (self.user, self.group, self.modified) = (user, group, modified)
    }
}

/// What is in a regular file: a stream of bytes, and where they lie between the holes.
package struct Content: Hashable, Sendable {
    package struct Region: Hashable, Sendable {
        /// Bytes of hole before it.
        package let gap: UInt64
        package let length: UInt64

        package init(gap: UInt64, length: UInt64) {
            self.gap = gap
            self.length = length
        }
    }

    /// Numbers are places in the section's list of chunks.
    package enum Stream: Hashable, Sendable {
        case empty
        /// Part of one chunk, which holds a group of small files.
        case slice(chunk: Int, offset: Int)
        case chunks([Int])
        /// Tree chunks that list the chunks, for large files.
        case lists([Int])
    }

    package var size: UInt64
    /// nil where the file has no holes.
    package var regions: [Region]?
    package var stream: Stream

    package init(size: UInt64, regions: [Region]?, stream: Stream) {
        self.size = size
        self.regions = regions
        self.stream = stream
    }

    /// Bytes without holes.
    package var streamBytes: UInt64 {
        regions.map { $0.reduce(0) { $0 + $1.length } } ?? size
    }
}

/// A chunk by id, and how long it is.
package struct ChunkReference: Hashable, Sendable {
    package let id: Digest
    package let bytes: Int

    package init(id: Digest, bytes: Int) {
        self.id = id
        self.bytes = bytes
    }
}

/// The list of chunks that stands in a tree chunk of its own.
package enum ChunkList {
    package static func encode(_ references: [ChunkReference]) -> [UInt8] {
        var writer = ByteWriter(reserving: references.count * 36)
        writer.references(references)
        return writer.bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> [ChunkReference] {
        var reader = ByteReader(bytes)
        let references = try reader.references()
        try reader.end()
        return references
    }
}

/// The list of extended attributes that stands in a tree chunk of its own.
package enum AttributeList {
    package static func encode(_ attributes: [Attribute]) -> [UInt8] {
        var writer = ByteWriter()
        writer.attributes(attributes)
        return writer.bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> [Attribute] {
        var reader = ByteReader(bytes)
        let attributes = try reader.attributes()
        try reader.end()
        return attributes
    }
}

extension ByteWriter {
    mutating func references(_ references: [ChunkReference]) {
        varint(references.count)
        for reference in references {
            digest(reference.id)
            varint(reference.bytes)
        }
    }

    mutating func attributes(_ attributes: [Attribute]) {
        varint(attributes.count)
        for attribute in attributes {
            block(attribute.name)
            block(attribute.value)
        }
    }
}

extension ByteReader {
    mutating func references() throws(Malformed) -> [ChunkReference] {
        try list { (reader: inout ByteReader) throws(Malformed) in
            let id = try reader.digest()
            let start = reader.offset
            let bytes = try reader.number(upTo: Limits.treeChunkBytesMax)
            guard bytes > 0 else { throw Malformed("a chunk of nothing", at: start) }
            return ChunkReference(id: id, bytes: bytes)
        }
    }

    mutating func attributes() throws(Malformed) -> [Attribute] {
        try list { (reader: inout ByteReader) throws(Malformed) in
            let start = reader.offset
            let name = try reader.block(upTo: Limits.nameBytesMax)
            guard !name.isEmpty, !name.contains(0) else {
                throw Malformed("not a name of an attribute", at: start)
            }
            return Attribute(name: name, value: try reader.block(upTo: 1 << 20))
        }
    }
}
