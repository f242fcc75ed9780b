// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Programs
import Revival

struct LeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: say("Run a program of the original for as long as it may have the work.", de: "Ein Programm des Originals laufen lassen, solange es die Arbeit haben darf."),
        discussion: say(
            """
            In front of the command by which the program is started, such as in ExecStart= of its
            unit. It runs while "zwilling guard" renews its lease, for the time that the blueprint
            says under "lease", and ends when that lapses or the work went elsewhere; also when the
            whole machine was frozen meanwhile. It is started again as soon as it may run.
              zwilling lease residents -- /usr/bin/python3 /srv/residents.py
            The database of a data set bears that data set's name; it ends after all others.
              zwilling lease register-db -- /usr/lib/postgresql/15/bin/postgres -D /srv/pg
            """,
            de: """
                Vor den Befehl, mit dem das Programm startet, etwa in ExecStart= seiner Unit. Es läuft,
                solange „zwilling guard“ sein Lease erneuert, für die Zeit, die der Bauplan unter „lease“
                nennt, und endet, wenn es abläuft oder die Arbeit woanders ist; auch wenn der ganze
                Rechner inzwischen eingefroren war. Sobald es darf, wird es wieder gestartet.
                  zwilling lease melderegister -- /usr/bin/python3 /srv/melderegister.py
                Die Datenbank eines Datenbestands trägt dessen Namen; sie endet nach allen anderen.
                  zwilling lease register-db -- /usr/lib/postgresql/15/bin/postgres -D /srv/pg
                """))

    @Argument(
        help: ArgumentHelp(
            say("Its application in the blueprint, or the data set of its database.", de: "Seine Anwendung im Bauplan, oder der Datenbestand seiner Datenbank."),
            valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp(say("Whom it runs as; else as this command does.", de: "Als wer es läuft; sonst wie dieser Befehl."), valueName: say("user", de: "benutzer")))
    var user: String?

    @Flag(help: ArgumentHelp(say("End it with SIGINT, as PostgreSQL wants it.", de: "Mit SIGINT beenden, wie PostgreSQL es will.")))
    var interrupt = false

    @Argument(parsing: .postTerminator, help: ArgumentHelp(say("The command.", de: "Der Befehl."), valueName: say("command", de: "befehl")))
    var command: [String] = []

    mutating func validate() throws {
        guard !command.isEmpty else { throw ValidationError(say("Name the command after --.", de: "Den Befehl nach -- nennen.")) }
        guard Leases.isName(name) else {
            throw ValidationError(say("A name has letters, digits and hyphens.", de: "Ein Name hat Buchstaben, Ziffern und Bindestriche."))
        }
    }

    mutating func run() async throws {
        StopRequest.expect()
        let leases = try Leases(StateDirectory())
        let held = try KeeperMark.Held(leases.mark(name))
        held.note(nil)
        var program = KeptProgram(command)
        program.inheritsEnvironment = true
        if interrupt { program.stopSignal = "SIGINT" }
        if let user { (program.user, program.group) = (user, try await ProcessPlatform.group(of: user)) }
        let lease = leases.lease(name)
        if !lease.isValid {
            tell(say("\(name) waits for its lease, which \"zwilling guard\" gives.", de: "\(name) wartet auf sein Lease, das „zwilling guard“ vergibt."))
        }
        await program.keep(while: { lease.isValid }, mark: { held.note($0) })
    }
}

/// The leases of this machine, one for each program that asked for one.
struct Leases {
    private let folder: [UInt8]

    init(_ states: StateDirectory) throws(Trouble) {
        folder = states.path + Array("/leases".utf8)
        do throws(SystemError) { try Machine.makeDirectories(folder) } catch {
            throw error.trouble(Words("Cannot make", de: "Lässt sich nicht anlegen:"))
        }
    }

    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 100 && name.utf8.allSatisfy { $0 == 45 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
    }

    func lease(_ name: String) -> Lease { Lease(folder + Array("/\(name)".utf8)) }
    func mark(_ name: String) -> [UInt8] { folder + Array("/\(name).keeper".utf8) }

    /// Programs that have asked for one.
    func names() throws(Trouble) -> [String] {
        do throws(SystemError) {
            return try Descriptor.directory(folder).names().map { String(decoding: $0, as: UTF8.self) }
                .filter { $0.hasSuffix(".keeper") }.map { String($0.dropLast(7)) }.sorted()
        } catch { throw error.trouble(Words("Cannot read", de: "Nicht lesbar:")) }
    }

    /// Programs end, and do not begin again by themselves.
    func revokeAll() throws(Trouble) {
        for name in try names() { try lease(name).revoke() }
    }

    func isRunning(_ name: String) throws(Trouble) -> Bool {
        let mark = try KeeperMark.read(mark(name))
        return mark.isRunning || mark.orphan != nil
    }
}
