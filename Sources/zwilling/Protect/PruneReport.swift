// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// What a pruning lets go, would let go, or has taken away.
struct PruneReport {
    private let pruning: Pruning
    /// nil where nothing was done.
    private let outcome: Pruning.Outcome?
    private let keyring: Keyring

    init(_ pruning: Pruning, _ outcome: Pruning.Outcome?, _ keyring: Keyring) {
        (self.pruning, self.outcome, self.keyring) = (pruning, outcome, keyring)
    }

    private func name(_ writer: Identifier) -> String { plain(keyring.writer(writer)?.name ?? short(writer)) }

    private static func amount(_ packs: [PackReference]) -> String {
        amount(packs.count, packs.reduce(0) { $0 + UInt64($1.bytes) })
    }

    private static func amount(_ packs: Int, _ bytes: UInt64) -> String {
        counted(packs, Words("pack", de: "Paket"), Words("packs", de: "Pakete")) + ", " + size(bytes)
    }

    /// The same order at each run.
    private var waiting: [(reason: Pruning.Reason, packs: Int, bytes: UInt64)] {
        pruning.waiting.map { ($0.key, $0.value.packs, $0.value.bytes) }.sorted { words($0.0) < words($1.0) }
    }

    private func words(_ reason: Pruning.Reason) -> String {
        switch reason {
        case .grace(let end): say("stay until \(localTime(end))", de: "bleiben bis \(localTime(end))")
        case .writer(let id):
            say(
                "stay until \"\(name(id))\" has protected again, or is retired",
                de: "bleiben, bis „\(name(id))“ wieder gesichert hat oder stillgelegt ist")
        case .needed:
            say("stay as long as a kept snapshot needs them", de: "bleiben, solange ein behaltener Stand sie braucht")
        }
    }

    var lines: [String] {
        let heading = [
            say("KEPT", de: "BLEIBEN"), say("LET GO", de: "AUFGEGEBEN"), say("WRITER", de: "SCHREIBER"), say("DATA SET", de: "DATENBESTAND"),
        ]
        let rows = pruning.chains.map { chain in
            [figure(chain.kept.count), figure(chain.forgotten.count), plain(chain.writer.name), plain(chain.dataSet)]
        }
        var lines = rows.isEmpty ? [] : table([heading] + rows, rightAligned: [0, 1])
        if outcome == nil {
            for chain in pruning.chains {
                for fact in chain.forgotten {
                    let what = "\(fact.id.short)  \(localTime(fact.body.begun))  \(plain(chain.writer.name))  \(plain(chain.dataSet))"
                    lines.append(say("Would be let go: \(what)", de: "Aufgegeben würde: \(what)"))
                }
            }
        }
        if !pruning.alarms.isEmpty { return lines }
        let condemned = Self.amount(pruning.condemned)
        let emptied = pruning.emptied.isEmpty ? nil : Self.amount(pruning.emptied)
        if let outcome {
            lines.append(say("No longer needed: \(condemned).", de: "Nicht mehr gebraucht: \(condemned)."))
            if let emptied {
                lines.append(
                    say(
                        "Being emptied: \(emptied); the little that snapshots need of them is stored anew.",
                        de: "Werden geleert: \(emptied); das Wenige, was Stände davon brauchen, wird neu gesichert."))
            }
            lines.append(say("Taken away: \(Self.amount(outcome.removed)).", de: "Weggenommen: \(Self.amount(outcome.removed))."))
            if let first = outcome.refused.first {
                let kept = Self.amount(outcome.refused.map(\.pack))
                lines.append(
                    say(
                        "Kept by a site: \(kept); the next run tries again. \(say(first.trouble.message))",
                        de: "Von einem Standort behalten: \(kept); der nächste Lauf versucht es wieder. \(say(first.trouble.message))"))
            }
        } else {
            lines.append(say("Would no longer be needed: \(condemned).", de: "Nicht mehr gebraucht würden: \(condemned)."))
            if let emptied { lines.append(say("Would be emptied: \(emptied).", de: "Geleert würden: \(emptied).")) }
            lines.append(
                say(
                    "Would be taken away now: \(Self.amount(pruning.removable)).",
                    de: "Jetzt weggenommen würden: \(Self.amount(pruning.removable))."))
        }
        for (reason, packs, bytes) in waiting { lines.append("\(Self.amount(packs, bytes)) \(words(reason)).") }
        return lines
    }

