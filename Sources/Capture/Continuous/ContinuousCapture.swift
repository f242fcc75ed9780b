// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Synchronization
import Vault

/// What a continuous capture does, for whoever watches.
package enum ContinuousEvent: Sendable {
    case captured(Captured)
    case failed(dataSet: String, Trouble)
    /// Units became a range.
    case merged(dataSet: String, Captured)
    /// What is in a copy, but not quite as people may expect.
    case warning(dataSet: String, Words)
}

/// What somebody wants captured at once.
package struct CaptureWishes: Sendable {
    package var waiting: @Sendable () -> Set<String>
    /// The last: what went wrong around it all the same.
    package var answer: @Sendable (_ dataSet: String, Result<Captured, Trouble>, Trouble?) -> Void

    package init(
        waiting: @escaping @Sendable () -> Set<String>,
        answer: @escaping @Sendable (String, Result<Captured, Trouble>, Trouble?) -> Void
    ) { (self.waiting, self.answer) = (waiting, answer) }
}

/// All data sets of an institution that lie on this host, each as often as it must be, and the
/// logs of its clusters as they are written; until told to stop.
///
/// One thread takes snapshots and merges units, one after the other, since all of them go into
/// one chain; each log has threads of its own.
package struct ContinuousCapture: Sendable {
    private let capture: DataSetCapture
    private let groups: [ConsistencyGroup]
    private let logs: [LogCapture]
    private let images: ImageWatch?
    private let newest: [String: Moment]
    private let held: HeldApplications
    private let wishes: CaptureWishes
    private let pause: @Sendable (Int) -> Bool
    /// Keeps what a capture leaves for the next run.
    private let keep: @Sendable (Captured) -> Void
    private let report: @Sendable (ContinuousEvent) -> Void

    private static let tickMilliseconds = 500
    private static let (keyringSeconds, farKeyringSeconds) = (10, 60)
    /// A busy log is not merged more often than this, lest the chain grow faster than the log.
    private static let secondsBetweenMerges: Int64 = 10

    /// - Parameters:
    ///   - logs: of those data sets whose log is followed.
    ///   - images: nil where the institution names none.
    ///   - newest: when the newest copy of each data set was begun.
    ///   - pause: waits so many milliseconds; true at once where all shall end.
    package init(
        _ capture: DataSetCapture, _ groups: [ConsistencyGroup], logs: [LogCapture],
        images: ImageWatch?, newest: [String: Moment], held: HeldApplications, wishes: CaptureWishes,
        pause: @escaping @Sendable (Int) -> Bool,
        keep: @escaping @Sendable (Captured) -> Void,
        report: @escaping @Sendable (ContinuousEvent) -> Void
    ) {
        (self.capture, self.groups, self.logs, self.newest) = (capture, groups, logs, newest)
        (self.images, self.held, self.wishes, self.pause) = (images, held, wishes, pause)
        (self.keep, self.report) = (keep, report)
    }

    /// - Returns: when told to stop; what was received and not put yet was not confirmed either.
    package func run(cache: WriterCache, memory: Memory) async {
        var works: [@Sendable () async -> Void] = [{ await work(cache, memory) }]
        for log in logs {
            works.append { await log.run() }
            works.append { await log.watch() }
        }
        if let images { works.append { await images.watch(pause) } }
        works.append { await watchKeyring() }
        let next = Mutex(0)
        await Crew.together(width: works.count) { [works] in
            let mine = next.withLock { next in
                next += 1
                return next - 1
            }
            await works[mine]()
        }
    }

    /// Also where nothing is due for long: what the keyring says may end it.
    private func watchKeyring() async {
        let seconds = capture.writer.vault.site.isFar ? Self.farKeyringSeconds : Self.keyringSeconds
        var second = 0
        while !pause(1000) {
            second += 1
            if second % seconds == 0 { await capture.writer.look() }
        }
    }

    private func work(_ cache: WriterCache, _ memory: Memory) async {
        let kept = KeptCache(keep)
        var run = InstitutionCapture(capture, cache: cache, memory: memory, held: held) {
            kept.note($0)
        }
        var schedule = Schedule(newest: newest)
        var mergedAt: [String: Moment] = [:]
        while !pause(Self.tickMilliseconds) {
            for log in logs {
                let (now, id) = (capture.writer.world.now(), log.plan.dataSet)
                let isTime = mergedAt[id].map { now.seconds - $0.seconds >= Self.secondsBetweenMerges || now < $0 } ?? true
                guard isTime, log.spool.isDue(now), !pause(0) else { continue }
                mergedAt[id] = now
                await merge(log, &run)
            }
            let wished = wishes.waiting()
            refuse(wished)
            for group in groups where !pause(0) {
                guard let due = due(in: group, schedule, wished) else { continue }
                await snapshot(due, &run, &schedule, wished)
            }
            if let images, let look = images.take() { await take(images, look, &run) }
            kept.flush(ifOlderThan: 60, capture.writer.world.now())
        }
        kept.flush(ifOlderThan: 0, capture.writer.world.now())
    }

    /// What of a group must be captured now: all that is no log together, and bases by themselves.
    private func due(
        in group: ConsistencyGroup, _ schedule: Schedule, _ wished: Set<String>
    ) -> ConsistencyGroup? {
        let now = capture.writer.world.now()
        var wanted: [String] = []
        let others = group.data.filter { log(of: $0) == nil }
        let period = others.compactMap { $0.rpo.map { Int64($0.value.seconds) } }.min()
        let isDue: (DataSet) -> Bool = {
            wished.contains($0.id.value) || schedule.isDue($0.id.value, every: period, now: now)
        }
        if others.contains(where: isDue) {
            // Nothing refers to a secret, so it needs no copy of the same moment.
            wanted += others.filter { $0.kind != .secret || isDue($0) }.map(\.id.value)
        }
        for data in group.data {
            guard let log = log(of: data) else { continue }
            // Its log must have begun, or the base would lead nowhere.
            guard log.spool.place != nil else { continue }
            let isDue =
                wished.contains(data.id.value)
                || schedule.isDue(
                    data.id.value, every: data.baseSeconds, isUrgent: log.spool.needsBase, now: now)
            if isDue { wanted.append(data.id.value) }
        }
        return wanted.isEmpty ? nil : group.keeping(wanted)
    }

    /// Answers wishes that cannot be fulfilled, so that nobody waits for ever.
    private func refuse(_ wished: Set<String>) {
        let data = groups.flatMap(\.data)
        for id in wished.sorted() {
            guard let known = data.first(where: { $0.id.value == id }) else {
                wishes.answer(id, .failure(.notServed(id)), nil)
                continue
            }
            if let log = log(of: known), log.spool.place == nil {
                wishes.answer(id, .failure(.notYetFollowed(id)), nil)
            }
        }
    }

    private func log(of data: DataSet) -> LogCapture? {
        logs.first { $0.plan.dataSet == data.id.value }
    }

    private func snapshot(
        _ group: ConsistencyGroup, _ run: inout InstitutionCapture, _ schedule: inout Schedule,
        _ wished: Set<String>
    ) async {
        // Whoever is only due for a base need not hold still.
        let isLogsOnly = group.data.allSatisfy { log(of: $0) != nil }
        await run.run(isLogsOnly ? group.unheld : group) { _, _ in }
        let outcomes = run.takeOutcomes()
        let beside = outcomes.compactMap { outcome in
            if outcome.isOfApplication, case .failure(let trouble) = outcome.result { trouble } else { nil }
        }.first
        for outcome in outcomes {
            let now = capture.writer.world.now()
            // A wish that came meanwhile wants a capture that begins after it.
            if !outcome.isOfApplication, wished.contains(outcome.id) {
                wishes.answer(outcome.id, outcome.result, beside)
            }
            switch outcome.result {
            case .success(let captured):
                schedule.succeeded(outcome.id, begun: captured.body.begun, ended: now)
                if let span = captured.body.postgres {
                    logs.first { $0.plan.dataSet == outcome.id }?.spool.tookBase(span)
                }
                report(.captured(captured))
            case .failure(let trouble):
                schedule.failed(outcome.id, at: now)
                report(.failed(dataSet: outcome.id, trouble))
            }
        }
    }

    private func take(
        _ images: ImageWatch, _ look: ImageLook, _ run: inout InstitutionCapture
    ) async {
        let kept = await run.run(images.images, look)
        for outcome in run.takeOutcomes() {
            switch outcome.result {
            case .success(let captured): report(.captured(captured))
            case .failure(let trouble): report(.failed(dataSet: outcome.id, trouble))
            }
            for words in outcome.warnings { report(.warning(dataSet: outcome.id, words)) }
        }
        guard let kept else { return }
        do throws(Trouble) { try images.keep(kept) } catch {
            report(.failed(dataSet: DataSetCapture.images, error))
        }
    }

    private func merge(_ log: LogCapture, _ run: inout InstitutionCapture) async {
        let id = log.plan.dataSet
        do throws(Trouble) {
            while let taken = log.spool.take() {
                let captured = try await run.merge(
                    LogMerge(
                        writer: capture.writer, dataSet: id, host: capture.host, spool: log.spool),
                    taken)
                log.spool.drop(taken)
                report(.merged(dataSet: id, captured))
                // What is superseded may stay where the site keeps it: it goes unread.
                try await capture.writer.removeSuperseded(by: captured.head)
            }
        } catch { report(.failed(dataSet: id, error)) }
    }

}

