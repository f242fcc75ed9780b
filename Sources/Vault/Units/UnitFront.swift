// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground

/// The first bytes of every unit of a session, the same in all of them: whose it is, and the
/// session's two secrets, sealed once (docs/format.md, section 10).
package struct UnitFront: Sendable {
    package static let byteCount = infoBytes + 2 * Sealing.wrappedKeyBytes
    private static let infoBytes = 124

    package let vault: Identifier
    package let writer: Identifier
    package let epoch: UInt32
    /// From 1.
    package let session: UInt64
    /// The newest record of the writer when the session began.
    package let stands: ChainHead
    package let bytes: [UInt8]

    /// The front of a new session.
    init(
        vault: Identifier, writer: Identifier, epoch: Keyring.Epoch,
        observer: Sealing.Recipient, session: UInt64, stands: ChainHead,
        contentSecret: SymmetricKey, factsSecret: SymmetricKey
    ) throws(Unopened) {
        (self.vault, self.writer, self.epoch) = (vault, writer, epoch.number)
        (self.session, self.stands) = (session, stands)
        var output = ByteWriter(reserving: Self.byteCount)
        Magic.write("U", to: &output)
        output.raw([0, 0])
        output.raw(vault.bytes)
        output.raw(writer.bytes)
        output.u32(epoch.number)
        output.u64(session)
        output.u64(stands.sequence)
        output.digest(stands.hash)
        output.raw(Sealing.fingerprint(epoch.reader))
        output.raw(Sealing.fingerprint(observer))
        let info = output.bytes
        var secret = contentSecret.bytes
        defer { wipe(&secret) }
        output.raw(try Sealing.seal(secret, to: epoch.reader, info: Part.content.info(info)))
        wipe(&secret)
        secret = factsSecret.bytes
        output.raw(try Sealing.seal(secret, to: observer, info: Part.facts.info(info)))
        bytes = output.bytes
    }

    package init(decoding reader: inout ByteReader) throws(Malformed) {
        let start = reader.offset
        try Magic.read("U", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        vault = try reader.identifier()
        writer = try reader.identifier()
        epoch = try reader.u32()
        session = try reader.sequence()
        guard session > 0 else { throw Malformed("no session", at: 44) }
        stands = ChainHead(sequence: try reader.sequence(), hash: try reader.digest())
        _ = try reader.raw(2 * 16 + 2 * Sealing.wrappedKeyBytes)
        bytes = Array(reader.bytes[start..<reader.offset])
    }

    /// The two halves of a unit, each under keys of its own.
    package enum Part {
        /// For the reader.
        case content
        /// For the observer.
        case facts

        func info(_ bytes: [UInt8]) -> [UInt8] {
            switch self {
            case .content: Sealing.labelled("zwilling unit content", bytes)
            case .facts: Sealing.labelled("zwilling unit facts", bytes)
            }
        }
    }

    /// The keys of one part, for one who can open its secret.
    ///
    /// - Throws: `Unopened` also where it is sealed to another key than this one.
    package func keys(
        _ part: Part, with key: Sealing.RecipientKey
    ) throws(Unopened) -> UnitKeys {
        let isContent = part == .content
        let print = Self.infoBytes - (isContent ? 32 : 16)
        let start = Self.infoBytes + (isContent ? 0 : Sealing.wrappedKeyBytes)
        guard Array(bytes[print..<print + 16]) == Sealing.fingerprint(key.publicKey) else {
            throw Unopened()
        }
        let secret = try Sealing.open(
            Array(bytes[start..<start + Sealing.wrappedKeyBytes]), with: key,
            info: part.info(Array(bytes[..<Self.infoBytes])))
        guard secret.count == 32 else { throw Unopened() }
        return UnitKeys(SymmetricKey(data: secret))
    }
}
