// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// One statement of a steward (docs/format.md, section 15): up to where it has seen each chain, which
/// snapshots were let go, which packs no writer may build on any more, and which of them are taken away.
///
/// Statements are numbered from 1 over all stewards, and each names the one before.
package struct Statement: Sendable {
    package let vault: Identifier
    package let number: UInt64
    package let previous: Digest
    package let steward: Identifier
    /// SHA-256 of the whole object.
    package let hash: Digest
    /// Not what a retired steward has put behind its last.
    let isAccepted: Bool
    package let body: Body

    package struct Body: Sendable {
        /// By the steward's clock.
        package var made: Moment
        /// Of each writer, the newest record that the steward has seen.
        package var heads: [Identifier: ChainHead] = [:]
        /// Of each writer, the records that were let go, with all earlier statements.
        package var forgotten: [Identifier: Numbers] = [:]
        /// Packs that count as unknown to every writer that obeys this statement.
        package var condemned: [Digest] = []
        /// Condemned packs that are taken away from now on.
        package var removed: [Digest] = []

        package init(made: Moment) { self.made = made }
    }

    package static let folder = "statements/"
    private static let label = "zwilling statement"

    package static func name(_ number: UInt64) -> ObjectName {
        let digits = String(number)
        guard let name = ObjectName(folder + String(repeating: "0", count: max(0, 12 - digits.count)) + digits) else {
            preconditionFailure("digits make a name")
        }
        return name
    }

    package static func seal(
        _ body: Body, number: UInt64, after previous: Digest, by keys: StewardKeys
    ) throws(Unopened) -> [UInt8] {
        var output = ByteWriter()
        Magic.write("S", to: &output)
        output.raw([0, 0])
        output.raw(keys.vault.bytes)
        output.u64(number)
        output.digest(previous)
        output.raw(keys.steward.bytes)
        body.encode(to: &output)
        return output.bytes + (try keys.signingKey.signatures(of: Sealing.labelled(label, output.bytes)))
    }

    /// Reads a statement, and checks that a steward of this keyring has signed it.
    package init(decoding bytes: [UInt8], of keyring: Keyring) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("S", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        vault = try reader.identifier()
        number = try reader.sequence()
        previous = try reader.digest()
        let place = reader.offset
        steward = try reader.identifier()
        body = try Body(decoding: &reader)
        let signed = Array(bytes[..<reader.offset])
        let signatures = try reader.raw(RootIdentity.signatureBytes)
        try reader.end()
        guard vault == keyring.vault else { throw Malformed("of another vault", at: 8) }
        guard let steward = keyring.stewards.first(where: { [id = steward] in $0.id == id })
        else { throw Malformed("by no steward of the vault", at: place) }
        isAccepted = number <= steward.lastStatement ?? .max
        guard steward.identity.hasSigned(Sealing.labelled(Self.label, signed), signatures) else {
            throw Malformed("the steward's signatures do not fit", at: signed.count)
        }
        hash = Sealing.hash(bytes)
    }

    package func hasForgotten(_ writer: Identifier, _ sequence: UInt64) -> Bool {
        body.forgotten[writer]?.contains(sequence) ?? false
    }
}

extension Statement.Body {
    fileprivate func encode(to output: inout ByteWriter) {
        output.moment(made)
        output.varint(heads.count)
        for (writer, head) in heads.sorted(by: { $0.key < $1.key }) {
            output.raw(writer.bytes)
            output.u64(head.sequence)
            output.digest(head.hash)
        }
        output.varint(forgotten.count)
        for (writer, numbers) in forgotten.sorted(by: { $0.key < $1.key }) {
            output.raw(writer.bytes)
            numbers.encode(to: &output)
        }
        for packs in [condemned, removed] {
            output.varint(packs.count)
            for pack in packs { output.digest(pack) }
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(Malformed) {
        made = try reader.date()
        let heads = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.identifier(), ChainHead(sequence: try reader.sequence(), hash: try reader.digest()))
        }
        let forgotten = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            (try reader.identifier(), try Numbers(decoding: &reader))
        }
        self.heads = Dictionary(heads) { first, _ in first }
        self.forgotten = Dictionary(forgotten) { first, _ in first }
        condemned = try reader.list { (reader: inout ByteReader) throws(Malformed) in try reader.digest() }
        removed = try reader.list { (reader: inout ByteReader) throws(Malformed) in try reader.digest() }
    }
}

/// A set of places in a chain, as stretches without gaps: thousands that follow each other cost no more
/// than one.
package struct Numbers: Hashable, Sendable {
    /// Rising, not empty, none touching the next.
    package private(set) var stretches: [ClosedRange<UInt64>] = []

    package init(_ numbers: some Sequence<UInt64> = []) {
        for number in Set(numbers).sorted() {
            if let last = stretches.last, last.upperBound + 1 == number {
                stretches[stretches.count - 1] = last.lowerBound...number
            } else { stretches.append(number...number) }
        }
    }

    package func contains(_ number: UInt64) -> Bool {
        var (low, high) = (0, stretches.count)
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < stretches.count && stretches[low].contains(number)
    }

    package var all: some Sequence<UInt64> { stretches.lazy.flatMap { $0 } }

    /// Each as the gap before it, less one behind the first, and its length less one.
    func encode(to output: inout ByteWriter) {
        output.varint(stretches.count)
        var next: UInt64 = 0
        for stretch in stretches {
            output.varint(stretch.lowerBound - next)
            output.varint(stretch.upperBound - stretch.lowerBound)
            next = stretch.upperBound + 1
        }
    }

    init(decoding reader: inout ByteReader) throws(Malformed) {
        var next: UInt64 = 0
        stretches = try reader.list { (reader: inout ByteReader) throws(Malformed) in
            let place = reader.offset
            let (gap, more) = (try reader.varint(), try reader.varint())
            guard gap < 1_000_000_000_000, more < 1_000_000_000_000, next == 0 || gap > 0, next + gap + more < 1_000_000_000_000 else {
                throw Malformed("no places of a chain", at: place)
            }
            defer { next += gap + more + 1 }
            return next + gap...next + gap + more
        }
    }
}

