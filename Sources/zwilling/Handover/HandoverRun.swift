// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import FoundationEssentials
import Ground
import Revival
import Synchronization
import Vault

/// Takes the work over from whoever has it, up to its end: `move`, and `return`.
struct HandoverRun {
    let options: MoveOptions
    let mode: ActivationState.Mode

    /// How often, and after how many milliseconds, it is looked whether a twin has captured itself.
    private static let (waitsMax, waitMilliseconds) = (1_800, 1_000)

    /// What came is looked at, and may be refused, before anybody stops.
    typealias Look = @Sendable (HandoverLook) async throws -> Void

    /// - Parameter look: where it is given, it comes before people are asked.
    func run(look: Look? = nil) async throws {
        let output = options.output
        let first = try await KnownVault(options.vault)
        let lock = try ActivationLock(first.state)
        defer { withExtendedLifetime(lock) {} }
        let local = LocalActivations(try StateDirectory())
        if let done = try done(local, first) {
            let since = localTime(Moment(seconds: done.standsSinceSeconds ?? done.begunSeconds))
            return try output.json
                ? showJSON(["activation": done.id])
                : show([say("It is done already: the work is here, in \(done.id), which stands since \(since).", de: "Es ist schon geschehen: Die Arbeit ist hier, in \(done.id), das seit \(since) steht.")])
        }
        if mode == .return, first.vault.keyring.promotion == nil { throw Trouble.nothingToReturn }
        let unfinished = try unfinished(local, first)
        let (known, unlocked, source) = try await ready(first, first.unlocked(options.passphrase), unfinished)
        let host = try await PlatformChoice(options.to, source.plan)
        try source.checkMovable()
        let promotion = known.vault.keyring.promotion
        let id = unfinished?.state.id ?? ActivateCommand.newId()
        let place = try unfinished?.place ?? options.place.map { ActivationPlace(try $0.absolute()) } ?? local.usualPlace(id)
        try await tellExpected(source, host, promotion, place)
        let name = source.plan.institution.name.value
        if look == nil { try confirm(name) }
        StopRequest.expect()
        if unfinished == nil {
            if !local.isNoted(place) { try place.checkEmpty() }
            try source.check(place, isTight: options.tight)
        }
        try local.note(id, at: place)
        try place.make()
        var state = unfinished?.state ?? ActivationState(
            id: id, mode: mode, institution: source.plan.institution.name.value, vault: known.vault.keyring.vault.description,
            platform: host.platform.id.value, kind: host.platform.kind.value.rawValue,
            services: source.plan.services.map(\.id.value), wanted: [], blueprint: source.blueprint.name,
            leave: host.platform.leave?.value, begunSeconds: World.real.now().seconds, moment: source.moment,
            logs: source.logs, images: source.images)
        let board = VaultBoard(known, .root(unlocked, mode == .move ? .move : .return))
        try await prepare(&state, promotion, board)
        try source.blueprint.lay(into: place)
        let (states, feed) = AsyncStream.makeStream(of: ActivationState.self, bufferingPolicy: .bufferingNewest(1))
        let journal = try ActivationJournal(state, at: place) { feed.yield($0) }
        let run = try ActivationRun(source, host, at: place, id: id, isolation: nil, mail: host.platform.mail?.value ?? "")
        let (begun, progress) = (Terminal.seconds(), ProgressLine(output))
        defer { progress.end() }
        let activation = Activation(source.open, source.units, run.setting, journal, renewing: source.renewing) {
            ActivationTold.tell($0, progress, since: begun)
        }
        let own = try known.state.keys()?.writer
        let work = ArrivingWork(activation, known, unlocked, journal, host.platform, at: place) {
            guard let look else { return }
            try await look(
                HandoverLook(
                    activation: activation, plan: source.plan, builder: run.setting.builder, place: place, open: source.open,
                    ownWriter: own) { () throws(Trouble) in try confirm(name) })
        }
        async let untold = ActRecords(known, unlocked).follow(states)
        var failure: Trouble?
        do throws(Trouble) {
            try await HandoverTaker(
                state.handover ?? "", for: id, work, of: state.wantedTerm ?? 0, on: board, now: { Terminal.seconds() },
                pause: { () throws(Trouble) in
                    if StopRequest.wait(milliseconds: 50) { throw Trouble.toldToStop }
                }
            ).run()
        } catch { failure = error }
        feed.finish()
        if let untold = await untold { warn(untold.message) }
        if let failure {
            // Somebody else may have taken it meanwhile, and then nobody is left to answer.
            let promotion = try await known.fresh().keyring.promotion
            if let promotion, promotion.term > journal.state.wantedTerm ?? 0, promotion.holder != id { throw Trouble.promotedElsewhere(promotion.holder) }
            throw failure
        }
        progress.end()
        let report = ActivationReport(source.plan, journal.state, at: place, seconds: Terminal.seconds() - begun, interruption: work.interruption)
        try output.json ? showJSON(report.fields) : show(report.lines)
        if !journal.state.leftOut.isEmpty { throw ExitCode(3) }
    }

