// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// One fact stated by one writer, at one place of its chain (docs/format.md, section 6): signed,
/// and sealed so that only an observer reads what it says.
package struct Record: Sendable {
    package let vault: Identifier
    package let writer: Identifier
    /// From 1, without gaps.
    package let sequence: UInt64
    package let previous: Digest
    /// Of the steward's newest statement that the writer knew: nothing that it or an earlier one condemns
    /// was built upon.
    package let obeyedStatement: UInt64
    /// SHA-256 of the whole object: what the next record must name.
    package let hash: Digest
    private let object: [UInt8]

    private static let infoBytes = 104
    private static let sealedStart = infoBytes + Sealing.encapsulatedBytes + 4
    private static let signatureBytes = 64
    private static let signedLabel = "zwilling record"

    package static func prefix(_ writer: Identifier) -> String { "records/\(writer)/" }

    package static func name(_ writer: Identifier, _ sequence: UInt64) -> ObjectName {
        let digits = String(sequence)
        let zeros = String(repeating: "0", count: max(0, 12 - digits.count))
        guard let name = ObjectName("\(prefix(writer))\(zeros)\(digits)") else {
            preconditionFailure("hex and digits make a name")
        }
        return name
    }

    /// Seals and signs a body for the next slot of a writer's chain.
    package static func seal(
        _ body: RecordBody, sequence: UInt64, previous: Digest, obeying statement: UInt64 = 0, by keys: WriterKeys,
        to observer: Sealing.Recipient
    ) throws(Unopened) -> [UInt8] {
        var writer = ByteWriter()
        Magic.write("R", to: &writer)
        writer.raw([0, 0])
        writer.raw(keys.vault.bytes)
        writer.raw(keys.writer.bytes)
        writer.u64(sequence)
        writer.digest(previous)
        writer.u64(statement)
        writer.raw(Sealing.fingerprint(observer))
        let sealed = try Sealing.seal(body.encoded, to: observer, info: writer.bytes)
        writer.raw(sealed[..<Sealing.encapsulatedBytes])
        writer.u32(UInt32(sealed.count - Sealing.encapsulatedBytes))
        writer.raw(sealed[Sealing.encapsulatedBytes...])
        do {
            let message = Sealing.labelled(signedLabel, writer.bytes)
            writer.raw(try keys.signingKey.signature(for: message))
        } catch { throw Unopened() }
        return writer.bytes
    }

    /// Reads a record and checks its signature.
    package init(decoding bytes: [UInt8], writerKey: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("R", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        vault = try reader.identifier()
        writer = try reader.identifier()
        sequence = try reader.u64()
        previous = try reader.digest()
        obeyedStatement = try reader.u64()
        _ = try reader.raw(16 + Sealing.encapsulatedBytes)
        _ = try reader.raw(Int(try reader.u32()))
        try reader.signature(Self.signedLabel, by: writerKey)
        object = bytes
        hash = Sealing.hash(bytes)
    }

    /// What the record says, for one who has the observer's key.
    package func body(with observer: Sealing.RecipientKey) throws(RecordTrouble) -> RecordBody {
        let sealed =
            Array(object[Self.infoBytes..<Self.sealedStart - 4])
            + Array(object[Self.sealedStart..<object.count - Self.signatureBytes])
        let plain: [UInt8]
        do {
            plain = try Sealing.open(
                sealed, with: observer, info: Array(object[..<Self.infoBytes]))
        } catch { throw .unopened }
        do { return try RecordBody(decoding: plain) } catch { throw .malformed(error) }
    }

    package enum RecordTrouble: Error {
        case unopened
        case malformed(Malformed)
    }
}
