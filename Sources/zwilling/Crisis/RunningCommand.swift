// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground
import Programs
import Revival
import Vault

struct RunningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "running",
        abstract: say("Show which twins run on this machine.", de: "Zeigen, welche Zwillinge auf diesem Rechner laufen."),
        discussion: say(
            """
            Each program with how it stands, and since when all of them do.
              zwilling running
            """,
            de: """
                Jedes Programm mit seinem Stand, und seit wann alle antworten.
                  zwilling running
                """))

    @OptionGroup var output: OutputOptions

    struct Member: Encodable {
        let id: String
        let standing: Standing
    }

    struct Fields: Encodable {
        let activation, institution, platform, mode, directory: String
        let begun: String
        let standsSince: String?
        let members: [Member]
    }

    mutating func run() async throws {
        let ours = try LocalActivations(StateDirectory()).all()
        var all: [Fields] = []
        for one in ours {
            let standing = try await one.live().standing()
                .merging(one.keeper().standing()) { first, _ in first }
            let state = one.state
            all.append(
                Fields(
                    activation: state.id, institution: state.institution, platform: state.platform,
                    mode: state.mode.rawValue, directory: printable(one.place.path),
                    begun: isoTime(Moment(seconds: state.begunSeconds)),
                    standsSince: state.standsSinceSeconds.map { isoTime(Moment(seconds: $0)) },
                    members: standing.keys.sorted().map { Member(id: $0, standing: standing[$0] ?? .stopped) }))
        }
        if output.json { return try showJSON(["running": all]) }
        guard !all.isEmpty else { return try show([say("Nothing runs here.", de: "Hier läuft nichts.")]) }
        for (fields, one) in zip(all, ours) {
            let since = one.state.standsSinceSeconds.map { localTime(Moment(seconds: $0)) }
            try show(
                [
                    "\(fields.activation)  \(plain(fields.institution))  \(plain(fields.platform))  "
                        + (one.state.isLeft == true ? say(one.state.leftWords) : since.map { say("stands since \($0)", de: "steht seit \($0)") }
                            ?? say("is not complete; \"zwilling \(one.state.command)\" goes on", de: "ist unvollständig; „zwilling \(one.state.command)“ macht weiter"))
                ] + table(fields.members.map { ["  " + plain($0.id), say($0.standing.words)] }, rightAligned: []))
        }
    }
}

extension ActivationState {
    /// By which it goes on: one that has the work in the way of a crisis.
    fileprivate var leftWords: Words {
        isReplaced == true
            ? Words(
                "was replaced by another activation, which has not got what was worked here last",
                de: "wurde von einer anderen Aktivierung ersetzt, die das zuletzt hier Gearbeitete nicht hat")
            : Words("has given its work away", de: "hat seine Arbeit abgegeben")
    }

    fileprivate var command: String {
        term == nil && mode != .emergency ? mode.rawValue : "activate --emergency"
    }
}