    /// The same command has come to its end before.
    private func done(_ local: LocalActivations, _ known: KnownVault) throws(Trouble) -> ActivationState? {
        try local.all().map(\.state).first {
            $0.id == known.vault.keyring.promotion?.holder && $0.mode == mode && $0.platform == options.to && $0.standsSinceSeconds != nil
        }
    }

    /// Of this kind, begun here before; another would share its writer with what runs here.
    private func unfinished(_ local: LocalActivations, _ known: KnownVault) throws(Trouble) -> LocalActivations.One? {
        let vault = known.vault.keyring.vault.description
        let earlier = try local.all().filter { $0.state.vault == vault && $0.state.mode != .drill && $0.state.isLeft != true }
        guard let one = earlier.first else { return nil }
        guard one.state.mode == mode, one.state.standsSinceSeconds == nil else { throw .hasItAlready(one.state) }
        guard one.state.platform == options.to else { throw .begunOtherwise(one.state) }
        return one
    }

    /// A twin that runs only since a moment ago has not captured itself yet.
    private func ready(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, _ unfinished: LocalActivations.One?
    ) async throws -> (KnownVault, UnlockedKeyring, RevivalSource) {
        var (known, unlocked) = (known, unlocked)
        for wait in 0..<Self.waitsMax {
            let source = try await source(known, unlocked, unfinished)
            // An original whose programs run under leases can give them away.
            guard known.vault.keyring.promotion != nil || source.plan.institution.lease != nil else { throw Trouble.nobodyGives }
            if let giver = source.giver, unfinished == nil, try known.state.keys()?.writer == giver { throw Trouble.isHereAlready }
            if unfinished != nil || source.giver != nil { return (known, unlocked, source) }
            if wait == 0 {
                tell(say("Who has the work has not captured all of it yet; waiting for that.", de: "Wer die Arbeit hat, hat noch nicht alles gesichert; es wird darauf gewartet."))
            }
            if StopRequest.wait(milliseconds: Self.waitMilliseconds) { throw Trouble.toldToStop }
            known = try await KnownVault(options.vault)
            unlocked = unlocked.following(known.vault.keyring)
        }
        throw Trouble.severalGive
    }

    private func source(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, _ unfinished: LocalActivations.One?
    ) async throws -> RevivalSource {
        var revival = RevivalOptions()
        (revival.service, revival.moment, revival.platform) = ([], nil, options.to)
        (revival.tight, revival.to) = (options.tight, options.place)
        return try await RevivalSource(known, unlocked, revival, blueprint: options.blueprint, for: unfinished?.state.wanted)
    }

    /// A handover that came to nothing is over: the next one has another name, and begins where the
    /// data are.
    private func prepare(
        _ state: inout ActivationState, _ promotion: Promotion?, _ board: VaultBoard
    ) async throws(Trouble) {
        let isOver: Bool
        if let handover = state.handover { isOver = try await board.decision(handover) == .kept } else { isOver = true }
        guard isOver, promotion?.holder != state.id else { return }
        let term = promotion?.term ?? 0
        // What came here is of whoever had the work then.
        if let wanted = state.wantedTerm, wanted != term { throw .promotedElsewhere(promotion?.holder) }
        (state.handover, state.wantedTerm) = (ActivateCommand.newId(), term)
    }

    private func tellExpected(
        _ source: RevivalSource, _ host: PlatformChoice, _ promotion: Promotion?, _ place: ActivationPlace
    ) async throws(Trouble) {
        let name = plain(source.plan.institution.name.value)
        let (from, to) = (promotion.map { plain($0.holder) } ?? say("the original", de: "dem Original"), "\(host.shown), \(printable(place.path))")
        guard let seconds = try await source.expectedSeconds() else {
            return tell(
                say("\(name), from \(from) to \(to). How long nobody can work has not been measured yet.",
                    de: "\(name), von \(from) nach \(to). Wie lange niemand arbeiten kann, wurde noch nicht gemessen."))
        }
        tell(
            say("\(name), from \(from) to \(to). Nobody can work for about \(duration(seconds)), by how it started last.",
                de: "\(name), von \(from) nach \(to). Etwa \(duration(seconds)) lang kann niemand arbeiten, nach dem letzten Start."))
    }

