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
        let found = await gathered(wanted) { sequence in
            do throws(Trouble) { return Result<Record, Trouble>.success(try await vault.record(of: writer, sequence)) } catch {
                return .failure(error)
            }
        }
        let read = await Self.settled(found, of: writer, in: vault, fixed)
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

    /// Two runs may have put one place while the site that decides was away from one of them, which had been
    /// told of its record or had died before. Which of them is the chain, the next record says; of the last
    /// place, how many sites have which: one that was told of lies at as many as must have it.
    private static func settled(
        _ read: [Result<Record, Trouble>], of writer: Writer, in vault: Vault, _ fixed: [ChainHead]
    ) async -> [Result<Record, Trouble>] {
        var read = read
        var follower: Record?
        for index in read.indices.reversed() {
            guard case .success(let record) = read[index] else {
                follower = nil
                continue
            }
            var settled = Record?.none
            if let known = fixed.first(where: { $0.sequence == record.sequence }) {
                if known.hash != record.hash { settled = await vault.other(record, of: writer, known.hash) }
            } else if let follower, follower.sequence == record.sequence + 1 {
                if follower.previous != record.hash { settled = await vault.other(record, of: writer, follower.previous) }
            } else if index == read.indices.last { settled = await vault.most(record, of: writer) }
            if let settled { read[index] = .success(settled) }
            follower = settled ?? record
        }
        return read
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
        return try record(of: writer, sequence, try await object(name, upTo: Limits.statementBytesMax))
    }

    func record(of writer: Writer, _ head: ChainHead) async throws(Trouble) -> Record {
        let bytes = try await site.whole(Record.name(writer.id, head.sequence), upTo: Limits.statementBytesMax) { Sealing.hash($0) == head.hash }
        let record = try record(of: writer, head.sequence, bytes)
        guard record.hash == head.hash else { throw .replaced(record, at: site.label) }
        return record
    }

    fileprivate func other(_ record: Record, of writer: Writer, _ hash: Digest) async -> Record? {
        do throws(Trouble) { return try await self.record(of: writer, ChainHead(sequence: record.sequence, hash: hash)) } catch { return nil }
    }

    /// The one of which there are most copies. Of as many, the later in the order of the plan: what was decided
    /// there came after, since nobody goes on elsewhere who was told.
    fileprivate func most(_ record: Record, of writer: Writer) async -> Record? {
        do throws(Trouble) {
            var counts: [Digest: Int] = [:]
            var found: [Record] = []
            for bytes in try await site.copies(of: Record.name(writer.id, record.sequence), upTo: Limits.statementBytesMax) {
                do throws(Trouble) { found.append(try self.record(of: writer, record.sequence, bytes)) } catch { continue }
            }
            for one in found { counts[one.hash, default: 0] += 1 }
            let most = counts.values.max() ?? 0
            return found.last { counts[$0.hash] == most }
        } catch { return nil }
    }

    private func record(of writer: Writer, _ sequence: UInt64, _ bytes: [UInt8]) throws(Trouble) -> Record {
        let name = Record.name(writer.id, sequence)
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
