// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Synchronization
import Vault

/// `protect --continuous`: a blueprint, as often as it says, until the program is told to end.
struct ContinuousProtection {
    let blueprint: BlueprintOptions
    let vault: VaultOptions
    /// Instead of the original.
    let twin: LocalActivations.One?

    /// Ends in order with SIGTERM, SIGINT or SIGHUP; a changed blueprint begins anew.
    func run() async throws {
        StopRequest.expect()
        var plan = try blueprint.blueprint()
        // Held over the rounds: between two of them nobody else may take the writer's place.
        var lock: WriterLock?
        defer { withExtendedLifetime(lock) {} }
        while true {
            let change = BlueprintChange(blueprint, try blueprint.files(of: plan))
            let isElsewhere = try await run(plan, until: change, &lock)
            guard !StopRequest.wait(milliseconds: 0) else { return }
            if let next = change.next {
                tell(say("The blueprint has changed; beginning anew.", de: "Der Bauplan hat sich geändert; beginne von vorn."))
                plan = next
            } else if isElsewhere {
                tell(say("The sites of the vault have changed; beginning anew.", de: "Die Standorte des Tresors haben sich geändert; beginne von vorn."))
            } else {
                return
            }
        }
    }

    /// - Returns: whether it ended because the vault lies elsewhere by now.
    private func run(
        _ plan: Blueprint, until change: BlueprintChange, _ lock: inout WriterLock?
    ) async throws -> Bool {
        let host = Machine.hostName()
        let known = try await KnownVault(vault, of: plan.institution)
        if twin == nil { try SiteGate(plan.institution, known.vault.keyring.plan).check() }
        let groups = try await groups(of: plan.institution, on: host, known)
        let keys = try known.writerKeys()
        let writer = try VaultWriter(known.vault, keys: keys, world: .real)
        if lock?.isFor(known.state) != true { lock = try WriterLock(known.state, isService: true) }
        try await known.state.resumeHeld()
        try await known.vault.completeCopies()
        let memory = try known.state.memory() ?? Memory(of: known.vault)
        var (cache, _) = try await writer.knowledge(
            cache: known.state.cache(for: writer.domain), memory: memory)
        let isElsewhere = { @Sendable in
            do throws(Trouble) {
                let noted = try known.state.plan()
                return noted != known.vault.keyring.plan || writer.news.differs(from: known.vault.keyring)
                    || writer.news.hasRetired(writer.writer.id)
            } catch { return false }
        }
        let whereabouts = try twin?.whereabouts(of: plan.institution) ?? .original
        let capture = DataSetCapture(
            writer, host: host, vault: known.place.tree, whereabouts: whereabouts)
        let files = try blueprint.files(of: plan)
        if try known.state.isNew(blueprint: files) {
            var run = InstitutionCapture(
                capture, cache: cache, memory: memory, held: known.state.heldApplications
            ) { known.keep($0, for: writer) }
            await run.run(blueprint: files)
            if case .success(let captured)? = run.outcomes.last?.result {
                cache = captured.cache
                try known.state.keep(blueprint: files)
            }
        }
        let observed = try await known.observed(with: keys)
        let standing = StandingKeeper(known.state)
        let logs = try groups.flatMap(\.data).compactMap { data throws(Trouble) in
            try log(of: data, known, writer, memory, whereabouts) { milliseconds in
                // Also while a long capture keeps the other thread busy.
                standing.keep()
                return StopRequest.wait(milliseconds: milliseconds) || change.look() || isElsewhere()
            }
        }
        standing.watch(logs)
        tell(
            say(
                "\(plain(plan.institution.name.value)): \(groups.flatMap(\.data).count) data sets on \(plain(host)), \(logs.count) of them by their log, into \(known.place.shown)",
                de: "\(plain(plan.institution.name.value)): \(groups.flatMap(\.data).count) Datenbestände auf \(plain(host)), davon \(logs.count) nach ihrem Protokoll, nach \(known.place.shown)"))
        let wishes = Wishes(known.state)
        let questions = Mutex<[String: [UInt8]]>([:])
        await ContinuousCapture(
            capture, groups, logs: logs, images: twin == nil ? try images(plan, files, host, known.state) : nil,
            newest: Self.newest(observed, writer.writer.id),
            held: known.state.heldApplications,
            wishes: CaptureWishes(
                waiting: {
                    let waiting = wishes.waiting
                    questions.withLock { $0 = waiting }
                    return Set(waiting.keys)
                }, answer: { id, result, beside in wishes.answer(id, questions.withLock { $0[id] }, result, beside: beside) }),
            pause: { milliseconds in
                standing.keep()
                return StopRequest.wait(milliseconds: milliseconds) || change.look() || isElsewhere()
            }, keep: { known.keep($0, for: writer) }, report: Self.report
        ).run(cache: cache, memory: memory)
        standing.keep()
        await known.vault.site.settle()
        if writer.news.hasRetired(writer.writer.id) { throw Trouble.isReplaced(writer.writer.name) }
        return isElsewhere()
    }