    @Sendable private func confirm(_ name: String) throws(Trouble) {
        let prompt = say("Type the institution's name to confirm: ", de: "Zur Bestätigung den Namen der Institution eintippen: ")
        let given = options.confirm ?? Terminal.line(prompt: prompt).map { String(decoding: $0, as: UTF8.self) }
        guard given != name else { return }
        throw Trouble(
            .wrongUse,
            Words("The work of \"\(plain(name))\" shall go elsewhere: that must be confirmed.", de: "Die Arbeit von „\(plain(name))“ soll woandershin: Das muss bestätigt werden."),
            advice: Words("Add --confirm '\(plain(name))'.", de: "--confirm '\(plain(name))' hinzufügen."))
    }
}

/// The work as it comes to this machine.
private final class ArrivingWork: TakenWork {
    private let activation: Activation
    private let known: KnownVault
    private let unlocked: UnlockedKeyring
    private let journal: ActivationJournal
    private let platform: Platform
    private let place: ActivationPlace
    private let look: @Sendable () async throws -> Void
    private let times = Mutex<(asked: Double?, stands: Double?)>((nil, nil))

    private static let passesMax = 30
    /// A pass that takes no longer leaves little for the time in which nobody serves.
    private static let shortPassSeconds = 1.5

    init(
        _ activation: Activation, _ known: KnownVault, _ unlocked: UnlockedKeyring, _ journal: ActivationJournal,
        _ platform: Platform, at place: ActivationPlace, look: @escaping @Sendable () async throws -> Void
    ) {
        (self.activation, self.known, self.unlocked, self.journal) = (activation, known, unlocked, journal)
        (self.platform, self.place, self.look) = (platform, place, look)
    }

    /// From the question to the last answer: at most so long nobody could work. nil where another run of
    /// this command asked.
    var interruption: Double? {
        times.withLock { times in times.asked.flatMap { asked in times.stands.map { $0 - asked } } }
    }

    func follow() async throws(Trouble) {
        try await activation.prepare()
        try await catchUp()
        do { try await look() } catch {
            throw error as? Trouble ?? Trouble(.system, Words("The comparison failed.", de: "Der Vergleich misslang."), cause: error)
        }
        // That may have taken its time.
        try await catchUp()
        tell(say("All of it is here but what is being written now. Taking over.", de: "Alles ist hier bis auf das, was gerade geschrieben wird. Übernahme."))
        times.withLock { $0.asked = Terminal.seconds() }
    }

    private func catchUp() async throws(Trouble) {
        for pass in 1...Self.passesMax {
            if StopRequest.wait(milliseconds: 0) { throw .toldToStop }
            let begun = Terminal.seconds()
            try await activation.catchUp()
            if pass > 1, Terminal.seconds() - begun < Self.shortPassSeconds { return }
        }
    }

    func finish(_ cuts: [Promotion.Cut]) async throws(Trouble) { try await activation.finish(cuts) }

    func start() async throws(Trouble) {
        // Its own: another may have been promoted since.
        try journal.change { $0.term = ($0.wantedTerm ?? 0) + 1 }
        var failure: Trouble?
        do throws(Trouble) { try await activation.takeOver() } catch { failure = error }
        times.withLock { $0.stands = Terminal.seconds() }
        try await LocalActivations.One.settleIn(journal, at: place, on: platform, known, unlocked, failure)
    }
}

extension OpenVault {
    /// The first that began from what that writer had captured; nil where none is known.
    func firstActivation(from writer: Identifier) async throws(Trouble) -> ActivationState? {
        let own = Set(observed.snapshots.filter { $0.writer.id == writer }.map(\.id.hex))
        for fact in observed.snapshots where fact.body.dataSet == RecordBody.activations {
            if let state = try await activation(in: fact), state.parts.contains(where: { own.contains($0.snapshot) }) { return state }
        }
        return nil
    }

    /// nil where it is of another kind.
    fileprivate func activation(in fact: Observed.Fact) async throws(Trouble) -> ActivationState? {
        guard let file = try await contents(of: fact, upTo: 1 << 24).first else { return nil }
        do { return try JSONDecoder().decode(ActivationState.self, from: Data(file.bytes)) } catch { return nil }
    }
}

extension RevivalSource {
    /// What goes over must all be what a running machine hands over.
    fileprivate func checkMovable() throws(Trouble) {
        for data in plan.institution.data {
            if case .command(let command) = data.source, command.load != nil { throw .isDumped(data.id.value) }
        }
    }

    /// The one machine that has captured all of it and still counts; nil where there is none.
    fileprivate var giver: Identifier? {
        // What a command dumps a twin brings along as it came.
        let ids = Set(plan.institution.data.filter { $0.kind != .command }.map(\.id.value))
        let writers = moment.parts.map(\.snapshot).filter { ids.contains($0.body.dataSet) }.map(\.writer)
        guard let first = writers.first, case .active? = open.vault.keyring.writer(first.id)?.state else { return nil }
        return writers.allSatisfy { $0.id == first.id } ? first.id : nil
    }

