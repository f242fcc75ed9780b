// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Synchronization

/// What a steward can let go, worked out from records alone: no content is read, and nothing rests on a
/// listing or a clock. It happens in two phases, each a statement.
///
/// First, snapshots are forgotten, and packs that none of the kept ones names are condemned: they count as
/// unknown to every writer that obeys the statement. Later, what was condemned is removed, once its writer
/// has stated a record that obeys: from then on nothing new can rest on it, however long a run takes.
package struct Pruning: Sendable {
    package struct Options: Sendable {
        package var retention: Retention
        /// Only these data sets; all where nil.
        package var dataSets: Set<String>?
        /// Seconds between condemning and removing, by the steward's clock: time to notice a mistake.
        package var graceSeconds: Int64 = 7 * 86_400
        /// Beginnings of the names of snapshots that somebody has looked at and found right.
        package var confirmed: [String] = []
        /// A pack is emptied of which kept snapshots take less than this, in percent of its content; 0 for none.
        package var sparsePercent = 30
        /// What must come at once before a snapshot is suspicious, in bytes.
        package var jumpBytesMin: UInt64 = 4 << 20

        package init(_ retention: Retention) { self.retention = retention }
    }

    /// The snapshots of one data set of one writer.
    package struct Chain: Sendable {
        package let writer: Writer
        package let dataSet: String
        package let kept: [Observed.Fact]
        package let forgotten: [Observed.Fact]
    }

    package let chains: [Chain]
    /// Why nothing is let go before somebody has looked.
    package let alarms: [PruneAlarm]
    package let condemned: [PackReference]
    /// Condemned as well, though kept snapshots name them: what these take of them, which is little, is stored
    /// anew by whoever protects next, so that they can go once those snapshots have gone.
    package let emptied: [PackReference]
    /// To be taken away now, those included that an earlier run was to take away.
    package let removable: [PackReference]
    /// Condemned packs that stay for now: for each reason how many, and their bytes.
    package let waiting: [Reason: (packs: Int, bytes: UInt64)]

    package enum Reason: Hashable, Sendable {
        /// Until then.
        case grace(Moment)
        /// Until this writer protects again, or is retired.
        case writer(Identifier)
        /// A kept snapshot names it: of one that was emptied, or its run had begun before.
        case needed
    }

    let body: Statement.Body
    let previous: Statement?
    /// Of the statement that it becomes.
    package let number: UInt64

    /// Whether it says anything but what was seen.
    package var isEmpty: Bool { condemned.isEmpty && emptied.isEmpty && removable.isEmpty && chains.allSatisfy { $0.forgotten.isEmpty } }
}

extension Pruning {
    /// How many packs one statement condemns at most, so that it stays readable.
    private static let packsMax = 200_000

