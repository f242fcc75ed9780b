// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Ground
import Vault

struct MomentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moments",
        abstract: say(
            "Show to which moments the whole twin can go back.",
            de: "Zeigen, auf welche Zeitpunkte der ganze Zwilling zurück kann."),
        discussion: say(
            """
            At each of them every data set of the blueprint has a copy; the one named is the oldest
            of these and holds the moment back. What has a log goes with the copies of its
            application, so that no row points at a file that is not there; by itself it can be
            brought back to any moment from its first base on.
              zwilling moments
            """,
            de: """
                An jedem davon hat jeder Datenbestand im Bauplan eine Kopie; der genannte ist die
                älteste davon und hält den Zeitpunkt zurück. Was ein Protokoll hat, geht mit den
                Kopien seiner Anwendung, damit kein Eintrag auf eine Datei zeigt, die es nicht
                gibt; für sich ist es auf jeden Zeitpunkt ab seiner ersten Grundsicherung zu
                bringen.
                  zwilling moments
                """))

    private static let linesMax = 20

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let institution = try blueprint.blueprint().institution
        let known = try await KnownVault(vault, of: institution)
        let observed = try await known.observed(passphrase)
        let logs = try await institution.logs(among: observed)
        let moments = TwinMoment.all(
            of: institution, among: observed.snapshots, logs: logs.reach)
        let findings = observed.troubles + logs.troubles
        if output.json {
            try showJSON(
                Fields(
                    moments: moments.map(MomentFields.init),
                    missing: missing(institution, observed)))
        } else {
            try show(moments.isEmpty ? none(institution, observed) : lines(moments))
        }
        tellFindings(findings)
        if !findings.isEmpty { throw ExitCode(1) }
        if moments.isEmpty { throw ExitCode(3) }
    }

    private func missing(_ institution: Institution, _ observed: Observed) -> [String] {
        let there = Set(observed.snapshots.map(\.body.dataSet))
        return institution.data.map(\.id.value).filter { !there.contains($0) }
    }

    private func none(_ institution: Institution, _ observed: Observed) -> [String] {
        let names = missing(institution, observed).joined(separator: ", ")
        return [
            say(
                "There is no moment yet: never captured are \(names).",
                de: "Noch gibt es keinen Zeitpunkt: nie gesichert wurden \(names).")
        ]
    }

    private func lines(_ moments: [TwinMoment]) -> [String] {
        let heading = [
            say("MOMENT", de: "ZEITPUNKT"), say("OLDEST PART", de: "ÄLTESTER TEIL"),
            say("OF", de: "VON"),
        ]
        let rows = moments.prefix(Self.linesMax).map { one in
            [
                exactTime(one.moment), one.oldest.map { plain($0.snapshot.body.dataSet) } ?? "–",
                one.oldest.map { exactTime($0.moment) } ?? "–",
            ]
        }
        return table([heading] + rows, rightAligned: [])
    }

    private struct Fields: Encodable {
        let moments: [MomentFields]
        let missing: [String]
    }
}

private struct MomentFields: Encodable {
    struct Part: Encodable {
        /// `at` is the state that it is brought back to.
        let dataSet, snapshot, begun, at: String
    }

    let moment: String
    let heldBackBy: String?
    let parts: [Part]

    init(_ one: TwinMoment) {
        moment = isoTime(one.moment)
        heldBackBy = one.oldest?.snapshot.body.dataSet
        parts = one.parts.map {
            Part(
                dataSet: $0.snapshot.body.dataSet, snapshot: $0.snapshot.id.hex,
                begun: isoTime($0.snapshot.body.begun), at: isoTime($0.moment))
        }
    }
}