extension Standing {
    fileprivate var words: Words {
        switch self {
        case .runs: Words("runs", de: "läuft")
        case .restarts: Words("has ended and is started again", de: "endete und wird neu gestartet")
        case .stopped: Words("stopped", de: "steht still")
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: say("End a twin that runs on this machine.", de: "Einen Zwilling beenden, der auf diesem Rechner läuft."),
        discussion: say(
            """
            Ends its programs in order, the applications before their databases. What it worked on
            stays where it is unless --delete-data says otherwise, so it wants to be confirmed by the
            institution's name.
              zwilling stop --confirm 'Stadt Musterstadt'
            """,
            de: """
                Beendet die Programme der Reihe nach, die Anwendungen vor ihren Datenbanken. Womit sie
                gearbeitet haben, bleibt liegen, wenn --delete-data nichts anderes sagt; zu bestätigen
                mit dem Namen der Institution.
                  zwilling stop --confirm 'Stadt Musterstadt'
                """))

    @Argument(
        help: ArgumentHelp(
            say("Which one, as \"running\" shows it; else the only one.", de: "Welcher, wie „running“ ihn zeigt; sonst der einzige."),
            valueName: "id"))
    var id: String?

    @Option(
        help: ArgumentHelp(say("The institution's name, as confirmation.", de: "Name der Institution, zur Bestätigung."), valueName: "name"))
    var confirm: String?

    @Flag(
        help: ArgumentHelp(say("Delete what it worked on.", de: "Löschen, womit er gearbeitet hat.")))
    var deleteData = false

    @Flag(
        help: ArgumentHelp(
            say("Delete it also where the last of it is not in the vault.", de: "Es auch löschen, wenn das Letzte davon nicht im Tresor ist.")))
    var acceptLoss = false

    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let local = LocalActivations(try StateDirectory())
        let all = try local.all().filter { one in id.map { one.state.id.hasPrefix($0) } ?? true }
        guard let one = all.first, all.count == 1 else { throw Trouble.whichOne(all.map(\.state.id)) }
        guard confirm == one.state.institution else { throw Trouble.stopUnconfirmed(one.state) }
        if deleteData, !acceptLoss, one.state.isReplaced == true { throw Trouble.isOnlyHere(one) }
        if let vault = [UInt8](hex: one.state.vault).flatMap({ Identifier($0) }) {
            let lock = try ActivationLock(StateDirectory().state(of: vault))
            defer { withExtendedLifetime(lock) {} }
            try await one.end(deletingData: deleteData, acceptingLoss: acceptLoss)
        }
        if deleteData { local.forget(one.state.id) }
        let text = deleteData
            ? say("Ended, and deleted \(printable(one.place.path)).", de: "Beendet und \(printable(one.place.path)) gelöscht.")
            : one.state.isLeft == true
            ? say("Ended. What it worked on lies in \(printable(one.place.path)).", de: "Beendet. Womit er gearbeitet hat, liegt in \(printable(one.place.path)).")
            : say("Ended. What it worked on lies in \(printable(one.place.path)); \"zwilling \(one.state.command)\" goes on with it.", de: "Beendet. Womit er gearbeitet hat, liegt in \(printable(one.place.path)); „zwilling \(one.state.command)“ macht damit weiter.")
        try output.json ? showJSON(["stopped": one.state.id]) : show([text])
    }
}

extension LocalActivations.One {
    /// The platform on which it runs, as `running` and `stop` need it.
    func live() throws(Trouble) -> any LivePlatform {
        state.kind == Platform.Kind.podman.rawValue
            ? PodmanPlatform(id: state.id, isolation: nil)
            : ProcessPlatform(at: place, keeper: try PlatformChoice.ownProgram(), isolation: nil)
    }

    private static let filesPatience = 600.0
    private static let logPatience = 60.0
    private static let glanceMilliseconds = 100

    /// By which it runs; nil where that has errors.
    func blueprint() throws(Trouble) -> Institution? {
        var options = BlueprintOptions()
        options.file = PathArgument(bytes: place.part(.blueprint, state.blueprint))
        return try options.readQuietly()?.institution
    }

    /// Another has its work.
    ///
    /// - Parameter wasGiven: whether all of it lies in the vault.
    func noteLeft(wasGiven: Bool) throws(Trouble) {
        var left = state
        left.stop()
        left.isLeft = true
        left.isReplaced = !wasGiven
        try left.write(at: place)
    }

    /// Files once more, and the log as far as it goes.
    private func captureLast() async throws(Trouble) {
        guard let institution = try blueprint(),
            let vault = [UInt8](hex: state.vault).flatMap({ Identifier($0) })
        else { throw .lastIsMissing(state, nil) }
        let known = try StateDirectory().state(of: vault)
        let own = institution.data.filter { state.has(.brought, $0.id.value) }
        let since = World.real.now()
        let wishes = Wishes(known)
        var files = Set(own.filter { $0.kind == .files }.map(\.id.value))
        try wishes.ask(files.sorted())
        try await wait(Self.filesPatience) { () throws(Trouble) in
            for id in files {
                switch wishes.answer(id) {
                case nil: continue
                case .captured: files.remove(id)
                case .failed(let told):
                    throw .lastIsMissing(state, Trouble(.system, Words("\(plain(id)): \(told.message)", de: "\(plain(id)): \(told.message)")))
                }
            }
            return files.isEmpty
        }
        let logs = own.filter { $0.kind == .postgres }.map(\.id.value)
        try await wait(Self.logPatience) { () throws(Trouble) in
            let standing = try known.standing()
            return logs.allSatisfy { id in standing[id].map { $0 >= since } ?? false }
        }
    }

