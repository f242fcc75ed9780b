// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites
import Synchronization

/// A vault with a writer's keys: can add, and can read nothing back.
package struct VaultWriter: Sendable {
    package let vault: Vault
    package let keys: WriterKeys
    package let writer: Writer
    package let domain: Domain
    package let world: World
    package let news = KeyringNews()

    /// - Throws: `.wrongKey` where the keyring does not know these keys, or has retired them.
    package init(_ vault: Vault, keys: WriterKeys, world: World) throws(Trouble) {
        let publicKey: [UInt8]
        do { publicKey = try keys.publicKey } catch { throw .impossible("the writer's key") }
        guard let writer = vault.keyring.writer(keys.writer), writer.publicKey == publicKey,
            vault.keyring.vault == keys.vault, vault.keyring.root.fingerprint == keys.root
        else {
            throw Trouble(
                .wrongKey,
                Words(
                    "The vault at \"\(vault.site.label)\" does not know this machine's writer \(keys.writer).",
                    de: "Der Tresor „\(vault.site.label)“ kennt den Schreiber \(keys.writer) dieses Rechners nicht."
                ), advice: Self.addAdvice)
        }
        guard case .active = writer.state else {
            throw Trouble(
                .wrongKey,
                Words(
                    "Writer \"\(writer.name)\" has been retired and may add nothing more.",
                    de: "Schreiber „\(writer.name)“ wurde stillgelegt und darf nichts mehr hinzufügen."
                ), advice: Self.addAdvice)
        }
        (self.vault, self.keys, self.writer, self.world) = (vault, keys, writer, world)
        domain = keys.openDomain
    }

    static let addAdvice = Words(
        "Make this machine a writer with \"zwilling keys add\".",
        de: "Diesen Rechner mit „zwilling keys add“ zum Schreiber machen.")

    /// What this writer may refer to: the cache where it fits the chain, else made anew from the
    /// chain and the chunk tables of its packs.
    package func knowledge(
        cache: WriterCache?, memory: Memory
    ) async throws(Trouble) -> (cache: WriterCache, wasRebuilt: Bool) {
        let remembered = memory.heads[writer.id] ?? .start
        let newer = try await Chain(of: writer, in: vault, after: remembered)
        // A writer adds to nothing but a whole chain.
        if let trouble = newer.troubles.first { throw trouble }
        let head = newer.head ?? remembered
        // Read after the chain: so no record that it shows obeys a statement that is not seen here.
        let isKnown = cache?.head == head
        // One that this machine was not told of may not have got everywhere.
        if !isKnown, head.sequence > 0 {
            try await vault.complete(Record.name(writer.id, head.sequence), head.hash, in: Record.prefix(writer.id))
        }
        let known = isKnown ? cache?.obeyed ?? 0 : 0
        let said = try await vault.statementsToObey(after: known)
        var obeyed = newer.records.last?.obeyedStatement ?? known
        if !isKnown, newer.records.isEmpty, head.sequence > 0 {
            obeyed = try await vault.record(of: writer, head).obeyedStatement
        }
        guard said.free > obeyed, max(said.all.last?.number ?? 0, known) >= obeyed else {
            throw .forgottenStatement(obeyed, at: vault.site.label)
        }
        var result: WriterCache
        if isKnown, let cache { result = cache } else if head.sequence == 0 {
            result = WriterCache(for: domain, head: head)
        } else { result = try await rebuilt() }
        result.obey(said.all)
        return (result, !isKnown && head.sequence > 0)
    }

    private func rebuilt() async throws(Trouble) -> WriterCache {
        let observer: Sealing.RecipientKey
        do { observer = try keys.observer } catch { throw .impossible("the observer's key") }
        let observed = try await Observed(vault, writers: [writer], with: observer, isBundled: false)
        if let trouble = observed.recordTroubles.first { throw trouble }
        var cache = WriterCache(for: domain, head: observed.heads[writer.id] ?? .start)
        let packs = observed.packs(of: writer)
        var content = packs.map { _ in 0 }
        let areStored = try await vault.areStored(packs)
        for (index, pack) in packs.enumerated() where areStored[index] {
            do throws(Trouble) {
                let table = try await vault.packFront(pack.name) { front throws(Trouble) in
                    front.header.domain == domain.id ? try front.table(domain, at: vault.site.label) : ChunkTable()
                }
                content[index] = table.content
                for row in table.rows { cache.chunks.insert(row.id, UInt128(index)) }
            } catch {
                // What a damaged pack holds, or one that may not be read, counts as unknown and is
                // stored again; verify names it. A site that does not answer is another matter.
                guard [.damaged, .missing, .denied].contains(error.kind) else { throw error }
            }
        }
        cache.add(packs, content: content)
        cache.settle()
        return cache
    }
}

