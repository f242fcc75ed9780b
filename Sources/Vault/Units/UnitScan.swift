// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// One writer's units as a site shows them.
struct UnitScan {
    let observed: Observed
    let writer: Writer
    /// By session, the ranges that name it.
    private let ranges: [UInt64: [Range]]
    /// Of the writer's records, by place.
    private let records: [UInt64: Digest]
    private(set) var facts: [UnitFact] = []
    private(set) var troubles: [Trouble] = []

    /// A span that a range record names.
    private struct Range {
        let record: UInt64
        let dataSet: String
        let span: RecordBody.UnitSpan
    }

    private var vault: Vault { observed.vault }

    init(_ observed: Observed, _ writer: Writer) {
        (self.observed, self.writer) = (observed, writer)
        let own = observed.facts.filter { $0.writer.id == writer.id }
        records = Dictionary(own.map { ($0.sequence, $0.id) }) { first, _ in first }
        let all = own.flatMap { fact in
            fact.body.supersedes.map {
                Range(record: fact.sequence, dataSet: fact.body.dataSet, span: $0)
            }
        }
        ranges = Dictionary(grouping: all, by: \.span.session)
    }

    mutating func run() async throws(Trouble) {
        var sessions: [UInt64: [UInt32]] = [:]
        for entry in try await vault.site.list(SealedUnit.prefix(writer.id)) {
            guard let place = SealedUnit.place(entry.name, of: writer.id),
                vault.keyring.promotion?.counts(writer.id, place.session, place.number) ?? true
            else { continue }
            sessions[place.session, default: []].append(place.number)
        }
        var next: UInt64 = 1
        let gone = ranges.keys.sorted()
        for (session, numbers) in sessions.sorted(by: { $0.key < $1.key }) {
            // A session that is not there at all was superseded, or somebody took it away.
            for known in gone where (next..<session).contains(known) {
                missSessions(next, known)
                next = known + 1
            }
            missSessions(next, session)
            next = session + 1
            await read(session, numbers.sorted())
        }
    }

    private mutating func missSessions(_ first: UInt64, _ end: UInt64) {
        guard first < end else { return }
        let name = SealedUnit.name(writer.id, first, 0).text
        let last = SealedUnit.name(writer.id, end - 1, 0).text
        troubles.append(
            .missing(end - 1 > first ? "\(name) … \(last)" : name, at: vault.site.label))
    }

    private mutating func missUnits(_ session: UInt64, _ numbers: ClosedRange<UInt32>) {
        let name = SealedUnit.name(writer.id, session, numbers.lowerBound).text
        let last = SealedUnit.name(writer.id, session, numbers.upperBound).text
        troubles.append(
            .missing(numbers.count > 1 ? "\(name) … \(last)" : name, at: vault.site.label))
    }

    // MARK: One session

    /// A session as its first unit that holds shows it.
    private struct Session {
        let front: UnitFront
        var keys: UnitKeys
        let dataSet: String
        /// Places that need not be there any more.
        let superseded: [ClosedRange<UInt32>]

        func isSuperseded(_ number: UInt32) -> Bool {
            superseded.contains { $0.contains(number) }
        }
    }

    private mutating func read(_ number: UInt64, _ listed: [UInt32]) async {
        var session = await anchor(number, listed)
        if let front = session?.front {
            guard isAccepted(front) else { return }
            if let trouble = recordTrouble(front) {
                troubles.append(trouble)
                // Of a chain that forked, but a record that is only gone takes no unit with it.
                if trouble.kind == .damaged { return }
            }
        }
        var next: UInt32 = 0
        var previous: Digest? = .zero
        for place in listed where session?.isSuperseded(place) != true {
            if place > next {
                miss(number, next..<place, session)
                previous = nil
            }
            next = place + 1
            do throws(Trouble) {
                let unit = try await vault.unit(of: writer, number, place)
                let fact = try fact(unit, follows: previous, in: &session)
                facts.append(fact)
                previous = unit.hash
            } catch {
                troubles.append(error)
                previous = nil
            }
        }
    }

