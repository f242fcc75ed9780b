// SPDX-License-Identifier: EUPL-1.2
import Ground
import Postgres
import Synchronization
import Vault

/// What happens while a log is followed, for whoever watches.
package enum LogEvent: Sendable {
    /// The log is received from here on.
    case follows(timeline: UInt32, from: LSN)
    /// Something is in the way; it is tried again.
    case waits(Trouble)
    /// The log has a gap: only a new base makes later moments reachable.
    case gap(Trouble)
    /// Something that works, but deserves a word.
    case warning(Words)
}

/// The write-ahead log of one PostgreSQL cluster → units, as it is written. What was confirmed to
/// the server is durable in the vault. Goes on whatever happens around it, until told to stop.
package final class LogCapture: Sendable {
    package struct Plan: Sendable {
        package let dataSet: String
        package let address: ServerAddress
        package let slot: SlotName
        /// How long log may lie here before it becomes a unit.
        package var cadenceMilliseconds = 400

        package init(dataSet: String, address: ServerAddress, slot: SlotName) {
            (self.dataSet, self.address, self.slot) = (dataSet, address, slot)
        }

        /// A slot's name for a writer's data set: two machines must not share one.
        package static func slot(of dataSet: String, _ writer: Identifier) -> SlotName? {
            let plain = dataSet.lowercased().map { character in
                character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
            }
            return SlotName("zwilling_\(String(plain.prefix(40)))_\(writer.description.prefix(8))")
        }
    }

    /// How things stand, for the thread that schedules and for those who watch.
    package struct Standing: Sendable {
        /// All that the server had written by then is in the vault.
        package var completeAt: Moment?
        /// Up to here the vault has it.
        package var durable = LSN(0)
        package var isSynchronous = false
    }

    package let plan: Plan
    package let spool: LogSpool
    private let writer: VaultWriter
    private let memory: Memory
    private let standing = Mutex(Standing())
    private let report: @Sendable (LogEvent) -> Void
    /// Waits so many milliseconds; true at once where the program shall end.
    private let pause: @Sendable (Int) -> Bool

    /// Log of one unit at most, so that a burst does not wait for its end.
    private static let unitBytes = 4 << 20
    private static let heartbeatSeconds: Int64 = 300
    private static let retryMillisecondsMax = 30_000

    package init(
        _ plan: Plan, writer: VaultWriter, memory: Memory, spool: LogSpool,
        pause: @escaping @Sendable (Int) -> Bool, report: @escaping @Sendable (LogEvent) -> Void
    ) {
        (self.plan, self.writer, self.memory, self.spool) = (plan, writer, memory, spool)
        (self.pause, self.report) = (pause, report)
    }

    package var state: Standing { standing.withLock { $0 } }

    /// Follows until told to stop; needs a thread of its own.
    package func run() async {
        let session: UnitSession
        do throws(Trouble) {
            session = try UnitSession(writer: writer, dataSet: plan.dataSet, memory: memory, level: 1)
        } catch {
            report(.waits(error))
            return
        }
        var wait = 500
        while !pause(0) {
            let begun = writer.world.now().seconds
            do throws(Trouble) {
                try await follow(into: session)
                return
            } catch {
                // Who has followed for a while begins anew with little patience.
                if writer.world.now().seconds - begun > 60 { wait = 500 }
                report(.waits(error))
            }
            if pause(wait) { return }
            wait = min(2 * wait, Self.retryMillisecondsMax)
        }
    }

    // MARK: Beginning

    /// Why a stream came to its end.
    private enum End {
        case toldToStop
        case timeline(next: UInt32, at: LSN)
        /// The server no longer has the log that follows.
        case removed
    }

    /// - Throws: whatever ends it before it was told to stop.
    private func follow(into session: UnitSession) async throws(Trouble) {
        var isGap = false
        while true {
            let stream = try Self.asked { () throws(ServerError) in try open(anew: isGap) }
            let now = writer.world.now()
            let log = FollowedLog(
                stream.wal, place: stream.place, completeAt: spool.received ?? now, now: now)
            report(.follows(timeline: stream.place.timeline, from: stream.place.lsn))
            switch try await receive(log, into: session) {
            case .toldToStop: return
            case .removed:
                // Even where the slot begins: that is asked again with patience.
                if isGap, log.place == stream.place { throw .logIsGone(plan.dataSet, stream.place.lsn) }
                isGap = true
            case .timeline(let next, let lsn):
                isGap = false
                // Its history comes with its first run.
                let history = try Self.asked { () throws(ServerError) in
                    try stream.replication.history(of: next).content
                }
                let place = LogPlace(
                    system: stream.place.system, timeline: next,
                    segmentBytes: stream.place.segmentBytes, lsn: lsn)
                spool.begin(place, history: history, now: writer.world.now())
            }
        }
    }

    private static func asked<Result>(
        _ body: () throws(ServerError) -> Result
    ) throws(Trouble) -> Result {
        do throws(ServerError) { return try body() } catch { throw error.trouble }
    }

    private struct Opened {
        let replication: Replication
        let wal: WALStream
        let place: LogPlace
    }

    /// Connects, and begins where the log in the vault ends; where that is not possible any more,
    /// where the server's slot begins, and says so.
    ///
    /// - Parameter isGap: that the server has removed what follows: nobody held it.
    private func open(anew isGap: Bool) throws(ServerError) -> Opened {
        let replication = try Replication(to: plan.address)
        try replication.createSlot(plan.slot)
        let questions = try Connection(to: plan.address, for: .questions(database: nil))
        guard let slot = try questions.slotState(plan.slot) else {
            throw .lost(reason: "the slot \(plan.slot) vanished")
        }
        if slot.status == .lost {
            try replication.dropSlot(plan.slot)
            throw .sink(.slotWasLost(plan.slot))
        }
        let restart = slot.restart ?? replication.flushed
        if let known = spool.place {
            let isOurs =
                known.system == replication.systemIdentifier
                && known.segmentBytes == UInt32(replication.segmentBytes)
            if isOurs, !isGap, let place = try continued(known, replication) {
                return try stream(replication, place)
            }
            report(.gap(.logHasGap(plan.dataSet, from: known.lsn, to: restart)))
        }
        return try anew(replication, at: restart)
    }

    /// Where to go on behind what the vault has; nil where the server's history does not hold it.
    /// Where the slot begins says nothing: another server of a failover has made it anew.
    private func continued(
        _ known: LogPlace, _ replication: Replication
    ) throws(ServerError) -> LogPlace? {
        guard known.timeline <= replication.timeline else { return nil }
        if known.timeline == replication.timeline {
            // A server that was put back to an older state would write other bytes in their place.
            guard known.lsn <= replication.flushed else {
                throw .sink(.serverWentBack(known.lsn, replication.flushed))
            }
            return known
        }
        let history = try replication.history(of: replication.timeline)
        guard let end = history.history.end(of: known.timeline) else { return nil }
        if known.lsn <= end { return known }
        // What the old timeline wrote beyond its end stays in the vault, and on no way from a base
        // to the present.
        let next = history.history.ancestors.first { $0.timeline > known.timeline }?.timeline
        let place = LogPlace(
            system: known.system, timeline: next ?? replication.timeline,
            segmentBytes: known.segmentBytes, lsn: end)
        let own = try replication.history(of: place.timeline)
        spool.begin(place, history: own.content, now: writer.world.now())
        return place
    }

    private func anew(_ replication: Replication, at lsn: LSN) throws(ServerError) -> Opened {
        // From the beginning of a segment, so that every record begins in what is received.
        let start = LSN(lsn.value & ~(replication.segmentBytes - 1))
        // A slot of a server that was just promoted may begin on the timeline before.
        let timeline = try replication.history(of: replication.timeline).history
            .timeline(holding: start)
        let place = LogPlace(
            system: replication.systemIdentifier, timeline: timeline,
            segmentBytes: UInt32(replication.segmentBytes), lsn: start)
        let history = try replication.history(of: timeline).content
        let opened = try stream(replication, place)
        spool.begin(place, history: history, now: writer.world.now(), isApart: true)
        return opened
    }

    private func stream(
        _ replication: Replication, _ place: LogPlace
    ) throws(ServerError) -> Opened {
        let wal = try replication.stream(
            from: place.lsn, timeline: place.timeline, slot: plan.slot, now: writer.world.now)
        return Opened(replication: replication, wal: wal, place: place)
    }

    // MARK: Receiving

    private func receive(
        _ log: FollowedLog, into session: UnitSession
    ) async throws(Trouble) -> End {
        standing.withLock { $0.durable = log.place.lsn }
        while true {
            let isStopping = pause(0)
            if isStopping || log.isDue(self.plan.cadenceMilliseconds, eager: state.isSynchronous) {
                try await flush(log, into: session)
            }
            if isStopping {
                try Self.asked { () throws(ServerError) in try log.wal.stop(.seconds(5)) }
                return .toldToStop
            }
            if log.beats(Self.heartbeatSeconds, writer.world.now()) {
                try await flush(log, into: session, evenEmpty: true)
            }
            let message: WALMessage?
            do throws(ServerError) {
                message = try log.next(plan.cadenceMilliseconds, eager: state.isSynchronous)
            } catch {
                if case .refused(let refusal) = error, refusal.sqlState == "58P01" {
                    return .removed
                }
                throw error.trouble
            }
            guard case .timelineEnded(let next, let lsn)? = message else { continue }
            try await flush(log, into: session)
            return .timeline(next: next, at: lsn)
        }
    }

    private func flush(
        _ log: FollowedLog, into session: UnitSession, evenEmpty: Bool = false
    ) async throws(Trouble) {
        let now = writer.world.now()
        let content = log.take(upTo: Self.unitBytes)
        let (end, isBeyond) = log.place.lsn.value.addingReportingOverflow(UInt64(content.count))
        guard !isBeyond else { throw .logIsGone(plan.dataSet, log.place.lsn) }
        guard !content.isEmpty || evenEmpty else { return }
        let span = PostgresSpan(
            system: log.place.system, timeline: log.place.timeline, start: log.place.lsn.value,
            end: end, segmentBytes: log.place.segmentBytes,
            received: log.completeAt(with: content.count))
        let unit = try await session.append(content, span)
        log.kept(content.count, at: now)
        spool.add(unit, span, content, now: now)
        let durable = log.place.lsn
        if !log.wal.hasEnded {
            try Self.asked { () throws(ServerError) in
                try log.wal.confirm(written: log.wal.position, flushed: durable, applied: durable)
            }
        }
        standing.withLock { standing in
            standing.durable = durable
            standing.completeAt = max(standing.completeAt ?? log.completeAt, log.completeAt)
        }
    }
}

