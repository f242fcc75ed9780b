// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Programs
import Revival
import Synchronization
import Vault

struct DrillCommand: AsyncParsableCommand {
    enum Scenario: String, ExpressibleByArgument, CaseIterable { case cloudOff = "cloud-off" }

    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: say("Rehearse: bring the twin up in isolation, and measure.", de: "Üben: den Zwilling abgeschottet hochfahren und messen."),
        discussion: say(
            """
            Brings up what an emergency would, in a network that leads nowhere, with its mail caught;
            asks every application whether it works and puts it to its trials; measures, takes all of
            it away again, and leaves a signed report in the vault. Exit code 0 if all went on in
            time, 1 if not.
              zwilling drill
              zwilling drill --service registration --report /tmp/drill
              zwilling drill --scan 'clamscan --recursive --infected --quiet "$ZWILLING_DATA"'
            """,
            de: """
                Fährt hoch, was ein Notbetrieb hochfahren würde, in einem Netz, das nirgends
                hinführt, und fängt die Post ab; fragt jede Anwendung, ob sie läuft, und stellt sie
                auf ihre Proben; misst, räumt alles wieder ab und hinterlässt einen signierten Bericht
                im Tresor. Rückgabewert 0, wenn alles rechtzeitig weiterging, sonst 1.
                  zwilling drill
                  zwilling drill --service anmeldung --report /tmp/übung
                  zwilling drill --scan 'clamscan --recursive --infected --quiet "$ZWILLING_DATA"'
                """))

    @Option(
        help: ArgumentHelp(
            say(
                "cloud-off: nothing outside takes anything's place, not even for mail.",
                de: "cloud-off: nichts von außen wird ersetzt, auch nicht die Post."), valueName: "name"))
    var scenario: Scenario?

    @Option(
        help: ArgumentHelp(
            say(
                "A command that looks at all that came back, in $ZWILLING_DATA; 0 is well.",
                de: "Befehl, der alles Zurückgeholte in $ZWILLING_DATA durchsieht; 0 ist gut."),
            valueName: say("command", de: "befehl")))
    var scan: String?

    @Option(
        help: ArgumentHelp(
            say("Also write the report into this new directory.", de: "Den Bericht auch in dieses neue Verzeichnis schreiben."),
            valueName: say("dir", de: "verz")))
    var report: PathArgument?

    @OptionGroup var revival: RevivalOptions
    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    private static let mailPort = 25
    private static let sink = "mail-sink"

    mutating func run() async throws {
        StopRequest.expect()
        let target = try report?.absolute()
        let known = try await KnownVault(vault)
        let unlocked = try known.unlocked(passphrase)
        let source = try await RevivalSource(known, unlocked, revival, blueprint: blueprint)
        let choice = try await PlatformChoice(revival.platform, source.plan)
        let earlier = try await SignedReport.all(in: source.open, atMost: ActRecords.earlierMax)
        tellFindings(earlier.troubles)
        var (told, parts) = try await rehearsed(source, choice, known)
        told.earlier = earlier.reports.map {
            DrillReport.Earlier(
                id: $0.report.id, begun: $0.report.begun, seconds: $0.report.standsAfter, isPassed: $0.report.isPassed)
        }
        let records = ActRecords(known, unlocked)
        let signed = try records.signed(told)
        let files = signed.files { localTime(Moment(seconds: $0)) }
        try await records.keep(files, releasing: told.isPassed ? source.released(parts) : [])
        if let target { try Self.write(files, to: target) }
        try output.json
            ? show([String(decoding: signed.bytes.dropLast(), as: UTF8.self)]) : show(DrillLines(told).lines)
        if !told.isPassed { throw ExitCode(1) }
    }

    /// What it makes on this machine is gone when this returns, whatever happens.
    private func rehearsed(
        _ source: RevivalSource, _ choice: PlatformChoice, _ known: KnownVault
    ) async throws -> (DrillReport, [ActivationState.Part]) {
        let id = World.real.random(4).hex
        let local = LocalActivations(try StateDirectory())
        let place = try revival.to.map { ActivationPlace(try $0.absolute()) } ?? local.usualPlace(id)
        try place.checkEmpty()
        try source.check(place, isTight: revival.tight)
        let vaultId = known.vault.keyring.vault.description
        let state = ActivationState(
            id: id, mode: .drill, institution: source.plan.institution.name.value, vault: vaultId,
            platform: choice.platform.id.value, kind: choice.platform.kind.value.rawValue,
            services: source.plan.services.map(\.id.value), wanted: revival.service, blueprint: source.blueprint.name, leave: nil,
            begunSeconds: World.real.now().seconds, moment: source.moment, logs: source.logs, images: source.images)
        try place.make()
        do {
            try local.note(id, at: place)
            defer { local.forget(id) }
            return try await run(state, source, choice, at: place)
        } catch {
            try await place.remove()
            throw error
        }
    }

    private func run(
        _ state: ActivationState, _ source: RevivalSource, _ choice: PlatformChoice, at place: ActivationPlace
    ) async throws -> (DrillReport, [ActivationState.Part]) {
        try source.blueprint.lay(into: place)
        let journal = try ActivationJournal(state, at: place)
        let isolation = try await Isolation.make(
            "zwilling-\(state.id)", place.isolation, sparing: Self.originals(of: source.plan.institution, beside: place))
        defer { isolation.end() }
        let run = try ActivationRun(source, choice, at: place, id: state.id, isolation: isolation, mail: nil)
        let keeper = ProcessPlatform(at: place, keeper: try PlatformChoice.ownProgram(), isolation: isolation)
        let mails = place.part(.run, "mails")
        if scenario == nil { try await Self.startSink(keeper, mails) }
        var told = DrillReport(
            id: state.id, institution: state.institution, vault: state.vault, platform: state.platform,
            scenario: scenario?.rawValue, begun: state.begunSeconds, moment: source.moment.moment.seconds)
        told.needs = source.plan.lost.map {
            DrillReport.Need(application: $0.application, need: $0.need.shown, standIn: $0.need.standIn?.value)
        }
        let incomplete = Mutex<[DrillReport.Fault]>([])
        let since = Terminal.seconds()
        let progress = ProgressLine(output)
        defer { progress.end() }
        let activation = Activation(source.open, source.units, run.setting, journal, renewing: source.renewing) { event in
            if case .incomplete(_, let one) = event {
                incomplete.withLock { $0.append(DrillReport.Fault(one.trouble.message)) }
            }
            ActivationTold.tell(event, progress, since: since)
        }
        await Drill(run.setting, journal, activation, keeper: keeper, scan: scan).run(&told) { report in
            report.mails = Self.count(mails)
            report.faults += incomplete.withLock { $0 }
        }
        return (told, journal.state.parts)
    }

    /// Where the original has its files, if this is its machine.
    private static func originals(of institution: Institution, beside place: ActivationPlace) -> [String] {
        let own = String(decoding: place.path, as: UTF8.self) + "/"
        return institution.data.flatMap { data -> [String] in
            guard case .files(let files) = data.source else { return [] }
            return files.paths.map(\.value)
        }.filter { path in path != "/" && !own.hasPrefix(path.hasSuffix("/") ? path : path + "/") }
    }

    private static func write(_ files: [(name: String, bytes: [UInt8])], to target: [UInt8]) throws(Trouble) {
        do throws(SystemError) {
            try Machine.makeDirectories(target)
            for file in files {
                try Machine.writeDurably(target + Array("/\(file.name)".utf8), file.bytes, permissions: 0o644)
            }
        } catch { throw error.trouble(Words("Cannot write the report", de: "Bericht lässt sich nicht schreiben:")) }
    }

    private static func startSink(_ keeper: ProcessPlatform, _ file: [UInt8]) async throws(Trouble) {
        var launch = Launch(id: sink)
        launch.arguments = [
            try PlatformChoice.ownProgram(), "mail-sink", "\(mailPort)", String(decoding: file, as: UTF8.self),
        ]
        try await keeper.start(launch)
    }

    private static func count(_ file: [UInt8]) -> Int {
        do throws(SystemError) {
            return Int(String(decoding: try Machine.readWhole(file, upTo: 20), as: UTF8.self)) ?? 0
        } catch { return 0 }
    }
}
