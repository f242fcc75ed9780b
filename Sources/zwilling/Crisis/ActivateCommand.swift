// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Revival
import Sites
import Vault

struct ActivateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: say("Make the twin run here: emergency operation.", de: "Den Zwilling hier laufen lassen: Notbetrieb starten."),
        discussion: say(
            """
            Needs the vault and the passphrase, and nothing of the original. Brings back what the
            applications of the blueprint work on, starts them in the order of their needs and of
            the urgency of their services, and returns when all of them answer. If it is killed, the
            same command goes on where it was.
              zwilling activate --emergency --vault /mnt/backup/vault
              zwilling activate --emergency --service registration --platform reserve
            """,
            de: """
                Braucht den Tresor und die Passphrase, und nichts vom Original. Holt zurück, womit
                die Anwendungen im Bauplan arbeiten, startet sie in der Reihenfolge ihrer
                Abhängigkeiten und der Dringlichkeit ihrer Leistungen, und endet, wenn alle
                antworten. Wird er abgebrochen, macht derselbe Befehl dort weiter.
                  zwilling activate --emergency --vault /mnt/backup/tresor
                  zwilling activate --emergency --service anmeldung --platform reserve
                """))

    @Flag(
        help: ArgumentHelp(
            say("Emergency operation: the twin takes over.", de: "Notbetrieb: Der Zwilling übernimmt.")))
    var emergency = false

    @Option(
        help: ArgumentHelp(
            say("The institution's name, as confirmation.", de: "Name der Institution, zur Bestätigung."),
            valueName: "name"))
    var confirm: String?

    @Flag(
        help: ArgumentHelp(
            say("Also where a need has no stand-in.", de: "Auch wenn für etwas Gebrauchtes kein Ersatz genannt ist.")))
    var withoutStandIns = false

    @Flag(
        help: ArgumentHelp(
            say(
                "Load a dump once more whose loading was broken off: its load command replaces what is there.",
                de: "Einen Abzug noch einmal einspielen, dessen Einspielen abbrach: Sein Ladebefehl ersetzt Vorhandenes.")))
    var loadAgain = false

    @Flag(
        help: ArgumentHelp(
            say(
                "Without cutting the original off, where the vault cannot be written to.",
                de: "Ohne das Original abzuschneiden, wenn in den Tresor nicht geschrieben werden kann.")))
    var unfenced = false

    @OptionGroup var revival: RevivalOptions
    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard emergency else {
            throw ValidationError(
                say("Say that it is an emergency with --emergency; \"zwilling drill\" rehearses.",
                    de: "Mit --emergency sagen, dass es ernst ist; „zwilling drill“ übt."))
        }
    }

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let lock = try ActivationLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        let local = LocalActivations(try StateDirectory())
        let vaultId = known.vault.keyring.vault.description
        let earlier = try local.all().filter { $0.state.vault == vaultId && $0.state.mode != .drill && $0.state.isLeft != true }
        let unfinished = earlier.first { $0.state.standsSinceSeconds == nil }
        if let state = unfinished?.state, state.mode != .emergency, state.term == nil, known.vault.keyring.promotion?.holder != state.id {
            throw Trouble.isMoving(state)
        }
        if unfinished == nil, let running = earlier.first { throw Trouble.runsAlready(running.state) }
        // Where nobody was cut off yet and nothing was brought, what comes back is chosen anew: else what
        // was captured since would be cut off as if it had come.
        let begun = unfinished.flatMap { one in
            one.state.term == nil && one.state.steps.isEmpty && known.vault.keyring.promotion?.holder != one.state.id ? nil : one
        }
        if let begun { try refuseOther(than: begun) }
        let wanted = begun?.state.wanted ?? (revival.service.isEmpty ? unfinished?.state.wanted : nil)
        let unlocked = try known.unlocked(passphrase)
        let seen = try await RevivalSource(known, unlocked, revival, blueprint: blueprint, for: wanted)
        let name = seen.plan.institution.name.value
        let host = try await PlatformChoice(revival.platform ?? unfinished?.state.platform, seen.plan)
        if let begun, begun.state.platform != host.platform.id.value { throw Trouble.otherPlatform(begun.state) }
        let id = unfinished?.state.id ?? Self.newId()
        let place = try revival.to.map { ActivationPlace(try $0.absolute()) } ?? unfinished?.place ?? local.usualPlace(id)
        try tellNeeds(seen)
        let from = begun == nil ? localTime(seen.moment.moment) : say("where it was", de: "wo er war")
        tell(
            say(
                "\(plain(name)) from \(from) on \(host.shown), in \(printable(place.path))",
                de: "\(plain(name)) ab \(from) auf \(host.shown), in \(printable(place.path))"))
        guard Self.confirmation(confirm, of: name) == name else { throw Trouble.unconfirmed(name) }
        StopRequest.expect()
        // While somebody was asked, others have written on, which must come back as well.
        let source = confirm == nil ? try await RevivalSource(known, unlocked, revival, blueprint: blueprint, for: wanted) : seen
        if begun == nil {
            if !local.isNoted(place) { try place.checkEmpty() }
            try source.check(place, isTight: revival.tight)
        }
        try local.note(id, at: place)
        try place.make()
        var state = begun?.state ?? ActivationState(
            id: id, mode: .emergency, institution: name, vault: vaultId, platform: host.platform.id.value,
            kind: host.platform.kind.value.rawValue, services: source.plan.services.map(\.id.value),
            wanted: wanted ?? revival.service, blueprint: source.blueprint.name, leave: host.platform.leave?.value,
            begunSeconds: World.real.now().seconds, moment: source.moment, logs: source.logs, images: source.images)
        if let begun, !source.blueprint.lies(in: place) {
            // It was mended, so what was started by the old one is started anew.
            try await begun.endPrograms(mustKeep: false)
            state.stop()
            state.go(
                on: source.blueprint.name, leave: host.platform.leave?.value, source.moment, source.logs, images: source.images)
        }
        if begun == nil { state.wantedTerm = unfinished?.state.wantedTerm ?? known.vault.keyring.promotion?.term ?? 0 }
        try source.blueprint.lay(into: place)
        try await bringUp(known, unlocked, source, host, state, at: place)
    }

    private func bringUp(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, _ source: RevivalSource, _ host: PlatformChoice,
        _ state: ActivationState, at place: ActivationPlace
    ) async throws {
        let (states, feed) = AsyncStream.makeStream(of: ActivationState.self, bufferingPolicy: .bufferingNewest(1))
        let journal = try ActivationJournal(state, at: place) { feed.yield($0) }
        try await promote(known, unlocked, source, journal, at: place)
        let one = LocalActivations.One(place: place, state: state)
        if let port = host.platform.statusPage?.value { try await one.tellCitizens(on: port) }
        let run = try ActivationRun(
            source, host, at: place, id: state.id, isolation: nil, mail: host.platform.mail?.value ?? "", loadsAgain: loadAgain)
        let begun = Terminal.seconds()
        let progress = ProgressLine(output)
        defer { progress.end() }
        async let untold = ActRecords(known, unlocked).follow(states)
        var failure: Trouble?
        do throws(Trouble) {
            try await Activation(source.open, source.units, run.setting, journal, renewing: source.renewing) {
                ActivationTold.tell($0, progress, since: begun)
            }.takeOver()
        } catch { failure = error }
        let seconds = Terminal.seconds() - begun
        feed.finish()
        if let untold = await untold { warn(untold.message) }
        try await LocalActivations.One.settleIn(journal, at: place, on: host.platform, known, unlocked, failure)
        progress.end()
        let report = ActivationReport(source.plan, journal.state, at: place, seconds: seconds)
        try output.json ? showJSON(report.fields) : show(report.lines)
        if !journal.state.leftOut.isEmpty { throw ExitCode(3) }
    }

    /// From now on nothing counts any more that the original writes.
    private func promote(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, _ source: RevivalSource, _ journal: ActivationJournal,
        at place: ActivationPlace
    ) async throws(Trouble) {
        let state = journal.state
        if let term = state.term {
            let promotion = try await known.fresh().keyring.promotion
            guard promotion?.term == term else { throw .promotedElsewhere(promotion?.holder) }
            return try await keepWork(known, unlocked, at: place, of: term)
        }
        if unfenced { return try await checkUnfenced(known) }
        // Others may have gone on since with what it was begun from, and would be cut off as if that had come.
        if !state.steps.isEmpty, known.vault.keyring.promotion?.holder != state.id { throw .begunUnfenced(state) }
        let cuts = source.open.observed.cuts(of: Set(source.plan.institution.data.map(\.id.value)), source.units)
        let vault = try await known.fresh()
        let changed: Vault
        do throws(Trouble) {
            changed = try await vault.promoting(
                state.id, .emergency, after: state.wantedTerm ?? 0, cutting: cuts, with: unlocked, world: .real)
        } catch {
            guard error.kind != .exists else { throw error }
            throw error.advised(
                Words(
                    "Where the vault can only be read: --unfenced; then two can have the work, and only people can prevent it.",
                    de: "Ist der Tresor nur lesbar: --unfenced; dann können zwei die Arbeit haben, und nur Menschen können das verhindern."))
        }
        known.remember(of: changed)
        // Its own: another may have been promoted since.
        try journal.change { $0.term = ($0.wantedTerm ?? 0) + 1 }
    }

    /// Two who have the work are the worst that can happen, so nobody is let do it for convenience.
    private func checkUnfenced(_ known: KnownVault) async throws(Trouble) {
        guard let name = ObjectName("probe/unfenced-\(Self.newId())") else { return }
        do throws(Trouble) { try await known.vault.site.put(name, [0], existing: .replace) } catch {
            guard error.kind == .readOnly || error.kind == .denied else { throw error }
            return
        }
        try await known.vault.site.remove(name)
        throw Trouble(
            .wrongUse,
            Words("The vault can be written, so nobody need take over without a fence.", de: "In den Tresor lässt sich schreiben, also muss niemand ohne Zaun übernehmen."),
            advice: Words(
                "Leave out --unfenced. If the site that decides does not answer: \"zwilling sites rules --deciding NAME\".",
                de: "--unfenced weglassen. Antwortet der Standort nicht, der entscheidet: „zwilling sites rules --deciding NAME“."))
    }

    /// It was on its way to somebody else when it was stopped here: only one of the two goes on.
    private func keepWork(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, at place: ActivationPlace, of term: UInt32
    ) async throws(Trouble) {
        let watch = GuardWatch(place.handover, known)
        let id: String
        switch try watch.state() {
        case .yields(let to), .given(let to): id = to
        case .works, .resumes, .left, .replaced: return
        }
        guard try await VaultBoard(known, .root(unlocked, .emergency)).decide(id, of: term, .kept) == .kept else {
            throw .hasGone(id)
        }
        try watch.keep(.works)
    }

    /// What it was begun with is not changed while it goes on.
    private func refuseOther(than one: LocalActivations.One) throws(Trouble) {
        let place = try revival.to?.absolute() ?? one.place.path
        let isOther =
            revival.moment != nil || (!revival.service.isEmpty && revival.service != one.state.wanted) || place != one.place.path
        guard isOther else { return }
        throw Trouble(
            .wrongUse,
            Words(
                "Activation \(one.state.id) is not complete, and was begun otherwise: in \(printable(one.place.path))\(one.state.wanted.isEmpty ? "" : ", for " + one.state.wanted.map { plain($0) }.joined(separator: ", ")).",
                de: "Aktivierung \(one.state.id) ist unvollständig und wurde anders begonnen: in \(printable(one.place.path))\(one.state.wanted.isEmpty ? "" : ", für " + one.state.wanted.map { plain($0) }.joined(separator: ", "))."),
            advice: Words(
                "Without --service, --moment and --to it goes on; \"zwilling stop \(one.state.id)\" ends it.",
                de: "Ohne --service, --moment und --to geht sie weiter; „zwilling stop \(one.state.id)“ beendet sie."))
    }

    private func tellNeeds(_ source: RevivalSource) throws(Trouble) {
        for lost in source.standIns {
            tell(
                say(
                    "\(plain(lost.application)) needs \(plain(lost.need.shown)); if it is gone: \(plain(lost.need.standIn?.value ?? ""))",
                    de: "\(plain(lost.application)) braucht \(plain(lost.need.shown)); fällt das aus: \(plain(lost.need.standIn?.value ?? ""))"))
        }
        guard let lost = source.unprovided.first, !withoutStandIns else { return }
        throw Trouble(
            .wrongUse,
            Words(
                "\"\(plain(lost.application))\" needs \(plain(lost.need.shown)), for which the blueprint has no stand-in.",
                de: "„\(plain(lost.application))“ braucht \(plain(lost.need.shown)), wofür der Bauplan keinen Ersatz nennt."),
            advice: Words(
                "Add --without-stand-ins if it is there or can be done without, or choose other services with --service.",
                de: "--without-stand-ins hinzufügen, wenn es da ist oder entbehrlich, oder mit --service andere Leistungen wählen."))
    }

    /// As an option, else as a person types it.
    private static func confirmation(_ given: String?, of name: String) -> String? {
        tell(
            say(
                "The twin of \"\(plain(name))\" is about to take over. What the original writes from now on counts no more; but if it still runs and no lease ends it, it goes on answering those who reach it, and nobody can stop that from here. Whoever still works with it must stop now.",
                de: "Der Zwilling von „\(plain(name))“ übernimmt gleich. Was das Original von jetzt an schreibt, zählt nicht mehr; läuft es aber noch und beendet es kein Lease, antwortet es weiter allen, die es erreichen, und niemand kann das von hier aus verhindern. Wer noch damit arbeitet, muss jetzt aufhören."))
        if let given { return given }
        let prompt = say("Type its name to confirm: ", de: "Zur Bestätigung den Namen eintippen: ")
        return Terminal.line(prompt: prompt).map { String(decoding: $0, as: UTF8.self) }
    }

    static func newId() -> String { World.real.random(4).hex }
}