    /// - Parameter observed: with every record itself read: bundles are not believed here.
    /// - Throws: the first trouble with the records, since what is not known might be needed.
    package init(_ observed: Observed, _ options: Options, now: Moment) async throws(Trouble) {
        if let trouble = observed.troubles.first { throw trouble }
        let vault = observed.vault
        let (statements, free) = try await vault.statements()
        let witnessed = Witnessed(statements, now: now)
        var body = Statement.Body(made: now)
        body.heads = observed.heads

        // Phase one: what is forgotten.
        let released = observed.released
        let order = observed.kept.sorted { $0.sequence < $1.sequence }
        let groups = Dictionary(grouping: order) { Group(writer: $0.writer.id, dataSet: $0.body.dataSet) }
        var chains: [Chain] = []
        var alarms: [PruneAlarm] = []
        var forgotten: [Identifier: Set<UInt64>] = [:]
        for (group, facts) in groups.sorted(by: { ($0.key.dataSet, $0.key.writer) < ($1.key.dataSet, $1.key.writer) }) {
            // A run that goes on, or was interrupted: what it has put counts until the data set is done.
            let done = facts.last { $0.body.kind != .checkpoint }?.sequence ?? 0
            let passed = facts.filter { $0.body.kind == .checkpoint && $0.sequence < done }
            forgotten[group.writer, default: []].formUnion(passed.map(\.sequence))
            let snapshots = facts.filter { $0.body.kind == .snapshot }
            guard let writer = snapshots.first?.writer, !RecordBody.acts.contains(group.dataSet),
                options.dataSets?.contains(group.dataSet) ?? true
            else { continue }
            alarms += PruneAlarm.all(in: snapshots, witnessed, options)
            let moments = witnessed.moments(of: snapshots)
            let stay = options.retention.kept(moments)
            let kept = snapshots.indices.filter { stay.contains($0) || released.contains(.init(writer: group.writer, sequence: snapshots[$0].sequence)) }
            let chain = Chain(
                writer: writer, dataSet: group.dataSet, kept: kept.map { snapshots[$0] },
                forgotten: snapshots.indices.filter { !kept.contains($0) }.map { snapshots[$0] })
            chains.append(chain)
            forgotten[group.writer, default: []].formUnion(chain.forgotten.map(\.sequence))
            let since = options.retention.logSeconds.flatMap { seconds in
                moments.last.map { Moment(seconds: $0.seconds - seconds, nanoseconds: $0.nanoseconds) }
            }
            let log = LogRetention(bases: kept.map { (snapshots[$0], moments[$0]) }, since: since)
            let ranges = facts.filter { $0.body.kind == .range && !log.isNeeded($0) }
            forgotten[group.writer, default: []].formUnion(ranges.map(\.sequence))
        }
        body.forgotten = (statements.last?.body.forgotten ?? [:]).merging(forgotten.mapValues { Numbers($0) }) { Numbers(Array($0.all) + Array($1.all)) }
            .filter { !$0.value.stretches.isEmpty }

        // What is still needed, and what nobody names. Of what each writer needs, a tenth may be stored anew.
        var needed: [Digest: Identifier] = [:]
        var room: [Identifier: Int] = [:]
        let kept = observed.kept.filter { !(forgotten[$0.writer.id]?.contains($0.sequence) ?? false) }
        for (writer, facts) in Dictionary(grouping: kept, by: \.writer.id).sorted(by: { $0.key < $1.key }) {
            var bytes = 0
            PackList.each(in: facts.map(\.list)) { pack in
                guard needed[pack.name] == nil else { return }
                needed[pack.name] = writer
                bytes += pack.bytes
            }
            room[writer] = bytes / 10
        }
        var said: [Digest: Int] = [:]
        for (index, one) in statements.enumerated() { for pack in one.body.condemned where said[pack] == nil { said[pack] = index } }
        // Whoever names a pack may take it again, also who has no right to.
        var naming: [Digest: Set<Identifier>] = [:]
        for writer in vault.keyring.writers {
            PackList.each(in: observed.facts.filter { $0.writer.id == writer.id }.map(\.list)) {
                if said[$0.name] != nil { naming[$0.name, default: []].insert(writer.id) }
            }
        }
        let gone = Set(statements.flatMap(\.body.removed))
        let present = try await vault.presentPacks().map { PackReference(name: $0.key, bytes: $0.value) }.sorted { $0.name < $1.name }
        condemned = Array(present.filter { said[$0.name] == nil && needed[$0.name] == nil }.prefix(Self.packsMax))
        // The emptiest first, as long as the next run of nobody becomes a long one.
        let sparse = SparsePacks(in: kept, below: options.sparsePercent).taken
        let emptiest = present.compactMap { pack in said[pack.name] == nil ? sparse[pack.name].map { (pack, percent: $0) } : nil }
            .sorted { ($0.percent, $0.0.name) < ($1.percent, $1.0.name) }
        emptied = emptiest.filter { pack, percent in
            guard let writer = needed[pack.name], let left = room[writer] else { return false }
            room[writer] = left - pack.bytes / 100 * (percent + 1)
            return left >= pack.bytes / 100 * (percent + 1)
        }.prefix(Self.packsMax - condemned.count).map(\.0).sorted { $0.name < $1.name }

        // Phase two: what was condemned before.
        let obeyed = try await Self.obeyed(observed)
        let grace = { @Sendable (made: Moment) in Moment(seconds: made.seconds + options.graceSeconds, nanoseconds: made.nanoseconds) }
        let resting = Self.resting(observed.facts, statements, body, witnessed, grace, now)
        let old = present.filter { said[$0.name] != nil }
        let reasons = await gathered(old, width: 4) { [needed, said, naming] pack -> Reason? in
            guard needed[pack.name] == nil else { return .needed }
            // An earlier run was to take it away.
            guard !gone.contains(pack.name), let index = said[pack.name] else { return nil }
            let end = max(grace(witnessed.made[index]), resting[pack.name] ?? now)
            guard now >= end else { return .grace(end) }
            let silent = vault.keyring.writers.map(\.id).filter { obeyed[$0] ?? 0 < statements[index].number }
            return await vault.waits(for: silent, to: pack.name, naming: naming[pack.name] ?? []).map { .writer($0) }
        }
        var removable: [PackReference] = []
        var waiting: [Reason: (packs: Int, bytes: UInt64)] = [:]
        var left = Self.packsMax
        for (pack, reason) in zip(old, reasons) {
            guard let reason else {
                // The rest is for the next run.
                if !gone.contains(pack.name) { left -= 1 }
                if left >= 0 || gone.contains(pack.name) { removable.append(pack) }
                continue
            }
            let sum = waiting[reason] ?? (0, 0)
            waiting[reason] = (sum.packs + 1, sum.bytes + UInt64(pack.bytes))
        }
        body.condemned = (condemned + emptied).map(\.name)
        body.removed = removable.map(\.name).filter { !gone.contains($0) }
        (self.chains, self.alarms, self.removable, self.waiting) = (chains, alarms, removable, waiting)
        (self.body, previous, number) = (body, statements.last, free)
    }

    /// Of each writer, the newest statement that it obeys; of one that is retired, all.
    private static func obeyed(_ observed: Observed) async throws(Trouble) -> [Identifier: UInt64] {
        var obeyed: [Identifier: UInt64] = [:]
        for writer in observed.vault.keyring.writers {
            guard case .active = writer.state else {
                obeyed[writer.id] = .max
                continue
            }
            guard let head = observed.heads[writer.id], head.sequence > 0 else { continue }
            obeyed[writer.id] = try await observed.vault.record(of: writer, head).obeyedStatement
        }
        return obeyed
    }

