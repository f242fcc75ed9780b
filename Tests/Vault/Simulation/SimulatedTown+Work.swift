// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Vault

// What the people and programs of the town do, each as a command of Zwilling does it.
extension SimulatedTown {
    func planWork() {
        func plan(_ times: [Int], _ act: @escaping @Sendable () async -> Void) {
            for _ in 0..<dice.one(of: times) {
                time.after(dice.between(0, Self.horizon)) { [self] in time.begin(act) }
            }
        }
        for writer in writers.indices { plan([2, 3, 4, 6]) { _ = await self.protect(writer) } }
        for steward in stewards { plan([0, 1, 2, 4]) { await self.prune(steward) } }
        if sites.count > 1 { plan([0, 0, 1, 2]) { await self.repair() } }
        plan([0, 0, 1]) { await self.read() }
        if dice.chance(20) {
            let victim = dice.below(writers.count)
            time.after(dice.between(0.2, 0.8) * Self.horizon) { [self] in
                note("the keys of writer\(victim) are stolen")
                let theirs = done.filter { $0.writer == victim && sites[0].objects[recordName($0)].map { Sealing.hash($0) } == $0.id }
                stolen = (victim, Set(theirs.map(\.id)))
                for _ in 0..<dice.one(of: [1, 3, 6]) {
                    time.after(dice.between(0, 0.5) * Self.horizon) { [self] in time.begin { await self.harm(victim) } }
                }
            }
        }
    }

    private func remember(_ machine: SimulatedMachine, _ vault: Vault, _ heads: [Identifier: ChainHead] = [:], _ statement: UInt64 = 0) {
        var memory = machine.memory ?? Memory(of: vault)
        memory.note(vault)
        for (writer, head) in heads { memory.note(writer, head) }
        memory.note(statement: statement)
        machine.memory = memory
    }

    // MARK: Writers

    /// - Returns: whether it was told that its snapshot is there.
    func protect(_ number: Int) async -> Bool {
        let machine = writers[number]
        let process = begin("protect", on: machine)
        do {
            let vault = try await Vault(at: process.site, remembering: machine.memory)
            remember(machine, vault)
            let writer = try VaultWriter(vault, keys: institution.writers[number], world: world(machine))
            let (cache, _) = try await writer.knowledge(cache: machine.cache, memory: machine.memory ?? Memory(of: vault))
            let dataSet = dice.one(of: ["files", "files", "mail"])
            let draft = RecordBody(
                kind: .snapshot, begun: now(machine), dataSet: dataSet, host: machine.name, paths: [Array("/data".utf8)])
            let run = try await WriterRun(writer, cache: cache, draft: draft, level: 1)
            let contents = pools[number].shuffled(using: &dice).prefix(dice.one(of: [1, 2, 3]))
            let (roots, memory) = try await store(Array(contents), in: run, cache.dataSets[dataSet])
            let (head, _, new) = try await run.commit(rootChunks: roots, counts: .init(), memory: memory, cache: cache)
            guard !process.isKilled else { return false }
            note("\(machine.name): snapshot \(head.sequence) \(head.hash.short) of \(dataSet) is done")
            done.append(Done(writer: number, sequence: head.sequence, id: head.hash, dataSet: dataSet, contents: Array(contents)))
            machine.cache = new
            remember(machine, vault, [writer.writer.id: head])
            return true
        } catch {
            note("\(machine.name): no snapshot: \(words(error))")
            return false
        }
    }

    /// As a capture does: one file for each content, in one section; what has not changed is taken over.
    private func store(
        _ contents: [[UInt8]], in run: WriterRun, _ last: WriterCache.DataSetMemory?
    ) async throws -> (roots: [Digest], WriterCache.DataSetMemory) {
        let chunks = run.chunkWriter()
        var memory = WriterCache.DataSetMemory()
        var references: [ChunkReference] = []
        var entries: [(up: Int, entry: Entry)] = []
        for (number, content) in contents.enumerated() {
            let fingerprint = Sealing.hash(content)
            if let known = last?.contents[fingerprint], run.known.use(known.uses) {
                references += known.chunks
                memory.contents[fingerprint] = known
            } else {
                let (reference, pack) = try await chunks.store(content[...], .data)
                references.append(reference)
                memory.contents[fingerprint] = .init(chunks: [reference], areLists: false, regions: nil, uses: PackUses(pack, bytes: content.count))
            }
            var file = entry("f\(1000 + number)")
            file.content = Content(size: UInt64(content.count), regions: nil, stream: .chunks([number]))
            entries.append((0, file))
        }
        let section = Section(parent: [Array("data".utf8)], chunks: references, entries: entries)
        let stored = try await chunks.store(section.encoded[...], .tree).reference
        let root = RootChunk.encode([
            SectionReference(chunk: stored, entries: entries.count, first: section.parent + [entries[0].entry.name])
        ])
        let id = try await chunks.store(root[...], .tree).reference.id
        try await chunks.flush()
        return ([id], memory)
    }