/// What the keyring said when it was read last, for whoever goes on for long.
package final class KeyringNews: Sendable {
    private let latest = Mutex<Keyring?>(nil)

    func note(_ keyring: Keyring) { latest.withLock { $0 = keyring } }

    /// Whether the vault lies elsewhere by now, or is sealed to another key.
    package func differs(from known: Keyring) -> Bool {
        latest.withLock { $0.map { $0.plan != known.plan || $0.currentEpoch.number != known.currentEpoch.number } ?? false }
    }

    /// Whether what that writer adds counts no more.
    package func hasRetired(_ writer: Identifier) -> Bool {
        latest.withLock { keyring in
            if case .retired? = keyring?.writer(writer)?.state { true } else { false }
        }
    }
}

extension VaultWriter {
    /// Looks what the keyring says now, for `news`.
    package func look() async {
        do throws(Trouble) { _ = try await newerKeyring() } catch {
            // A site that does not answer says nothing new; it is asked again.
        }
    }

    /// nil where nothing has changed.
    fileprivate func newerKeyring() async throws(Trouble) -> Keyring? {
        guard try await vault.hasNewerKeyring() else { return nil }
        let keyring = try await Vault(at: vault.site, remembering: nil).keyring
        news.note(keyring)
        return keyring
    }
}