    /// Until when packs stay because the last record that names them was let go a short time ago: one that was
    /// emptied has been condemned long before.
    ///
    /// - Parameter body: what is to be stated now, with all that is let go.
    private static func resting(
        _ facts: [Observed.Fact], _ statements: [Statement], _ body: Statement.Body, _ witnessed: Witnessed, _ grace: (Moment) -> Moment,
        _ now: Moment
    ) -> [Digest: Moment] {
        let since = statements.indices.last { grace(witnessed.made[$0]) <= now } ?? 0
        var lists: [Int: [PackList]] = [:]
        for fact in facts where body.forgotten[fact.writer.id]?.contains(fact.sequence) ?? false {
            let first = statements.indices[since...].first { statements[$0].hasForgotten(fact.writer.id, fact.sequence) }
            lists[first ?? statements.count, default: []].append(fact.list)
        }
        var until: [Digest: Moment] = [:]
        for (index, lists) in lists.sorted(by: { $0.key > $1.key }) {
            let end = grace(index < statements.count ? witnessed.made[index] : now)
            guard end > now else { continue }
            PackList.each(in: lists) { if until[$0.name] == nil { until[$0.name] = end } }
        }
        return until
    }

    private struct Group: Hashable {
        let writer: Identifier
        let dataSet: String
    }

    /// What became of a pruning.
    package struct Outcome: Sendable {
        package var removed: [PackReference] = []
        /// Those that a site did not let go, with the reason: their lock has not ended, mostly.
        package var refused: [(pack: PackReference, trouble: Trouble)] = []
    }

    /// States what was worked out, then takes away what may go. Interrupted anywhere, the next run goes on.
    ///
    /// - Throws: `.busy` where another steward has made a statement meanwhile; then nothing was done.
    package func carryOut(
        in vault: Vault, by keys: StewardKeys, width: Int = 8,
        report: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws(Trouble) -> Outcome {
        let object: [UInt8]
        do { object = try Statement.seal(body, number: number, after: previous?.hash ?? .zero, by: keys) } catch {
            throw .impossible("to sign a statement")
        }
        guard object.count <= Limits.statementBytesMax else { throw .tooLarge("the statement", object.count, Limits.statementBytesMax) }
        if let previous { try await vault.complete(Statement.name(previous.number), previous.hash, in: Statement.folder) }
        do throws(Trouble) { try await vault.site.putDecided(Statement.name(number), object[...]) } catch {
            guard error.kind == .exists else { throw error }
            throw Trouble(
                .busy,
                Words("Another steward has pruned meanwhile. Nothing was done here.", de: "Ein anderer Verwalter hat inzwischen aufgeräumt. Hier geschah nichts."),
                advice: Words("Prune again if something is left to do.", de: "Erneut aufräumen, falls noch etwas zu tun ist."), cause: error)
        }
        await vault.site.settle()
        let done = Mutex(0)
        let results = await gathered(removable, width: width) { pack in
            defer {
                let count = done.withLock { count in
                    count += 1
                    return count
                }
                report(count, removable.count)
            }
            do throws(Trouble) {
                try await vault.site.erase(packName(pack.name))
                return Trouble?.none
            } catch { return error }
        }
        var outcome = Outcome()
        for (pack, trouble) in zip(removable, results) {
            if let trouble { outcome.refused.append((pack, trouble)) } else { outcome.removed.append(pack) }
        }
        return outcome
    }
}

extension Vault {
    /// For which of those that have not obeyed yet a pack has to wait; nil for none.
    ///
    /// - Parameter names: who has named it.
    fileprivate func waits(for silent: [Identifier], to pack: Digest, naming names: Set<Identifier>) async -> Identifier? {
        guard let first = silent.first else { return nil }
        if let one = silent.first(where: names.contains) { return one }
        // A record may name what is another's, to have it taken away: so its header has a say, too.
        let said = await writer(of: pack, isProven: false)
        if let said, silent.contains(said) { return said }
        let owner = names.isEmpty ? await writer(of: pack, isProven: true) : said
        // What nobody can read now may be anybody's.
        guard let owner else { return first }
        return silent.contains(owner) ? owner : nil
    }

    /// The writer that a pack's header names; nil where it cannot be read, or names nobody.
    ///
    /// - Parameter isProven: whether the whole pack is held against its name. Else one copy is believed.
    private func writer(of pack: Digest, isProven: Bool) async -> Identifier? {
        do {
            guard isProven else { return try await packFront(pack) { front throws(Trouble) in keyring.writer(front.header.writer)?.id } }
            let bytes = try await site.get(packName(pack), in: 0..<Limits.packBytesMax + 1) { Sealing.hash($0) == pack }
            guard Sealing.hash(bytes) == pack else { return nil }
            return keyring.writer(try PackFront(name: pack, decoding: bytes).header.writer)?.id
        } catch { return nil }
    }
}