    // MARK: Stewards and keepers

    func prune(_ machine: SimulatedMachine) async {
        let process = begin("prune", on: machine)
        do {
            let vault = try await Vault(at: process.site, remembering: machine.memory)
            remember(machine, vault)
            let observed = try await Observed(
                vault, with: institution.steward.observer, remembering: machine.memory, isBundled: false)
            guard !process.isKilled else { return }
            remember(machine, vault, observed.heads, observed.newest?.number ?? 0)
            let plan = try await Pruning(observed, options, now: now(machine))
            guard plan.alarms.isEmpty else { return note("\(machine.name): halted") }
            note("\(machine.name): statement \(plan.number) condemns \(plan.condemned.map(\.name.short)), empties \(plan.emptied.map(\.name.short)), removes \(plan.removable.map(\.name.short))")
            let outcome = try await plan.carryOut(in: vault, by: institution.steward, width: 3)
            counts.letGo += plan.chains.reduce(0) { $0 + $1.forgotten.count }
            counts.removed += outcome.removed.count
            counts.emptied += plan.emptied.count
            if let mutation { await mutation.prune(plan, observed, process) }
            guard !process.isKilled else { return }
            remember(machine, vault, [:], plan.number)
        } catch {
            note("\(machine.name): no pruning: \(words(error))")
            if isAccounting, stolen == nil { fail("a steward cannot go on: \(words(error))") }
        }
    }

    func repair() async {
        let process = begin("repair", on: keeper)
        do {
            let vault = try await Vault(at: process.site, remembering: keeper.memory)
            remember(keeper, vault)
            var options = Copies.Options()
            (options.repairs, options.readsData, options.width) = (true, isQuiet || dice.chance(50), 4)
            let members = process.ports.map { SpreadSite.Asked(name: $0.label, site: $0) }
            let copies = try await vault.copies(at: members, options) { _ in }
            for one in copies.findings {
                note("keeper: \(one.object) at \(one.site) is \(one.fault): \(one.outcome)")
                if case .repaired = one.outcome { counts.repaired += 1 }
            }
        } catch {
            note("keeper: no repair: \(words(error))")
            if isAccounting, stolen == nil { fail("a keeper cannot go on: \(words(error))") }
        }
    }

    // MARK: Readers

    /// What is read must be right at any time, or be refused.
    private func read() async {
        let process = begin("restore", on: keeper)
        do {
            let vault = try await Vault(at: process.site, remembering: keeper.memory)
            let open = try await OpenVault(vault, institution.unlocked, remembering: keeper.memory)
            guard let wanted = done.shuffled(using: &dice).first,
                let snapshot = open.observed.snapshots.first(where: { $0.id == wanted.id })
            else { return }
            let index = await open.index(of: snapshot, width: 2)
            let reader = ChunkReader(index, PackWindows(site: vault.site, dice.chance(50) ? .whole : .stretches), site: vault.site.label)
            let contents = try await restored(snapshot, open, reader)
            counts.restored += 1
            if contents != wanted.contents, !isPoisoned(wanted) { fail("snapshot \(wanted.id.short) was restored to something else") }
        } catch { note("reader: \(words(error))") }
    }

    func restored(_ snapshot: Observed.Fact, _ open: OpenVault, _ reader: ChunkReader) async throws -> [[UInt8]] {
        var contents: [[UInt8]] = []
        for reference in try await open.sections(of: snapshot, reader) {
            for chunk in try await open.section(reference, reader).chunks { contents.append(Array(try await reader.read(chunk, .data))) }
        }
        return contents
    }

    /// Whoever has a writer's keys can put anything in its name from then on.
    func isPoisoned(_ one: Done) -> Bool {
        guard let stolen, stolen.writer == one.writer else { return false }
        return !stolen.safe.contains(one.id)
    }

    func recordName(_ one: Done) -> ObjectName { Record.name(institution.writers[one.writer].writer, one.sequence) }
}