    private func groups(
        of institution: Institution, on host: String, _ known: KnownVault
    ) async throws(Trouble) -> [ConsistencyGroup] {
        if let twin { return twin.groups(of: institution) }
        let wanted = institution.groups(on: host)
        guard !wanted.isEmpty else { throw Trouble.nothingHere(host) }
        let (groups, refused) = try await known.withoutForeign(wanted, on: host)
        for one in refused {
            if case .failure(let trouble) = one.result { tell(one.id, trouble) }
        }
        return groups
    }

    private func images(
        _ plan: Blueprint, _ files: [(name: String, bytes: [UInt8])], _ host: String,
        _ state: VaultState
    ) throws(Trouble) -> ImageWatch? {
        guard let images = plan.images(on: host, files, for: state) else { return nil }
        return ImageWatch(images, known: try state.images(), now: World.real.now) {
            (captured) throws(Trouble) in try state.keep(images: captured)
        }
    }

    private static func newest(_ observed: Observed, _ writer: Identifier) -> [String: Moment] {
        var newest: [String: Moment] = [:]
        for fact in observed.snapshots where fact.writer.id == writer {
            newest[fact.body.dataSet] = fact.body.begun
        }
        return newest
    }

    /// nil for data sets that have no log.
    private func log(
        of data: DataSet, _ known: KnownVault, _ writer: VaultWriter, _ memory: Memory,
        _ whereabouts: Whereabouts, _ pause: @escaping @Sendable (Int) -> Bool
    ) throws(Trouble) -> LogCapture? {
        guard case .postgres(let postgres) = data.source else { return nil }
        let id = data.id.value
        let address: ServerAddress
        if let known = whereabouts.addresses[id] {
            address = known
        } else {
            do throws(ServerError) { address = try ServerAddress(postgres.connection.value) } catch { throw error.trouble }
        }
        guard let slot = LogCapture.Plan.slot(of: id, writer.writer.id) else {
            preconditionFailure("made of letters that a slot's name may have")
        }
        return LogCapture(
            LogCapture.Plan(dataSet: id, address: address, slot: slot), writer: writer,
            memory: memory, spool: try LogSpool(in: known.state.spoolFolder(of: id, writer.writer.id)),
            pause: pause
        ) { Self.report(id, $0) }
    }

    // MARK: What is told

    private static func report(_ event: ContinuousEvent) {
        switch event {
        case .captured(let captured):
            tell(
                say(
                    "\(plain(captured.body.dataSet)): captured, \(size(captured.body.counts.bytes)), \(size(captured.body.addedBytes)) new",
                    de: "\(plain(captured.body.dataSet)): gesichert, \(size(captured.body.counts.bytes)), davon \(size(captured.body.addedBytes)) neu"))
            for one in captured.leftOut { tell("  " + say(one.trouble.message)) }
        case .failed(let id, let trouble): tell(id, trouble)
        case .warning(let id, let words):
            warn(Words("\(plain(id)): \(words.english)", de: "\(plain(id)): \(words.german)"))
        // Nobody waits for it, and nobody needs to know.
        case .merged: break
        }
    }

    private static func report(_ id: String, _ event: LogEvent) {
        switch event {
        case .follows(let timeline, let lsn):
            tell(
                say(
                    "\(plain(id)): follows the log of timeline \(timeline) from \(lsn)",
                    de: "\(plain(id)): folgt dem Protokoll der Zeitlinie \(timeline) ab \(lsn)"))
        case .waits(let trouble), .gap(let trouble): tell(id, trouble)
        case .warning(let words): warn(Words("\(plain(id)): \(words.english)", de: "\(plain(id)): \(words.german)"))
        }
    }
}

