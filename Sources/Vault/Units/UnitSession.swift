// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// A unit that lies at the site.
package struct UnitReference: Hashable, Sendable {
    package let session: UInt64
    package let number: UInt32
    package let name: ObjectName
    package let hash: Digest
    /// SHA-256 of the plain bytes that it holds, for who keeps them too: hashing costs the most.
    package let plainHash: Digest
    /// Of the object.
    package let bytes: Int

    package init(
        session: UInt64, number: UInt32, name: ObjectName, hash: Digest, plainHash: Digest,
        bytes: Int
    ) {
        (self.session, self.number, self.name) = (session, number, name)
        (self.hash, self.plainHash, self.bytes) = (hash, plainHash, bytes)
    }
}

/// The stream of units of one data set of one writer. One task at a time may use it.
///
/// No key seals twice: every session has fresh random secrets, each unit a key of its own, and
/// what has been sealed is kept until it is known to be put. Keys of units that have been sealed
/// are gone from it, so a thief of the running machine opens no earlier unit of the session.
package final class UnitSession {
    package let dataSet: String
    /// With the newest keyring that was read: each session begins by reading it again.
    package private(set) var writer: VaultWriter
    /// What the machine has seen of the vault, with what this session saw.
    package private(set) var memory: Memory
    private var running: Running?
    private var pending: Pending?
    /// The highest session that is known to be taken, whatever a listing shows.
    private var lastTaken: UInt64 = 0
    private let compressor: Compressor
    private let decompressor = Decompressor()

    private final class Running {
        let front: UnitFront
        let begun: Moment
        var contentKeys: UnitRatchet
        var factsKeys: UnitRatchet
        var next: UInt32 = 0
        var previous = Digest.zero

        init(_ front: UnitFront, _ content: SymmetricKey, _ facts: SymmetricKey, begun: Moment) {
            (self.front, self.begun) = (front, begun)
            contentKeys = UnitRatchet(content)
            factsKeys = UnitRatchet(facts)
        }
    }

    /// Sealed, but not known to be put.
    private struct Pending {
        let reference: UnitReference
        let object: [UInt8]
        /// SHA-256 of what it holds.
        let plain: Digest
    }

    /// - Parameter memory: what this machine has seen, so that a site with an older state is
    ///   refused; `Memory(of:)` where it has seen nothing.
    package init(
        writer: VaultWriter, dataSet: String, memory: Memory, level: Int32 = 3
    ) throws(Trouble) {
        guard dataSet.utf8.count <= Limits.nameBytesMax else {
            throw .tooLarge("the name of a data set", dataSet.utf8.count, Limits.nameBytesMax)
        }
        (self.writer, self.dataSet, self.memory) = (writer, dataSet, memory)
        compressor = Compressor(level: level)
    }

    /// All keys that it holds, for the test that tries to open earlier units with them.
    package var heldKeys: [SymmetricKey] {
        running.map { [$0.contentKeys.held, $0.factsKeys.held] } ?? []
    }

    /// Puts the next unit. When this returns, it is durable at the site.
    ///
    /// After a trouble the caller may ask again for the same bytes: then the very same object is
    /// put. With other bytes, or after `.busy`, a new session begins, so whether the lost unit lies
    /// at the site or not, nothing is said twice in one place.
    ///
    /// - Throws: `.busy` where somebody else writes into this session, `.wrongKey` where the writer
    ///   was retired, `.stale` where the site is behind what was seen, `.damaged` where what was
    ///   sealed does not open, and what the site throws.
    package nonisolated(nonsending) func append(
        _ bytes: ArraySlice<UInt8>, _ span: PostgresSpan
    ) async throws(Trouble) -> UnitReference {
        precondition(
            span.wrong == nil && span.end - span.start == UInt64(bytes.count),
            "a unit's facts must be those of its bytes")
        guard bytes.count <= Limits.unitPlainBytesMax else {
            throw .tooLarge("a unit", bytes.count, Limits.unitPlainBytesMax)
        }
        let facts = UnitFacts(dataSet: dataSet, span: span).encoded
        let plainHash = Sealing.hash(bytes)
        let plain = Sealing.hash(facts + plainHash.bytes)
        if let pending, pending.plain != plain { end() }
        for _ in 0..<Limits.unitSessionAttemptsMax {
            if pending == nil {
                if let running, isSpent(running) { end() }
                if running == nil { running = try await begin() }
                guard let running else { continue }
                pending = try seal(bytes, plainHash, facts, plain, in: running)
            }
            guard let pending else { continue }
            let isPut = try await put(pending)
            lastTaken = pending.reference.session
            if isPut {
                self.pending = nil
                return pending.reference
            }
            end()
            // Who loses the first place of a session takes the next one.
            if pending.reference.number > 0 { throw .sharedSession(pending.reference.name, writer) }
        }
        throw .sharedSession(SealedUnit.name(writer.writer.id, lastTaken, 0), writer)
    }

    private func end() { (running, pending) = (nil, nil) }

    /// By the writer's clock: nothing but the length of a session rests on it, and a clock that
    /// goes back ends one too.
    private func isSpent(_ running: Running) -> Bool {
        let age = writer.world.now().seconds - running.begun.seconds
        return running.next >= Limits.unitsInSessionMax
            || !(0..<Limits.unitSessionSeconds).contains(age)
    }

    /// False where the place is taken by other bytes.
    private nonisolated(nonsending) func put(_ pending: Pending) async throws(Trouble) -> Bool {
        let site = writer.vault.site
        do throws(Trouble) {
            try await site.put(pending.reference.name, pending.object[...], existing: .refuse)
            return true
        } catch {
            guard error.kind == .exists else { throw error }
            let there = try await site.get(
                pending.reference.name, in: 0..<pending.object.count + 1)
            return there == pending.object
        }
    }
}

