// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

extension Keyring {
    /// Whether these are the bytes that were put under that name, told without any key: by the hash
    /// or the signature that the object has to bear. nil where nobody can tell.
    package func isRight(_ name: ObjectName, _ bytes: [UInt8]) -> Bool? {
        let parts = name.text.split(separator: "/")
        guard parts.count > 1 || companions.contains(where: { $0.name == name.text }) else { return nil }
        do {
            switch parts[0] {
            case "packs":
                return Sealing.hash(bytes).hex == parts[parts.count - 1]
            case "keyring", "keyring-copy":
                guard let number = UInt32(parts[1]) else { return nil }
                let one = try Keyring(decoding: bytes)
                return one.vault == vault && one.root == root && one.number == number
            case "records":
                guard let writer = writer(parts[1]) else { return nil }
                let record = try Record(decoding: bytes, writerKey: writer.publicKey)
                return record.vault == vault && record.writer == writer.id
                    && Record.name(writer.id, record.sequence) == name
            case "bundles":
                guard let writer = writer(parts[1]) else { return nil }
                let bundle = try RecordBundle(decoding: bytes, writerKey: writer.publicKey)
                return bundle.vault == vault && bundle.writer == writer.id
                    && RecordBundle.name(writer.id, bundle.number) == name
            case "units":
                guard let writer = writer(parts[1]) else { return nil }
                let unit = try SealedUnit(decoding: bytes, writerKey: writer.publicKey)
                return unit.front.vault == vault && unit.front.writer == writer.id
                    && SealedUnit.name(writer.id, unit.front.session, unit.number) == name
            case "invitations":
                return Invitation.name(try Invitation(decoding: bytes, of: self).name) == name
            case "handovers":
                let said = try Handover(decoding: bytes, of: self)
                return Handover.name(said.id, said.kind.slot) == name
            case "statements":
                return Statement.name(try Statement(decoding: bytes, of: self).number) == name
            case "claims":
                return Claim.name(try Claim(decoding: bytes, of: self).name) == name
            default:
                return companions.first { $0.name == name.text }.map { Sealing.hash(bytes) == $0.digest }
            }
        } catch { return false }
    }

    private func writer(_ id: Substring) -> Writer? {
        [UInt8](hex: String(id)).flatMap { Identifier($0) }.flatMap { self.writer($0) }
    }
}