    /// The first unit that holds says what all of its session have in common; nil where none does.
    /// Units that may be superseded come last: whether they are depends on what the session stands
    /// on.
    private func anchor(_ number: UInt64, _ listed: [UInt32]) async -> Session? {
        let named = ranges[number] ?? []
        func isNamed(_ place: UInt32) -> Bool {
            named.contains { $0.span.first <= place && place <= $0.span.last }
        }
        for place in listed.filter({ !isNamed($0) }) + listed.filter(isNamed) {
            do throws(Trouble) {
                let unit = try await vault.unit(of: writer, number, place)
                var keys = try factsKeys(of: unit.front, place)
                let facts = try facts(of: unit, &keys)
                let superseded = named.filter {
                    $0.record > unit.front.stands.sequence && $0.dataSet == facts.dataSet
                }
                return Session(
                    front: unit.front, keys: keys, dataSet: facts.dataSet,
                    superseded: superseded.map { $0.span.first...$0.span.last })
            } catch { continue }  // It is read again, and named, with all others.
        }
        return nil
    }

    /// What a retired writer began after its last accepted record is not accepted.
    private func isAccepted(_ front: UnitFront) -> Bool {
        guard case .retired(let last, _) = writer.state else { return true }
        return front.stands.sequence <= last
    }

    /// A session names a record of its writer: one more witness for the chain.
    private func recordTrouble(_ front: UnitFront) -> Trouble? {
        let (sequence, hash) = (front.stands.sequence, front.stands.hash)
        guard sequence > 0 else { return nil }
        if let known = records[sequence] {
            guard known != hash else { return nil }
            return .damaged(
                SealedUnit.name(writer.id, front.session, 0).text, at: vault.site.label,
                Words(
                    "its session stands on another record \(sequence) than the vault shows",
                    de: "seine Sitzung beruht auf einem anderen Eintrag \(sequence), als der Tresor zeigt"
                ))
        }
        // A record that is there and damaged, or in a gap, has been named already.
        let isShown = sequence <= observed.heads[writer.id]?.sequence ?? 0
        return isShown
            ? nil : .missing(Record.name(writer.id, sequence).text, at: vault.site.label)
    }

    private mutating func miss(
        _ number: UInt64, _ gap: Swift.Range<UInt32>, _ session: Session?
    ) {
        var first: UInt32?
        for place in gap {
            if session?.isSuperseded(place) == true {
                if let first { missUnits(number, first...place - 1) }
                first = nil
            } else {
                first = first ?? place
            }
        }
        if let first { missUnits(number, first...gap.upperBound - 1) }
    }

    private func fact(
        _ unit: SealedUnit, follows previous: Digest?, in session: inout Session?
    ) throws(Trouble) -> UnitFact {
        let name = SealedUnit.name(writer.id, unit.front.session, unit.number).text
        if session == nil {
            // Then no unit of the session opens, and this one says why.
            var keys = try factsKeys(of: unit.front, unit.number)
            _ = try facts(of: unit, &keys)
        }
        guard var known = session, known.front.bytes == unit.front.bytes,
            unit.previous == previous ?? unit.previous
        else {
            throw .damaged(
                name, at: vault.site.label,
                Words(
                    "it does not follow the unit before it",
                    de: "sie schließt nicht an die vorige Einheit an"))
        }
        defer { session = known }
        let facts = try facts(of: unit, &known.keys)
        guard facts.dataSet == known.dataSet else {
            throw .damaged(
                name, at: vault.site.label,
                Words("it is of another data set", de: "sie gehört zu einem anderen Datenbestand"))
        }
        return UnitFact(
            writer: writer, session: unit.front.session, number: unit.number, hash: unit.hash,
            bytes: unit.bytes, facts: facts)
    }

    private func factsKeys(of front: UnitFront, _ number: UInt32) throws(Trouble) -> UnitKeys {
        do { return try front.keys(.facts, with: observed.observer) } catch {
            throw .unopenedUnit(
                SealedUnit.name(writer.id, front.session, number), at: vault.site.label, .unopened)
        }
    }

    private func facts(of unit: SealedUnit, _ keys: inout UnitKeys) throws(Trouble) -> UnitFacts {
        do { return try unit.facts(&keys) } catch {
            let name = SealedUnit.name(writer.id, unit.front.session, unit.number)
            throw .unopenedUnit(name, at: vault.site.label, error)
        }
    }
}
