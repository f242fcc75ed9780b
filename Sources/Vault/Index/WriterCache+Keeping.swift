// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import Ground

/// Files of a cache, named by random ids: each is written once, beside and renamed, and never changed.
struct CacheFolder: Sendable {
    let path: [UInt8]
    let key: SymmetricKey

    static func name(_ id: UInt64) -> [UInt8] {
        let hex = String(id, radix: 16)
        return Array((String(repeating: "0", count: 16 - hex.count) + hex).utf8)
    }

    /// nil where there is no such file, or it is not what was written.
    func read(_ id: UInt64) -> ByteReader? {
        do throws(SystemError) {
            let bytes = try Descriptor.directory(path).contents(Self.name(id), upTo: 1 << 36)
            return Self.checked(bytes, id, key)
        } catch { return nil }
    }

    func coded(_ bytes: [UInt8], _ id: UInt64) -> [UInt8] {
        var bytes = bytes
        Self.code(bytes[...], id, key).append(to: &bytes)
        return bytes
    }

    static func checked(_ bytes: [UInt8], _ id: UInt64, _ key: SymmetricKey) -> ByteReader? {
        let end = bytes.count - Digest.byteCount
        guard end >= 0, code(bytes[..<end], id, key) == Digest(bytes[end...]) else { return nil }
        return ByteReader(bytes, in: 0..<end)
    }

    /// Bound to the name of the file.
    static func code(_ bytes: ArraySlice<UInt8>, _ id: UInt64, _ key: SymmetricKey) -> Digest {
        Sealing.keyedHash(bytes, Sealing.derive(key, "file", name(id)))
    }
}

/// What lies in the head file of a cache: which files are in force.
package struct CacheHead: Sendable {
    let head: ChainHead
    let obeyed: UInt64
    let gone: Set<UInt32>
    let stretches: [WriterCache.Stretch]
    /// Id and number of rows of each, the oldest first.
    let levels: [WriterCache.Stretch]
    let dataSets: [String: UInt64]

    private static let magic = Array("ZWILLING CACHE 3\n".utf8)

    var files: Set<[UInt8]> { Set((stretches.map(\.id) + levels.map(\.id) + dataSets.values).map(CacheFolder.name)) }

    package func encoded(for domain: Domain) -> [UInt8] {
        var writer = ByteWriter()
        writer.raw(Self.magic)
        writer.u64(head.sequence)
        writer.digest(head.hash)
        writer.u64(obeyed)
        writer.varint(gone.count)
        var last: UInt32 = 0
        for number in gone.sorted() {
            writer.varint(UInt64(number - last))
            last = number
        }
        for list in [stretches, levels] {
            writer.varint(list.count)
            for one in list {
                writer.u64(one.id)
                writer.varint(one.count)
            }
        }
        writer.varint(dataSets.count)
        for (name, id) in dataSets.sorted(by: { $0.key < $1.key }) {
            writer.text(name)
            writer.u64(id)
        }
        return Self.coded(writer.bytes, for: domain)
    }

    package static func coded(_ bytes: [UInt8], for domain: Domain) -> [UInt8] {
        bytes + CacheFolder.code(bytes[...], 0, WriterCache.key(domain)).bytes
    }

    package init(decoding bytes: [UInt8], for domain: Domain) throws(Malformed) {
        guard bytes.starts(with: Self.magic), var reader = CacheFolder.checked(bytes, 0, WriterCache.key(domain)) else {
            throw Malformed("not a cache of this writer", at: 0)
        }
        _ = try reader.raw(Self.magic.count)
        head = ChainHead(sequence: try reader.sequence(), hash: try reader.digest())
        obeyed = try reader.u64()
        var last = 0
        gone = Set(
            try reader.list { (reader: inout ByteReader) throws(Malformed) in
                last += try reader.number(upTo: Int(UInt32.max) - last)
                return UInt32(last)
            })
        func list() throws(Malformed) -> [WriterCache.Stretch] {
            try reader.list { (reader: inout ByteReader) throws(Malformed) in
                .init(id: try reader.u64(), count: try reader.number(upTo: Int(UInt32.max)))
            }
        }
        (stretches, levels) = (try list(), try list())
        let named = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.text(), try reader.u64())
        }
        dataSets = Dictionary(named) { first, _ in first }
        try reader.end()
    }

    package init(_ cache: WriterCache) {
        (head, obeyed) = (cache.head, cache.obeyed)
        (gone, stretches) = (cache.gone, cache.stretches)
        levels = cache.chunks.levels.map { .init(id: $0.id, count: $0.count) }
        dataSets = cache.dataSets.slots.mapValues(\.id)
    }
}