extension Trouble {
    /// With one more way out.
    fileprivate func advised(_ more: Words) -> Trouble {
        let words = advice.map { Words("\($0.english) \(more.english)", de: "\($0.german) \(more.german)") } ?? more
        return Trouble(kind, message, advice: words, cause: cause)
    }

    fileprivate static func hasGone(_ id: String) -> Trouble {
        Trouble(
            .exists,
            Words("The work was given away: handover \(id) has it.", de: "Die Arbeit wurde abgegeben: Übergabe \(id) hat sie."),
            advice: Words(
                "Let the command there come to its end. If that machine is gone: \"zwilling stop --delete-data\" here, then activate anew.",
                de: "Den Befehl dort zu Ende laufen lassen. Gibt es jenen Rechner nicht mehr: hier „zwilling stop --delete-data“, dann neu aktivieren."))
    }

    fileprivate static func begunUnfenced(_ state: ActivationState) -> Trouble {
        Trouble(
            .busy,
            Words(
                "Activation \(state.id) was begun with --unfenced, from what the vault had then; others may have gone on with that since.",
                de: "Aktivierung \(state.id) wurde mit --unfenced begonnen, aus dem damaligen Stand des Tresors; andere können seither damit weitergearbeitet haben."),
            advice: Words(
                "Find out who has the work. What was worked here lies in its directory; \"zwilling stop \(state.id)\" ends it, and a new activation begins from what the vault has now.",
                de: "Herausfinden, wer die Arbeit hat. Was hier gearbeitet wurde, liegt in ihrem Verzeichnis; „zwilling stop \(state.id)“ beendet sie, und eine neue Aktivierung beginnt mit dem, was der Tresor jetzt hat."))
    }

