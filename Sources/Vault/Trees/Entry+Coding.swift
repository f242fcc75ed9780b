// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

private enum Flags {
    static let link: UInt8 = 1
    static let attributes: UInt8 = 2
    static let attributesInChunk: UInt8 = 4
    static let holes: UInt8 = 8
    static let changed: UInt8 = 16
    static let all: UInt8 = 31
}

extension Entry {
    private var flags: UInt8 {
        var flags: UInt8 = 0
        if link != nil { flags |= Flags.link }
        switch attributes {
        case .here(let list): if !list.isEmpty { flags |= Flags.attributes }
        case .chunk: flags |= Flags.attributes | Flags.attributesInChunk
        }
        if content.regions != nil { flags |= Flags.holes }
        if changedWhileRead { flags |= Flags.changed }
        return flags
    }

    func encode(to writer: inout ByteWriter) {
        writer.block(name)
        writer.u8(kind.rawValue)
        writer.varint(UInt64(permissions))
        writer.varint(UInt64(user))
        writer.varint(UInt64(group))
        writer.moment(modified)
        writer.u8(flags)
        if let link {
            writer.varint(link.device)
            writer.varint(link.inode)
        }
        switch attributes {
        case .here(let list): if !list.isEmpty { writer.attributes(list) }
        case .chunk(let number): writer.varint(number)
        }
        switch kind {
        case .file: content.encode(to: &writer)
        case .symlink: writer.block(target)
        case .characterDevice, .blockDevice:
            writer.varint(UInt64(major))
            writer.varint(UInt64(minor))
        case .directory, .fifo, .socket: break
        }
    }

    init(decoding reader: inout ByteReader, chunks: Int) throws(Malformed) {
        let name = try reader.name()
        let start = reader.offset
        guard let kind = FileKind(rawValue: try reader.u8()) else {
            throw Malformed("unknown kind of entry", at: start)
        }
        self.init(
            name: name, kind: kind, permissions: UInt16(try reader.number(upTo: 0o7777)),
            user: UInt32(try reader.number(upTo: Int(UInt32.max))),
            group: UInt32(try reader.number(upTo: Int(UInt32.max))),
            modified: try reader.moment())
        let flagsStart = reader.offset
        let flags = try reader.u8()
        guard flags & ~Flags.all == 0, flags & Flags.holes == 0 || kind == .file,
            flags & Flags.attributesInChunk == 0 || flags & Flags.attributes != 0
        else { throw Malformed("unknown flags of an entry", at: flagsStart) }
        changedWhileRead = flags & Flags.changed != 0
        if flags & Flags.link != 0 {
            link = Link(device: try reader.varint(), inode: try reader.varint())
        }
        if flags & Flags.attributesInChunk != 0 {
            attributes = .chunk(try reader.chunkNumber(below: chunks))
        } else if flags & Flags.attributes != 0 {
            attributes = .here(try reader.attributes())
        }
        switch kind {
        case .file:
            content = try Content(
                decoding: &reader, hasHoles: flags & Flags.holes != 0, chunks: chunks)
        case .symlink:
            let targetStart = reader.offset
            target = try reader.block(upTo: 4095)
            guard !target.isEmpty, !target.contains(0) else {
                throw Malformed("not a target of a link", at: targetStart)
            }
        case .characterDevice, .blockDevice:
            major = UInt32(try reader.number(upTo: Int(UInt32.max)))
            minor = UInt32(try reader.number(upTo: Int(UInt32.max)))
        case .directory, .fifo, .socket: break
        }
    }
}

extension Content {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.varint(size)
        if let regions {
            writer.varint(regions.count)
            for region in regions {
                writer.varint(region.gap)
                writer.varint(region.length)
            }
        }
        switch stream {
        case .empty: break
        case .slice(let chunk, let offset):
            writer.u8(0)
            writer.varint(chunk)
            writer.varint(offset)
        case .chunks(let numbers):
            writer.u8(1)
            writer.varint(numbers.count)
            for number in numbers { writer.varint(number) }
        case .lists(let numbers):
            writer.u8(2)
            writer.varint(numbers.count)
            for number in numbers { writer.varint(number) }
        }
    }

    fileprivate init(
        decoding reader: inout ByteReader, hasHoles: Bool, chunks: Int
    ) throws(Malformed) {
        let start = reader.offset
        size = UInt64(try reader.number(upTo: Int.max))
        stream = .empty
        if hasHoles {
            regions = try reader.list { (reader: inout ByteReader) throws(Malformed) in
                Region(
                    gap: UInt64(try reader.number(upTo: Int.max)),
                    length: UInt64(try reader.number(upTo: Int.max)))
            }
            guard regionsFit else { throw Malformed("regions beyond the file", at: start) }
        }
        guard streamBytes > 0 else { return }
        let numbers = { (reader: inout ByteReader) throws(Malformed) in
            try reader.chunkNumber(below: chunks)
        }
        switch try reader.u8() {
        case 0:
            stream = .slice(
                chunk: try reader.chunkNumber(below: chunks),
                offset: try reader.number(upTo: Limits.dataChunkBytesMax))
        case 1: stream = .chunks(try reader.list(numbers))
        case 2: stream = .lists(try reader.list(numbers))
        default: throw Malformed("unknown form of content", at: start)
        }
    }

    private var regionsFit: Bool {
        var end: UInt64 = 0
        for region in regions ?? [] {
            let (start, overflows) = end.addingReportingOverflow(region.gap)
            let (next, overflowsToo) = start.addingReportingOverflow(region.length)
            guard !overflows, !overflowsToo, next <= size else { return false }
            end = next
        }
        return true
    }
}

extension ByteReader {
    fileprivate mutating func chunkNumber(below count: Int) throws(Malformed) -> Int {
        let start = offset
        let number = try number(upTo: Int.max)
        guard number < count else { throw Malformed("no chunk \(number)", at: start) }
        return number
    }
}
