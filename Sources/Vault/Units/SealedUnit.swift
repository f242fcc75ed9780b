// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import FoundationEssentials
import Ground
import Sites

/// A few hundred milliseconds of a continuous data set as one object (docs/format.md, section 10):
/// sealed, signed, immutable, and readable without any other unit.
package struct SealedUnit: Sendable {
    package let front: UnitFront
    /// From 0, without gaps.
    package let number: UInt32
    /// SHA-256 of the unit before it in its session, zeros for unit 0.
    package let previous: Digest
    /// SHA-256 of the whole object.
    package let hash: Digest
    private let contentCommitment: Digest
    private let factsCommitment: Digest
    private let object: [UInt8]
    private let factsEnd: Int

    package var bytes: Int { object.count }

    private static let headerBytes = UnitFront.byteCount + 108
    private static let signatureBytes = 64
    private static let signedLabel = "zwilling unit"

    package static func prefix(_ writer: Identifier) -> String { "units/\(writer)/" }

    package static func name(
        _ writer: Identifier, _ session: UInt64, _ number: UInt32
    ) -> ObjectName {
        func padded(_ digits: String, _ count: Int) -> String {
            String(repeating: "0", count: max(0, count - digits.count)) + digits
        }
        let place = "\(padded(String(session), 12))-\(padded(String(number), 6))"
        guard let name = ObjectName(prefix(writer) + place) else {
            preconditionFailure("hex and digits make a name")
        }
        return name
    }

    /// The place that a name stands for; nil where it is no name of a unit.
    static func place(
        _ name: ObjectName, of writer: Identifier
    ) -> (session: UInt64, number: UInt32)? {
        let parts = name.text.dropFirst(prefix(writer).count).split(separator: "-")
        guard parts.count == 2, let session = UInt64(parts[0]), let number = UInt32(parts[1]),
            (1...Limits.unitSessionMax).contains(session), number < Limits.unitsInSessionMax,
            Self.name(writer, session, number) == name
        else { return nil }
        return (session, number)
    }

    /// Seals and signs a unit. Each key must be fresh: it is used once, with nonce 0.
    static func seal(
        _ facts: [UInt8], under factsKey: SymmetricKey, _ content: [UInt8],
        under contentKey: SymmetricKey, front: UnitFront, number: UInt32, previous: Digest,
        by keys: WriterKeys
    ) throws(Unopened) -> [UInt8] {
        var writer = ByteWriter(reserving: headerBytes + facts.count + content.count + 96)
        writer.raw(front.bytes)
        writer.u32(number)
        writer.digest(previous)
        writer.digest(UnitRatchet.commitment(to: contentKey))
        writer.digest(UnitRatchet.commitment(to: factsKey))
        writer.u32(UInt32(facts.count + Sealing.tagBytes))
        writer.u32(UInt32(content.count + Sealing.tagBytes))
        writer.raw(
            Sealing.seal(facts, under: factsKey, binding: Sealing.hash(writer.bytes).bytes))
        writer.raw(
            Sealing.seal(content, under: contentKey, binding: Sealing.hash(writer.bytes).bytes))
        do {
            let message = Sealing.labelled(signedLabel, writer.bytes)
            writer.raw(try keys.signingKey.signature(for: message))
        } catch { throw Unopened() }
        return writer.bytes
    }

    /// Bytes that the plain content must have, so that the whole has a length of Padmé.
    static func contentBytes(atLeast count: Int, facts: Int) -> Int {
        let others = headerBytes + facts + 2 * Sealing.tagBytes + signatureBytes
        return max(Limits.unitBytesMin, padme(others + count)) - others
    }

    /// Reads a unit and checks its signature.
    package init(decoding bytes: [UInt8], writerKey: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        front = try UnitFront(decoding: &reader)
        let place = reader.offset
        number = try reader.u32()
        guard number < Limits.unitsInSessionMax else {
            throw Malformed("no place of a unit", at: place)
        }
        previous = try reader.digest()
        contentCommitment = try reader.digest()
        factsCommitment = try reader.digest()
        let factsBytes = try reader.u32()
        let contentBytes = try reader.u32()
        guard factsBytes <= Limits.unitFactsBytesMax, factsBytes % 512 == 0,
            padme(bytes.count) == bytes.count, bytes.count >= Limits.unitBytesMin
        else { throw Malformed("an impossible length", at: reader.offset) }
        _ = try reader.raw(Int(factsBytes))
        factsEnd = reader.offset
        _ = try reader.raw(Int(contentBytes))
        try reader.signature(Self.signedLabel, by: writerKey)
        object = bytes
        hash = Sealing.hash(bytes)
    }

    package enum UnitTrouble: Error {
        case unopened
        case malformed(Malformed)
    }

    package func facts(_ keys: inout UnitKeys) throws(UnitTrouble) -> UnitFacts {
        try facts(under: keys.key(of: number))
    }

    package func content(
        _ keys: inout UnitKeys, _ decompressor: Decompressor
    ) throws(UnitTrouble) -> [UInt8] {
        try content(under: keys.key(of: number), decompressor)
    }

    func facts(under key: SymmetricKey) throws(UnitTrouble) -> UnitFacts {
        let plain = try opened(Self.headerBytes..<factsEnd, key, factsCommitment)
        do { return try UnitFacts(decoding: plain) } catch { throw .malformed(error) }
    }

    func content(
        under key: SymmetricKey, _ decompressor: Decompressor
    ) throws(UnitTrouble) -> [UInt8] {
        let end = object.count - Self.signatureBytes
        let plain = try opened(factsEnd..<end, key, contentCommitment)
        do { return try UnitContent.decode(plain, decompressor) } catch {
            throw .malformed(error)
        }
    }

    private func opened(
        _ range: Range<Int>, _ key: SymmetricKey, _ commitment: Digest
    ) throws(UnitTrouble) -> [UInt8] {
        guard UnitRatchet.commitment(to: key) == commitment else { throw .unopened }
        do {
            let binding = Sealing.hash(object[..<range.lowerBound]).bytes
            return Array(try Sealing.open(object[range], under: key, binding: binding))
        } catch { throw .unopened }
    }
}

