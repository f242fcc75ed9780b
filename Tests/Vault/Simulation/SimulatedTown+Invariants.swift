// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Vault

extension SimulatedTown {
    /// At the moment in which it takes effect at a site.
    func didPut(_ name: ObjectName, _ bytes: [UInt8], at site: SimulatedSite, by process: SimulatedProcess) {
        let isNew = originals[name] == nil
        if isNew { originals[name] = bytes } else if name.text.hasPrefix("records/"), originals[name] != bytes { isContested = true }
        stored[name, default: []].insert(site.number)
        guard name.text.hasPrefix("records/"), isNew, !process.isRogue else { return }
        // Before the record there is no snapshot; after it there is, whole.
        do {
            guard let keys = institution.writers.first(where: { name.text.hasPrefix(Record.prefix($0.writer)) }) else { return }
            let body = try Record(decoding: bytes, writerKey: keys.publicKey).body(with: keys.observer)
            for pack in body.packsAdded where stored[packName(pack.name)]?.count ?? 0 < institution.required {
                fail("record \(name) names pack \(pack.name.short), which does not lie at \(institution.required) sites yet")
            }
            let base = packLists[Record.name(keys.writer, body.base)] ?? []
            let packs = base.subtracting(body.packsRemoved).union(body.packsAdded.map(\.name))
            packLists[name] = packs
            // Nor is anything built on what had been lost before: unless listings showed what was.
            guard stalePercent == 0 else { return }
            for pack in packs.map(packName) where sites.contains(where: { $0.had(pack, at: process.begun) }) {
                let there = [process.begun, time.now].map { time in sites.count { $0.had(pack, at: time) } }
                if there.allSatisfy({ $0 < institution.required }) { fail("record \(name) is built on \(pack), which too few sites have") }
            }
        } catch { fail("\(name) cannot be read: \(error)") }
    }

    /// When all is well again: what was reported is there, before and after anybody repairs, and everybody goes on.
    func account() async {
        isAccounting = true
        counts.done += done.count
        if isContested {
            counts.contested += 1
            // Two were put into one place of a chain while sites did not see each other. Which of them counts can be
            // told where that takes more than half of the sites and none forgets; whoever remembers the other
            // does not go on.
            if 2 * institution.required > sites.count, !sites.contains(where: \.isFaulty) { await checkSnapshots("as it is") }
            return
        }
        await checkSnapshots("as it is")
        for number in writers.indices where number != stolen?.writer {
            let isDone = await protect(number)
            if !isDone, stolen == nil { fail("\(writers[number].name) cannot protect any more") }
        }
        if sites.count > 1 { await repair() }
        await time.pass(Double(options.graceSeconds) + 40 * Self.day)
        await prune(stewards[0])
        for site in sites where site.isFaulty { loseAll(site) }
        await checkSnapshots("without the faulty sites")
        checkKeys()
    }

    private func checkSnapshots(_ when: String) async {
        guard broken == nil else { return }
        let auditor = begin("audit \(when)", on: SimulatedMachine("auditor"))
        do {
            let vault = try await Vault(at: auditor.site, remembering: nil)
            let open = try await OpenVault(vault, institution.unlocked, isBundled: false)
            if stolen == nil, let trouble = open.observed.troubles.first { fail("\(when): \(trouble.message.english)") }
            let facts = Dictionary(open.observed.facts.map { ($0.id, $0) }) { first, _ in first }
            try await checkStatements(vault, open.observed)
            for number in writers.indices {
                for one in done where one.writer == number && !isPoisoned(one) {
                    let shown = "\(when): snapshot \(one.sequence) \(one.id.short) of \(writers[number].name)"
                    guard let fact = facts[one.id] else {
                        fail("\(shown) is not there")
                        continue
                    }
                    if fact.isForgotten { continue }
                    let index = await open.index(of: fact, width: 2)
                    let reader = ChunkReader(index, PackWindows(site: vault.site, .stretches), site: vault.site.label)
                    let there = Set(index.packs.map(\.name))
                    for pack in fact.packs where !there.contains(pack.name) { fail("\(shown) lacks pack \(pack.name.short)") }
                    do {
                        if try await restored(fact, open, reader) != one.contents { fail("\(shown) is something else") }
                    } catch { fail("\(shown): \(words(error))") }
                }
            }
        } catch { fail("\(when): \(words(error))") }
    }

