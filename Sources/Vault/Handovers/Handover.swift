// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// What the two sides of a handover say to each other through the vault, one statement an object
/// (docs/format.md, section 14): somebody asks for the work, who has it gives it, and one of the two
/// decides whether it is taken or stays. Nothing but an activation's name and places in chains stands in
/// it, so that a site learns nothing of the institution.
package struct Handover: Sendable {
    package enum Kind: UInt8, Sendable {
        /// By root: the activation wants the work of the promotion `term`.
        case asked = 1
        /// By the writer that has the work: nothing writes any more, and all that was lies in the vault.
        case given
        /// By root: the activation has all that was given, and is about to take over.
        case taken
        /// By either side: it stays where it was.
        case kept

        package var slot: Slot {
            switch self {
            case .asked: .asked
            case .given: .given
            case .taken, .kept: .decided
            }
        }
    }

    /// Each is put once; of those who decide, one wins.
    package enum Slot: String, Sendable { case asked, given, decided }

    /// The activation that wants the work.
    package let id: String
    package let kind: Kind
    /// Of the promotion whose work it is; 0 before the first.
    package let term: UInt32
    /// nil for root.
    package let writer: Identifier?
    /// Only of `given`.
    package let cuts: [Promotion.Cut]

    package static let folder = "handovers/"
    private static let label = "zwilling handover"
    private static let idBytes = 4

    package init(_ id: String, _ kind: Kind, of term: UInt32, by writer: Identifier?, cuts: [Promotion.Cut] = []) {
        (self.id, self.kind, self.term, self.writer, self.cuts) = (id, kind, term, writer, cuts)
    }

    /// nil where the id is none.
    package static func name(_ id: String, _ slot: Slot) -> ObjectName? {
        guard [UInt8](hex: id)?.count == idBytes, id == id.lowercased() else { return nil }
        return ObjectName("\(folder)\(id)/\(slot.rawValue)")
    }

    private func body(of vault: Identifier) -> [UInt8] {
        var output = ByteWriter()
        Magic.write("H", to: &output)
        output.raw([0, 0])
        output.raw(vault.bytes)
        output.text(id)
        output.u8(kind.rawValue)
        output.u32(term)
        output.u8(writer == nil ? 0 : 1)
        output.raw(writer?.bytes ?? [])
        output.varint(cuts.count)
        for cut in cuts {
            output.raw(cut.writer.bytes)
            output.u64(cut.head.sequence)
            output.digest(cut.head.hash)
            output.varint(cut.units.count)
            for (session, last) in cut.units.sorted(by: { $0.key < $1.key }) {
                output.u64(session)
                output.u32(last)
            }
        }
        return output.bytes
    }

    package func encoded(by root: RootKey, of vault: Identifier) throws(Unopened) -> [UInt8] {
        let body = body(of: vault)
        return body + (try root.signatures(of: Sealing.labelled(Self.label, body)))
    }

    package func encoded(by keys: WriterKeys) throws(Unopened) -> [UInt8] {
        let body = body(of: keys.vault)
        do { return body + (try keys.signingKey.signature(for: Sealing.labelled(Self.label, body))) } catch { throw Unopened() }
    }

    /// Reads a statement, and checks that root or a writer of this keyring has signed it, whichever may
    /// say such a thing.
    package init(decoding bytes: [UInt8], of keyring: Keyring) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("H", from: &reader)
        guard try reader.raw(2) == [0, 0], try reader.identifier() == keyring.vault else { throw Malformed("of another vault", at: 6) }
        id = try reader.text(upTo: 64)
        let place = reader.offset
        guard let kind = Kind(rawValue: try reader.u8()) else { throw Malformed(Magic.newer, at: place) }
        self.kind = kind
        term = try reader.u32()
        writer = try reader.flag() ? try reader.identifier() : nil
        cuts = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            let writer = try reader.identifier()
            let head = ChainHead(sequence: try reader.sequence(), hash: try reader.digest())
            let units = try reader.list { (reader: inout ByteReader) throws(Malformed) in (try reader.u64(), try reader.u32()) }
            return Promotion.Cut(writer: writer, head: head, units: Dictionary(units) { first, _ in first })
        }
        let isAllowed = switch kind {
        case .asked, .taken: writer == nil
        case .given: writer != nil
        case .kept: true
        }
        guard isAllowed else { throw Malformed("not for its signer to say", at: place) }
        if let writer {
            guard let writer = keyring.writer(writer) else { throw Malformed("by a writer that the keyring does not name", at: place) }
            try reader.signature(Self.label, by: writer.publicKey)
        } else {
            let body = Array(bytes[..<reader.offset])
            let signatures = try reader.raw(RootIdentity.signatureBytes)
            try reader.end()
            guard keyring.root.hasSigned(Sealing.labelled(Self.label, body), signatures) else {
                throw Malformed("root's signatures do not fit", at: body.count)
            }
        }
    }
}

extension Vault {
    /// Whether a promotion may have come since, by the one site that grants them.
    ///
    /// - Throws: where that site does not answer.
    package func hasNewerDecided() async throws(Trouble) -> Bool {
        let prefix = Keyring.folders[0]
        let numbers = try await site.listDecided(prefix).compactMap { UInt32($0.name.text.dropFirst(prefix.count)) }
        return (numbers.max() ?? 0) > keyring.number
    }

    /// nil where nothing was said yet.
    package func handover(_ id: String, _ slot: Handover.Slot) async throws(Trouble) -> Handover? {
        guard let name = Handover.name(id, slot) else { return nil }
        let bytes: [UInt8]
        do throws(Trouble) { bytes = try await object(name, upTo: Limits.statementBytesMax) } catch {
            if error.kind == .missing { return nil }
            throw error
        }
        do throws(Malformed) {
            let said = try Handover(decoding: bytes, of: keyring)
            guard said.id == id, said.kind.slot == slot else { throw Malformed("not the statement that belongs there", at: 0) }
            return said
        } catch { throw .malformed(name.text, at: site.label, error) }
    }

    /// Those that somebody has asked for and nobody has decided.
    package func openHandovers() async throws(Trouble) -> [Handover] {
        var slots: [String: Set<String>] = [:]
        for entry in try await site.list(Handover.folder) {
            let parts = entry.name.text.split(separator: "/").map(String.init)
            if parts.count == 3 { slots[parts[1], default: []].insert(parts[2]) }
        }
        var open: [Handover] = []
        for (id, said) in slots.sorted(by: { $0.key < $1.key }) where said.contains(Handover.Slot.asked.rawValue) {
            guard !said.contains(Handover.Slot.decided.rawValue) else { continue }
            // What somebody has planted there asks for nothing.
            do throws(Trouble) { if let asked = try await handover(id, .asked) { open.append(asked) } } catch {
                guard error.kind == .damaged || error.kind == .newerFormat else { throw error }
            }
        }
        return open
    }

    /// Says something, once: of two who would say different things in one place, one does.
    ///
    /// - Returns: what stands there from now on.
    package func state(_ said: Handover, _ bytes: [UInt8]) async throws(Trouble) -> Handover {
        let slot = said.kind.slot
        guard let name = Handover.name(said.id, slot) else { throw .impossible("the name of a handover") }
        do throws(Trouble) {
            try await site.putDecided(name, bytes[...])
            await site.settle()
            return said
        } catch {
            guard error.kind == .exists, let other = try await handover(said.id, slot) else { throw error }
            return other
        }
    }
}