/// One run of a writer: what its workers share.
package final class WriterRun: Sendable {
    package let known: KnownChunks
    package let sealing: PackSealing
    package var domain: Domain { writer.domain }
    /// Packs that the chain names but the site has lost: what they held is stored again.
    package let lostPacks: [PackReference]

    let writer: VaultWriter
    let level: Int32
    private let state: Mutex<State>

    private struct State {
        var head: ChainHead
        var bytesAtCheckpoint = 0
        var isCheckpointing = false
        /// The last checkpoint of this run, and how many packs it made known: each says only what is new.
        var checkpoint: (sequence: UInt64, packs: Int) = (0, 0)
    }

    private let draft: RecordBody
    /// Number of the newest statement by which this run knows what is condemned.
    private let obeyed: UInt64

    /// - Parameter draft: data set, host, paths and time of the snapshot to be.
    package init(
        _ writer: VaultWriter, cache: WriterCache, draft: RecordBody, level: Int32
    ) async throws(Trouble) {
        var isLive = try await writer.vault.areStored(cache.packs)
        self.writer = writer
        self.level = level
        self.draft = draft
        obeyed = cache.obeyed
        lostPacks = cache.packs.indices.filter { !isLive[$0] && !cache.gone.contains(UInt32($0)) }.map { cache.packs[$0] }
        for number in cache.gone { isLive[Int(number)] = false }
        known = KnownChunks(isLive: isLive, chunks: cache.chunks)
        let epoch = writer.vault.keyring.currentEpoch
        sealing = PackSealing(
            vault: writer.vault.keyring.vault, writer: writer.writer.id, domain: writer.domain,
            epoch: epoch.number, reader: epoch.reader, world: writer.world, isFar: writer.vault.site.isFar)
        state = Mutex(State(head: cache.head))
    }

    package func chunkWriter() -> ChunkWriter { ChunkWriter(for: self) }

    func put(_ pack: FinishedPack, number: UInt32) async throws(Trouble) {
        do throws(Trouble) {
            try await writer.vault.site.put(packName(pack.name), pack.bytes, existing: .refuse)
        } catch {
            guard error.kind == .exists, try await isThere(pack) else { throw error }
        }
        known.put(number, as: PackReference(name: pack.name, bytes: pack.bytes.count), content: pack.content)
        try await checkpointIfDue()
    }

    /// An answer may have been lost where the object was not. Who may not look takes the name for it,
    /// which is the hash of what was put.
    private func isThere(_ pack: FinishedPack) async throws(Trouble) -> Bool {
        do throws(Trouble) {
            return try await writer.vault.site.get(packName(pack.name), in: nil)[...] == pack.bytes[...]
        } catch {
            guard error.kind == .denied else { throw error }
            return true
        }
    }

    /// Every 2 GiB the chain says what has been put, so that an interrupted run resumes there.
    private func checkpointIfDue() async throws(Trouble) {
        let put = known.putBytes
        let isDue = state.withLock { state in
            guard !state.isCheckpointing,
                put - state.bytesAtCheckpoint >= Limits.checkpointBytes
            else { return false }
            state.isCheckpointing = true
            return true
        }
        guard isDue else { return }
        var body = draft
        (body.kind, body.supersedes) = (.checkpoint, [])
        body.addedBytes = UInt64(put)
        let packs = known.putPacks
        let last = state.withLock { $0.checkpoint }
        body.base = last.sequence
        body.packsAdded = Array(packs[last.packs...])
        try await append(body)
        state.withLock {
            $0.bytesAtCheckpoint = put
            $0.isCheckpointing = false
            $0.checkpoint = ($0.head.sequence, packs.count)
        }
    }

    /// States in advance what does not fit into one record, by checkpoints of which each rests on the one before.
    ///
    /// - Returns: how many it took.
    private func shorten(_ body: inout RecordBody) async throws(Trouble) -> Int {
        var count = 0
        while body.packsAdded.count + body.packsRemoved.count > Limits.packsInRecordMax {
            var piece = draft
            (piece.kind, piece.supersedes) = (.checkpoint, [])
            piece.base = body.base
            piece.packsAdded = Array(body.packsAdded.prefix(Limits.packsInRecordMax))
            // To remove what is in no list has no effect.
            piece.packsRemoved = Array(body.packsRemoved.prefix(Limits.packsInRecordMax - piece.packsAdded.count))
            try await append(piece)
            body.packsAdded.removeFirst(piece.packsAdded.count)
            body.packsRemoved.removeFirst(piece.packsRemoved.count)
            body.base = state.withLock { $0.head.sequence }
            count += 1
        }
        return count
    }

    /// Puts a record at the next slot of the chain. Only one writer can win a slot.
    private func append(_ body: RecordBody) async throws(Trouble) {
        let head = state.withLock { $0.head }
        let next = head.sequence + 1
        let object: [UInt8]
        do {
            object = try Record.seal(
                body, sequence: next, previous: head.hash, obeying: obeyed, by: writer.keys,
                to: writer.vault.keyring.observer)
        } catch { throw .impossible("to seal a record for the observer") }
        guard object.count <= Limits.statementBytesMax else {
            throw .tooLarge("the record", object.count, Limits.statementBytesMax)
        }
        do {
            try await writer.vault.site.put(
                Record.name(writer.writer.id, next), object[...], existing: .refuse)
        } catch where error.kind == .exists {
            throw Trouble(
                .busy,
                Words(
                    "Somebody else has written record \(next) of writer \"\(writer.writer.name)\" meanwhile.",
                    de: "Jemand anderes hat inzwischen Eintrag \(next) des Schreibers „\(writer.writer.name)“ geschrieben."
                ),
                advice: Words(
                    "Two programs use the same writer's keys. Let one end, then protect again: nothing is uploaded twice. Give each machine a writer of its own with \"zwilling keys add\".",
                    de: "Zwei Programme benutzen denselben Schreiber. Eines enden lassen, dann erneut sichern: Nichts wird doppelt übertragen. Jeder Rechner braucht mit „zwilling keys add“ einen eigenen Schreiber."
                ), cause: error)
        }
        let hash = Sealing.hash(object)
        state.withLock { $0.head = ChainHead(sequence: next, hash: hash) }
        if next % RecordBundle.records == 0 { await writer.bundle(upTo: next) }
    }

    /// Somebody may have retired this writer while it was at work: then its record stands in the
    /// vault and does not count, and nobody must take it for a snapshot.
    private func checkStillAccepted(_ head: ChainHead) async throws(Trouble) {
        guard let now = try await writer.newerKeyring(), case .retired(let lastSequence, _)? = now.writer(writer.writer.id)?.state,
            lastSequence < head.sequence
        else { return }
        throw Trouble(
            .wrongKey,
            Words(
                "Writer \"\(writer.writer.name)\" was retired meanwhile: this snapshot does not count.",
                de: "Schreiber „\(writer.writer.name)“ wurde inzwischen stillgelegt: Dieser Sicherungsstand zählt nicht."
            ), advice: VaultWriter.addAdvice)
    }

    /// The end of a run: the record that makes the snapshot exist. All chunk writers must have
    /// been flushed.
    ///
    /// - Parameter amend: adds to the record what is known only now.
    /// - Returns: the place of the record, and what to keep for the next run.
    package func commit(
        rootChunks: [Digest], counts: RecordBody.Counts, memory: WriterCache.DataSetMemory,
        cache: WriterCache, amend: (inout RecordBody) -> Void = { _ in }
    ) async throws(Trouble) -> (head: ChainHead, body: RecordBody, cache: WriterCache) {
        var kept = cache
        kept.take(known)
        let taken = known.used.filter { !kept.gone.contains($0.pack) }
        let used = taken.map(\.pack)

        var body = draft
        body.rootChunks = rootChunks
        body.counts = counts
        body.addedBytes = UInt64(known.putBytes)
        var result = memory
        let last = cache.dataSets[draft.memoryName]
        if let last, last.sequence > 0, last.deltas < max(Limits.deltasInARowMax, used.count * 64 / Limits.packsInRecordMax) {
            let before = Set(last.packs)
            body.base = last.sequence
            body.packsAdded = used.filter { !before.contains($0) }.map { kept.packs[Int($0)] }
            body.packsRemoved = before.subtracting(used).map { kept.packs[Int($0)].name }.sorted()
            result.deltas = last.deltas + 1
        } else {
            body.packsAdded = used.map { kept.packs[Int($0)] }
            result.deltas = 0
        }
        if body.kind == .snapshot { body.sparse = kept.sparse(taken) }
        amend(&body)
        // What the record names lies everywhere before it, as far as that can be had.
        await writer.vault.site.settle()
        result.deltas += try await shorten(&body)
        try await append(body)
        await writer.vault.site.settle()
        let head = state.withLock { $0.head }
        try await checkStillAccepted(head)
        result.sequence = head.sequence
        result.packs = used
        kept.dataSets[draft.memoryName] = result
        kept.head = head
        kept.settle()
        return (head, body, kept)
    }
}