    /// Only what a retention lets go is forgotten, and nothing is taken away before its time.
    private func checkStatements(_ vault: Vault, _ observed: Observed) async throws {
        let groups = Dictionary(grouping: observed.facts.filter { $0.body.kind == .snapshot }) { "\($0.writer.id) \($0.body.dataSet)" }
        for facts in groups.values {
            let order = facts.sorted { $0.sequence < $1.sequence }
            for fact in order.suffix(options.retention.last ?? 1) where fact.isForgotten {
                fail("snapshot \(fact.sequence) \(fact.id.short) was let go, and is one of the newest")
            }
        }
        // A thief may have put something in the place of one.
        guard stolen == nil else { return }
        var (condemned, letGo): ([Digest: Moment], [Digest: Moment]) = ([:], [:])
        var seen: Set<Digest> = []
        for statement in try await vault.statements().all {
            // The clock of an earlier steward was ahead.
            condemned = condemned.mapValues { min($0, statement.body.made) }
            letGo = letGo.mapValues { min($0, statement.body.made) }
            for fact in observed.facts where statement.hasForgotten(fact.writer.id, fact.sequence) && seen.insert(fact.id).inserted {
                for pack in fact.packs { letGo[pack.name] = statement.body.made }
            }
            for pack in statement.body.removed {
                guard let since = condemned[pack] else {
                    fail("statement \(statement.number) removes pack \(pack.short), which nobody has condemned before")
                    continue
                }
                let last = max(since, letGo[pack] ?? since)
                if statement.body.made.seconds - last.seconds < institutionGrace {
                    fail("statement \(statement.number) removes pack \(pack.short) before its time")
                }
            }
            for pack in statement.body.condemned where condemned[pack] == nil { condemned[pack] = statement.body.made }
        }
    }

    /// No key and nonce twice, and nothing that opens without a reader's key.
    private func checkKeys() {
        var (commitments, packs, encapsulated) = (Set<ArraySlice<UInt8>>(), Set<ArraySlice<UInt8>>(), Set<ArraySlice<UInt8>>())
        let keyring = institution.unlocked.keyring
        let reader = Sealing.fingerprint(keyring.currentEpoch.reader)
        for (name, bytes) in originals {
            let start: Int
            if name.text.hasPrefix("packs/") {
                // A thief's own is the thief's.
                guard bytes.count >= Limits.packBytesMin else { continue }
                if !commitments.insert(bytes[76..<108]).inserted { fail("pack \(name) is sealed by a key that was used before") }
                if !packs.insert(bytes[40..<56]).inserted { fail("the table of pack \(name) is sealed by a key that was used before") }
                if bytes[112] != 1 || Array(bytes[113..<129]) != reader { fail("pack \(name) is not for the reader alone") }
                start = 129
            } else if name.text.hasPrefix("records/"), bytes.count > 2000 { start = 104 } else { continue }
            guard bytes.starts(with: Magic.bytes) else { continue }
            if !encapsulated.insert(bytes[start..<start + 32]).inserted { fail("a key of \(name) was sealed before") }
        }
        // Looking through all bytes takes longest.
        guard seed % 16 == 0 || mutation != nil else { return }
        for (name, bytes) in originals where contains(bytes, canary) { fail("\(name) shows content to everybody") }
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        for start in 0...(bytes.count - part.count) where bytes[start] == part[0] && bytes[start..<start + part.count].elementsEqual(part) {
            return true
        }
        return false
    }
}
