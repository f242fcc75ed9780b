// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct SitesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: say("The sites of a vault, and what each lacks.", de: "Die Standorte eines Tresors und was jedem fehlt."),
        discussion: say(
            """
            Compares what they say they have. Exit code 1 where one that should always be there lacks
            something or does not answer.
              zwilling sites list
            """,
            de: """
                Vergleicht, was sie zu haben angeben. Rückgabewert 1, wenn einem, der immer da sein
                soll, etwas fehlt oder er nicht antwortet.
                  zwilling sites list
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        guard let spread = known.spread else {
            try output.json
                ? showJSON(CopiesReport.Fields(sites: [SiteFields(SiteFacts(address: known.place.address, name: ""))]))
                : show([
                    say(
                        "\(known.place.shown) is the only site of this vault. \"zwilling sites add\" adds another.",
                        de: "\(known.place.shown) ist der einzige Standort dieses Tresors. „zwilling sites add“ fügt einen hinzu.")
                ])
            return
        }
        let copies = try await known.vault.copies(at: spread, Copies.Options()) { _ in }
        try CopiesReport(copies, plan: known.vault.keyring.plan).show(output, filling: nil)
    }
}

struct SitesCatchUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catch-up",
        abstract: say("Copy to the sites what they lack.", de: "Den Standorten kopieren, was ihnen fehlt."),
        discussion: say(
            """
            Needs no key, only access to the sites, and may run while the vault is in use. A removable
            site gets its copy by this. "zwilling verify --read-data --repair" also compares every byte.
              zwilling sites catch-up
              zwilling sites catch-up safe
            """,
            de: """
                Braucht keinen Schlüssel, nur Zugang zu den Standorten, und darf laufen, während der
                Tresor benutzt wird. Ein Wechselstandort bekommt dadurch seine Kopie. „zwilling verify
                --read-data --repair“ vergleicht auch jedes Byte.
                  zwilling sites catch-up
                  zwilling sites catch-up panzerschrank
                """))

    @Argument(help: ArgumentHelp(say("Its name or address; all where none is named.", de: "Sein Name oder seine Adresse; sonst alle."), valueName: say("site", de: "standort")))
    var site: String?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let plan = known.vault.keyring.plan
        var options = Copies.Options()
        options.repairs = true
        options.only = try site.map { text throws(Trouble) in try plan.find(text).name }
        guard let spread = known.spread else { throw Trouble.oneSite }
        await spread.settle()
        let progress = ProgressLine(output)
        let copies = try await known.vault.copies(at: spread, options, report: progress.report)
        progress.end()
        try CopiesReport(copies, plan: plan).show(output, filling: options.only)
    }
}

extension Trouble {
    static var oneSite: Trouble {
        Trouble(
            .wrongUse,
            Words("This vault lies at one site only.", de: "Dieser Tresor liegt nur an einem Standort."),
            advice: Words("Add another with \"zwilling sites add\".", de: "Mit „zwilling sites add“ einen hinzufügen."))
    }
}
