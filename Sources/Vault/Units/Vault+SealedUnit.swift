// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

extension Vault {
    /// One unit, checked by itself: signature, vault, writer, place.
    func unit(
        of writer: Writer, _ session: UInt64, _ number: UInt32
    ) async throws(Trouble) -> SealedUnit {
        let name = SealedUnit.name(writer.id, session, number)
        let bytes = try await object(name, upTo: Limits.unitBytesMax)
        let unit: SealedUnit
        do { unit = try SealedUnit(decoding: bytes, writerKey: writer.publicKey) } catch {
            throw .malformed(name.text, at: site.label, error)
        }
        guard unit.front.vault == keyring.vault, unit.front.writer == writer.id,
            unit.front.session == session, unit.number == number
        else {
            throw .damaged(
                name.text, at: site.label,
                Words("it belongs to another place", de: "sie gehört an einen anderen Platz"))
        }
        return unit
    }
}

extension Trouble {
    static func unopenedUnit(
        _ name: ObjectName, at site: String, _ trouble: SealedUnit.UnitTrouble
    ) -> Trouble {
        switch trouble {
        case .malformed(let reason): .malformed(name.text, at: site, reason)
        case .unopened:
            .damaged(
                name.text, at: site,
                Words(
                    "the key of its session does not open it",
                    de: "der Schlüssel ihrer Sitzung öffnet sie nicht"))
        }
    }
}
