// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Programs
import Synchronization
import Vault

/// What an activation does, for whoever watches.
package enum ActivationEvent: Sendable {
    case brings(dataSet: String, RestoreProgress)
    case back(dataSet: String, bytes: UInt64, seconds: Double)
    /// Something of a data set is not back; the rest is.
    case incomplete(dataSet: String, LeftOut)
    case starts(member: String)
    case stands(member: String)
    case fails(member: String, Trouble)
}

/// A plan → programs that run, on a platform, from what the vault has. Whatever ends it, the same
/// again goes on where it was.
package final class Activation: Sendable {
    package struct Setting: Sendable {
        package let plan: RevivalPlan
        package let place: ActivationPlace
        package let platform: any LivePlatform
        package let builder: LaunchBuilder
        package let questions: Questions
        /// Whether a dump may be loaded that was being loaded when a run was killed.
        package let loadsAgain: Bool

        package init(
            _ plan: RevivalPlan, at place: ActivationPlace, on platform: any LivePlatform,
            builder: LaunchBuilder, questions: Questions, loadsAgain: Bool = false
        ) {
            self.loadsAgain = loadsAgain
            (self.plan, self.place, self.platform) = (plan, place, platform)
            (self.builder, self.questions) = (builder, questions)
        }
    }

    let vault: OpenVault
    let units: Units
    let setting: Setting
    let renewing: ClusterReturn.Renewal
    let journal: ActivationJournal
    let report: @Sendable (ActivationEvent) -> Void
    private let board = Mutex<[Goal: Result<Void, Trouble>]>([:])
    /// Goals at which somebody is, or was.
    private let taken = Mutex<Set<Goal>>([])

    /// How far the log of each cluster has been brought that follows.
    let played = Mutex<[String: (timeline: UInt32, lsn: LSN)]>([:])

    /// What others wait for.
    private enum Goal: Hashable {
        case images
        case data(String)
        case loaded(String)
        case member(String)
    }

    /// Each question is a process, which takes processor time from what is to stand.
    private static let glanceMilliseconds = 50.0
    private static let glanceMillisecondsMax = 400.0
    static let serverSeconds = 600.0
    /// How long, before it takes over, a server may read what it has been given last.
    static let replaySeconds = 5.0
    /// Seen lying on the ground so often, once a second, it will not stand.
    private static let fallsMax = 6

    package init(
        _ vault: OpenVault, _ units: Units, _ setting: Setting, _ journal: ActivationJournal,
        renewing: @escaping ClusterReturn.Renewal, report: @escaping @Sendable (ActivationEvent) -> Void
    ) {
        (self.vault, self.units, self.setting) = (vault, units, setting)
        (self.renewing, self.journal, self.report) = (renewing, journal, report)
    }

    /// Returns when all of it stands. Everything is begun as soon as what it needs is there, and data come
    /// back in the order of the plan; what fails keeps up only what needs it.
    package func run() async throws(Trouble) {
        let members = setting.plan.members
        try await setting.platform.prepare(members.map(\.id))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.reach(.images) { () throws(Trouble) in try await self.bringImages() } }
            group.addTask {
                for data in members.flatMap(\.data) {
                    await self.reach(.data(data.id.value)) { () throws(Trouble) in
                        if StopRequest.wait(milliseconds: 0) { throw .wasStopped }
                        try await self.bring(data)
                    }
                }
            }
            for member in members {
                group.addTask {
                    await self.reach(.member(member.id)) { () throws(Trouble) in try await self.raise(member) }
                    if case .failure(let error)? = self.outcome(of: .member(member.id)) {
                        self.report(.fails(member: member.id, error))
                    }
                }
            }
        }
        var failures: [Trouble] = []
        for member in members {
            guard case .failure(let error) = outcome(of: .member(member.id)) else { continue }
            if !failures.contains(where: { $0.message == error.message }) { failures.append(error) }
        }
        if let first = failures.first { throw first.joined(by: failures.dropFirst()) }
    }

    private func raise(_ member: RevivalPlan.Member) async throws(Trouble) {
        try await wait(for: .images)
        for data in member.data { try await wait(for: .data(data.id.value)) }
        for other in member.after { try await wait(for: .member(other)) }
        for data in member.data {
            let goal = Goal.loaded(data.id.value)
            await reach(goal) { () throws(Trouble) in try await self.load(data, for: member) }
            try await wait(for: goal)
        }
        try await start(member)
        try await watch(member)
    }

    /// Whoever comes first does it; the others are to wait.
    private func reach(_ goal: Goal, _ body: () async throws(Trouble) -> Void) async {
        guard taken.withLock({ $0.insert(goal).inserted }) else { return }
        let result: Result<Void, Trouble>
        do throws(Trouble) {
            try await body()
            result = .success(())
        } catch { result = .failure(error) }
        board.withLock { $0[goal] = result }
    }

    private func outcome(of goal: Goal) -> Result<Void, Trouble>? { board.withLock { $0[goal] } }

    private func wait(for goal: Goal) async throws(Trouble) {
        while true {
            if let result = outcome(of: goal) { return try result.get() }
            if StopRequest.wait(milliseconds: 0) { throw .wasStopped }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { throw .wasStopped }
        }
    }

    // MARK: Data

    func bring(_ data: DataSet) async throws(Trouble) {
        let id = data.id.value
        guard !journal.has(.brought, id) else { return }
        guard let part = journal.part(id) else { throw .noPart(id) }
        let begun = Terminal.seconds()
        let place = setting.place
        let bytes: UInt64
        switch data.source {
        case .secret:
            bytes = try await restore(part, to: place.part(.secrets), overwriting: true)
            try await hand(over: id)
        case .files, .command:
            let target = place.part(.data, id)
            try await Tree.remove(target)
            bytes = try await restore(part, to: target, overwriting: false)
            try Tree.letThrough(target)
        case .postgres:
            let target = place.part(.data, id)
            try await Tree.remove(target)
            let report = report
            let came = try await ClusterReturn(vault, units).run(id, to: part.goal, at: target, renewing: renewing) { report(.brings(dataSet: id, $0)) }
            bytes = came.restored.counts.bytes
            try await prepareServer(data)
        }
        let seconds = Terminal.seconds() - begun
        try journal.note(.brought, id, seconds: seconds, bytes: bytes)
        report(.back(dataSet: id, bytes: bytes, seconds: seconds))
    }

    /// Those that are not there; a registry is never asked.
    func bringImages() async throws(Trouble) {
        let id = DataSetCapture.images
        guard setting.platform.hasOwnFiles, !journal.has(.brought, id) else { return }
        let begun = Terminal.seconds()
        var bytes: UInt64 = 0
        let folder = setting.place.part(.data, id)
        for name in journal.state.images {
            guard let snapshot = vault.observed.snapshots.first(where: { $0.id.hex == name }) else {
                throw .snapshotIsGone(id, name)
            }
            try await Tree.remove(folder)
            if try await ImageCatalogue(vault, snapshot).isLoaded(by: folder) { continue }
            try await Tree.remove(folder)
            let report = report
            let restored = try await Restore(vault, snapshot, options: RestoreOptions()).run(to: folder) {
                report(.brings(dataSet: id, $0))
            }
            if let missing = restored.notRestored.first { throw missing.trouble }
            bytes += restored.counts.bytes
            _ = try await ImageLayout(at: folder).load(by: setting.place.part(.run, id))
        }
        try await Tree.remove(folder)
        guard bytes > 0 else { return }
        let seconds = Terminal.seconds() - begun
        try journal.note(.brought, id, seconds: seconds, bytes: bytes)
        report(.back(dataSet: id, bytes: bytes, seconds: seconds))
    }

    private func restore(
        _ part: ActivationState.Part, to target: [UInt8], overwriting: Bool
    ) async throws(Trouble) -> UInt64 {
        guard let fact = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot }) else {
            throw .snapshotIsGone(part.dataSet, part.snapshot)
        }
        var options = RestoreOptions()
        options.overwrites = overwriting
        options.mindsOwners = Machine.isRoot
        let (report, id) = (report, part.dataSet)
        let restored = try await Restore(vault, fact, options: options).run(to: target) { report(.brings(dataSet: id, $0)) }
        for one in restored.notRestored { report(.incomplete(dataSet: id, one)) }
        if !restored.notRestored.isEmpty { try journal.change { $0.leftOut[id] = restored.notRestored.count } }
        return restored.counts.bytes
    }

    /// A program without a container reads a secret as the user as whom it runs.
    func hand(over secret: String) async throws(Trouble) {
        guard !setting.platform.hasOwnFiles, Machine.isRoot else { return }
        let user = setting.plan.institution.applications
            .first { $0.secrets.contains { $0.data.value == secret } && $0.user != nil }?.user?.value
        guard let user else { return }
        try await Tree.give(setting.place.part(.secrets, secret), to: user)
    }

    /// The user of the original may have another number here.
    func prepareServer(_ data: DataSet) async throws(Trouble) {
        guard case .postgres(let postgres) = data.source else { return }
        let name = setting.plan.institution.serverName(of: data.id.value)
        try await prepare(postgres, in: data.id.value, sockets: name)
    }

    func prepare(_ postgres: DataSet.Postgres, in folder: String, sockets name: String) async throws(Trouble) {
        let (folder, sockets) = (setting.place.part(.data, folder), setting.place.part(.run, name))
        do throws(SystemError) {
            try Machine.makeDirectories(sockets)
            try Descriptor.directory(folder).setPermissions(0o711)
        } catch { throw error.trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:")) }
        guard !setting.platform.hasOwnFiles, Machine.isRoot else { return }
        let user = LaunchBuilder.user(of: postgres)
        try await Tree.give(folder, to: user)
        try await Tree.give(sockets, to: user)
    }

    /// What a dump tool said goes into its load tool once the servers stand.
    private func load(_ data: DataSet, for member: RevivalPlan.Member) async throws(Trouble) {
        let id = data.id.value
        guard let application = member.application, case .command(let command) = data.source, let line = command.load,
            !journal.has(.loaded, id), let part = journal.part(id)
        else { return }
        guard let fact = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot }) else {
            throw .snapshotIsGone(id, part.snapshot)
        }
        // Of one that was killed nobody knows how much its tool has taken.
        guard setting.loadsAgain || !journal.has(.loading, id) else { throw .isHalfLoaded(id) }
        let begun = Terminal.seconds()
        try journal.note(.loading, id)
        let text = setting.builder.replaced(line.value, for: application)
        let program = Program(
            setting.platform.outside + Program.shell + [text], timeout: .seconds(command.timeout.seconds))
        let bytes = try await Load(vault, fact).run(program)
        try journal.note(.loaded, id, seconds: Terminal.seconds() - begun, bytes: bytes)
    }

    // MARK: Programs

    private func start(_ member: RevivalPlan.Member) async throws(Trouble) {
        if journal.has(.started, member.id), try await setting.platform.standing()[member.id] == .runs { return }
        report(.starts(member: member.id))
        try await setting.platform.start(setting.builder.launch(member))
        try journal.note(.started, member.id)
    }

    /// Asks until it answers, or has had its time.
    private func watch(_ member: RevivalPlan.Member) async throws(Trouble) {
        let begun = Terminal.seconds()
        let limit = Self.seconds(for: member)
        var (falls, lookedAt, glance) = (0, begun, Self.glanceMilliseconds)
        while true {
            let last: Trouble
            do throws(Trouble) {
                try await setting.questions.stands(member)
                try journal.note(.stands, member.id, seconds: Terminal.seconds() - begun)
                return report(.stands(member: member.id))
            } catch { last = error }
            let now = Terminal.seconds()
            if now - lookedAt > 1 {
                lookedAt = now
                falls += await isDown(member.id) ? 1 : 0
            }
            if now - begun > limit || falls >= Self.fallsMax {
                throw .doesNotStand(member.id, now - begun, last, await setting.platform.log(of: member.id))
            }
            if StopRequest.wait(milliseconds: 0) { throw .wasStopped }
            do { try await Task.sleep(for: .milliseconds(Int(glance))) } catch { throw .wasStopped }
            glance = min(glance * 1.2, Self.glanceMillisecondsMax)
        }
    }

    /// Between two starts.
    private func isDown(_ member: String) async -> Bool {
        do throws(Trouble) { return try await setting.platform.standing()[member] != .runs } catch { return false }
    }

    private static func seconds(for member: RevivalPlan.Member) -> Double {
        member.application?.health.map { Double($0.within.seconds) } ?? serverSeconds
    }
}