// MARK: - Watching

extension LogCapture {
    private static let watchMilliseconds = 1000
    /// Log that waits at a server without a bound before people are told.
    private static let heldBytesWarned: UInt64 = 1 << 30

    /// Watches the server beside `run`, on a thread of its own, so that people are told even while
    /// the vault's site hangs: how much log it holds back, whether its commits wait for this copy,
    /// and whether all that it has written is in the vault.
    package func watch() async {
        var connection: Connection?
        var warnedAt: UInt64 = 0
        while !pause(Self.watchMilliseconds) {
            do throws(ServerError) {
                if connection == nil {
                    let fresh = try Connection(to: plan.address, for: .questions(database: nil))
                    let abandoned = try Self.abandoned(plan.slot, at: fresh)
                    for words in try ServerFacts(fresh).warnings + abandoned { report(.warning(words)) }
                    connection = fresh
                }
                guard let connection else { continue }
                let asked = writer.world.now()
                let isSynchronous = try connection.isSynchronous
                guard let slot = try connection.slotState(plan.slot) else { continue }
                standing.withLock { standing in
                    standing.isSynchronous = isSynchronous
                    if slot.isActive, standing.durable >= slot.current { standing.completeAt = asked }
                }
                let bound = slot.safeBytes.map { UInt64(max($0, 0)) &+ slot.heldBytes }
                let limit = bound.map { $0 / 2 } ?? Self.heldBytesWarned
                if slot.heldBytes < limit / 2 { warnedAt = 0 }
                if slot.heldBytes > limit, slot.heldBytes > 2 * warnedAt || warnedAt == 0 {
                    warnedAt = slot.heldBytes
                    report(.warning(Self.holdsBack(plan.slot, slot.heldBytes, bound)))
                }
            } catch {
                // `run` tells what is wrong with the server; here it is asked again.
                connection = nil
            }
        }
    }

