// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import FoundationEssentials
import Ground

/// A pack that is ready to be put.
package struct FinishedPack: Sendable {
    package let name: Digest
    package let bytes: ArraySlice<UInt8>
    /// Bytes of content in it.
    let content: Int
}

/// Fills packs, one after the other, in one buffer that it keeps. One per worker: not thread-safe,
/// and on purpose, because a lock or a hop for each chunk would cost more than the sealing.
///
/// No (key, nonce) pair can repeat: every pack has a fresh random key, and the nonce is the number
/// of chunks before.
package final class PackBuilder {
    private let content: PackContent
    private let sealing: PackSealing
    private let compressor: Compressor
    private let decompressor = Decompressor()

    /// Room for header and table, then the chunks, then room to compress one more.
    private var buffer: [UInt8]
    private let chunksStart: Int
    private let wanted, closing: Int
    private var end: Int
    private var check: [UInt8]

    private var key: SymmetricKey
    private var header: PackHeader
    private var binding: [UInt8]
    private var table = ChunkTable()

    package init(content: PackContent, sealing: PackSealing, level: Int32) throws(Unopened) {
        self.content = content
        self.sealing = sealing
        compressor = Compressor(level: level)
        chunksStart = PackHeader.bytes(recipients: 1) + ChunkTable.bytesMax
        end = chunksStart
        let most = content == .data ? Limits.dataChunkBytesMax : Limits.treeChunkBytesMax
        // A chunk of a tree may be so large that it would not fit behind so many.
        let isLarge = sealing.isFar && content == .data
        wanted = isLarge ? Limits.farPackBytesWanted : Limits.packBytesWanted
        closing = isLarge ? Limits.farPackBytesClosing : Limits.packBytesClosing
        // All that a pack can come to: growing would copy it again and again, and hold it twice.
        buffer = untouched(
            chunksStart + closing + Compressor.bound(most)
                + (1 << 20))
        check = []
        key = Sealing.newKey()
        (header, binding) = try sealing.header(for: content, key: key)
    }

    package var isEmpty: Bool { table.rows.isEmpty }

    /// Bytes that the pack would have now, before padding.
    private var length: Int {
        PackHeader.bytes(recipients: 1) + ChunkTable.sealedBytes(rows: table.rows.count)
            + (end - chunksStart) + Sealing.tagBytes
    }

    /// Whether the pack is better closed now than filled further.
    package var isFull: Bool {
        if table.rows.count == Limits.packChunksMax || length >= closing {
            return true
        }
        return length >= wanted
            && padme(length) - length < Limits.packPaddingWanted
    }

    /// Compresses and seals a chunk, then opens what it sealed and compares (restic 0.16.0 and
    /// 0.16.3 shipped a compressor that corrupted data; nobody looked until the restore).
    ///
    /// - Throws: `Trouble` of kind `.damaged` where what was sealed does not open to the same
    ///   bytes: a defect of memory, processor or library. Nothing is kept of it.
    package func append(_ plain: ArraySlice<UInt8>, id: Digest) throws(Trouble) {
        precondition(!plain.isEmpty && !isFull)
        reserve(Compressor.bound(plain.count) + Sealing.tagBytes)
        let packed = compressor.compress(plain, into: &buffer, at: end)
        let counter = UInt64(table.rows.count)
        let bound = binding + id.bytes
        let sealed =
            if let packed {
                Sealing.seal(
                    buffer[end..<end + packed], under: key, counter: counter, binding: bound)
            } else {
                Sealing.seal(plain, under: key, counter: counter, binding: bound)
            }
        copy(sealed, into: &buffer, at: end)
        let stored = sealed.count - Sealing.tagBytes
        guard
            opens(
                end..<end + sealed.count, to: plain, counter: counter, binding: bound,
                isCompressed: packed != nil)
        else {
            throw Trouble(
                .damaged,
                Words(
                    "A chunk of \(plain.count) bytes did not open to what was sealed.",
                    de: "Ein Stück von \(plain.count) Bytes ließ sich nicht zu dem öffnen, was versiegelt wurde."),
                advice: Words(
                    "This machine miscalculates: check its memory, then protect again.",
                    de: "Dieser Rechner verrechnet sich: Arbeitsspeicher prüfen, dann erneut sichern."))
        }
        end += sealed.count
        table.rows.append(
            .init(
                id: id, stored: UInt32(stored), plain: UInt32(plain.count),
                isCompressed: packed != nil))
    }

    private func opens(
        _ range: Range<Int>, to plain: ArraySlice<UInt8>, counter: UInt64, binding: [UInt8],
        isCompressed: Bool
    ) -> Bool {
        do {
            let opened = try Sealing.open(
                buffer[range], under: key, counter: counter, binding: binding)
            guard isCompressed else { return equal(opened, plain) }
            grow(&check, to: plain.count)
            return decompressor.decompress(opened, into: &check, plainBytes: plain.count)
                && equal(check[..<plain.count], plain)
        } catch { return false }
    }

    /// Closes the pack: table in front, padding behind, a name for the whole. The bytes are a
    /// view of the builder's buffer; call `reset` once they are put.
    package func finish() -> FinishedPack {
        let tableBytes = ChunkTable.sealedBytes(rows: table.rows.count)
        header.tableBytes = UInt32(tableBytes)
        let front = header.encoded
        let sealedTable = Sealing.seal(
            table.encoded, under: sealing.tableKey(of: header.pack),
            binding: Sealing.hash(front).bytes)
        let start = chunksStart - tableBytes - front.count
        copy(front, into: &buffer, at: start)
        copy(sealedTable, into: &buffer, at: start + front.count)

        let target = max(Limits.packBytesMin, padme(length))
        let zeros = target - (end - start) - Sealing.tagBytes
        let padding = Sealing.seal(
            [UInt8](repeating: 0, count: zeros), under: key, counter: UInt64(table.rows.count),
            binding: binding + Digest.zero.bytes)
        reserve(padding.count)
        copy(padding, into: &buffer, at: end)
        let bytes = buffer[start..<start + target]
        return FinishedPack(name: Sealing.hash(bytes), bytes: bytes, content: table.content)
    }

    /// Begins the next pack, with a key of its own.
    package func reset() throws(Unopened) {
        key = Sealing.newKey()
        (header, binding) = try sealing.header(for: content, key: key)
        table = ChunkTable()
        end = chunksStart
    }

    private func reserve(_ count: Int) { grow(&buffer, to: end + count) }
}

/// To whom packs are sealed, and in whose name.
package struct PackSealing: Sendable {
    package let vault: Identifier
    package let writer: Identifier
    package let domain: Domain
    package let epoch: UInt32
    package let reader: Sealing.Recipient
    package let world: World
    /// Whether fewer and larger packs are better.
    package var isFar = false

    func tableKey(of pack: Identifier) -> SymmetricKey { domain.tableKey(of: pack) }

    func header(
        for content: PackContent, key: SymmetricKey
    ) throws(Unopened) -> (PackHeader, binding: [UInt8]) {
        let draft = PackHeader(
            content: content, vault: vault, writer: writer, pack: Identifier(from: world),
            domain: domain.id, epoch: epoch, commitment: PackHeader.commitment(to: key))
        let bytes = draft.encoded
        let wrapped = try Sealing.seal(
            key.bytes, to: reader, info: Array(bytes[..<PackHeader.infoBytes]))
        let header = PackHeader(
            content: content, vault: vault, writer: writer, pack: draft.pack, domain: domain.id,
            epoch: epoch, commitment: draft.commitment,
            recipients: [(Sealing.fingerprint(reader), wrapped)])
        return (header, Sealing.hash(bytes[..<PackHeader.boundBytes]).bytes)
    }
}
