// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: say(
            "Check that everything is there and intact.",
            de: "Prüfen, ob alles da und unversehrt ist."),
        discussion: say(
            """
            Without the passphrase it checks signatures, chains and that every pack is there; with
            --read-data every byte. With the passphrase and --read-data it opens everything, as a
            restore would. Whatever is wrong is named, and the exit code is 1.
              zwilling verify
              zwilling verify --read-data
              zwilling verify --read-data --passphrase-file /root/passphrase
            With several sites the copies are compared, too; --repair copies what one lacks, or has
            otherwise than it was put, from another, and sets damaged bytes aside.
              zwilling verify --read-data --repair
            """,
            de: """
                Ohne Passphrase prüft es Signaturen, Ketten und ob jedes Paket da ist; mit
                --read-data jedes Byte. Mit Passphrase und --read-data öffnet es alles, wie eine
                Wiederherstellung. Was nicht stimmt, wird genannt; der Rückgabewert ist dann 1.
                  zwilling verify
                  zwilling verify --read-data
                  zwilling verify --read-data --passphrase-file /root/passphrase
                Bei mehreren Standorten vergleicht es auch deren Kopien; --repair kopiert von einem
                anderen, was einem fehlt oder dort anders ist, und legt beschädigte Bytes beiseite.
                  zwilling verify --read-data --repair
                """))

    @Flag(help: ArgumentHelp(say("Read every byte.", de: "Jedes Byte lesen.")))
    var readData = false

    @Flag(help: ArgumentHelp(say("Repair a site from the others.", de: "Einen Standort aus den anderen wiederherstellen.")))
    var repair = false

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        var options = VerifyOptions()
        options.readsData = readData
        // What is repaired first is found well by what follows.
        let copies = try await compared(known)
        let isOpen: Bool
        let verified: Verified
        let progress: ProgressLine
        if passphrase.passphraseFile == nil, let keys = try known.state.keys() {
            isOpen = false
            let observed = try await known.observed(with: keys, isBundled: false)
            progress = ProgressLine(output)
            verified = try await observed.verify(options, report: progress.report)
        } else {
            isOpen = true
            let open = try await known.opened(passphrase, isBundled: false)
            progress = ProgressLine(output)
            verified = try await open.verify(options, report: progress.report)
        }
        progress.end()
        let report = VerifyReport(
            verified: verified, copies: copies, isOpen: isOpen, readsData: readData, seconds: progress.seconds)
        try output.json ? showJSON(report.fields) : report.show()
        tellFindings(verified.findings)
        copies?.tellFindings()
        if !verified.findings.isEmpty || copies?.isAmiss(nil) == true { throw ExitCode(1) }
    }

    /// nil where it lies at one site.
    private func compared(_ known: KnownVault) async throws -> CopiesReport? {
        guard let spread = known.spread else {
            if repair { throw Trouble.oneSite }
            return nil
        }
        var options = Copies.Options()
        (options.readsData, options.repairs) = (readData, repair)
        if repair { await spread.settle() }
        let progress = ProgressLine(output)
        defer { progress.end() }
        return CopiesReport(
            try await known.vault.copies(at: spread, options, report: progress.report), plan: known.vault.keyring.plan)
    }
}

extension ProgressLine {
    func report(_ now: VerifyProgress) {
        update(
            bytesDone: now.bytesDone, of: now.bytesTotal,
            "\(packs(now.packsDone)) / \(figure(now.packsTotal))")
    }
}

/// What a verification looked at, how deep, and how to look deeper.
struct VerifyReport {
    let verified: Verified
    let copies: CopiesReport?
    /// With the reader's keys.
    let isOpen: Bool
    let readsData: Bool
    let seconds: Double

    func show() throws(Trouble) {
        var lines = [
            say("Checked ", de: "Geprüft: ")
                + [
                    keyrings(verified.keyrings), records(verified.records),
                    snapshots(verified.snapshots), packs(verified.packs),
                ].joined(separator: ", ") + " in \(duration(seconds)).",
            depth,
        ]
        if let deeper { lines.append(deeper) }
        if !verified.orphans.isEmpty {
            let bytes = verified.orphans.reduce(0) { $0 + $1.bytes }
            lines.append(
                say(
                    "Left from interrupted runs: \(packs(verified.orphans.count)), "
                        + "\(size(bytes)). That is no damage.",
                    de: "Von abgebrochenen Läufen übrig: \(packs(verified.orphans.count)), "
                        + "\(size(bytes)). Das ist kein Schaden."))
        }
        lines += copies?.lines ?? []
        let isWell = verified.findings.isEmpty && copies?.isAmiss(nil) != true
        lines.append(
            isWell
                ? say("Nothing is wrong.", de: "Es ist alles in Ordnung.")
                : say(
                    "What is wrong is named on standard error: \(figure(wrong)).",
                    de: "Was nicht in Ordnung ist, steht auf der Standardfehlerausgabe: \(figure(wrong))."))
        try zwilling.show(lines)
    }

    private var wrong: Int { verified.findings.count + (copies?.openCount ?? 0) }

    private var depth: String {
        switch verified.depth {
        case .presence:
            say(
                "Depth: signatures and chains hold, and every pack was looked for.",
                de: "Tiefe: Signaturen und Ketten geprüft, und jedes Paket gesucht.")
        case .hashes:
            say(
                "Depth: every byte of every pack was read (\(size(verified.bytesRead))).",
                de: "Tiefe: jedes Byte jedes Pakets gelesen (\(size(verified.bytesRead))).")
        case .content:
            say(
                "Depth: every chunk was opened and compared (\(chunks(verified.chunks)), "
                    + "\(size(verified.bytesRead))).",
                de: "Tiefe: jedes Stück geöffnet und verglichen (\(chunks(verified.chunks)), "
                    + "\(size(verified.bytesRead))).")
        }
    }

    private var deeper: String? {
        switch (readsData, isOpen) {
        case (false, _):
            say(
                "\"zwilling verify --read-data\" reads every byte too.",
                de: "„zwilling verify --read-data“ liest auch jedes Byte.")
        case (true, false):
            say(
                "With --passphrase-file FILE it also opens everything, as a restore would.",
                de: "Mit --passphrase-file DATEI öffnet es auch alles, wie beim Zurückholen.")
        case (true, true): nil
        }
    }

    struct Fields: Encodable {
        let depth: String
        let keyrings, records, snapshots, packs, chunks: Int
        let bytesRead: UInt64
        let seconds: Double
        let orphans: [String]
        let findings: [FindingFields]
        let sites: [SiteFields]?
    }

    var fields: Fields {
        Fields(
            depth: verified.depth.rawValue, keyrings: verified.keyrings,
            records: verified.records, snapshots: verified.snapshots, packs: verified.packs,
            chunks: verified.chunks, bytesRead: verified.bytesRead, seconds: seconds,
            orphans: verified.orphans.map(\.name.hex),
            findings: verified.findings.map(FindingFields.init), sites: copies?.fields.sites)
    }
}