// Beginning a session, and filling a unit.
extension UnitSession {
    private nonisolated(nonsending) func begin() async throws(Trouble) -> Running {
        let site = writer.vault.site
        let vault = try await Vault(at: site, remembering: memory)
        writer = try VaultWriter(vault, keys: writer.keys, world: writer.world)
        memory.note(vault)
        let id = writer.writer.id
        let known = memory.heads[id] ?? .start
        let stands = try await vault.head(of: writer.writer, remembering: known)
        memory.note(id, stands)
        let listed = try await site.list(SealedUnit.prefix(id))
            .compactMap { SealedUnit.place($0.name, of: id)?.session }
        let number = max(listed.max() ?? 0, lastTaken) + 1
        guard number <= Limits.unitSessionMax else {
            throw .damaged(
                SealedUnit.name(id, Limits.unitSessionMax, 0).text, at: site.label,
                Words("no session can follow it", de: "keine Sitzung kann darauf folgen"))
        }
        let (content, facts) = (SymmetricKey(size: .bits256), SymmetricKey(size: .bits256))
        let front: UnitFront
        do {
            front = try UnitFront(
                vault: vault.keyring.vault, writer: id, epoch: vault.keyring.currentEpoch,
                observer: vault.keyring.observer, session: number, stands: stands,
                contentSecret: content, factsSecret: facts)
        } catch { throw .impossible("to seal the secret of a session") }
        return Running(front, content, facts, begun: writer.world.now())
    }

    private func seal(
        _ bytes: ArraySlice<UInt8>, _ plainHash: Digest, _ facts: [UInt8], _ plain: Digest,
        in running: Running
    ) throws(Trouble) -> Pending {
        let content = UnitContent.encode(bytes, compressor, facts: facts.count)
        let (number, previous) = (running.next, running.previous)
        let (contentKey, factsKey) = (running.contentKeys.next(), running.factsKeys.next())
        // From here on the keys of this number are used, whatever happens.
        running.next += 1
        let object: [UInt8]
        do {
            object = try SealedUnit.seal(
                facts, under: factsKey, content, under: contentKey, front: running.front,
                number: number, previous: previous, by: writer.keys)
        } catch {
            end()
            throw .impossible("to sign a unit")
        }
        do {
            let unit = try SealedUnit(decoding: object, writerKey: writer.writer.publicKey)
            guard try equal(unit.content(under: contentKey, decompressor), bytes),
                try unit.facts(under: factsKey).encoded == facts
            else { throw Unopened() }
            running.previous = unit.hash
        } catch {
            end()
            throw .miscalculated(bytes.count)
        }
        let name = SealedUnit.name(running.front.writer, running.front.session, number)
        return Pending(
            reference: UnitReference(
                session: running.front.session, number: number, name: name,
                hash: running.previous, plainHash: plainHash, bytes: object.count),
            object: object, plain: plain)
    }
}

extension Vault {
    /// The newest record of a writer at the site.
    fileprivate func head(
        of writer: Writer, remembering known: ChainHead
    ) async throws(Trouble) -> ChainHead {
        let prefix = Record.prefix(writer.id)
        let last = try await site.list(prefix)
            .compactMap { UInt64($0.name.text.dropFirst(prefix.count)) }
            .filter { $0 < 1_000_000_000_000 }.max() ?? 0
        guard last >= known.sequence else {
            throw .stale(writer, last: last, remembered: known.sequence, site: site.label)
        }
        guard last > 0 else { return .start }
        let name = Record.name(writer.id, last)
        let bytes = try await object(name, upTo: Limits.statementBytesMax)
        do throws(Malformed) {
            let record = try Record(decoding: bytes, writerKey: writer.publicKey)
            guard record.vault == keyring.vault, record.writer == writer.id,
                record.sequence == last, last > known.sequence || record.hash == known.hash
            else { throw Malformed("not the record that belongs there", at: 0) }
            return ChainHead(sequence: last, hash: record.hash)
        } catch { throw .malformed(name.text, at: site.label, error) }
    }
}

extension Trouble {
    fileprivate static func sharedSession(_ name: ObjectName, _ writer: VaultWriter) -> Trouble {
        Trouble(
            .busy,
            Words(
                "Somebody else has written \(name) in the name of writer \"\(writer.writer.name)\".",
                de: "Jemand anderes hat \(name) im Namen des Schreibers „\(writer.writer.name)“ geschrieben."
            ),
            advice: Words(
                "Two programs use the same writer's keys. Give each machine a writer of its own with \"zwilling keys add\".",
                de: "Zwei Programme benutzen denselben Schreiber. Jeder Rechner braucht mit „zwilling keys add“ einen eigenen."
            ))
    }

    fileprivate static func miscalculated(_ count: Int) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "A unit of \(count) bytes did not open to what was sealed.",
                de: "Eine Einheit von \(count) Bytes ließ sich nicht zu dem öffnen, was versiegelt wurde."),
            advice: Words(
                "This machine miscalculates: check its memory. Nothing of it was put.",
                de: "Dieser Rechner verrechnet sich: Arbeitsspeicher prüfen. Nichts davon wurde abgelegt."))
    }
}