    /// Why nothing was let go, and how it goes on.
    var halted: String {
        let alarms = pruning.alarms.map { alarm in
            let id = alarm.fact.id.short
            let whose = say(
                "\"\(plain(alarm.fact.body.dataSet))\" of \"\(plain(alarm.fact.writer.name))\"",
                de: "„\(plain(alarm.fact.body.dataSet))“ von „\(plain(alarm.fact.writer.name))“")
            switch alarm.kind {
            case .burst(let count, let seconds):
                return say(
                    "\(id)  \(figure(count)) snapshots of \(whose) in \(duration(Double(seconds))), far more than before",
                    de: "\(id)  \(figure(count)) Stände von \(whose) in \(duration(Double(seconds))), viel mehr als zuvor")
            case .ahead(let seconds):
                return say(
                    "\(id)  a snapshot of \(whose) is dated \(duration(Double(seconds))) after now: see which clock is wrong",
                    de: "\(id)  ein Stand von \(whose) liegt \(duration(Double(seconds))) in der Zukunft: prüfen, welche Uhr falsch geht")
            case .jump(let added, let all):
                return say(
                    "\(id)  \(size(added)) of the \(size(all)) of \(whose) were new at once",
                    de: "\(id)  \(size(added)) der \(size(all)) von \(whose) waren auf einmal neu")
            }
        }
        let options = Set(pruning.alarms.map { "--confirm \($0.fact.id.short)" }).sorted().joined(separator: " ")
        return say(
            "Nothing was let go, because a machine did what it does not do by itself:\n  \(alarms.joined(separator: "\n  "))\n"
                + "See with \"zwilling diff\" whether that is what people did, or whether somebody encrypts. Then go on with \(options).",
            de: "Nichts wurde aufgegeben, denn ein Rechner tat, was er sonst nicht tut:\n  \(alarms.joined(separator: "\n  "))\n"
                + "Mit „zwilling diff“ nachsehen, ob das Menschen waren oder jemand verschlüsselt. Dann weiter mit \(options).")
    }

    struct Fields: Encodable {
        struct Chain: Encodable {
            let dataSet, writer: String
            let kept, forgotten: [String]
        }

        struct Alarm: Encodable {
            let snapshot, dataSet, writer, kind: String
            let addedBytes: UInt64?
            let snapshots: Int?
        }

        struct Amount: Encodable {
            let packs: Int
            let bytes: UInt64
        }

        struct Waiting: Encodable {
            let reason: String
            let until, writer: String?
            let packs: Int
            let bytes: UInt64
        }

        let isDone: Bool
        let chains: [Chain]
        let alarms: [Alarm]
        let condemned, emptied, removable: Amount
        let removed, refused: Amount?
        let waiting: [Waiting]
    }

    var fields: Fields {
        func amount(_ packs: [PackReference]) -> Fields.Amount {
            Fields.Amount(packs: packs.count, bytes: packs.reduce(0) { $0 + UInt64($1.bytes) })
        }
        let chains = pruning.chains.map {
            Fields.Chain(
                dataSet: $0.dataSet, writer: $0.writer.name, kept: $0.kept.map(\.id.hex), forgotten: $0.forgotten.map(\.id.hex))
        }
        let alarms = pruning.alarms.map { alarm in
            let (kind, added, count): (String, UInt64?, Int?) =
                switch alarm.kind {
                case .burst(let count, _): ("burst", nil, count)
                case .jump(let added, _): ("jump", added, nil)
                case .ahead: ("ahead", nil, nil)
                }
            return Fields.Alarm(
                snapshot: alarm.fact.id.hex, dataSet: alarm.fact.body.dataSet, writer: alarm.fact.writer.name, kind: kind,
                addedBytes: added, snapshots: count)
        }
        let waiting = waiting.map { reason, packs, bytes in
            let (kind, until, writer): (String, String?, String?) =
                switch reason {
                case .grace(let end): ("grace", isoTime(end), nil)
                case .writer(let id): ("writer", nil, name(id))
                case .needed: ("needed", nil, nil)
                }
            return Fields.Waiting(reason: kind, until: until, writer: writer, packs: packs, bytes: bytes)
        }
        return Fields(
            isDone: outcome != nil, chains: chains, alarms: alarms, condemned: amount(pruning.condemned), emptied: amount(pruning.emptied),
            removable: amount(pruning.removable), removed: outcome.map { amount($0.removed) },
            refused: outcome.map { amount($0.refused.map(\.pack)) }, waiting: waiting)
    }
}
