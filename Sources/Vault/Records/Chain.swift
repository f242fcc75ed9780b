// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// The place of a record in its writer's chain.
package struct ChainHead: Hashable, Sendable {
    package let sequence: UInt64
    package let hash: Digest

    package static let start = ChainHead(sequence: 0, hash: .zero)

    package init(sequence: UInt64, hash: Digest) {
        self.sequence = sequence
        self.hash = hash
    }
}

/// The records of one writer as a site shows them, and what is wrong with them.
package struct Chain: Sendable {
    package let writer: Writer
    /// In order; each has been checked by itself: signature, vault, writer, place.
    package private(set) var records: [Record] = []
    /// Gaps, damage, and what this machine has seen that the site does not show.
    package private(set) var troubles: [Trouble] = []

    /// Reads the chain after `known`, which this machine has seen before. Goes on behind a record
    /// that is damaged or missing, since what follows is signed by itself; the caller decides
    /// whether troubles matter. What a retired writer added after its last accepted record is not
    /// accepted.
    package init(
        of writer: Writer, in vault: Vault, after known: ChainHead = .start,
        remembered: ChainHead = .start
    ) async throws(Trouble) {
        self.writer = writer
        let prefix = Record.prefix(writer.id)
        let listed = try await vault.site.list(prefix)
            .compactMap { UInt64($0.name.text.dropFirst(prefix.count)) }
            // Names have twelve digits: what is more cannot be a record, nor be counted past.
            .filter { $0 < 1_000_000_000_000 }
        // What stands at these places is known; both may be the same place, or none.
        var fixed = [remembered, known]
        var last = max(remembered.sequence, known.sequence)
        if case .retired(let lastSequence, let lastRecord) = writer.state {
            // Root has settled where the chain ends, so what lay behind is forgotten.
            last = lastSequence
            fixed.append(ChainHead(sequence: lastSequence, hash: lastRecord))
        } else if (listed.max() ?? 0) < last {
            troubles.append(
                .stale(
                    writer, last: listed.max() ?? 0, remembered: last, site: vault.site.label))
            last = listed.max() ?? 0
        } else {
            last = listed.max() ?? 0
        }
        var previous: Digest? = known.hash
        var next = known.sequence + 1
        let wanted = Set(listed).sorted().filter { $0 >= next && $0 <= last }
        let read = await gathered(wanted) { sequence in
            do throws(Trouble) { return Result<Record, Trouble>.success(try await vault.record(of: writer, sequence)) } catch {
                return .failure(error)
            }
        }
        for (sequence, result) in zip(wanted, read) {
            if sequence > next {
                troubles.append(.gap(writer, next..<sequence, at: vault.site.label))
                previous = nil
            }
            next = sequence + 1
            do throws(Trouble) {
                let record = try result.get()
                if let previous, record.previous != previous {
                    throw Trouble.misplaced(record, at: vault.site.label)
                }
                if fixed.contains(where: { $0.sequence == sequence && $0.hash != record.hash }) {
                    throw Trouble.replaced(record, at: vault.site.label)
                }
                records.append(record)
                previous = record.hash
            } catch {
                troubles.append(error)
                previous = nil
            }
        }
        if next <= last {
            troubles.append(.gap(writer, next..<last + 1, at: vault.site.label))
        }
    }

    package var head: ChainHead? {
        records.last.map { ChainHead(sequence: $0.sequence, hash: $0.hash) }
    }
}

extension Vault {
    func record(
        of writer: Writer, _ sequence: UInt64
    ) async throws(Trouble) -> Record {
        let name = Record.name(writer.id, sequence)
        let bytes = try await object(name, upTo: Limits.statementBytesMax)
        let record: Record
        do {
            record = try Record(decoding: bytes, writerKey: writer.publicKey)
        } catch { throw .malformed(name.text, at: site.label, error) }
        guard record.vault == keyring.vault, record.writer == writer.id,
            record.sequence == sequence
        else { throw .misplaced(record, named: name.text, at: site.label) }
        return record
    }
}

extension Trouble {
    /// One trouble for a whole gap: a record planted far ahead must not make it a million.
    fileprivate static func gap(
        _ writer: Writer, _ places: Range<UInt64>, at site: String
    ) -> Trouble {
        let first = Record.name(writer.id, places.lowerBound).text
        guard places.count > 1 else { return .missing(first, at: site) }
        return .missing(
            "\(first) … \(Record.name(writer.id, places.upperBound - 1).text)", at: site)
    }

    fileprivate static func misplaced(
        _ record: Record, named name: String? = nil, at site: String
    ) -> Trouble {
        .damaged(
            name ?? Record.name(record.writer, record.sequence).text, at: site,
            Words(
                "it does not follow the record before it",
                de: "er schließt nicht an den vorigen Eintrag an"))
    }

    fileprivate static func replaced(_ record: Record, at site: String) -> Trouble {
        .damaged(
            Record.name(record.writer, record.sequence).text, at: site,
            Words(
                "it is not the record that was seen there before",
                de: "es ist nicht der Eintrag, der dort schon gesehen wurde"))
    }
}
