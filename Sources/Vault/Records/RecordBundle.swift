// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// What 256 records of one writer say, as one object (docs/format.md, section 13): so that ten
/// thousand snapshots are read by forty requests and opened by forty keys.
///
/// A bundle repeats and replaces nothing: it is signed by the writer like the records themselves, who
/// checks the vault reads those, and where a bundle is not there or damaged they are read instead.
package struct RecordBundle: Sendable {
    package struct Entry: Sendable {
        /// Of the record.
        package let hash: Digest
        package let body: RecordBody
    }

    /// Counted from 0; it holds the records from 256 times that, and one, on.
    package let number: UInt64
    /// Of the record before its first.
    package let previous: Digest
    /// Of its last record.
    package let last: Digest
    package let vault: Identifier
    package let writer: Identifier
    private let object: [UInt8]

    package static let records: UInt64 = 256

    private static let infoBytes = 128
    private static let sealedStart = infoBytes + Sealing.encapsulatedBytes + 4
    private static let signatureBytes = 64
    private static let signedLabel = "zwilling bundle"

    package static func prefix(_ writer: Identifier) -> String { "bundles/\(writer)/" }

    package static func name(_ writer: Identifier, _ number: UInt64) -> ObjectName {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 12 - digits.count))
        guard let name = ObjectName("\(prefix(writer))\(zeros)\(digits)") else {
            preconditionFailure("hex and digits make a name")
        }
        return name
    }

    static func seal(
        _ entries: [Entry], number: UInt64, previous: Digest, by keys: WriterKeys, to observer: Sealing.Recipient
    ) throws(Unopened) -> [UInt8] {
        guard let last = entries.last else { throw Unopened() }
        var writer = ByteWriter()
        Magic.write("B", to: &writer)
        writer.raw([0, 0])
        writer.raw(keys.vault.bytes)
        writer.raw(keys.writer.bytes)
        writer.u64(number)
        writer.digest(previous)
        writer.digest(last.hash)
        writer.raw(Sealing.fingerprint(observer))
        var plain = ByteWriter()
        plain.varint(entries.count)
        for entry in entries {
            plain.digest(entry.hash)
            plain.block(entry.body.encoded)
        }
        let sealed = try Sealing.seal(plain.bytes, to: observer, info: writer.bytes)
        writer.raw(sealed[..<Sealing.encapsulatedBytes])
        writer.u32(UInt32(sealed.count - Sealing.encapsulatedBytes))
        writer.raw(sealed[Sealing.encapsulatedBytes...])
        do {
            writer.raw(try keys.signingKey.signature(for: Sealing.labelled(signedLabel, writer.bytes)))
        } catch { throw Unopened() }
        return writer.bytes
    }

    /// Reads a bundle and checks its signature.
    package init(decoding bytes: [UInt8], writerKey: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        try Magic.read("B", from: &reader)
        guard try reader.raw(2) == [0, 0] else { throw Malformed("not zero", at: 6) }
        vault = try reader.identifier()
        writer = try reader.identifier()
        number = try reader.u64()
        previous = try reader.digest()
        last = try reader.digest()
        _ = try reader.raw(16 + Sealing.encapsulatedBytes)
        _ = try reader.raw(Int(try reader.u32()))
        try reader.signature(Self.signedLabel, by: writerKey)
        object = bytes
    }

    /// What its records say, for one who has the observer's key.
    package func entries(with observer: Sealing.RecipientKey) throws(Record.RecordTrouble) -> [Entry] {
        let sealed =
            Array(object[Self.infoBytes..<Self.sealedStart - 4])
            + Array(object[Self.sealedStart..<object.count - Self.signatureBytes])
        let plain: [UInt8]
        do {
            plain = try Sealing.open(sealed, with: observer, info: Array(object[..<Self.infoBytes]))
        } catch { throw .unopened }
        do throws(Malformed) {
            var reader = ByteReader(plain)
            let entries = try reader.list { (reader: inout ByteReader) throws(Malformed) in
                Entry(hash: try reader.digest(), body: try RecordBody(decoding: try reader.block()))
            }
            try reader.end()
            guard entries.count == Int(Self.records), entries.last?.hash == last else {
                throw Malformed("not as many records as a bundle has", at: 0)
            }
            return entries
        } catch { throw .malformed(error) }
    }
}

