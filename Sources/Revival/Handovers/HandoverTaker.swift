// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// The work as the side sees it that takes it over. Each may be called again after a run that was
/// killed in it.
package protocol TakenWork: Sendable {
    /// Its data come, while the other side works, until little is missing.
    func follow() async throws(Trouble)
    /// Its data are all here, as far as they were given.
    func finish(_ cuts: [Promotion.Cut]) async throws(Trouble)
    /// It goes on here.
    func start() async throws(Trouble)
}

/// Takes the work over from whoever has it (docs/architecture.md, "A handover"). Nothing is kept here but
/// what stands on the board: the same again goes on where it was.
package struct HandoverTaker: Sendable {
    private let id: String
    private let holder: String
    private let work: any TakenWork
    private let term: UInt32
    private let board: any HandoverBoard
    private let now: @Sendable () -> Double
    private let pause: @Sendable () async throws(Trouble) -> Void
    private let patience: Double

    /// How long, in seconds, it waits for the other side to give.
    package static let usualPatience = 120.0

    /// - Parameters:
    ///   - id: of the handover; another one after one that came to nothing.
    ///   - holder: the activation that is to have the work.
    ///   - term: of the promotion by which the other side has the work.
    ///   - pause: between two looks at the board; throws where all shall end.
    package init(
        _ id: String, for holder: String, _ work: any TakenWork, of term: UInt32, on board: any HandoverBoard, patience: Double = usualPatience,
        now: @escaping @Sendable () -> Double, pause: @escaping @Sendable () async throws(Trouble) -> Void
    ) {
        (self.id, self.holder, self.work, self.term, self.board) = (id, holder, work, term, board)
        (self.patience, self.now, self.pause) = (patience, now, pause)
    }

    package func run() async throws(Trouble) {
        if try await isMine() { return try await work.start() }
        if try await board.decision(id) == nil {
            if try await board.given(id) == nil { try await work.follow() }
            try await board.ask(id, of: term)
        }
        let cuts = try await awaitGiven()
        do throws(Trouble) { try await work.finish(cuts) } catch {
            // Nothing waits for one that cannot come to an end; where this is lost too, the other side
            // does it by itself.
            if try await board.decision(id) == nil { _ = try await board.decide(id, of: term, .kept) }
            throw error
        }
        // From here on nobody serves: what fails for a moment is tried again.
        let decision = try await patiently { () throws(Trouble) in try await board.decide(id, of: term, .taken) }
        guard decision == .taken else { throw .staysThere }
        try await patiently { () throws(Trouble) in try await board.promote(holder, after: term, cutting: cuts) }
        try await work.start()
    }

    private func patiently<Value>(_ body: () async throws(Trouble) -> Value) async throws(Trouble) -> Value {
        let begun = now()
        while true {
            do throws(Trouble) { return try await body() } catch {
                guard error.kind == .system else { throw error }
                guard now() - begun < patience else { throw .nobodyServes(error) }
                try await pause()
            }
        }
    }

    /// - Throws: `.exists` where somebody else has taken over.
    private func isMine() async throws(Trouble) -> Bool {
        guard let promotion = try await board.promotion() else { return false }
        if promotion.holder == holder { return true }
        guard promotion.term == term else { throw .promotedElsewhere(promotion.holder) }
        return false
    }

    private func awaitGiven() async throws(Trouble) -> [Promotion.Cut] {
        let begun = now()
        while true {
            let decision = try await board.decision(id)
            if decision == .kept { throw .staysThere }
            if let cuts = try await board.given(id) { return cuts }
            if now() - begun > patience, try await board.decide(id, of: term, .kept) == .kept { throw .noAnswer }
            try await pause()
        }
    }
}

extension Trouble {
    private static let again = Words(
        "People work on where they were. The same command tries again.",
        de: "Die Menschen arbeiten weiter, wo sie waren. Derselbe Befehl versucht es noch einmal.")

    fileprivate static let staysThere = Trouble(
        .busy,
        Words("The work stays where it was: it was not taken over in time.", de: "Die Arbeit bleibt, wo sie war: Sie wurde nicht rechtzeitig übernommen."),
        advice: again)

    fileprivate static let noAnswer = Trouble(
        .system,
        Words("Who has the work does not give it: there was no answer.", de: "Wer die Arbeit hat, gibt sie nicht her: Es kam keine Antwort."),
        advice: Words(
            "\"zwilling protect --continuous\" must run there. If that machine is gone: \"zwilling activate --emergency\".",
            de: "Dort muss „zwilling protect --continuous“ laufen. Gibt es den Rechner nicht mehr: „zwilling activate --emergency“."))

    fileprivate static func nobodyServes(_ cause: Trouble) -> Trouble {
        Trouble(
            cause.kind,
            Words(
                "Nobody has the work now: it was given, and cannot be taken over. \(cause.message.english)",
                de: "Niemand hat jetzt die Arbeit: Sie wurde übergeben und lässt sich nicht übernehmen. \(cause.message.german)"),
            advice: Words("Run the same command again at once; it goes on where it was.", de: "Denselben Befehl sofort wiederholen; er macht dort weiter."),
            cause: cause)
    }
}