extension Vault {
    private func statementNumbers() async throws(Trouble) -> [UInt64] {
        guard !keyring.stewards.isEmpty else { return [] }
        // Several sites may show one name with several sizes.
        return Set(try await site.list(Statement.folder).compactMap { UInt64($0.name.text.dropFirst(Statement.folder.count)) })
            .filter { (1..<1_000_000_000_000).contains($0) }.sorted()
    }

    private func statement(_ number: UInt64) async throws(Trouble) -> Statement {
        let name = Statement.name(number)
        let bytes = try await object(name, upTo: Limits.statementBytesMax)
        do throws(Malformed) {
            let statement = try Statement(decoding: bytes, of: keyring)
            guard statement.number == number else { throw Malformed("it belongs to another place", at: 24) }
            return statement
        } catch { throw .malformed(name.text, at: site.label, error) }
    }

    /// The newest that can be read, nil where there is none, and what is wrong with newer ones. Whoever
    /// reads the vault goes on without those.
    package func newestStatement() async throws(Trouble) -> (statement: Statement?, troubles: [Trouble]) {
        var troubles: [Trouble] = []
        for number in try await statementNumbers().reversed() {
            do throws(Trouble) {
                let one = try await statement(number)
                if one.isAccepted { return (one, troubles) }
            } catch {
                guard error.kind != .system else { throw error }
                troubles.append(error)
            }
        }
        return (nil, troubles)
    }

    /// In order, each following the one before; and the first number that is free.
    package func statements() async throws(Trouble) -> (all: [Statement], free: UInt64) {
        let (all, free, trouble) = try await wholeStatements(from: 1)
        if let trouble { throw trouble }
        return (all, free)
    }

    /// What a writer obeys: those behind `known`, which it obeys already, as far as they can be read. It may
    /// go on without one that is damaged, or that a thief has put there: it is waited for, and says so.
    func statementsToObey(after known: UInt64) async throws(Trouble) -> (all: [Statement], free: UInt64) {
        var (all, free, trouble) = try await wholeStatements(from: max(known, 1))
        // What follows one that counts no more follows the one before it.
        if known > 1, all.first?.number != known { (all, free, trouble) = try await wholeStatements(from: 1) }
        if let trouble, trouble.kind == .system { throw trouble }
        return (all.filter { $0.number > known }, free)
    }

    /// - Returns: those up to the first that is missing or damaged, and what is wrong with that.
    private func wholeStatements(from first: UInt64) async throws(Trouble) -> (all: [Statement], free: UInt64, trouble: Trouble?) {
        let numbers = try await statementNumbers()
        let free = (numbers.last ?? 0) + 1
        let read = await gathered(numbers.filter { $0 >= first }) { number in
            do throws(Trouble) { return Result<Statement, Trouble>.success(try await statement(number)) } catch { return .failure(error) }
        }
        var all: [Statement] = []
        do throws(Trouble) {
            for result in read {
                let one = try result.get()
                guard one.isAccepted else { continue }
                guard all.last.map({ one.previous == $0.hash }) ?? (first > 1 || one.previous == .zero) else {
                    throw .damaged(
                        Statement.name(one.number).text, at: site.label,
                        Words("it does not follow the statement before it", de: "sie schließt nicht an die vorige Erklärung an"))
                }
                all.append(one)
            }
        } catch { return (all, free, error) }
        return (all, free, nil)
    }

    /// Every pack on which no writer may build, and every one that was taken away or is to be, as far as
    /// statements can be read: anybody who may add to a site can put something else among them.
    package func readableStatements() async throws(Trouble) -> (condemned: Set<Digest>, removed: Set<Digest>) {
        let read = await gathered(try await statementNumbers()) { number -> Result<Statement, Trouble> in
            do throws(Trouble) { return .success(try await statement(number)) } catch { return .failure(error) }
        }
        var (condemned, removed): (Set<Digest>, Set<Digest>) = ([], [])
        // From the newest back, as far as each names the one before: what was stolen from a retired steward signs
        // as well, at places that are long taken.
        var expected: Digest?
        for result in read.reversed() {
            do throws(Trouble) {
                let one = try result.get()
                guard one.isAccepted else { continue }
                guard expected == nil || expected == one.hash else { break }
                expected = one.previous
                condemned.formUnion(one.body.condemned)
                removed.formUnion(one.body.removed)
            } catch {
                guard error.kind != .system else { throw error }
                // Whoever lists the vault or verifies it names it. Behind the newest that counts nothing is missing.
                if expected != nil { break }
            }
        }
        return (condemned, removed)
    }
}
