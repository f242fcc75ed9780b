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
        package var jumpBytesMin: UInt64 = 256 << 20

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
    /// anew by whoever protects next, so that they can go together with those snapshots.
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

        // What is still needed, and what nobody names.
        var needed: Set<Digest> = []
        let kept = observed.kept.filter { !(forgotten[$0.writer.id]?.contains($0.sequence) ?? false) }
        PackList.each(in: kept.map(\.list)) { needed.insert($0.name) }
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
        condemned = Array(present.filter { said[$0.name] == nil && !needed.contains($0.name) }.prefix(Self.packsMax))
        emptied = Self.emptied(present.filter { said[$0.name] == nil }, SparsePacks(in: kept, below: options.sparsePercent).taken)
            .prefix(Self.packsMax - condemned.count).sorted { $0.name < $1.name }

        // Phase two: what was condemned before.
        var obeyed: [Identifier: UInt64] = [:]
        for writer in vault.keyring.writers {
            guard case .active = writer.state else {
                obeyed[writer.id] = .max
                continue
            }
            guard let head = observed.heads[writer.id], head.sequence > 0 else { continue }
            obeyed[writer.id] = try await vault.record(of: writer, head).obeyedStatement
        }
        var removable: [PackReference] = []
        var waiting: [Reason: (packs: Int, bytes: UInt64)] = [:]
        for pack in present {
            guard let index = said[pack.name] else { continue }
            var reason: Reason?
            let made = witnessed.made[index]
            let end = Moment(seconds: made.seconds + options.graceSeconds, nanoseconds: made.nanoseconds)
            if needed.contains(pack.name) { reason = .needed } else if gone.contains(pack.name) {
                // An earlier run was to take it away.
            } else if now < end { reason = .grace(end) } else {
                let silent = vault.keyring.writers.map(\.id).filter { obeyed[$0] ?? 0 < statements[index].number }
                if !silent.isEmpty {
                    // A record may name what is another's, to have it taken away: so its header has a say, too.
                    let names = naming[pack.name] ?? []
                    let owner = await vault.writer(of: pack.name, isProven: names.isEmpty)
                    // What nobody can read now may be anybody's.
                    let waiting = silent.first { owner == nil || owner == $0 || names.contains($0) }
                    if let waiting { reason = .writer(waiting) }
                }
            }
            guard let reason else {
                removable.append(pack)
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

    /// The emptiest, as long as what has to be stored anew is no more than a tenth of the vault: the next run
    /// of protect must not become a long one.
    private static func emptied(_ present: [PackReference], _ taken: [Digest: Int]) -> [PackReference] {
        var room = present.reduce(0) { $0 + $1.bytes } / 10
        let order = present.compactMap { pack in taken[pack.name].map { (pack, percent: $0) } }.sorted { $0.percent < $1.percent }
        return order.prefix { pack, percent in
            room -= pack.bytes / 100 * percent
            return room >= 0
        }.map(\.0)
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
    /// - Throws: `.exists` where another steward has made a statement meanwhile; then nothing was done.
    package func carryOut(
        in vault: Vault, by keys: StewardKeys, width: Int = 8,
        report: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws(Trouble) -> Outcome {
        let object: [UInt8]
        do { object = try Statement.seal(body, number: number, after: previous?.hash ?? .zero, by: keys) } catch {
            throw .impossible("to sign a statement")
        }
        guard object.count <= Limits.statementBytesMax else { throw .tooLarge("the statement", object.count, Limits.statementBytesMax) }
        if let previous { try await vault.complete([Statement.name(previous.number)], in: Statement.folder) }
        try await vault.site.putDecided(Statement.name(number), object[...])
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
    /// The writer that a pack's header names; nil where it cannot be read, or names nobody.
    ///
    /// - Parameter isProven: whether the whole pack is held against its name. Else one copy is believed.
    fileprivate func writer(of pack: Digest, isProven: Bool) async -> Identifier? {
        do {
            guard isProven else { return try await packFront(pack) { front throws(Trouble) in keyring.writer(front.header.writer)?.id } }
            let bytes = try await wholePack(pack)
            guard Sealing.hash(bytes) == pack else { return nil }
            return keyring.writer(try PackFront(name: pack, decoding: bytes).header.writer)?.id
        } catch { return nil }
    }
}
