// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct SitesRulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: say("Change what must hold of the sites.", de: "Ändern, was für die Standorte gelten muss."),
        discussion: say(
            """
            Root signs them in the keyring. What is not named here stays; rules that do not hold of the
            sites are refused. "zwilling policy" shows them and what they lead to.
              zwilling sites rules --replicas 2 --jurisdiction EU --one-per-operator
              zwilling sites rules --offline 1 --category D4=DE,EU
            """,
            de: """
                Die Wurzel signiert sie im Schlüsselring. Was hier nicht genannt wird, bleibt; Regeln,
                die für die Standorte nicht gelten, werden abgelehnt. „zwilling policy“ zeigt sie und
                was aus ihnen folgt.
                  zwilling sites rules --replicas 2 --jurisdiction EU --one-per-operator
                  zwilling sites rules --offline 1 --category D4=DE,EU
                """))

    @Option(
        help: ArgumentHelp(
            say(
                "At how many sites something must lie before it counts as stored.",
                de: "An wie vielen Standorten etwas liegen muss, bevor es als gespeichert gilt."), valueName: say("n", de: "n")))
    var replicas: Int?

    @Option(
        help: ArgumentHelp(
            say(
                "Whose law may reach the sites: a country, EU or EEA, once for each; \"any\" for all.",
                de: "Wessen Recht die Standorte erreichen darf: ein Land, EU oder EEA, je einmal; „any“ für alle."),
            valueName: say("law", de: "recht")))
    var jurisdiction: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(say("No two sites may be run by one operator.", de: "Keine zwei Standorte dürfen denselben Betreiber haben.")))
    var onePerOperator: Bool?

    @Option(help: ArgumentHelp(say("So many removable sites.", de: "So viele Wechselstandorte."), valueName: say("n", de: "n")))
    var offline: Int?

    @Option(
        help: ArgumentHelp(
            say(
                "For how many days the lock of every other site must hold.", de: "Für wie viele Tage die Sperre jedes anderen Standorts halten muss."),
            valueName: say("days", de: "tage")))
    var lockDays: Int?

    @Option(
        help: ArgumentHelp(
            say(
                "Whose law may reach data of a category, such as D4=DE,EU; D4=any for all.",
                de: "Wessen Recht Daten einer Kategorie erreichen darf, etwa D4=DE,EU; D4=any für alle."),
            valueName: say("rule", de: "regel")))
    var category: [String] = []

    @Option(
        help: ArgumentHelp(
            say(
                "The site that decides who has the work when a twin takes over; it comes first.",
                de: "Der Standort, der entscheidet, wer die Arbeit hat, wenn ein Zwilling übernimmt; er kommt an die erste Stelle."),
            valueName: "name"))
    var deciding: String?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        var plan = known.vault.keyring.plan
        if plan.sites.isEmpty {
            plan.sites = [SiteFacts(address: known.place.address, name: SiteFactsOptions.name(for: known.place, among: []))]
        }
        try amend(&plan.rules)
        if let deciding {
            guard let index = plan.sites.firstIndex(where: { $0.name == deciding && !$0.isRemovable }) else {
                let names = plan.sites.filter { !$0.isRemovable }.map { plain($0.name) }.joined(separator: ", ")
                throw Trouble.option("--deciding", Words("one of \(names)", de: "einer von \(names)"))
            }
            plan.sites.insert(plan.sites.remove(at: index), at: 0)
        }
        let breaches = plan.rules.breaches(plan.sites)
        guard breaches.isEmpty else { throw Trouble.breached(breaches) }
        let unlocked = try known.unlocked(passphrase)
        // By the new rules: who has lost a site can ask for fewer copies.
        let spread = try VaultSites(try StateDirectory()).spread(plan, of: known.vault.keyring.vault)
        let keyring = known.vault.keyring
        spread.judge { keyring.isRight($0, $1) }
        let changed = try await known.vault.planning(plan, at: spread, with: unlocked, world: .real)
        known.remember(of: changed)
        try output.json ? showJSON(RuleFields(plan.rules)) : show(Policy.ruleLines(plan.rules))
    }

    private func amend(_ rules: inout SiteRules) throws(Trouble) {
        if let replicas {
            guard (1...64).contains(replicas) else { throw .option("--replicas", Words("1 to 64", de: "1 bis 64")) }
            rules.replicas = replicas
        }
        if !jurisdiction.isEmpty { rules.jurisdictions = try Self.laws(jurisdiction, "--jurisdiction") }
        if let onePerOperator { rules.oneForEachOperator = onePerOperator }
        if let offline {
            guard (0...64).contains(offline) else { throw .option("--offline", Words("0 to 64", de: "0 bis 64")) }
            rules.offline = offline
        }
        if let lockDays { rules.lockDays = try SiteFactsOptions.days(lockDays) }
        for text in category {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7"].contains(parts[0].uppercased()) else {
                throw .option("--category", Words("a rule such as D4=DE,EU", de: "eine Regel wie D4=DE,EU"))
            }
            let laws = try Self.laws(parts[1].split(separator: ",").map(String.init), "--category")
            rules.categories[parts[0].uppercased()] = laws.isEmpty ? nil : laws
        }
    }

    private static func laws(_ texts: [String], _ option: String) throws(Trouble) -> [String] {
        if texts == ["any"] { return [] }
        return try texts.map { text throws(Trouble) in try SiteFactsOptions.code(text, option) }
    }
}