/// The plain bytes of the reader's part: how they are stored, how many they were, and padding.
package enum UnitContent {
    /// - Parameter facts: bytes of the plain facts, since the whole is padded.
    package static func encode(
        _ plain: ArraySlice<UInt8>, _ compressor: Compressor = Compressor(level: 3), facts: Int
    ) -> [UInt8] {
        var room = untouched(Compressor.bound(plain.count))
        let packed = plain.isEmpty ? nil : compressor.compress(plain, into: &room, at: 0)
        let stored = packed.map { room[..<$0] } ?? plain
        var writer = ByteWriter(reserving: stored.count + 64)
        writer.u8(packed == nil ? 0 : 1)
        writer.u32(UInt32(plain.count))
        writer.u32(UInt32(stored.count))
        writer.raw(stored)
        let length = SealedUnit.contentBytes(atLeast: writer.bytes.count, facts: facts)
        writer.raw(repeatElement(0, count: length - writer.bytes.count))
        return writer.bytes
    }

    package static func decode(
        _ bytes: [UInt8], _ decompressor: Decompressor
    ) throws(Malformed) -> [UInt8] {
        var reader = ByteReader(bytes)
        let way = try reader.u8()
        let count = try reader.u32()
        let storedCount = try reader.u32()
        guard way <= 1, count <= Limits.unitPlainBytesMax, way == 1 || count == storedCount else {
            throw Malformed("content of an impossible length", at: 0)
        }
        let stored = try reader.raw(Int(storedCount))
        try reader.zeros()
        if way == 0 { return stored }
        var plain = untouched(Int(count))
        guard decompressor.decompress(stored, into: &plain, plainBytes: Int(count)) else {
            throw Malformed("content that does not decompress to its length", at: 9)
        }
        return plain
    }
}