    private func wait(_ seconds: Double, until isSo: () throws(Trouble) -> Bool) async throws(Trouble) {
        let begun = Terminal.seconds()
        while try !isSo() {
            guard Terminal.seconds() - begun < seconds, try await keeper().standing()[Self.guardian] == .runs else {
                throw .lastIsMissing(state, nil)
            }
            Machine.pause(milliseconds: Self.glanceMilliseconds)
        }
    }

    /// The applications before their databases, and what they have written last goes into the vault.
    ///
    /// - Parameter mustKeep: whether the databases go on, and nothing is lost, where it does not.
    func endPrograms(mustKeep: Bool) async throws(Trouble) {
        let live = try live()
        // Nobody is to take over meanwhile, nor to raise anything again.
        try await keeper().stop(Self.handover)
        let order = state.steps.filter { $0.kind == .started }.map(\.what)
        // Of the programs only servers have a directory for their sockets.
        let servers = order.filter { Machine.exists(place.part(.run, $0)) }
        for member in order.reversed() where !servers.contains(member) { try await live.stop(member) }
        if state.steps.contains(where: { $0.kind == .stands }) {
            do throws(Trouble) { try await captureLast() } catch {
                if mustKeep { throw error }
                warn(error.message)
            }
        }
        try await keeper().stop(Self.guardian)
        for member in servers.reversed() { try await live.stop(member) }
        try await live.clear()
        try await keeper().clear()
    }

    func end(deletingData: Bool, acceptingLoss: Bool) async throws(Trouble) {
        if let leave = state.leave { await LocalActivations.lead(leave) }
        try await endPrograms(mustKeep: deletingData && !acceptingLoss)
        // Of a drill that was killed.
        Isolation.end(noted: place.isolation)
        if deletingData {
            try await place.remove()
        } else {
            var stopped = state
            stopped.stop()
            try stopped.write(at: place)
        }
    }
}

extension Trouble {
    fileprivate static func isOnlyHere(_ one: LocalActivations.One) -> Trouble {
        Trouble(
            .busy,
            Words(
                "Activation \(one.state.id) was replaced: what was worked here last may be nowhere but in \(printable(one.place.path)).",
                de: "Aktivierung \(one.state.id) wurde ersetzt: Was hier zuletzt gearbeitet wurde, liegt vielleicht nur in \(printable(one.place.path))."),
            advice: Words(
                "See with \"zwilling compare\" what it alone has. Without --delete-data everything stays there; --accept-loss deletes it all the same.",
                de: "Mit „zwilling compare“ nachsehen, was nur dort ist. Ohne --delete-data bleibt alles dort; --accept-loss löscht es trotzdem."))
    }

    fileprivate static func lastIsMissing(_ state: ActivationState, _ cause: Trouble?) -> Trouble {
        Trouble(
            .busy,
            Words(
                "What was worked last is not in the vault yet: the capture of this twin does not take it. \(cause?.message.english ?? "")",
                de: "Was zuletzt gearbeitet wurde, ist noch nicht im Tresor: Die Sicherung dieses Zwillings nimmt es nicht an. \(cause?.message.german ?? "")"),
            advice: Words(
                "See the log \"protect\" in its directory. Without --delete-data everything stays there; --accept-loss deletes it all the same.",
                de: "Siehe das Protokoll „protect“ in seinem Verzeichnis. Ohne --delete-data bleibt alles dort; --accept-loss löscht es trotzdem."),
            cause: cause)
    }

    fileprivate static func whichOne(_ ids: [String]) -> Trouble {
        ids.isEmpty
            ? Trouble(.missing, Words("No such twin runs here.", de: "Ein solcher Zwilling läuft hier nicht."), advice: Words("\"zwilling running\" shows which do.", de: "„zwilling running“ zeigt, welche laufen."))
            : Trouble(
                .wrongUse,
                Words("Several run here: \(ids.joined(separator: ", ")).", de: "Hier laufen mehrere: \(ids.joined(separator: ", "))."),
                advice: Words("Name one of them.", de: "Einen davon nennen."))
    }

    fileprivate static func stopUnconfirmed(_ state: ActivationState) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "Ending the twin of \"\(plain(state.institution))\" must be confirmed: people work with it.",
                de: "Den Zwilling von „\(plain(state.institution))“ zu beenden muss bestätigt werden: Menschen arbeiten damit."),
            advice: Words("Add --confirm '\(plain(state.institution))'.", de: "--confirm '\(plain(state.institution))' hinzufügen."))
    }
}