extension WriterCache {
    private static func files(of path: [UInt8]) -> [UInt8] { path + Array(".files".utf8) }

    /// Keeps it for the next run: writes what is new and then the head, which says what is in force.
    /// What was in force before stays until then.
    ///
    /// - Parameter path: of the head; the other files lie in a directory beside it. Nobody else may
    ///   keep something there meanwhile.
    package func keep(at path: [UInt8], for domain: Domain) throws(SystemError) {
        let folder = CacheFolder(path: Self.files(of: path), key: Self.key(domain))
        try Machine.makeDirectories(folder.path)
        let directory = try Descriptor.directory(folder.path)
        let known = Set(try directory.names())
        let head = CacheHead(self)
        let temporary = Array(".new".utf8)
        func add(_ id: UInt64, _ write: (borrowing Descriptor) throws(SystemError) -> Void) throws(SystemError) {
            let name = CacheFolder.name(id)
            guard !known.contains(name) else { return }
            directory.discard(temporary)
            let file = try directory.create(temporary)
            try write(file)
            try file.synchronize()
            try directory.rename(temporary, to: name, replacing: true)
        }
        for level in chunks.levels {
            try add(level.id) { file throws(SystemError) in try level.write(to: file) }
            level.isKept(as: try directory.file(CacheFolder.name(level.id)))
        }
        var start = 0
        for stretch in stretches {
            let end = start + stretch.count
            try add(stretch.id) { file throws(SystemError) in
                try file.write(folder.coded(encoded(start..<end), stretch.id), at: 0)
            }
            start = end
        }
        for slot in dataSets.slots.values {
            try add(slot.id) { file throws(SystemError) in
                try file.write(folder.coded(slot.memory?.encoded ?? [], slot.id), at: 0)
            }
        }
        try directory.synchronize()
        try Machine.writeDurably(path, head.encoded(for: domain))
        for slot in dataSets.slots.values { slot.isKept(in: folder) }
        for name in known.subtracting(head.files) { directory.discard(name) }
    }

    /// nil where nothing was kept, or something is damaged that every run needs: it is then made anew.
    package init?(
        keptAt path: [UInt8], for domain: Domain, rowsInMemory: Int = LevelShape.rowsInMemoryUsually
    ) {
        let folder = CacheFolder(path: Self.files(of: path), key: Self.key(domain))
        let shape = LevelShape(valueBytes: 4, key: folder.key, rowsInMemory: rowsInMemory)
        do {
            let head = try CacheHead(decoding: try Machine.readWhole(path, upTo: 1 << 30), for: domain)
            let directory = try Descriptor.directory(folder.path)
            var levels: [Level] = []
            for kept in head.levels {
                let file = try directory.file(CacheFolder.name(kept.id))
                guard let level = Level(file, id: kept.id, count: kept.count, shape) else { return nil }
                levels.append(level)
            }
            var (packs, content): ([PackReference], [UInt32]) = ([], [])
            packs.reserveCapacity(head.stretches.reduce(0) { $0 + $1.count })
            content.reserveCapacity(packs.capacity)
            for stretch in head.stretches {
                guard var reader = folder.read(stretch.id) else { return nil }
                for _ in 0..<stretch.count {
                    packs.append(PackReference(name: try reader.digest(), bytes: try reader.number(upTo: Limits.packBytesMax)))
                    content.append(UInt32(try reader.number(upTo: Int(UInt32.max))))
                }
                try reader.end()
            }
            self.init(
                head: head.head, obeyed: head.obeyed, packs: packs, content: content, stretches: head.stretches, gone: head.gone,
                chunks: ChunkLevels(shape, levels: levels),
                dataSets: DataSetMemories(head.dataSets.mapValues { .init(id: $0, in: folder) }))
        } catch { return nil }
    }

    private func encoded(_ range: Range<Int>) -> [UInt8] {
        var writer = ByteWriter(reserving: range.count * 40)
        for number in range {
            writer.digest(packs[number].name)
            writer.varint(packs[number].bytes)
            writer.varint(UInt64(content[number]))
        }
        return writer.bytes
    }
}
