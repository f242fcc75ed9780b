// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a record says (docs/format.md, section 6).
package struct RecordBody: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case snapshot = 1
        case checkpoint = 2
        /// A tree of pieces that extends a data set over a stretch of its log: no snapshot.
        case range = 3
    }

    package var kind: Kind
    package var begun: Moment
    package var dataSet: String
    package var host: String
    /// Absolute, as bytes.
    package var paths: [[UInt8]]
    package var counts = Counts()
    /// Bytes that the run added to the vault.
    package var addedBytes: UInt64 = 0
    /// 0: the pack list is full; else the sequence number of the record that it changes.
    package var base: UInt64 = 0
    package var packsAdded: [PackReference] = []
    package var packsRemoved: [Digest] = []
    package var rootChunks: [Digest] = []
    /// Nil in records that were made before there was more than files.
    package var source: Source?
    package var postgres: PostgresSpan?
    /// Units whose content this range holds: they go unread from now on.
    package var supersedes: [UnitSpan] = []
    /// Snapshots that a drill has brought up and found right: a steward keeps the last of them.
    package var released: [Released] = []
    /// Packs of which the snapshot takes little: a steward may have them emptied.
    package var sparse: [Sparse] = []

    /// Under what a writer remembers the packs of a data set: its ranges have lists of their own.
    var memoryName: String { kind == .range ? "\(dataSet)\u{0}range" : dataSet }

    /// What a snapshot holds.
    package struct Counts: Hashable, Sendable {
        package var files: UInt64 = 0
        package var directories: UInt64 = 0
        package var others: UInt64 = 0
        /// Bytes of content; holes do not count, and a file with several names counts once.
        package var bytes: UInt64 = 0
        package var leftOut: UInt64 = 0
        package var changedWhileRead: UInt64 = 0

        package init() {}

        package static func += (one: inout Counts, other: Counts) {
            one.files += other.files
            one.directories += other.directories
            one.others += other.others
            one.bytes += other.bytes
            one.leftOut += other.leftOut
            one.changedWhileRead += other.changedWhileRead
        }
    }

    package init(
        kind: Kind, begun: Moment, dataSet: String, host: String, paths: [[UInt8]]
    ) {
        (self.kind, self.begun, self.dataSet) = (kind, begun, dataSet)
        (self.host, self.paths) = (host, paths)
    }

    private static let stepBytes = 512

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(kind.rawValue)
        writer.moment(begun)
        writer.text(dataSet)
        writer.text(host)
        writer.varint(paths.count)
        for path in paths { writer.block(path) }
        counts.encode(to: &writer)
        writer.varint(addedBytes)
        writer.varint(base)
        writer.varint(packsAdded.count)
        for pack in packsAdded {
            writer.digest(pack.name)
            writer.varint(pack.bytes)
        }
        writer.varint(packsRemoved.count)
        for name in packsRemoved { writer.digest(name) }
        writer.varint(rootChunks.count)
        for id in rootChunks { writer.digest(id) }
        encodeExtensions(to: &writer)
        let padding = (Self.stepBytes - writer.bytes.count % Self.stepBytes) % Self.stepBytes
        writer.raw(repeatElement(0, count: padding))
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard let kind = Kind(rawValue: try reader.u8()) else {
            throw Malformed("\(Magic.newer) (kind of record)", at: 0)
        }
        self.kind = kind
        begun = try reader.date()
        dataSet = try reader.text()
        host = try reader.text()
        paths = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            try reader.block(upTo: 1 << 20)
        }
        counts = try Counts(decoding: &reader)
        addedBytes = try reader.varint()
        base = try reader.varint()
        packsAdded = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            PackReference(
                name: try reader.digest(), bytes: try reader.number(upTo: Limits.packBytesMax))
        }
        packsRemoved = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            try reader.digest()
        }
        rootChunks = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            try reader.digest()
        }
        try decodeExtensions(from: &reader)
        try reader.zeros()
    }
}

extension RecordBody.Counts {
    package func encode(to writer: inout ByteWriter) {
        for value in [files, directories, others, bytes, leftOut, changedWhileRead] {
            writer.varint(value)
        }
    }

    package init(decoding reader: inout ByteReader) throws(Malformed) {
        files = try reader.varint()
        directories = try reader.varint()
        others = try reader.varint()
        bytes = try reader.varint()
        leftOut = try reader.varint()
        changedWhileRead = try reader.varint()
    }
}

/// A pack by name, and how long it must be.
package struct PackReference: Hashable, Sendable {
    package let name: Digest
    package let bytes: Int

    package init(name: Digest, bytes: Int) {
        self.name = name
        self.bytes = bytes
    }
}
