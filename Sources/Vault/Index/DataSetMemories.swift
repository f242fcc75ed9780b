// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// What is remembered of each data set. It is read from its file when it is asked for, and stays in
/// memory until it is kept again.
package struct DataSetMemories: Sendable {
    private(set) var slots: [String: Slot] = [:]

    package init() {}

    init(_ slots: [String: Slot]) { self.slots = slots }

    package var names: Set<String> { Set(slots.keys) }

    /// nil also where its file is damaged: then all of it is read again, and nothing stored twice.
    package subscript(name: String) -> WriterCache.DataSetMemory? {
        get { slots[name]?.memory }
        set { slots[name] = newValue.map { Slot($0) } }
    }

    final class Slot: Sendable {
        private struct State {
            var memory: WriterCache.DataSetMemory?
            var folder: CacheFolder?
        }

        /// Of the file.
        let id: UInt64
        private let state: Mutex<State>

        init(_ memory: WriterCache.DataSetMemory) {
            id = .random(in: 1...UInt64.max)
            state = Mutex(State(memory: memory))
        }

        init(id: UInt64, in folder: CacheFolder) {
            self.id = id
            state = Mutex(State(folder: folder))
        }

        var memory: WriterCache.DataSetMemory? {
            state.withLock { state in
                if state.memory == nil, var reader = state.folder?.read(id) {
                    do throws(Malformed) { state.memory = try WriterCache.DataSetMemory(decoding: &reader) } catch {
                        // As if there were none.
                    }
                }
                return state.memory
            }
        }

        /// From now on it is in its file.
        func isKept(in folder: CacheFolder) { state.withLock { $0 = State(folder: folder) } }
    }
}

extension WriterCache.DataSetMemory {
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u64(sequence)
        writer.varint(deltas)
        writer.packNumbers(packs)
        writer.varint(sections.count)
        for (fingerprint, section) in sections {
            writer.digest(fingerprint)
            writer.references([section.reference.chunk])
            writer.varint(section.reference.entries)
            writer.treePath(section.reference.first)
            section.counts.encode(to: &writer)
            section.uses.encode(to: &writer)
        }
        writer.varint(contents.count)
        for (fingerprint, content) in contents {
            writer.digest(fingerprint)
            writer.references(content.chunks)
            writer.u8(content.areLists ? 1 : 0)
            writer.u8(content.regions == nil ? 0 : 1)
            if let regions = content.regions {
                writer.varint(regions.count)
                for region in regions {
                    writer.varint(region.gap)
                    writer.varint(region.length)
                }
            }
            content.uses.encode(to: &writer)
        }
        return writer.bytes
    }

    package init(decoding reader: inout ByteReader) throws(Malformed) {
        sequence = try reader.u64()
        deltas = try reader.number(upTo: Int(UInt32.max))
        packs = try reader.packNumbers()
        for _ in 0..<(try reader.number(upTo: reader.remaining)) {
            let fingerprint = try reader.digest()
            guard let chunk = try reader.references().first else {
                throw Malformed("a section without a chunk", at: reader.offset)
            }
            let reference = SectionReference(
                chunk: chunk, entries: try reader.number(upTo: 1 << 20),
                first: try reader.treePath())
            sections[fingerprint] = WriterCache.KnownSection(
                reference: reference, counts: try RecordBody.Counts(decoding: &reader),
                uses: try PackUses(decoding: &reader))
        }
        for _ in 0..<(try reader.number(upTo: reader.remaining)) {
            let fingerprint = try reader.digest()
            let chunks = try reader.references()
            let areLists = try reader.flag()
            let regions: [Content.Region]? =
                try reader.flag()
                ? try reader.list { (reader: inout ByteReader) throws(Malformed) in
                    Content.Region(gap: try reader.varint(), length: try reader.varint())
                } : nil
            contents[fingerprint] = WriterCache.KnownContent(
                chunks: chunks, areLists: areLists, regions: regions, uses: try PackUses(decoding: &reader))
        }
        try reader.end()
    }
}

extension ByteWriter {
    fileprivate mutating func packNumbers(_ numbers: [UInt32]) {
        varint(numbers.count)
        for number in numbers { varint(UInt64(number)) }
    }
}

extension ByteReader {
    fileprivate mutating func packNumbers() throws(Malformed) -> [UInt32] {
        try list { (reader: inout ByteReader) throws(Malformed) in UInt32(try reader.number(upTo: Int(UInt32.max))) }
    }
}
