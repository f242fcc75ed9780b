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
        let logs = try await institution.logs(among: observed)
        let standing = try known.state.standing()
        let all = institution.data.map { data in
            Freshness(
                data, among: observed.snapshots, log: logs.reach[data.id.value],
                standing: standing[data.id.value], now: now)
        }
        let findings = observed.troubles + logs.troubles
        let images = ImageCopies(of: institution, among: observed.snapshots)
        if output.json {
            try showJSON(
                Fields(
                    institution: institution.name.value, dataSets: all.map(FreshnessFields.init),
                    images: images, findings: findings.map(FindingFields.init)))
        } else {
            try show(lines(all) + (images?.lines ?? []))
        }
        tellFindings(findings)
        if !findings.isEmpty { throw ExitCode(1) }
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
                one.id, one.moment.map { exactTime($0) } ?? "–",
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
        let images: ImageCopies?
        let findings: [FindingFields]
    }
}

private struct FreshnessFields: Encodable {
    let dataSet: String
    let state: String
    let snapshot: String?
    let begun: String?
    /// How far its log leads, where one is followed.
    let logUntil: String?
    let ageSeconds: Int64?
    let rpoSeconds: Int?

    init(_ one: Freshness) {
        (dataSet, state, ageSeconds) = (one.id, one.state.rawValue, one.age)
        snapshot = one.newest?.id.hex
        begun = one.newest.map { isoTime($0.body.begun) }
        logUntil = one.hasLog ? one.moment.map(isoTime) : nil
        rpoSeconds = one.rpo?.seconds
    }
}

/// The container images that a blueprint names. They have no age: they are captured when they change.
private struct ImageCopies: Encodable {
    let named: Int
    let snapshot: String?
    let begun: String?
    private let moment: Moment?

    private enum CodingKeys: CodingKey { case named, snapshot, begun }

    init?(of institution: Institution, among snapshots: [Observed.Fact]) {
        named = institution.imageNames.count
        guard named > 0 else { return nil }
        let newest = snapshots.filter { $0.body.dataSet == DataSetCapture.images }
            .max { $0.body.begun < $1.body.begun }
        moment = newest?.body.begun
        (snapshot, begun) = (newest?.id.hex, moment.map(isoTime))
    }

    var lines: [String] {
        guard let moment else {
            return [
                say(
                    "No container image has been captured yet; the blueprint names \(named).",
                    de: "Noch kein Container-Abbild ist gesichert; der Bauplan nennt \(named).")
            ]
        }
        return [
            say(
                "Container images: as they were last seen to change, \(localTime(moment))",
                de: "Container-Abbilder: Stand ihrer letzten Änderung, \(localTime(moment))")
        ]
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

extension Institution {
    /// How far the logs of its clusters lead, as an observer sees it.
    func logs(
        among observed: Observed
    ) async throws(Trouble) -> (reach: [String: LogReach], troubles: [Trouble]) {
        guard data.contains(where: { $0.kind == .postgres }) else { return ([:], []) }
        let units = try await Units(of: observed)
        return (logs(among: observed, units), units.troubles)
    }

    func logs(among observed: Observed, _ units: Units) -> [String: LogReach] {
        let pairs = data.filter { $0.kind == .postgres }.map {
            ($0.id.value, LogReach(of: $0.id.value, among: observed, units))
        }
        return Dictionary(pairs) { first, _ in first }
    }
}
