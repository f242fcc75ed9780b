// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Revival
import Vault

/// What is brought back, and where to: shared by `activate` and `drill`.
struct RevivalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say("Only what this service stands on; several are possible.", de: "Nur, worauf diese Leistung beruht; mehrfach möglich."),
            valueName: "id"))
    var service: [String] = []

    @Option(
        help: ArgumentHelp(
            say(
                "Back to this moment, such as '2026-11-25 14:30'; else as far as it goes.",
                de: "Zurück auf diesen Zeitpunkt, etwa '2026-11-25 14:30'; sonst so weit es geht."),
            valueName: say("moment", de: "zeitpunkt")))
    var moment: MomentArgument?

    @Option(
        help: ArgumentHelp(
            say(
                "The platform of the blueprint; else the first that this machine can be.",
                de: "Die Plattform im Bauplan; sonst die erste, die dieser Rechner sein kann."), valueName: "id"))
    var platform: String?

    @Flag(
        help: ArgumentHelp(
            say(
                "Also with less memory or fewer cores than the applications ask for.",
                de: "Auch mit weniger Arbeitsspeicher oder Prozessoren, als die Anwendungen verlangen.")))
    var tight = false

    @Option(
        help: ArgumentHelp(
            say("A new directory for what comes back.", de: "Ein neues Verzeichnis für das, was zurückkommt."),
            valueName: say("dir", de: "verz")))
    var to: PathArgument?
}

struct MomentArgument: ExpressibleByArgument {
    let moment: Moment

    init?(argument: String) {
        guard let moment = zwilling.moment(from: argument) else { return nil }
        self.moment = moment
    }
}

/// All that an activation is made from, chosen and checked before anything is written.
struct RevivalSource {
    let open: OpenVault
    let units: Units
    let blueprint: StoredBlueprint
    let plan: RevivalPlan
    let moment: TwinMoment
    let logs: [String: LogReach]
    /// Of container images.
    let images: [Observed.Fact]
    /// The vault as it is by then.
    let renewing: ClusterReturn.Renewal

    /// - Parameter services: those that an activation was begun with.
    init(
        _ known: KnownVault, _ unlocked: UnlockedKeyring, _ options: RevivalOptions, blueprint file: BlueprintOptions,
        for services: [String]? = nil
    ) async throws {
        let open = try await OpenVault(known.vault, unlocked, remembering: known.memory)
        known.remember(open.observed.heads, statement: open.observed.newest?.number)
        self.open = open
        renewing = { () throws(Trouble) in
            let vault = try await known.fresh()
            let open = try await OpenVault(vault, unlocked.following(vault.keyring), remembering: known.state.memory())
            return (open, try await Units(of: open.observed))
        }
        if file.file != nil {
            blueprint = try StoredBlueprint(file.files(of: file.blueprint()))
        } else {
            guard let stored = try await StoredBlueprint(open, at: options.moment?.moment) else { throw Self.noBlueprint }
            blueprint = stored
        }
        plan = try RevivalPlan(of: blueprint.institution, for: services ?? options.service)
        let units = try await Units(of: open.observed)
        self.units = units
        let observed = open.observed
        logs = plan.institution.logs(among: observed, units)
        let found: TwinMoment?
        if let wanted = options.moment?.moment {
            found = TwinMoment.all(of: plan.institution, among: observed.snapshots, logs: logs)
                .first { $0.moment <= wanted }
        } else {
            found = TwinMoment.latest(of: plan.institution, among: observed.snapshots, logs: logs)
        }
        guard let found else { throw Self.nothing(plan.institution, observed, options.moment?.moment) }
        moment = found
        images = ImageLayout.snapshots(among: observed.snapshots, by: options.moment?.moment)
        tellFindings(observed.troubles + units.troubles)
    }

    /// The snapshots from which these parts were brought back.
    func released(_ parts: [ActivationState.Part]) -> [RecordBody.Released] {
        let names = Set(parts.map(\.snapshot))
        return open.observed.snapshots.filter { names.contains($0.id.hex) }
            .map { RecordBody.Released(writer: $0.writer.id, sequence: $0.sequence) }
    }

