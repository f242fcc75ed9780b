// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// What lies in a pack.
package enum PackContent: UInt8, Sendable {
    case data = 1
    case tree = 2
}

/// A random name of 16 bytes: vault, writer, domain, pack.
package struct Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    package init(from world: World) { bytes = world.random(Self.byteCount) }

    package var description: String { bytes.hex }

    package static func < (one: Identifier, other: Identifier) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

extension ByteReader {
    package mutating func identifier() throws(Malformed) -> Identifier {
        let start = offset
        guard let id = Identifier(try raw(Identifier.byteCount)) else {
            throw Malformed("ends too early", at: start)
        }
        return id
    }
}

/// The first bytes of every object but companions.
package enum Magic {
    package static let bytes = Array("ZWLG".utf8)
    package static let version: UInt8 = 1

    package static func write(_ kind: Character, to writer: inout ByteWriter) {
        writer.raw(bytes)
        writer.raw(kind.utf8)
        writer.u8(version)
    }

    /// - Throws: `Malformed`, with `newer` as its reason where the version is a later one.
    package static func read(
        _ kind: Character, from reader: inout ByteReader
    ) throws(Malformed) {
        let start = reader.offset
        guard try reader.raw(4) == bytes, [try reader.u8()] == Array(kind.utf8) else {
            throw Malformed("not an object of this kind", at: start)
        }
        guard try reader.u8() == version else { throw Malformed(newer, at: start) }
    }

    package static let newer = "made in a newer format"
}

/// The part of a pack that a site can read (docs/format.md, section 7).
package struct PackHeader: Sendable {
    package let content: PackContent
    package let vault: Identifier
    package let writer: Identifier
    package let pack: Identifier
    package let domain: Identifier
    package let epoch: UInt32
    package let commitment: Digest
    package var tableBytes: UInt32
    /// Fingerprint of a reader, and the content key sealed to it.
    package let recipients: [(fingerprint: [UInt8], wrapped: [UInt8])]

    /// Bytes that are bound into the sealing of the content key.
    static let infoBytes = 76
    /// Bytes that are bound into the sealing of every chunk.
    static let boundBytes = 108
    static let recipientBytes = 16 + Sealing.wrappedKeyBytes

    package static func bytes(recipients: Int) -> Int { 113 + recipientBytes * recipients }

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: Self.bytes(recipients: recipients.count))
        Magic.write("P", to: &writer)
        writer.u8(content.rawValue)
        writer.u8(0)
        for id in [vault, self.writer, pack, domain] { writer.raw(id.bytes) }
        writer.u32(epoch)
        writer.digest(commitment)
        writer.u32(tableBytes)
        writer.u8(UInt8(recipients.count))
        for recipient in recipients {
            writer.raw(recipient.fingerprint)
            writer.raw(recipient.wrapped)
        }
        return writer.bytes
    }

    package init(
        content: PackContent, vault: Identifier, writer: Identifier, pack: Identifier,
        domain: Identifier, epoch: UInt32, commitment: Digest,
        recipients: [(fingerprint: [UInt8], wrapped: [UInt8])] = []
    ) {
        (self.content, self.vault, self.writer) = (content, vault, writer)
        (self.pack, self.domain, self.epoch) = (pack, domain, epoch)
        (self.commitment, self.tableBytes, self.recipients) = (commitment, 0, recipients)
    }

    package init(decoding reader: inout ByteReader) throws(Malformed) {
        try Magic.read("P", from: &reader)
        guard let content = PackContent(rawValue: try reader.u8()), try reader.u8() == 0 else {
            throw Malformed("unknown content of a pack", at: 6)
        }
        self.content = content
        vault = try reader.identifier()
        writer = try reader.identifier()
        pack = try reader.identifier()
        domain = try reader.identifier()
        epoch = try reader.u32()
        commitment = try reader.digest()
        tableBytes = try reader.u32()
        let count = Int(try reader.u8())
        guard (1...Limits.packRecipientsMax).contains(count) else {
            throw Malformed("\(count) recipients", at: 112)
        }
        var recipients: [(fingerprint: [UInt8], wrapped: [UInt8])] = []
        for _ in 0..<count {
            recipients.append((try reader.raw(16), try reader.raw(Sealing.wrappedKeyBytes)))
        }
        self.recipients = recipients
    }

    package static func commitment(to key: SymmetricKey) -> Digest {
        Sealing.hash(Sealing.labelled("zwilling pack key", key.bytes))
    }
}
