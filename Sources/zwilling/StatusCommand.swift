// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Capture
import Files
import Ground
import Vault

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: say("Show how old each copy is.", de: "Zeigen, wie alt jede Kopie ist."),
        discussion: say(
            """
            Compares the newest copy of each data set of the blueprint with how old it may be (rpo).
            A machine that protects can do this by itself. Exit code 3 if a copy is late or missing.
              zwilling status
              zwilling status --json
            """,
            de: """
                Vergleicht die neueste Kopie jedes Datenbestands im Bauplan damit, wie alt sie sein
                darf (rpo). Ein Rechner, der sichert, kann das ohne Weiteres. Rückgabewert 3, wenn
                eine Kopie zu alt ist oder fehlt.
                  zwilling status
                  zwilling status --json
                """))

    @OptionGroup var blueprint: BlueprintOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let institution = try blueprint.blueprint().institution
        let known = try await KnownVault(vault, of: institution)
        let observed = try await known.observed(passphrase)
        let now = World.real.now()
        let all = institution.data.map { Freshness($0, among: observed.snapshots, now: now) }
        if output.json {
            try showJSON(
                Fields(
                    institution: institution.name.value, dataSets: all.map(FreshnessFields.init),
                    findings: observed.troubles.map(FindingFields.init)))
        } else {
            try show(lines(all))
        }
        tellFindings(observed.troubles)
        if !observed.troubles.isEmpty { throw ExitCode(1) }
        if all.contains(where: { [.late, .never].contains($0.state) }) { throw ExitCode(3) }
    }

    private func lines(_ all: [Freshness]) -> [String] {
        guard !all.isEmpty else {
            return [say("The blueprint has no data set.", de: "Der Bauplan hat keinen Datenbestand.")]
        }
        let heading = [
            say("DATA SET", de: "DATENBESTAND"), say("COPY OF", de: "KOPIE VON"),
            say("AGE", de: "ALTER"), say("MAY BE", de: "DARF SEIN"), say("STATE", de: "ZUSTAND"),
        ]
        let rows = all.map { one in
            [
                one.id, one.newest.map { localTime($0.body.begun) } ?? "–",
                one.age.map { duration(Double($0)) } ?? "–", one.rpo.map { "\($0)" } ?? "–",
                painted(one.state),
            ]
        }
        return table([heading] + rows, rightAligned: [])
    }

    private func painted(_ state: Freshness.State) -> String {
        switch state {
        case .inTime: Paint.green(say("in time", de: "rechtzeitig"))
        case .late: Paint.red(say("late", de: "zu alt"))
        case .never: Paint.red(say("no copy", de: "keine Kopie"))
        case .unjudged: say("no rpo given", de: "keine rpo angegeben")
        }
    }

    private struct Fields: Encodable {
        let institution: String
        let dataSets: [FreshnessFields]
        let findings: [FindingFields]
    }
}

private struct FreshnessFields: Encodable {
    let dataSet: String
    let state: String
    let snapshot: String?
    let begun: String?
    let ageSeconds: Int64?
    let rpoSeconds: Int?

    init(_ one: Freshness) {
        (dataSet, state, ageSeconds) = (one.id, one.state.rawValue, one.age)
        snapshot = one.newest?.id.hex
        begun = one.newest.map { isoTime($0.body.begun) }
        rpoSeconds = one.rpo?.seconds
    }
}

/// Colour for people at a terminal who want it (no-color.org).
enum Paint {
    private static let isWanted =
        Terminal.isTerminal(.output) && (Terminal.environment("NO_COLOR") ?? "").isEmpty

    static func green(_ text: String) -> String { painted(text, "32") }
    static func red(_ text: String) -> String { painted(text, "31;1") }

    private static func painted(_ text: String, _ code: String) -> String {
        isWanted ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

struct MomentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moments",
        abstract: say(
            "Show to which moments the whole twin can go back.",
            de: "Zeigen, auf welche Zeitpunkte der ganze Zwilling zurück kann."),
        discussion: say(
            """
            At each of them every data set of the blueprint has a copy; the one named is the oldest
            of these and holds the moment back.
              zwilling moments
            """,
            de: """
                An jedem davon hat jeder Datenbestand im Bauplan eine Kopie; der genannte ist die
                älteste davon und hält den Zeitpunkt zurück.
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
        let moments = TwinMoment.all(of: institution.data, among: observed.snapshots)
        if output.json {
            try showJSON(
                Fields(
                    moments: moments.map(MomentFields.init),
                    missing: missing(institution, observed)))
        } else {
            try show(moments.isEmpty ? none(institution, observed) : lines(moments))
        }
        tellFindings(observed.troubles)
        if !observed.troubles.isEmpty { throw ExitCode(1) }
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
                localTime(one.moment), plain(one.oldest.body.dataSet),
                localTime(one.oldest.body.begun),
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
        let dataSet, snapshot, begun: String
    }

    let moment: String
    let heldBackBy: String
    let parts: [Part]

    init(_ one: TwinMoment) {
        moment = isoTime(one.moment)
        heldBackBy = one.oldest.body.dataSet
        parts = one.parts.map {
            Part(dataSet: $0.body.dataSet, snapshot: $0.id.hex, begun: isoTime($0.body.begun))
        }
    }
}