    private static func holdsBack(_ slot: SlotName, _ held: UInt64, _ bound: UInt64?) -> Words {
        let (mebibytes, most) = (held >> 20, bound.map { "\($0 >> 20) MiB" })
        return Words(
            "\(mebibytes) MiB of log wait at the server for slot \(slot) because the vault does not take them"
                + (most.map { "; at \($0) the server gives the copy up." } ?? "; nothing bounds them but its disk: set max_slot_wal_keep_size."),
            de: "\(mebibytes) MiB Protokoll warten beim Server für Slot \(slot), weil der Tresor sie nicht annimmt"
                + (most.map { "; bei \($0) gibt der Server die Kopie auf." } ?? "; nur seine Platte begrenzt sie: max_slot_wal_keep_size setzen."))
    }
}

extension Trouble {
    fileprivate static func logHasGap(_ dataSet: String, from: LSN, to: LSN) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The log of data set \"\(dataSet)\" has a gap from \(from) to \(to): the server no longer has what follows the copy.",
                de: "Das Protokoll des Datenbestands „\(dataSet)“ hat eine Lücke von \(from) bis \(to): Der Server hat nicht mehr, was auf die Kopie folgt."),
            advice: Words(
                "A new base is taken now; moments in the gap cannot be reached. Raise max_slot_wal_keep_size if the site was away for long.",
                de: "Jetzt wird eine neue Grundsicherung angelegt; Zeitpunkte in der Lücke sind nicht erreichbar. War der Standort lange fort, max_slot_wal_keep_size erhöhen."))
    }

    fileprivate static func logIsGone(_ dataSet: String, _ lsn: LSN) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The server has no log of data set \"\(dataSet)\" from \(lsn) on.",
                de: "Der Server hat kein Protokoll des Datenbestands „\(dataSet)“ ab \(lsn)."),
            advice: Words(
                "It is asked again; see the server's own log if this goes on.",
                de: "Er wird erneut gefragt; dauert es an, das Protokoll des Servers ansehen."))
    }

    fileprivate static func slotWasLost(_ slot: SlotName) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The server gave slot \(slot) up: more log waited for the vault than max_slot_wal_keep_size allows.",
                de: "Der Server hat Slot \(slot) aufgegeben: Es wartete mehr Protokoll auf den Tresor, als max_slot_wal_keep_size erlaubt."),
            advice: Words(
                "A new slot is made now. Raise max_slot_wal_keep_size if the site may be away for longer.",
                de: "Jetzt wird ein neuer angelegt. Kann der Standort länger fort sein, max_slot_wal_keep_size erhöhen."))
    }

    fileprivate static func serverWentBack(_ known: LSN, _ flushed: LSN) -> Trouble {
        Trouble(
            .stale,
            Words(
                "The server's log ends at \(flushed), but the vault has it up to \(known): the server was put back to an older state without a timeline of its own.",
                de: "Das Protokoll des Servers endet bei \(flushed), der Tresor hat es bis \(known): Der Server wurde ohne eigene Zeitlinie auf einen älteren Stand gebracht."),
            advice: Words(
                "Stop it, put an empty recovery.signal into its data directory and start it, so that it begins a timeline; or give the data set another id.",
                de: "Ihn anhalten, eine leere Datei recovery.signal in sein Datenverzeichnis legen und ihn starten, damit er eine Zeitlinie beginnt; oder den Datenbestand anders nennen."))
    }
}