    /// By how long the parts took to start last, and what it takes to hand over.
    fileprivate func expectedSeconds() async throws(Trouble) -> Double? {
        let last = open.observed.facts.last { $0.body.kind == .snapshot && $0.body.dataSet == RecordBody.activations }
        guard let last, let state = try await open.activation(in: last) else { return nil }
        func longest(_ isServer: Bool) -> Double? {
            plan.members.filter { ($0.application == nil) == isServer }.compactMap { member in
                state.steps.first { $0.kind == .stands && $0.what == member.id }?.seconds
            }.max()
        }
        return longest(false).map { $0 + (longest(true) ?? 0) + Self.switchSeconds }
    }

    /// Stopping, the last capture, and the decision, on a machine of two cores.
    private static var switchSeconds: Double { 2 }
}

extension Trouble {
    fileprivate static let toldToStop = Trouble(
        .system, Words("Told to stop before the work was taken over.", de: "Beendet, ehe die Arbeit übernommen war."),
        advice: Words("The same command goes on where it was.", de: "Derselbe Befehl macht dort weiter."))

    fileprivate static let nothingToReturn = Trouble(
        .wrongUse,
        Words("There is nothing to take back: no twin has the work.", de: "Es gibt nichts zurückzuholen: Kein Zwilling hat die Arbeit."),
        advice: Words(
            "The original has it. \"zwilling move\" takes running work to another machine.",
            de: "Das Original hat sie. „zwilling move“ holt laufende Arbeit auf einen anderen Rechner."))

    fileprivate static let isHereAlready = Trouble(
        .wrongUse,
        Words("The work is on this machine already.", de: "Die Arbeit ist schon auf diesem Rechner."),
        advice: Words(
            "Run this where it is to go: on another machine, or with another ZWILLING_HOME.",
            de: "Dort aufrufen, wohin sie soll: auf einem anderen Rechner oder mit anderem ZWILLING_HOME."))

    fileprivate static let nobodyGives = Trouble(
        .wrongUse,
        Words(
            "Nobody can hand the work over: it has never been activated, and the programs of the original are not in Zwilling's hands.",
            de: "Niemand kann die Arbeit übergeben: Sie wurde noch nie aktiviert, und die Programme des Originals sind nicht in Zwillings Hand."),
        advice: Words(
            "Put its programs under leases (\"zwilling lease\"), or stop the original and use \"zwilling activate --emergency\" once; from then on it moves.",
            de: "Seine Programme unter Leases stellen („zwilling lease“), oder das Original anhalten und einmal „zwilling activate --emergency“ benutzen; von da an zieht sie um."))

    fileprivate static func hasItAlready(_ state: ActivationState) -> Trouble {
        Trouble(
            .exists,
            Words(
                "An activation of \(plain(state.institution)) is on this machine already: \(state.id).",
                de: "Auf diesem Rechner ist schon eine Aktivierung von \(plain(state.institution)): \(state.id)."),
            advice: Words(
                "Run this where the work is to go: on another machine, or with another ZWILLING_HOME. \"zwilling stop --delete-data\" ends what is here.",
                de: "Dort aufrufen, wohin die Arbeit soll: auf einem anderen Rechner oder mit anderem ZWILLING_HOME. „zwilling stop --delete-data“ beendet, was hier ist."))
    }

    fileprivate static func begunOtherwise(_ state: ActivationState) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "It was begun for platform \"\(plain(state.platform))\": \(state.id).", de: "Es wurde für Plattform „\(plain(state.platform))“ begonnen: \(state.id)."),
            advice: Words("Go on there, or end it with \"zwilling stop \(state.id) --delete-data\".", de: "Dort weitermachen oder mit „zwilling stop \(state.id) --delete-data“ beenden."))
    }

    fileprivate static func isDumped(_ id: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "\"\(plain(id))\" is loaded from a dump, which a running twin does not make: what was written since would be lost.",
                de: "„\(plain(id))“ wird aus einem Abzug eingespielt, den ein laufender Zwilling nicht macht: Seither Geschriebenes ginge verloren."),
            advice: Words("Describe it as postgres or files.", de: "Als postgres oder files beschreiben."))
    }

    fileprivate static let severalGive = Trouble(
        .busy,
        Words(
            "No machine has captured all of the data by itself, and only one can hand the work over.",
            de: "Kein Rechner hat alle Daten selbst gesichert, und nur einer kann die Arbeit übergeben."),
        advice: Words(
            "\"zwilling protect --continuous\" must run where the work is. If several machines have it, bring it together on one with \"zwilling activate --emergency\".",
            de: "„zwilling protect --continuous“ muss dort laufen, wo die Arbeit ist. Haben sie mehrere Rechner, sie mit „zwilling activate --emergency“ auf einem zusammenbringen."))
}