extension Trouble {
    static let wasStopped = Trouble(
        .system,
        Words("The activation was told to stop before all of it stands.", de: "Die Aktivierung wurde beendet, ehe alles steht."),
        advice: Words("The same command goes on where it was.", de: "Derselbe Befehl macht dort weiter."))

    static func snapshotIsGone(_ dataSet: String, _ snapshot: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "Snapshot \(snapshot.prefix(8)) of \"\(dataSet)\" is no longer in the vault.",
                de: "Sicherungsstand \(snapshot.prefix(8)) von „\(dataSet)“ ist nicht mehr im Tresor."))
    }

    static func noPart(_ dataSet: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "This activation was begun without \"\(dataSet)\".", de: "Diese Aktivierung wurde ohne „\(dataSet)“ begonnen."),
            advice: Words(
                "End it with \"zwilling stop\", and activate anew.", de: "Sie mit „zwilling stop“ beenden und neu aktivieren."))
    }

    fileprivate static func isHalfLoaded(_ dataSet: String) -> Trouble {
        Trouble(
            .busy,
            Words(
                "The activation was broken off while the dump \"\(dataSet)\" was being loaded; half of it may be there.",
                de: "Die Aktivierung brach ab, während der Abzug „\(dataSet)“ eingespielt wurde; die Hälfte kann da sein."),
            advice: Words(
                "If its load command replaces what is there, add --load-again; else empty what it was loaded into first.",
                de: "Ersetzt sein Ladebefehl Vorhandenes, --load-again hinzufügen; sonst vorher leeren, wohin eingespielt wurde."))
    }

    fileprivate static func doesNotStand(
        _ member: String, _ seconds: Double, _ last: Trouble?, _ log: String
    ) -> Trouble {
        let lines = log.split(separator: "\n").suffix(3).map { printable(Array($0.utf8.prefix(300))) }
        let line = lines.isEmpty ? "." : ": " + lines.joined(separator: " / ")
        return Trouble(
            .system,
            Words(
                "\"\(member)\" does not stand after \(Int(seconds)) s. \(last?.message.english ?? "")",
                de: "„\(member)“ steht nach \(Int(seconds)) s nicht. \(last?.message.german ?? "")"),
            advice: Words("The last it said\(line)", de: "Zuletzt sagte es\(line)"))
    }
}

extension Trouble {
    /// All that failed, each with its advice.
    fileprivate func joined(by others: ArraySlice<Trouble>) -> Trouble {
        guard !others.isEmpty else { return self }
        let all = [self] + others
        return Trouble(
            kind,
            Words(
                all.map { $0.message.english + ($0.advice.map { " \($0.english)" } ?? "") }.joined(separator: "\n"),
                de: all.map { $0.message.german + ($0.advice.map { " \($0.german)" } ?? "") }.joined(separator: "\n")),
            cause: cause)
    }
}