private func tell(_ id: String, _ trouble: Trouble) {
    tell("zwilling: \(plain(id)): " + say(trouble.message))
    if let advice = trouble.advice { tell("  " + say(advice)) }
}

extension Trouble {
    fileprivate static func isReplaced(_ writer: String) -> Trouble {
        Trouble(
            .wrongKey,
            Words(
                "Writer \"\(plain(writer))\" was retired: another has the work, or somebody took this machine's right to add. What is captured here counts no more.",
                de: "Schreiber „\(plain(writer))“ wurde stillgelegt: Ein anderer hat die Arbeit, oder diesem Rechner wurde das Recht zu schreiben genommen. Was hier gesichert wird, zählt nicht mehr."),
            advice: Words(
                "If a twin has taken over: stop the applications here, and take the work back with \"zwilling return\".",
                de: "Hat ein Zwilling übernommen: die Anwendungen hier anhalten und die Arbeit mit „zwilling return“ zurückholen."))
    }

    static func nothingHere(_ host: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The blueprint has no data set on this host, \(plain(host)).",
                de: "Der Bauplan hat auf diesem Rechner, \(plain(host)), keinen Datenbestand."),
            advice: Words(
                "Describe one under \"data\", or protect paths with \"zwilling protect PATH\".",
                de: "Unter „data“ einen beschreiben oder mit „zwilling protect PFAD“ Pfade sichern."))
    }
}

/// Looks now and then whether the blueprint is another one. One with errors is told and not taken.
private final class BlueprintChange: Sendable {
    private struct State {
        var files: [[UInt8]]
        var next: Blueprint?
        var lookedAt: Int64
        var isBroken = false
    }

    private let options: BlueprintOptions
    private let state: Mutex<State>
    private static let seconds: Int64 = 5

    init(_ options: BlueprintOptions, _ files: [(name: String, bytes: [UInt8])]) {
        self.options = options
        state = Mutex(State(files: files.map(\.bytes), lookedAt: World.real.now().seconds))
    }

    /// The new one.
    var next: Blueprint? { state.withLock { $0.next } }

    func look() -> Bool {
        state.withLock { state in
            let now = World.real.now().seconds
            guard state.next == nil, abs(now - state.lookedAt) >= Self.seconds else {
                return state.next != nil
            }
            state.lookedAt = now
            do {
                guard let read = try options.readQuietly() else {
                    if !state.isBroken { warn(Self.broken) }
                    state.isBroken = true
                    return false
                }
                state.isBroken = false
                let files = try options.files(of: read).map(\.bytes)
                guard files != state.files else { return false }
                state.next = read
                return true
            } catch {
                // Half of it is there: whoever writes it has not finished.
                return false
            }
        }
    }

    private static let broken = Words(
        "the blueprint has errors; the last one without goes on. \"zwilling check\" names them.",
        de: "Der Bauplan hat Fehler; der letzte fehlerfreie gilt weiter. „zwilling check“ nennt sie.")
}

/// Notes for `status` until when each log is in the vault wholly.
private final class StandingKeeper: Sendable {
    private struct Kept {
        var logs: [LogCapture] = []
        var at: Int64 = 0
        var standing: [String: Moment] = [:]
    }

    private let state: VaultState
    private let kept = Mutex(Kept())
    private static let seconds: Int64 = 2

    init(_ state: VaultState) { self.state = state }

    func watch(_ logs: [LogCapture]) { kept.withLock { $0.logs = logs } }

    func keep() {
        kept.withLock { kept in
            let now = World.real.now().seconds
            guard abs(now - kept.at) >= Self.seconds else { return }
            let pairs = kept.logs.compactMap { log in
                log.state.completeAt.map { (log.plan.dataSet, $0) }
            }
            let standing = Dictionary(pairs) { first, _ in first }
            kept.at = now
            guard standing != kept.standing else { return }
            do throws(Trouble) {
                try state.keep(standing: standing)
                kept.standing = standing
            } catch { warn(error.message) }
        }
    }
}