extension Vault {
    /// The bundles of a writer from the first on, as far as each follows the one before, with what
    /// their records say.
    ///
    /// - Parameter remembered: what this machine has seen; bundles that say otherwise are not believed.
    func bundles(
        of writer: Writer, with observer: Sealing.RecipientKey, remembered: ChainHead
    ) async throws(Trouble) -> [[RecordBundle.Entry]] {
        let prefix = RecordBundle.prefix(writer.id)
        let listed = Set(try await site.list(prefix).compactMap { UInt64($0.name.text.dropFirst(prefix.count)) })
        var limit = UInt64.max
        // What a retired writer added after its last accepted record is not accepted.
        if case .retired(let last, _) = writer.state { limit = last / RecordBundle.records }
        let numbers = Array((0..<min(UInt64(listed.count), limit)).prefix { listed.contains($0) })
        let read = await gathered(numbers) { number -> (RecordBundle, [RecordBundle.Entry])? in
            do {
                let bundle = try await bundle(of: writer, number)
                return (bundle, try bundle.entries(with: observer))
            } catch { return nil }
        }
        var all: [[RecordBundle.Entry]] = []
        var previous = Digest.zero
        for (number, one) in zip(numbers, read.prefix { $0 != nil }) {
            guard let (bundle, entries) = one, bundle.previous == previous else { break }
            let first = number * RecordBundle.records + 1
            if remembered.sequence >= first, remembered.sequence < first + RecordBundle.records,
                entries[Int(remembered.sequence - first)].hash != remembered.hash
            { break }
            all.append(entries)
            previous = bundle.last
        }
        return all
    }

    func bundle(of writer: Writer, _ number: UInt64) async throws(Trouble) -> RecordBundle {
        let name = RecordBundle.name(writer.id, number)
        let bytes = try await object(name, upTo: Limits.bundleBytesMax)
        let bundle: RecordBundle
        do { bundle = try RecordBundle(decoding: bytes, writerKey: writer.publicKey) } catch {
            throw .malformed(name.text, at: site.label, error)
        }
        guard bundle.vault == keyring.vault, bundle.writer == writer.id, bundle.number == number else {
            throw .damaged(
                name.text, at: site.label, Words("it belongs to another place", de: "es gehört an einen anderen Platz"))
        }
        return bundle
    }
}

extension VaultWriter {
    /// How many bundles one commit makes at most, in a vault that was begun without them.
    private static let bundlesAtOnce = 8

    /// Bundles what is not yet bundled up to a record. That it can be done without is why nothing
    /// that hinders it is told: the records are there.
    func bundle(upTo sequence: UInt64) async {
        do {
            let prefix = RecordBundle.prefix(writer.id)
            let there = Set(try await vault.site.list(prefix).compactMap { UInt64($0.name.text.dropFirst(prefix.count)) })
            let missing = (0..<sequence / RecordBundle.records).filter { !there.contains($0) }
            for number in missing.prefix(Self.bundlesAtOnce) {
                guard let object = try await bundled(number), object.count <= Limits.bundleBytesMax else { return }
                try await vault.site.put(RecordBundle.name(writer.id, number), object[...], existing: .refuse)
            }
        } catch {}
    }

    /// nil where its records do not follow each other.
    private func bundled(_ number: UInt64) async throws -> [UInt8]? {
        let first = number * RecordBundle.records + 1
        let observer = try keys.observer
        let records = await gathered(Array(first..<first + RecordBundle.records)) { sequence -> (Record, RecordBody)? in
            do {
                let record = try await vault.record(of: writer, sequence)
                return (record, try record.body(with: observer))
            } catch { return nil }
        }
        var entries: [RecordBundle.Entry] = []
        var previous: Digest?
        for case (let record, let body)? in records {
            guard previous == nil || record.previous == previous else { return nil }
            previous = record.hash
            entries.append(.init(hash: record.hash, body: body))
        }
        guard entries.count == Int(RecordBundle.records), let before = records.first??.0.previous else { return nil }
        return try RecordBundle.seal(
            entries, number: number, previous: before, by: keys, to: vault.keyring.observer)
    }
}
