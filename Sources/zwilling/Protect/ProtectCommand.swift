// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Vault

struct ProtectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect",
        abstract: say(
            "Take snapshots: of paths, or of all that the blueprint names.",
            de: "Sichern: Pfade, oder alles, was der Bauplan nennt."),
        discussion: say(
            """
            Everything below the paths goes into the vault, as far as it is not there yet. Patterns
            are those of .gitignore. What cannot be read is named, and the exit code is 3.
            Without a path every data set of the blueprint that lies on this host is captured, those
            of one application together; exit code 1 if one of them could not be.
              zwilling protect
              zwilling protect --data register-db
              zwilling protect --continuous
              zwilling protect /home /etc
              zwilling protect /srv --name shares --exclude '*.tmp' --exclude-caches
              zwilling protect / --one-file-system --exclude-file /etc/zwilling.exclude
            """,
            de: """
                Alles unter den Pfaden kommt in den Tresor, soweit es noch nicht darin ist. Muster
                gelten wie in .gitignore. Was nicht lesbar ist, wird genannt; der Rückgabewert ist
                dann 3. Ohne Pfad wird jeder Datenbestand des Bauplans gesichert, der auf diesem
                Rechner liegt, die einer Anwendung zusammen; Rückgabewert 1, wenn einer misslang.
                  zwilling protect
                  zwilling protect --data register-db
                  zwilling protect --continuous
                  zwilling protect /home /etc
                  zwilling protect /srv --name ablage --exclude '*.tmp' --exclude-caches
                  zwilling protect / --one-file-system --exclude-file /etc/zwilling.exclude
                """))

    @Argument(
        help: ArgumentHelp(
            say("What to protect.", de: "Was gesichert wird."), valueName: say("path", de: "pfad")))
    var paths: [PathArgument] = []

    @Option(
        help: ArgumentHelp(
            say(
                "Name of the data set; else the paths.",
                de: "Name des Datenbestands; sonst die Pfade.")))
    var name: String?

    @Option(
        help: ArgumentHelp(
            say(
                "Only this data set of the blueprint; several are possible.",
                de: "Nur diesen Datenbestand des Bauplans; mehrfach möglich."),
            valueName: "id"))
    var data: [String] = []

    /// Of a twin that runs here; given by Zwilling itself.
    @Option(help: .hidden)
    var activation: String?

    @Flag(
        help: ArgumentHelp(
            say(
                "Go on until told to end: every data set as often as its rpo says, databases to the second.",
                de: "Weitermachen bis zum Abbruch: jeden Datenbestand so oft, wie seine rpo es verlangt, Datenbanken auf die Sekunde.")))
    var continuous = false

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    /// An option that would not be heeded must not look as if it were.
    mutating func validate() throws {
        if continuous, !paths.isEmpty || !data.isEmpty || output.json {
            throw ValidationError(
                say(
                    "--continuous takes all that the blueprint names, and tells as it goes.",
                    de: "--continuous nimmt alles, was der Bauplan nennt, und berichtet fortlaufend."))
        }
        if paths.isEmpty, name != nil || selection.isGiven {
            throw ValidationError(
                say(
                    "--name and what is left out are for paths; for data sets the blueprint says it.",
                    de: "--name und Auslassungen gelten für Pfade; für Datenbestände sagt es der Bauplan."))
        }
        if !paths.isEmpty, !data.isEmpty || blueprint.file != nil {
            throw ValidationError(
                say(
                    "Protect either paths or what a blueprint names.",
                    de: "Entweder Pfade sichern oder was ein Bauplan nennt."))
        }
    }

    mutating func run() async throws {
        Machine.keepMemory()
        if continuous {
            return try await runContinuously()
        }
        if paths.isEmpty { return try await runBlueprint() }
        let protected = try ProtectedPaths(paths)
        let known = try await KnownVault(vault)
        let writer = try VaultWriter(known.vault, keys: try known.writerKeys(), world: .real)
        let options = try selection.options(leavingOut: known.place, of: protected)
        let lock = try WriterLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        // Of several copies one may lie there.
        let nearby = known.spread == nil ? protected.onSameDisk(as: known.place) : []
        for path in nearby { warn(Self.sameDisk(path)) }
        try await known.vault.completeCopies()
        let (cache, wasRebuilt) = try await writer.knowledge(
            cache: known.state.cache(for: writer.domain),
            memory: try known.state.memory() ?? Memory(of: known.vault))
        let progress = ProgressLine(output)
        defer { progress.end() }
        let captured = try await FileCapture(
            writer, dataSet: name ?? protected.name, host: Machine.hostName(),
            paths: protected.paths, options: options
        ).run(cache: cache) { now in
            progress.update(
                bytesDone: now.bytesDone, of: now.bytesFound,
                entries(now.entriesFound))
        }
        let report = CaptureReport(
            captured, of: known, cacheRebuilt: wasRebuilt, sameDisk: nearby,
            bytesLookedAt: progress.bytesDone, seconds: progress.seconds)
        progress.end()
        known.keep(captured, for: writer)
        try output.json ? showJSON(report.fields) : report.show()
        if !captured.leftOut.isEmpty { throw ExitCode(3) }
    }

    private func runContinuously() async throws {
        guard let activation else {
            return try await ContinuousProtection(blueprint: blueprint, vault: vault, twin: nil).run()
        }
        let all = try LocalActivations(StateDirectory()).all()
        guard let twin = all.first(where: { $0.state.id == activation }) else {
            throw Trouble(
                .missing, Words("There is no activation \(plain(activation)).", de: "Es gibt keine Aktivierung \(plain(activation))."))
        }
        var own = BlueprintOptions()
        own.file = PathArgument(bytes: twin.place.part(.blueprint, twin.state.blueprint))
        try await ContinuousProtection(blueprint: own, vault: vault, twin: twin).run()
    }

    private func runBlueprint() async throws {
        let plan = try blueprint.blueprint()
        let wanted = try wanted(plan.institution)
        let known = try await KnownVault(vault, of: plan.institution)
        try SiteGate(plan.institution, known.vault.keyring.plan).check()
        let (groups, refused) = try await known.withoutForeign(wanted, on: Machine.hostName())
        if WriterLock.service(of: known.state) != nil {
            return try await askService(known, groups, refused, of: plan.institution)
        }
        let writer = try VaultWriter(known.vault, keys: try known.writerKeys(), world: .real)
        let lock = try WriterLock(known.state)
        defer { withExtendedLifetime(lock) {} }
        StopRequest.become(ResumeHeldCommand.words(known.state.vault))
        try await known.state.resumeHeld()
        try await known.vault.completeCopies()
        let memory = try known.state.memory() ?? Memory(of: known.vault)
        let (cache, _) = try await writer.knowledge(
            cache: known.state.cache(for: writer.domain), memory: memory)
        let progress = ProgressLine(output)
        defer { progress.end() }
        let capture = DataSetCapture(
            writer, host: Machine.hostName(), vault: known.place.tree)
        var run = InstitutionCapture(
            capture, cache: cache, memory: memory, held: known.state.heldApplications
        ) { known.keep($0, for: writer) }
        let files = try blueprint.files(of: plan)
        if try known.state.isNew(blueprint: files) {
            await run.run(blueprint: files)
            if case .success? = run.outcomes.last?.result { try known.state.keep(blueprint: files) }
        }
        for group in groups {
            await run.run(group) { id, now in
                progress.update(bytesDone: now.bytesDone, of: now.bytesFound, id)
            }
        }
        if data.isEmpty || data.contains(DataSetCapture.images),
            let images = plan.images(on: Machine.hostName(), files, for: known.state)
        {
            let look = await images.look(try known.state.images())
            let id = DataSetCapture.images
            let kept = await run.run(images, look) { now in
                progress.update(bytesDone: now.bytesDone, of: now.bytesFound, id)
            }
            if let kept { try known.state.keep(images: kept) }
        }
        progress.end()
        let report = InstitutionReport(
            plan.institution.name.value, refused + run.outcomes, seconds: progress.seconds)
        try output.json ? showJSON(report.fields) : report.show()
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    /// The service has the writer, so it captures what is wanted, at once.
    private func askService(
        _ known: KnownVault, _ groups: [ConsistencyGroup], _ refused: [DataSetOutcome],
        of institution: Institution
    ) async throws {
        let wishes = Wishes(known.state)
        guard !groups.isEmpty else { throw Trouble.imagesByService }
        let ids = groups.flatMap { $0.data.map(\.id.value) }
        let progress = ProgressLine(output)
        defer { progress.end() }
        try wishes.ask(ids)
        var answers: [String: Wishes.Answer] = [:]
        while answers.count < ids.count {
            guard WriterLock.service(of: known.state) != nil else {
                for id in ids { wishes.forget(id) }
                throw Trouble(
                    .busy,
                    Words(
                        "The service that protects this machine ended before it had captured all.",
                        de: "Der Dienst, der diesen Rechner sichert, endete, bevor alles gesichert war."),
                    advice: Words(
                        "See \"journalctl -u zwilling\", then protect again.",
                        de: "„journalctl -u zwilling“ ansehen, dann noch einmal sichern."))
            }
            for id in ids where answers[id] == nil { answers[id] = wishes.answer(id) }
            progress.update(bytesDone: 0, of: 0, say("the service captures", de: "der Dienst sichert"))
            if StopRequest.wait(milliseconds: 200) { throw ExitCode(130) }
        }
        progress.end()
        let observed = try await known.observed(with: try known.writerKeys())
        let report = ServiceReport(
            institution.name.value, answers, refused, among: observed.snapshots,
            seconds: progress.seconds)
        try output.json ? showJSON(report.fields) : report.show()
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    /// What lies here, or of that what was asked for.
    private func wanted(_ institution: Institution) throws(Trouble) -> [ConsistencyGroup] {
        let host = Machine.hostName()
        let groups = institution.groups(on: host)
        var here = Set(groups.flatMap { $0.data.map(\.id.value) })
        if !institution.images(on: host).isEmpty { here.insert(DataSetCapture.images) }
        if let foreign = data.first(where: { !here.contains($0) }) {
            throw Trouble(
                .wrongUse,
                Words(
                    "The blueprint has no data set \"\(plain(foreign))\" on this host, \(plain(host)).",
                    de: "Der Bauplan hat auf diesem Rechner, \(plain(host)), keinen Datenbestand „\(plain(foreign))“."),
                advice: Words(
                    "There are: \(here.sorted().joined(separator: ", ")).",
                    de: "Es gibt: \(here.sorted().joined(separator: ", "))."))
        }
        guard !groups.isEmpty else { throw Trouble.nothingHere(host) }
        return data.isEmpty ? groups : groups.compactMap { $0.keeping(data) }
    }

    private static func sameDisk(_ path: TreePath) -> Words {
        Words(
            "the vault is on the same disk as \(shown(path)): a broken disk takes both.",
            de: "Der Tresor liegt auf demselben Datenträger wie \(shown(path)): Fällt er aus, ist "
                + "beides verloren.")
    }
}
