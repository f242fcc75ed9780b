// SPDX-License-Identifier: EUPL-1.2
import Ground

/// To whom the work of the institution was given last, and how far those count who had it before
/// (docs/format.md, section 5): an extension of the keyring, and a critical one, since a reader that
/// passed over it would take for the twin's what an original wrote after it had been replaced.
///
/// The keyring's number is the token: of two who want to be promoted by the same one, one wins.
package struct Promotion: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case emergency = 1
        case move, `return`
    }

    /// From 1: how often the work has been given away.
    package let term: UInt32
    /// The activation that has it.
    package let holder: String
    package let kind: Kind
    /// Of each writer that was cut, the last unit that counts of each session; of no other session
    /// any does.
    let cuts: [Identifier: [UInt64: UInt32]]

    static let tag = 2

    /// The state of one writer when its work was given to somebody else.
    package struct Cut: Hashable, Sendable {
        package let writer: Identifier
        /// The last record that counts.
        package let head: ChainHead
        /// The last unit that counts of each session.
        package let units: [UInt64: UInt32]

        package init(writer: Identifier, head: ChainHead, units: [UInt64: UInt32]) {
            (self.writer, self.head, self.units) = (writer, head, units)
        }
    }

    func counts(_ writer: Identifier, _ session: UInt64, _ number: UInt32) -> Bool {
        guard let units = cuts[writer] else { return true }
        return units[session].map { number <= $0 } ?? false
    }

    package var encoded: [UInt8] {
        var output = ByteWriter()
        output.u32(term)
        output.text(holder)
        output.u8(kind.rawValue)
        output.varint(cuts.count)
        for (writer, units) in cuts.sorted(by: { $0.key < $1.key }) {
            output.raw(writer.bytes)
            output.varint(units.count)
            for (session, last) in units.sorted(by: { $0.key < $1.key }) {
                output.u64(session)
                output.u32(last)
            }
        }
        return output.bytes
    }

    init(term: UInt32, holder: String, kind: Kind, cuts: [Identifier: [UInt64: UInt32]]) {
        (self.term, self.holder, self.kind, self.cuts) = (term, holder, kind, cuts)
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        term = try reader.u32()
        holder = try reader.text(upTo: 255)
        let place = reader.offset
        guard term > 0, let kind = Kind(rawValue: try reader.u8()) else { throw Malformed("no promotion", at: place) }
        self.kind = kind
        let pairs = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            let writer = try reader.identifier()
            let units = try reader.list { (reader: inout ByteReader) throws(Malformed) in
                (try reader.u64(), try reader.u32())
            }
            return (writer, Dictionary(units) { first, _ in first })
        }
        cuts = Dictionary(pairs) { first, _ in first }
        try reader.end()
    }
}

extension Observed {
    /// How far the writers of these data sets have come, for whoever takes their work over.
    package func cuts(of dataSets: Set<String>, _ units: Units) -> [Promotion.Cut] {
        vault.keyring.writers.compactMap { writer in
            guard case .active = writer.state else { return nil }
            let own = units.facts.filter { $0.writer.id == writer.id }
            guard facts.contains(where: { $0.writer.id == writer.id && dataSets.contains($0.body.dataSet) })
                || own.contains(where: { dataSets.contains($0.facts.dataSet) })
            else { return nil }
            let last = Dictionary(own.map { ($0.session, $0.number) }, uniquingKeysWith: max)
            return Promotion.Cut(writer: writer.id, head: heads[writer.id] ?? .start, units: last)
        }
    }
}

extension UnlockedKeyring {
    /// The same keyring with the work in another's hands.
    func promoting(
        _ holder: String, _ kind: Promotion.Kind, cutting all: [Promotion.Cut], after hash: Digest, world: World
    ) -> UnlockedKeyring {
        let known = keyring.promotion
        let new = Dictionary(all.map { ($0.writer, $0) }) { first, _ in first }
        var cuts = known?.cuts ?? [:]
        for one in all { cuts[one.writer] = one.units }
        let writers = keyring.writers.map { writer in
            new[writer.id].map { writer.retired(after: $0.head.sequence, $0.head.hash) } ?? writer
        }
        let promotion = Promotion(term: (known?.term ?? 0) + 1, holder: holder, kind: kind, cuts: cuts)
        return with(writers, companions: nil, promotion: promotion, after: hash, world: world)
    }
}

extension Vault {
    /// Gives the work to somebody else: the single-use token, granted by the site that decides.
    ///
    /// - Parameter term: of the promotion that whoever takes over has seen; 0 for none.
    /// - Throws: `.exists` where another was promoted meanwhile; `.system` where the deciding site is
    ///   silent.
    package func promoting(
        _ holder: String, _ kind: Promotion.Kind, after term: UInt32, cutting cuts: [Promotion.Cut],
        with unlocked: UnlockedKeyring, world: World
    ) async throws(Trouble) -> Vault {
        var current = self
        while true {
            let known = current.keyring.promotion
            if let known, known.holder == holder, known.term == term + 1 { return current }
            guard (known?.term ?? 0) == term else { throw .promotedElsewhere(known?.holder) }
            let changed = unlocked.following(current.keyring)
                .promoting(holder, kind, cutting: cuts, after: current.keyringHash, world: world)
            do throws(Trouble) { return try await current.putDecided(changed) } catch {
                // Somebody has changed the keyring, or the answer was lost: what it says now decides.
                guard error.kind == .exists else { throw error }
                let number = current.keyring.number
                current = try await Vault(at: site, remembering: nil)
                guard current.keyring.number > number else { throw error }
            }
        }
    }
}

extension Trouble {
    package static func promotedElsewhere(_ holder: String?) -> Trouble {
        Trouble(
            .exists,
            Words(
                "Another activation has taken over meanwhile: \(holder ?? "?").",
                de: "Inzwischen hat eine andere Aktivierung übernommen: \(holder ?? "?")."),
            advice: Words(
                "There must not be two. End this one with \"zwilling stop --delete-data\", and begin again from what the vault has now.",
                de: "Zwei darf es nicht geben. Diese mit „zwilling stop --delete-data“ beenden und neu beginnen mit dem, was der Tresor jetzt hat."))
    }
}