extension DataSet {
    /// How often a cluster whose log is followed is copied whole, in seconds; nil for the usual.
    fileprivate var baseSeconds: Int64? {
        guard case .postgres(let postgres) = source else { return nil }
        return postgres.baseEvery.map { Int64($0.value.seconds) }
    }
}

/// Writes what is to be kept, but not with every range: it is as large as the vault's index.
private final class KeptCache {
    private let keep: (Captured) -> Void
    private var pending: (captured: Captured, since: Moment)?

    init(_ keep: @escaping (Captured) -> Void) { self.keep = keep }

    func note(_ captured: Captured) {
        if captured.body.kind == .range {
            pending = (captured, pending?.since ?? captured.body.begun)
        } else {
            pending = nil
            keep(captured)
        }
    }

    func flush(ifOlderThan seconds: Int64, _ now: Moment) {
        guard let waiting = pending, now.seconds - waiting.since.seconds >= seconds else { return }
        pending = nil
        keep(waiting.captured)
    }
}

extension Trouble {
    fileprivate static func notServed(_ id: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The service's blueprint has no data set \"\(id)\" on this host.",
                de: "Der Bauplan des Dienstes hat auf diesem Rechner keinen Datenbestand „\(id)“."))
    }

    fileprivate static func notYetFollowed(_ id: String) -> Trouble {
        Trouble(
            .busy,
            Words(
                "The log of \"\(id)\" is not received yet, so a base would lead nowhere: the server cannot be reached.",
                de: "Das Protokoll von „\(id)“ wird noch nicht empfangen, eine Grundsicherung führte nirgends hin: Der Server ist nicht erreichbar."))
    }
}
