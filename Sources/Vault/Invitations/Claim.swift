// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// Which machine has taken up an invitation (docs/format.md, section 11). Of all who hold the same
/// token only one can put it, so an invitation works once. Signed by the writer that the machine
/// became: only who has opened the invitation can make one.
package struct Claim: Sendable {
    /// The invitation's.
    package let name: Identifier
    package let writer: Identifier
    /// Random; the machine keeps it, and so knows its own claim after it was interrupted.
    package let claimant: Identifier
    package let made: Moment
    package let host: String

    package static let folder = "claims/"
    private static let signedLabel = "zwilling claim"

    package static func name(_ name: Identifier) -> ObjectName {
        guard let object = ObjectName("\(folder)\(name)") else {
            preconditionFailure("hex makes a name")
        }
        return object
    }

    static func sign(
        _ name: Identifier, with keys: WriterKeys, by claimant: Claimant, at moment: Moment
    ) throws(Unopened) -> [UInt8] {
        var writer = ByteWriter()
        Magic.write("C", to: &writer)
        writer.raw([0, 0])
        writer.raw(keys.vault.bytes)
        writer.raw(name.bytes)
        writer.raw(keys.writer.bytes)
        writer.raw(claimant.id.bytes)
        writer.moment(moment)
        writer.text(claimant.host)
        do {
            let message = Sealing.labelled(signedLabel, writer.bytes)
            writer.raw(try keys.signingKey.signature(for: message))
        } catch { throw Unopened() }
        return writer.bytes
    }

    /// Reads a claim, and checks that a writer of this keyring has signed it.
    package init(decoding bytes: [UInt8], of keyring: Keyring) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("C", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        guard try reader.identifier() == keyring.vault else {
            throw Malformed("of another vault", at: 8)
        }
        name = try reader.identifier()
        writer = try reader.identifier()
        claimant = try reader.identifier()
        made = try reader.moment()
        host = try reader.text(upTo: Limits.nameBytesMax)
        guard let writer = keyring.writer(writer) else {
            throw Malformed("by a writer that the keyring does not name", at: 40)
        }
        try reader.signature(Self.signedLabel, by: writer.publicKey)
    }
}

/// A machine that wants to become a writer.
package struct Claimant: Sendable {
    package let id: Identifier
    package let host: String

    package init(id: Identifier, host: String) { (self.id, self.host) = (id, host) }
}
