// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import FoundationEssentials
import Ground
import Vault

/// A report with the signatures of the vault's root (Ed25519 and ML-DSA-65), as it lies in the vault
/// and in a directory of its own: two files, and pages for people made from the first.
package struct SignedReport: Sendable {
    package let report: DrillReport
    /// Of the file that is signed.
    package let bytes: [UInt8]
    package let signatures: [UInt8]

    package static let reportName = "report.json"
    package static let signatureName = "report.sig"
    private static let label = "zwilling drill report"
    private static let bytesMax = 1 << 24

    package init(_ report: DrillReport, signedBy root: RootKey) throws(Trouble) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            bytes = Array(try encoder.encode(report)) + [UInt8(ascii: "\n")]
            signatures = try root.signatures(of: Sealing.labelled(Self.label, bytes))
        } catch {
            throw Trouble(.system, Words("The report could not be signed.", de: "Der Bericht ließ sich nicht signieren."), cause: error)
        }
        self.report = report
    }

    /// - Throws: `.damaged` where it is not what the root has signed.
    package init(_ bytes: [UInt8], _ signatures: [UInt8], of root: RootIdentity) throws(Trouble) {
        guard root.hasSigned(Sealing.labelled(Self.label, bytes), signatures) else { throw .forgedReport }
        do { report = try JSONDecoder().decode(DrillReport.self, from: Data(bytes)) } catch {
            throw Trouble(.newerFormat, Words("The report is of another kind than this program knows.", de: "Der Bericht ist von anderer Art, als dieses Programm sie kennt."), cause: error)
        }
        (self.bytes, self.signatures) = (bytes, signatures)
    }

    /// From a directory.
    package init(in folder: [UInt8], of root: RootIdentity) throws(Trouble) {
        func contents(_ name: String) throws(Trouble) -> [UInt8] {
            do throws(SystemError) {
                return try Machine.readWhole(folder + Array("/\(name)".utf8), upTo: Self.bytesMax)
            } catch { throw error.trouble(Words("Cannot read", de: "Nicht lesbar:")) }
        }
        try self.init(try contents(Self.reportName), try contents(Self.signatureName), of: root)
    }

    /// Its files, with a page in each language.
    package func files(time: (Int64) -> String) -> [(name: String, bytes: [UInt8])] {
        [
            (Self.reportName, bytes), (Self.signatureName, signatures),
            ("report.de.html", DrillPage.html(report, german: true, time: time)),
            ("report.en.html", DrillPage.html(report, german: false, time: time)),
        ]
    }

    /// Those in the vault, the newest first; what is damaged or forged is told instead.
    package static func all(
        in vault: OpenVault, atMost count: Int
    ) async throws(Trouble) -> (reports: [SignedReport], troubles: [Trouble]) {
        let facts = vault.observed.snapshots.filter { $0.body.dataSet == RecordBody.drills }
            .sorted { $0.body.begun > $1.body.begun }.prefix(count)
        var (reports, troubles): ([SignedReport], [Trouble]) = ([], [])
        for fact in facts {
            do throws(Trouble) {
                let files = Dictionary(try await vault.contents(of: fact, upTo: bytesMax).map { ($0.name, $0.bytes) }) { first, _ in first }
                reports.append(
                    try SignedReport(
                        files[reportName] ?? [], files[signatureName] ?? [], of: vault.vault.keyring.root))
            } catch { troubles.append(error) }
        }
        return (reports, troubles)
    }
}

extension Trouble {
    fileprivate static let forgedReport = Trouble(
        .damaged,
        Words(
            "The report is not what was signed: it was changed, or belongs to another vault.",
            de: "Der Bericht ist nicht, was signiert wurde: Er wurde geändert oder gehört zu einem anderen Tresor."),
        advice: Words(
            "\"zwilling restore --data drills --to DIR\" brings the newest one back from the vault.",
            de: "„zwilling restore --data drills --to VERZ“ holt den neuesten aus dem Tresor zurück."))
}
