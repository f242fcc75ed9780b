// SPDX-License-Identifier: EUPL-1.2
import Ground

extension RecordBody {
    /// What kind of data set a record is of.
    package enum Source: UInt8, Sendable, CaseIterable {
        case files = 1
        case command = 2
        case secret = 3
        case postgresBase = 4
        case postgresLog = 5
        case blueprint = 6
    }

    /// Data sets that tell what was done with the twin and are no part of it: none of their
    /// snapshots is the latest of all.
    package static let acts: Set = [drills, activations]
    package static let drills = "drills"
    package static let activations = "activations"

    /// Units of one session that a range stands for, from `first` to `last`.
    package struct UnitSpan: Hashable, Sendable {
        package let session: UInt64
        package let first: UInt32
        package let last: UInt32

        package init(session: UInt64, first: UInt32, last: UInt32) {
            (self.session, self.first, self.last) = (session, first, last)
        }
    }

    /// The place of a snapshot.
    package struct Released: Hashable, Sendable {
        package let writer: Identifier
        package let sequence: UInt64

        package init(writer: Identifier, sequence: UInt64) { (self.writer, self.sequence) = (writer, sequence) }
    }

    /// A pack of which a snapshot takes less than half.
    package struct Sparse: Hashable, Sendable {
        /// The first 8 bytes of its name, which are enough among the packs of one record.
        package let pack: UInt64
        /// How much of its content the snapshot takes at most.
        package let percent: UInt8

        package init(_ name: Digest, percent: UInt8) { (pack, self.percent) = (Self.short(name), percent) }

        init(decoding reader: inout ByteReader) throws(Malformed) {
            let place = reader.offset
            (pack, percent) = (try reader.u64(), try reader.u8())
            guard percent < Limits.sparsePercent else { throw Malformed("a pack that is not sparse", at: place) }
        }

        static func short(_ name: Digest) -> UInt64 { name.a.byteSwapped }
    }

    private enum Tag {
        static let source: UInt64 = 1
        static let postgres: UInt64 = 2
        static let supersedes: UInt64 = 3
        static let released: UInt64 = 4
        static let sparse: UInt64 = 5
    }

    func encodeExtensions(to writer: inout ByteWriter) {
        var extensions: [(tag: UInt64, block: [UInt8])] = []
        if let source { extensions.append((Tag.source, [source.rawValue])) }
        if let postgres {
            var block = ByteWriter()
            postgres.encode(to: &block)
            extensions.append((Tag.postgres, block.bytes))
        }
        if !supersedes.isEmpty {
            var block = ByteWriter()
            block.varint(supersedes.count)
            for span in supersedes {
                block.varint(span.session)
                block.varint(UInt64(span.first))
                block.varint(UInt64(span.last))
            }
            extensions.append((Tag.supersedes, block.bytes))
        }
        if !released.isEmpty {
            var block = ByteWriter()
            block.varint(released.count)
            for one in released {
                block.raw(one.writer.bytes)
                block.u64(one.sequence)
            }
            extensions.append((Tag.released, block.bytes))
        }
        if !sparse.isEmpty {
            var block = ByteWriter()
            block.varint(sparse.count)
            for one in sparse {
                block.u64(one.pack)
                block.u8(one.percent)
            }
            extensions.append((Tag.sparse, block.bytes))
        }
        writer.varint(extensions.count)
        for (tag, block) in extensions {
            writer.varint(tag)
            writer.u8(0)
            writer.block(block)
        }
    }

    /// Extensions that this version does not know are passed over, unless they are critical.
    mutating func decodeExtensions(from reader: inout ByteReader) throws(Malformed) {
        var seen: Set<UInt64> = []
        let found = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (
                place: reader.offset, tag: try reader.varint(), isCritical: try reader.flag(),
                block: try reader.block()
            )
        }
        for (place, tag, isCritical, bytes) in found {
            guard seen.insert(tag).inserted else {
                throw Malformed("extension \(tag) stands there twice", at: place)
            }
            var block = ByteReader(bytes)
            switch tag {
            case Tag.source:
                let kind = try block.u8()
                guard let source = Source(rawValue: kind) else {
                    throw Malformed("\(Magic.newer) (source \(kind))", at: place)
                }
                self.source = source
            case Tag.postgres: postgres = try PostgresSpan(decoding: &block)
            case Tag.supersedes:
                // Only the record that holds their content may make units go unread.
                guard kind == .range else {
                    throw Malformed("supersedes units without being a range", at: place)
                }
                supersedes = try block.list { (block: inout ByteReader) throws(Malformed) in
                    try UnitSpan(decoding: &block)
                }
            case Tag.released:
                released = try block.list { (block: inout ByteReader) throws(Malformed) in
                    Released(writer: try block.identifier(), sequence: try block.sequence())
                }
            case Tag.sparse:
                sparse = try block.list { (block: inout ByteReader) throws(Malformed) in
                    try Sparse(decoding: &block)
                }
                guard sparse.count <= Limits.sparsePacksMax else { throw Malformed("too many sparse packs", at: place) }
            default:
                if isCritical { throw Malformed("\(Magic.newer) (extension \(tag))", at: place) }
                continue
            }
            try block.end()
        }
    }
}

extension RecordBody.UnitSpan {
    init(decoding reader: inout ByteReader) throws(Malformed) {
        let place = reader.offset
        session = try reader.varint()
        first = UInt32(try reader.number(upTo: Limits.unitsInSessionMax - 1))
        last = UInt32(try reader.number(upTo: Limits.unitsInSessionMax - 1))
        guard first <= last, (1...Limits.unitSessionMax).contains(session) else {
            throw Malformed("no span of units", at: place)
        }
    }
}
