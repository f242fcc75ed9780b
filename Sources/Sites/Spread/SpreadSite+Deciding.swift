// SPDX-License-Identifier: EUPL-1.2
import Ground

// What must never exist twice is decided by the first site of the plan, or by nobody: two that ask two
// halves of a cut network must not both win.
extension SpreadSite {
    package func listDecided(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        guard let lane = lanes.first(where: { !$0.isRemovable }) else { return [] }
        let round = Round<[ObjectEntry]>()
        round.ask(lane, number: 0) { site throws(Trouble) in try await site.list(prefix) }
        round.ring(after: patience.decision)
        switch await round.next() {
        case .answer(_, .success(let entries)): return entries
        case .answer(_, .failure(let trouble)): throw .undecided(lane.name, trouble)
        case .bell, nil: throw .undecided(lane.name, nil)
        }
    }
}

extension Trouble {
    static func undecided(_ site: String, _ cause: Trouble?) -> Trouble {
        Trouble(
            .system,
            Words(
                "Site \"\(site)\", which decides who has the work, does not answer. \(cause?.message.english ?? "")",
                de: "Der Standort „\(site)“, der entscheidet, wer die Arbeit hat, antwortet nicht. \(cause?.message.german ?? "")"),
            advice: Words(
                "Make it reachable; if it is lost, let another decide: \"zwilling sites rules --deciding NAME\".",
                de: "Ihn erreichbar machen; ist er verloren, einen anderen entscheiden lassen: „zwilling sites rules --deciding NAME“."),
            cause: cause)
    }
}
