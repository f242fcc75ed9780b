// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Synchronization

extension Observed {
    /// Checks all that can be checked without the reader's key.
    package func verify(
        _ options: VerifyOptions, report: @escaping @Sendable (VerifyProgress) -> Void
    ) async throws(Trouble) -> Verified {
        var result = try await metadata(depth: options.readsData ? .hashes : .presence)
        guard options.readsData else { return result }
        let present = try await presentReferences()
        let progress = VerifyMeter(present, report)
        let findings = await gathered(present, width: options.width) { pack -> Trouble? in
            defer { progress.add(pack.bytes) }
            return await vault.wrongBytes(of: pack)
        }
        result.bytesRead = progress.bytes
        result.findings += findings.compactMap { $0 }
        return result
    }

    /// Keyrings, records, companions, and whether every pack is there.
    func metadata(depth: Verified.Depth) async throws(Trouble) -> Verified {
        var result = Verified(depth: depth)
        result.keyrings = Int(vault.keyring.number)
        result.records = facts.count
        result.snapshots = snapshots.count
        result.findings = await vault.copyFindings() + troubles
        result.findings += try await companionFindings()
        result.findings += try await bundleFindings()
        result.findings += try await Invitations(of: vault).troubles
        let units = try await Units(of: self)
        (result.units, result.findings) = (units.facts, result.findings + units.troubles)
        let present = try await vault.presentPacks()
        let needed = neededPacks
        result.packs = needed.count
        for pack in needed {
            switch present[pack.name] {
            case pack.bytes: break
            case nil:
                result.findings.append(.missing(packName(pack.name).text, at: vault.site.label))
            case let size?:
                result.findings.append(
                    .damaged(
                        packName(pack.name).text, at: vault.site.label,
                        Words(
                            "it has \(size) bytes instead of \(pack.bytes)",
                            de: "es hat \(size) statt \(pack.bytes) Bytes")))
            }
        }
        // What is on its way out is no orphan.
        var named = try await vault.readableStatements().condemned
        do throws(Trouble) { _ = try await vault.statements() } catch {
            guard error.kind != .system else { throw error }
            if !result.findings.contains(where: { $0.message == error.message }) { result.findings.append(error) }
        }
        PackList.each(in: facts.map(\.list)) { named.insert($0.name) }
        // A list that cannot be read may name any of them.
        result.orphans = !kept.allSatisfy(\.isListWhole) ? [] : present.filter { !named.contains($0.key) }
            .map { PackReference(name: $0.key, bytes: $0.value) }.sorted { $0.name < $1.name }
        return result
    }

    /// Every pack that a record names which was not let go, once.
    var neededPacks: [PackReference] { packs(of: nil) }

    /// The same of one writer's records.
    package func packs(of writer: Writer) -> [PackReference] { packs(of: writer.id) }

    private func packs(of writer: Identifier?) -> [PackReference] {
        var seen: Set<Digest> = []
        var packs: [PackReference] = []
        PackList.each(in: kept.filter { writer == nil || $0.writer.id == writer }.map(\.list)) {
            if seen.insert($0.name).inserted { packs.append($0) }
        }
        return packs
    }

    /// Those of them that can be read at all; all that are there, where a list cannot be read.
    func presentReferences() async throws(Trouble) -> [PackReference] {
        let present = try await vault.presentPacks()
        guard kept.allSatisfy(\.isListWhole) else { return present.map { PackReference(name: $0.key, bytes: $0.value) }.sorted { $0.name < $1.name } }
        return neededPacks.filter { present[$0.name] == $0.bytes }
    }

    /// Bundles that do not say what the records in them say.
    private func bundleFindings() async throws(Trouble) -> [Trouble] {
        var findings: [Trouble] = []
        for writer in vault.keyring.writers {
            let own = Dictionary(facts.filter { $0.writer.id == writer.id }.map { ($0.sequence, $0) }) { first, _ in first }
            let prefix = RecordBundle.prefix(writer.id)
            for entry in try await vault.site.list(prefix) {
                guard let number = UInt64(entry.name.text.dropFirst(prefix.count)), number < 1 << 32 else { continue }
                do throws(Trouble) {
                    let bundle = try await vault.bundle(of: writer, number)
                    let entries: [RecordBundle.Entry]
                    do { entries = try bundle.entries(with: observer) } catch {
                        throw .damaged(
                            entry.name.text, at: vault.site.label,
                            Words("the observer's key does not open it", de: "der Beobachterschlüssel öffnet ihn nicht"))
                    }
                    for (index, one) in entries.enumerated() {
                        // One that is missing has been named.
                        guard let fact = own[number * RecordBundle.records + 1 + UInt64(index)] else { continue }
                        guard fact.id == one.hash, fact.body.encoded == one.body.encoded else {
                            throw .damaged(
                                entry.name.text, at: vault.site.label,
                                Words("it says otherwise than record \(fact.sequence)", de: "es sagt anderes als Eintrag \(fact.sequence)"))
                        }
                    }
                } catch { findings.append(error) }
            }
        }
        return findings
    }

    private func companionFindings() async throws(Trouble) -> [Trouble] {
        var findings: [Trouble] = []
        for companion in vault.keyring.companions {
            guard let name = ObjectName(companion.name) else {
                findings.append(
                    .damaged(
                        "keyring", at: vault.site.label,
                        Words("it names an impossible file", de: "er nennt eine unmögliche Datei")))
                continue
            }
            do throws(Trouble) {
                let bytes = try await vault.object(name, upTo: Limits.companionBytesMax)
                guard Sealing.hash(bytes) == companion.digest else {
                    throw Trouble.changed(name.text, at: vault.site.label)
                }
            } catch { findings.append(error) }
        }
        return findings
    }
}

extension Trouble {
    static func changed(_ object: String, at site: String) -> Trouble {
        .damaged(
            object, at: site,
            Words(
                "its bytes are not the ones that were put",
                de: "seine Bytes sind nicht die, die abgelegt wurden"))
    }
}

/// Counts for all workers of a verification, and reports.
final class VerifyMeter: Sendable {
    private let state: Mutex<VerifyProgress>
    private let report: @Sendable (VerifyProgress) -> Void

    convenience init(_ packs: [PackReference], _ report: @escaping @Sendable (VerifyProgress) -> Void) {
        self.init(total: (packs.count, packs.reduce(0) { $0 + UInt64($1.bytes) }), report)
    }

    init(total: (objects: Int, bytes: UInt64), _ report: @escaping @Sendable (VerifyProgress) -> Void) {
        var progress = VerifyProgress()
        progress.packsTotal = total.objects
        progress.bytesTotal = total.bytes
        state = Mutex(progress)
        self.report = report
    }

    var bytes: UInt64 { state.withLock { $0.bytesDone } }

    func add(_ bytes: Int) {
        let progress = state.withLock { progress in
            progress.packsDone += 1
            progress.bytesDone += UInt64(bytes)
            return progress
        }
        report(progress)
    }
}