    private static let noBlueprint = Trouble(
        .missing,
        Words("The vault has no blueprint.", de: "Der Tresor hat keinen Bauplan."),
        advice: Words("Name one with -f FILE.", de: "Mit -f DATEI einen nennen."))

    private static func nothing(
        _ institution: Institution, _ observed: Observed, _ moment: Moment?
    ) -> Trouble {
        let there = Set(observed.snapshots.filter { fact in moment.map { fact.body.begun <= $0 } ?? true }.map(\.body.dataSet))
        let missing = institution.data.map(\.id.value).filter { !there.contains($0) }.map { plain($0) }
            .joined(separator: ", ")
        return Trouble(
            .missing,
            Words("There is no copy of: \(missing).", de: "Es gibt keine Kopie von: \(missing)."),
            advice: Words(
                "\"zwilling moments\" shows to which moments the whole twin can go back; --service chooses what does without.",
                de: "„zwilling moments“ zeigt, auf welche Zeitpunkte der ganze Zwilling zurück kann; --service wählt, was ohne auskommt."))
    }

    /// That the machine has what the applications say they take.
    private func checkMachine(isTight: Bool) throws(Trouble) {
        let applications = plan.institution.applications
        let (cores, memory) = (applications.compactMap(\.cores?.value).reduce(0, +), applications.compactMap(\.memory?.value).reduce(0, +))
        let (own, free) = (Machine.cores, Machine.freeMemory() ?? .max)
        guard cores > own || memory > free else { return }
        let trouble = Trouble(
            .full,
            Words(
                "The applications ask for \(max(cores, 1)) cores and \(size(memory)) of memory; this machine has \(own) cores and \(size(free)) free.",
                de: "Die Anwendungen verlangen \(max(cores, 1)) Prozessoren und \(size(memory)) Arbeitsspeicher; dieser Rechner hat \(own) Prozessoren und \(size(free)) frei."),
            advice: Words(
                "Take a larger machine, choose fewer services with --service, or add --tight.",
                de: "Einen größeren Rechner nehmen, mit --service weniger Leistungen wählen oder --tight hinzufügen."))
        guard isTight else { throw trouble }
        warn(trouble.message)
    }

    /// Bytes of the copies.
    var bytes: UInt64 { moment.parts.reduce(0) { $0 + $1.snapshot.body.counts.bytes } }

    /// What is missed elsewhere and has a stand-in, and what has none.
    var standIns: [RevivalPlan.LostNeed] { plan.lost.filter { $0.need.standIn != nil } }
    var unprovided: [RevivalPlan.LostNeed] { plan.lost.filter { $0.need.standIn == nil } }

    /// That the place can take it.
    func check(_ place: ActivationPlace, isTight: Bool) throws(Trouble) {
        try checkMachine(isTight: isTight)
        var folder = place.path
        while !Machine.exists(folder), let slash = folder.lastIndex(of: UInt8(ascii: "/")), slash > 0 {
            folder.removeSubrange(slash...)
        }
        let free: UInt64
        do throws(SystemError) { free = try Machine.freeBytes(folder) } catch {
            throw error.trouble(Words("Cannot look at", de: "Nicht einsehbar:"))
        }
        guard free > bytes else {
            throw Trouble(
                .full,
                Words(
                    "\(printable(folder)) has \(size(free)) left; what comes back needs \(size(bytes)).",
                    de: "\(printable(folder)) hat noch \(size(free)) frei; was zurückkommt, braucht \(size(bytes))."),
                advice: Words("Name a directory with more room with --to.", de: "Mit --to ein Verzeichnis mit mehr Platz nennen."))
        }
        let memory = Machine.freeMemory() ?? .max
        let wanted = UInt64(plan.members.count) * Self.memoryBytesOfOne
        if memory < wanted {
            warn(
                Words(
                    "\(plan.members.count) programs will run, and only \(size(memory)) of memory are left.",
                    de: "\(plan.members.count) Programme werden laufen, und nur \(size(memory)) Arbeitsspeicher sind frei."))
        }
    }

    /// Less than this for each of them is too little for almost any.
    private static let memoryBytesOfOne: UInt64 = 64 << 20
}

extension Need {
    /// For people.
    var shown: String {
        [kind.value.rawValue, name?.value, provider?.value].compactMap(\.self).joined(separator: " ")
    }
}