    fileprivate static func isMoving(_ state: ActivationState) -> Trouble {
        Trouble(
            .wrongUse,
            Words("\(state.id) is on its way here, and others still have the work.", de: "\(state.id) ist auf dem Weg hierher, und andere haben noch die Arbeit."),
            advice: Words(
                "\"zwilling \(state.mode.rawValue)\" goes on with it; if those others are gone, end it first: \"zwilling stop \(state.id) --delete-data\".",
                de: "„zwilling \(state.mode.rawValue)“ macht damit weiter; gibt es jene anderen nicht mehr, sie vorher beenden: „zwilling stop \(state.id) --delete-data“."))
    }

    fileprivate static func otherPlatform(_ state: ActivationState) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "Activation \(state.id) was begun on platform \"\(plain(state.platform))\"; two platforms must not work on the same data.",
                de: "Aktivierung \(state.id) wurde auf Plattform „\(plain(state.platform))“ begonnen; zwei Plattformen dürfen nicht auf denselben Daten arbeiten."),
            advice: Words(
                "Go on there, or end it first: \"zwilling stop \(state.id) --delete-data\".",
                de: "Dort weitermachen oder sie vorher beenden: „zwilling stop \(state.id) --delete-data“."))
    }

    fileprivate static func runsAlready(_ state: ActivationState) -> Trouble {
        Trouble(
            .exists,
            Words(
                "The twin of \(plain(state.institution)) runs here already: \(state.id).",
                de: "Der Zwilling von \(plain(state.institution)) läuft hier schon: \(state.id)."),
            advice: Words(
                "\"zwilling running\" shows it, \"zwilling stop\" ends it.",
                de: "„zwilling running“ zeigt ihn, „zwilling stop“ beendet ihn."))
    }

    fileprivate static func unconfirmed(_ name: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The twin of \"\(plain(name))\" shall take over: that must be confirmed.",
                de: "Der Zwilling von „\(plain(name))“ soll übernehmen: Das muss bestätigt werden."),
            advice: Words("Add --confirm '\(plain(name))'.", de: "--confirm '\(plain(name))' hinzufügen."))
    }
}
