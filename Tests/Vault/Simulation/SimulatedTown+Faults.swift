// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Vault

extension SimulatedTown {
    func planFaults() {
        func plan(_ times: [Int], _ act: @escaping @Sendable () -> Void) {
            for _ in 0..<dice.one(of: times) {
                time.after(dice.between(0, Self.horizon)) { [self] in if !isQuiet { act() } }
            }
        }
        plan([0, 1, 3, 5]) { [self] in
            let site = dice.one(of: sites)
            let length = dice.one(of: [600, Self.day, 20 * Self.day])
            note("\(site.label) is down for \(length) s")
            site.isUp = false
            time.after(dice.between(0, length)) { site.isUp = true }
        }
        plan([0, 1, 2]) { [self] in
            let hit = dice.chance(40) ? sites : [dice.one(of: sites)]
            note("the power fails at \(hit.map(\.label))")
            for site in hit {
                if mutation == .unsynced {
                    for (name, before) in site.changes(since: time.now - 3600) { site.restore(name, to: before, at: time.now) }
                }
                site.isUp = false
                time.after(300) { site.isUp = true }
            }
        }
        plan([0, 0, 1, 3]) { [self] in
            let machine = dice.one(of: writers + stewards)
            machine.clockAhead += dice.between(-30, 30) * Self.day
            note("the clock of \(machine.name) jumps")
        }
        plan([0, 0, 0, 1]) { [self] in
            let machine = dice.one(of: writers)
            note("\(machine.name) loses its cache")
            machine.cache = nil
        }
        let faulty = sites.filter(\.isFaulty)
        if !faulty.isEmpty { plan([0, 1, 3, 8]) { self.spoil(self.dice.one(of: faulty)) } }
    }

    /// What was put at fewer sites than must have it is not stored, and nobody promises to survive its loss.
    private func isStored(_ name: ObjectName) -> Bool {
        institution.objects[name] != nil || stored[name]?.count ?? 0 >= institution.required
    }

    func loseAll(_ site: SimulatedSite) {
        for name in site.objects.keys.sorted() where site.mayLose(name) && isStored(name) { site.erase(name, at: time.now) }
    }

    private func spoil(_ site: SimulatedSite) {
        let names = site.objects.keys.filter(isStored).sorted()
        guard !names.isEmpty else { return }
        let name = dice.one(of: names)
        switch dice.below(12) {
        case 0...3:
            let (bit, inFront) = (dice.next(), dice.chance(50))
            note("\(site.label): a bit of \(name) turns over")
            site.spoil(name, at: time.now) { bytes in
                let place = Int(bit % UInt64(inFront ? min(bytes.count, 128) : bytes.count))
                bytes[place] ^= 1 << UInt8(bit >> 61)
            }
        case 4...5:
            let share = dice.below(100)
            note("\(site.label): \(name) is torn")
            site.spoil(name, at: time.now) { $0.removeLast($0.count * share / 100) }
        case 6...8:
            note("\(site.label): \(name) is lost")
            if site.mayLose(name) { site.erase(name, at: time.now) }
        case 9...10:
            let days = dice.between(0.01, 10)
            note("\(site.label) forgets \(days) days")
            for (name, before) in site.changes(since: time.now - days * Self.day) where site.mayLose(name) && isStored(name) {
                site.restore(name, to: before, at: time.now)
            }
        default:
            note("\(site.label) loses everything")
            loseAll(site)
        }
    }

    // MARK: Somebody with a writer's keys

    /// Adds whatever may do harm: who may only add can do no more.
    func harm(_ victim: Int) async {
        let process = begin("harm", on: thief)
        process.isRogue = true
        do {
            let vault = try await Vault(at: process.site, remembering: nil)
            let keys = institution.writers[victim]
            let packs = try await process.site.list("packs/").compactMap { entry in
                Digest(hex: entry.name.text.split(separator: "/").last ?? "").map { PackReference(name: $0, bytes: entry.size) }
            }
            switch dice.below(10) {
            case 0...5: try await forge(process, vault, keys, packs)
            case 6...7:
                let draft = RecordBody(kind: .snapshot, begun: now(thief), dataSet: "files", host: "host", paths: [])
                let writer = try VaultWriter(vault, keys: keys, world: world(thief))
                let empty = WriterCache(for: writer.domain)
                let sealing = try await WriterRun(writer, cache: empty, draft: draft, level: 1).sealing
                let pack = try PackBuilder(content: .data, sealing: sealing, level: 1)
                // What a victim may hold already, under the id of something else.
                let content = dice.one(of: pools[victim])
                try pack.append(dice.bytes(100)[...], id: keys.openDomain.chunkId(of: content[...], .data))
                var bytes = Array(pack.finish().bytes)
                // In anybody's name.
                bytes.replaceSubrange(24..<40, with: institution.writers[dice.below(writers.count)].writer.bytes)
                let name = Sealing.hash(bytes)
                try await process.site.put(packName(name), bytes[...], existing: .refuse)
                try await forge(process, vault, keys, [PackReference(name: name, bytes: bytes.count)])
            default:
                // In the place of another writer's next record, or of the next statement.
                let other = institution.writers[dice.below(writers.count)]
                let next = try await process.site.list(Record.prefix(other.writer)).count + 1
                let statement = try await process.site.list(Statement.folder).count + 1
                let name = dice.chance(50) ? Record.name(other.writer, UInt64(next)) : Statement.name(UInt64(statement))
                try await process.site.put(name, dice.bytes(3000)[...], existing: .refuse)
            }
        } catch { note("thief: \(words(error))") }
    }

    /// A record in the victim's name that says anything.
    private func forge(_ process: SimulatedProcess, _ vault: Vault, _ keys: WriterKeys, _ packs: [PackReference]) async throws {
        let last = try await process.site.list(Record.prefix(keys.writer)).count
        var previous = Digest.zero
        if last > 0 { previous = Sealing.hash(try await process.site.get(Record.name(keys.writer, UInt64(last)), in: nil)) }
        let kind: RecordBody.Kind = dice.chance(70) ? .snapshot : .checkpoint
        let begun = Moment(seconds: 1_800_000_000 + Int64(dice.between(-40, 80) * Self.day))
        var body = RecordBody(
            kind: kind, begun: begun, dataSet: dice.one(of: ["files", "mail", "other"]), host: "host", paths: [Array("/data".utf8)])
        body.packsAdded = Array(packs.shuffled(using: &dice).prefix(dice.below(6)))
        body.rootChunks = [Sealing.hash(dice.bytes(8))]
        let statements = try await vault.newestStatement().statement?.number ?? 0
        let object = try Record.seal(
            body, sequence: UInt64(last) + 1, previous: previous, obeying: dice.one(of: [0, statements, statements, statements + 1000]),
            by: keys, to: vault.keyring.observer)
        note("thief: record \(last + 1)")
        try await process.site.put(Record.name(keys.writer, UInt64(last) + 1), object[...], existing: .refuse)
    }
}
