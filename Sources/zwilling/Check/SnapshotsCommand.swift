// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct SnapshotsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshots",
        abstract: say("List the snapshots.", de: "Die Sicherungsstände auflisten."),
        discussion: say(
            """
            A machine that protects can do this by itself; any other needs the passphrase.
              zwilling snapshots
              zwilling snapshots --vault /mnt/backup/vault --json
            """,
            de: """
                Ein Rechner, der sichert, kann das ohne Weiteres; jeder andere braucht die
                Passphrase.
                  zwilling snapshots
                  zwilling snapshots --vault /mnt/backup/tresor --json
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let observed = try await known.observed(passphrase)
        let snapshots = observed.snapshots
        if output.json {
            try showJSON(
                Fields(
                    vault: known.vault.keyring.vault.description,
                    snapshots: snapshots.map(SnapshotFields.init),
                    findings: observed.troubles.map(FindingFields.init)))
        } else {
            try show(lines(snapshots))
        }
        tellFindings(observed.troubles)
        if !observed.troubles.isEmpty { throw ExitCode(1) }
    }

    private func lines(_ snapshots: [Observed.Fact]) -> [String] {
        guard !snapshots.isEmpty else {
            return [
                say(
                    "No snapshot yet. Take one with \"zwilling protect PATH\".",
                    de: "Noch kein Sicherungsstand. Anlegen mit „zwilling protect PFAD“.")
            ]
        }
        let heading = [
            "ID", say("TIME", de: "ZEIT"), say("HOST", de: "RECHNER"),
            say("FILES", de: "DATEIEN"), say("SIZE", de: "GRÖSSE"), say("ADDED", de: "NEU"),
            say("DATA SET", de: "DATENBESTAND"),
        ]
        let rows = snapshots.map { fact in
            let body = fact.body
            return [
                fact.id.short, exactTime(body.begun), plain(body.host), figure(body.counts.files),
                size(body.counts.bytes), size(body.addedBytes), description(of: body),
            ]
        }
        return table([heading] + rows, rightAligned: [3, 4, 5])
    }

    /// The data set's name, and its paths where the name does not tell.
    private func description(of body: RecordBody) -> String {
        let paths = body.paths.map { printable($0) }.joined(separator: ", ")
        if paths.isEmpty { return plain(body.dataSet) }
        return body.dataSet == paths ? paths : "\(plain(body.dataSet)) (\(paths))"
    }

    private struct Fields: Encodable {
        let vault: String
        let snapshots: [SnapshotFields]
        let findings: [FindingFields]
    }
}

/// A text from a vault, which may come from anybody, on a terminal.
func plain(_ text: String) -> String { printable(Array(text.utf8)) }

struct SnapshotFields: Encodable {
    let snapshot: String
    let begun: String
    let writer: String
    let writerName: String
    let sequence: UInt64
    let host: String
    let dataSet: String
    let paths: [PathFields]
    let counts: CountFields
    let bytesAdded: UInt64

    init(_ fact: Observed.Fact) {
        (snapshot, sequence) = (fact.id.hex, fact.sequence)
        (writer, writerName) = (fact.writer.id.description, fact.writer.name)
        (host, dataSet) = (fact.body.host, fact.body.dataSet)
        begun = isoTime(fact.body.begun)
        paths = fact.body.paths.map { PathFields(bytes: $0) }
        counts = CountFields(fact.body.counts)
        bytesAdded = fact.body.addedBytes
    }
}

/// Something that is wrong with a vault.
struct FindingFields: Encodable {
    let kind: String
    let message: String
    let advice: String?

    init(_ trouble: Trouble) {
        kind = trouble.kind.rawValue
        message = say(trouble.message)
        advice = trouble.advice.map(say)
    }
}

/// Each finding on a line of its own; the same next step is said once, behind the last that needs
/// it.
func tellFindings(_ findings: [Trouble]) {
    for (index, finding) in findings.enumerated() {
        tell("zwilling: " + say(finding.message))
        let next = index + 1 < findings.count ? findings[index + 1].advice : nil
        if let advice = finding.advice, advice != next { tell("  " + say(advice)) }
    }
}
