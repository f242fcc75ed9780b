// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import FoundationEssentials
import Ground
import Revival
import Vault

struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: say("See that the original has the work alone.", de: "Darüber wachen, dass das Original die Arbeit allein hat."),
        discussion: say(
            """
            Runs beside "zwilling protect --continuous" on the machine of the original, as a service.
            Renews the leases of programs under "zwilling lease" as long as the vault says that the
            work is here, ends them when a twin has taken over, and hands the work to whoever moves it
            ("zwilling move"). Beside a twin it runs by itself.
              zwilling guard
            """,
            de: """
                Läuft neben „zwilling protect --continuous“ auf dem Rechner des Originals, als Dienst.
                Erneuert die Leases der Programme unter „zwilling lease“, solange der Tresor sagt, dass
                die Arbeit hier ist, beendet sie, wenn ein Zwilling übernommen hat, und übergibt die
                Arbeit dem, der sie umzieht („zwilling move“). Neben einem Zwilling läuft er von selbst.
                  zwilling guard
                """))

    /// Beside a twin; only Zwilling itself says it.
    @Option(help: .private) var activation: String?
    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions

    mutating func run() async throws {
        StopRequest.expect()
        guard let activation else { return try await guardOriginal() }
        let all = try LocalActivations(StateDirectory()).all()
        guard let twin = all.first(where: { $0.state.id == activation }) else {
            throw Trouble(
                .missing, Words("There is no activation \(plain(activation)).", de: "Es gibt keine Aktivierung \(plain(activation))."))
        }
        let known = try await KnownVault(vault)
        let keys = try known.writerKeys()
        let work = try TwinWork(twin, known, keys)
        try await GuardWatch(twin.place.handover, known).run(
            work, of: twin.state.term ?? twin.state.wantedTerm ?? 0, on: VaultBoard(known, .writer(keys)))
    }

    private func guardOriginal() async throws {
        let plan = try blueprint.blueprint()
        let known = try await KnownVault(vault, of: plan.institution)
        let keys = try known.writerKeys()
        let work = try OriginalWork(plan.institution, known, keys)
        tell(
            say(
                "\(plain(plan.institution.name.value)): guards \(try work.programs().count) programs, with a lease of \(work.seconds) s.",
                de: "\(plain(plan.institution.name.value)): wacht über \(try work.programs().count) Programme, mit einem Lease von \(work.seconds) s."))
        // Once somebody was promoted, the original never has the work again by itself.
        try await GuardWatch(known.state.path(.handover), known).run(work, of: 0, on: VaultBoard(known, .writer(keys))) { work.renew(since: $0) }
    }
}

/// One side of a handover, for as long as it has the work.
struct GuardWatch {
    private let path: [UInt8]
    /// Between two looks at the vault while nobody asks.
    private let calmMilliseconds: Int
    private static let busyMilliseconds = 50

    /// - Parameter path: where its state is kept.
    init(_ path: [UInt8], _ known: KnownVault) {
        (self.path, calmMilliseconds) = (path, known.vault.site.isFar ? 10_000 : 1_000)
    }

    /// - Parameter confirmed: the vault has said that the work is here; asked when, by
    ///   `Machine.secondsSinceBoot`.
    func run(
        _ work: any GivenWork, of term: UInt32, on board: any HandoverBoard, confirmed: (Double) -> Void = { _ in }
    ) async throws(Trouble) {
        let giver = HandoverGiver(work, of: term, on: board, from: try state(), now: { Terminal.seconds() }) { (state) throws(Trouble) in
            try keep(state)
        }
        while true {
            let (before, asked) = (giver.state, Machine.secondsSinceBoot())
            do throws(Trouble) {
                try await giver.step()
                if before == .works || before == .resumes, giver.state == .works { confirmed(asked) }
                if before == .left || before == .replaced { return }
            } catch { zwilling.tell("zwilling: " + say(error.message)) }
            if giver.state != before { Self.tell(giver.state) }
            let wait = giver.state == .works ? calmMilliseconds : Self.busyMilliseconds
            if StopRequest.wait(milliseconds: wait) { return }
        }
    }

    private static func tell(_ state: GivingState) {
        switch state {
        case .works: zwilling.tell(say("The work goes on here.", de: "Die Arbeit geht hier weiter."))
        case .yields(let id): zwilling.tell(say("\(id) asks for the work.", de: "\(id) bittet um die Arbeit."))
        case .given(let id): zwilling.tell(say("The work was given to \(id).", de: "Die Arbeit wurde an \(id) gegeben."))
        case .resumes: zwilling.tell(say("It was not taken.", de: "Sie wurde nicht genommen."))
        case .left, .replaced: zwilling.tell(say("Another has the work; it ends here.", de: "Ein anderer hat die Arbeit; hier endet sie."))
        }
    }

    func state() throws(Trouble) -> GivingState {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Machine.readWhole(path, upTo: 1 << 16) } catch {
            if error.kind == .missing { return .works }
            throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
        }
        do { return try JSONDecoder().decode(GivingState.self, from: Data(bytes)) } catch {
            throw Trouble(.damaged, Words("\"\(printable(path))\" is damaged.", de: "„\(printable(path))“ ist beschädigt."), cause: error)
        }
    }

    func keep(_ state: GivingState) throws(Trouble) {
        do { try Machine.writeDurably(path, Array(try JSONEncoder().encode(state))) } catch {
            throw Trouble(
                .system, Words("Cannot write \"\(printable(path))\".", de: "„\(printable(path))“ lässt sich nicht schreiben."), cause: error)
        }
    }
}
