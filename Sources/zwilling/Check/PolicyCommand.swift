// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: say(
            "What this vault survives, and who can reach what.", de: "Was dieser Tresor übersteht und wer was erreichen kann."),
        discussion: say(
            """
            By what the keyring says of sites, rules and keys; nothing is asked of the sites. What
            they really hold is shown by "zwilling sites list".
              zwilling policy
            """,
            de: """
                Nach dem, was der Schlüsselring über Standorte, Regeln und Schlüssel sagt; die
                Standorte werden nicht gefragt. Was dort wirklich liegt, zeigt „zwilling sites list“.
                  zwilling policy
                """))

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    private struct Fields: Encodable {
        struct Loss: Encodable {
            let loss: String
            let outcome: String
        }

        let sites: [SiteFields]
        let rules: RuleFields
        let breaches: [String]
        let survives: [Loss]
        let writers: [String]
    }

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let policy = Policy(known.vault.keyring, at: known.place)
        guard output.json else { return try show(policy.lines) }
        try showJSON(
            Fields(
                sites: policy.sites.map { SiteFields($0) }, rules: RuleFields(policy.rules),
                breaches: policy.rules.breaches(policy.sites).map { "\($0.rule): \(say($0.words))" },
                survives: policy.outcomes.map { Fields.Loss(loss: Policy.key($0.loss), outcome: $0.outcome.rawValue) },
                writers: policy.writers))
    }
}

/// The policy of a vault in words.
struct Policy {
    let sites: [SiteFacts]
    let rules: SiteRules
    /// Those that may add.
    let writers: [String]

    init(_ keyring: Keyring, at place: VaultPlace) {
        let plan = keyring.plan
        sites = plan.sites.isEmpty
            ? [SiteFacts(address: place.address, name: SiteFactsOptions.name(for: place, among: []))] : plan.sites
        rules = plan.rules
        writers = keyring.writers.compactMap { writer in
            if case .active = writer.state { writer.name } else { nil }
        }
    }

    var outcomes: [(loss: SitePolicy.Loss, outcome: SitePolicy.Outcome)] { SitePolicy(sites, rules).outcomes }

    var lines: [String] {
        let survives = outcomes.map { "  " + say(Self.words($0.loss)) + ": " + say(Self.words($0.outcome)) }
        let laws = Set(sites.map(\.jurisdiction)).filter { !$0.isEmpty }.sorted()
        let unsaid = sites.filter(\.jurisdiction.isEmpty).map { plain($0.name) }
        return [say("If this is lost:", de: "Geht dies verloren:")] + survives
            + ["", say("Who can reach what:", de: "Wer was erreicht:")]
            + [
                say(
                    "  Sites see sizes, times and signed headers; none can read content, names or what a record says.",
                    de: "  Standorte sehen Größen, Zeiten und signierte Köpfe; keiner kann Inhalte, Namen oder Einträge lesen."),
                say(
                    "  Who has a site's administration can delete its copy\(sites.contains { $0.lockDays > 0 } ? ", but not before its lock ends" : "").",
                    de: "  Wer einen Standort verwaltet, kann dessen Kopie löschen\(sites.contains { $0.lockDays > 0 } ? ", aber nicht vor Ende der Sperre" : "")."),
                say(
                    "  Writers add and see records, and cannot read content back: \(Self.list(writers)).",
                    de: "  Schreiber fügen hinzu und sehen Einträge, können aber keine Inhalte zurücklesen: \(Self.list(writers))."),
                say(
                    "  Who has the passphrase and one site can read everything and change the keyring.",
                    de: "  Wer die Passphrase und einen Standort hat, kann alles lesen und den Schlüsselring ändern."),
            ]
            + (laws.isEmpty
                ? []
                : [
                    say(
                        "  Courts and authorities under the law of \(laws.joined(separator: ", ")) can demand what a site has: it is sealed.",
                        de: "  Gerichte und Behörden nach dem Recht von \(laws.joined(separator: ", ")) können verlangen, was ein Standort hat: Es ist versiegelt.")
                ])
            + (unsaid.isEmpty
                ? []
                : [
                    say(
                        "  Nobody said whose law reaches \(unsaid.joined(separator: ", ")): \"zwilling sites add SITE --jurisdiction …\".",
                        de: "  Niemand hat gesagt, wessen Recht \(unsaid.joined(separator: ", ")) erreicht: „zwilling sites add STANDORT --jurisdiction …“.")
                ])
            + ["", say("Rules:", de: "Regeln:")] + Self.ruleLines(rules)
            + rules.breaches(sites).map { "  ! \($0.rule): \(say($0.words))" }
    }

    static func ruleLines(_ rules: SiteRules) -> [String] {
        var lines = [
            say(
                "  replicas \(rules.replicas): something counts as stored when it lies at \(rules.replicas) sites",
                de: "  replicas \(rules.replicas): etwas gilt als gespeichert, wenn es an \(rules.replicas) Standorten liegt")
        ]
        if !rules.jurisdictions.isEmpty {
            let laws = rules.jurisdictions.joined(separator: ",")
            lines.append(say("  jurisdictions \(laws): no other law reaches a site", de: "  jurisdictions \(laws): kein anderes Recht erreicht einen Standort"))
        }
        if rules.oneForEachOperator {
            lines.append(say("  one-per-operator: no two sites are run by one operator", de: "  one-per-operator: keine zwei Standorte haben denselben Betreiber"))
        }
        if rules.offline > 0 {
            lines.append(say("  offline \(rules.offline): removable sites", de: "  offline \(rules.offline): Wechselstandorte"))
        }
        if rules.lockDays > 0 {
            lines.append(say("  lock-days \(rules.lockDays): nobody deletes before", de: "  lock-days \(rules.lockDays): vorher löscht niemand"))
        }
        for (category, laws) in rules.categories.sorted(by: { $0.key < $1.key }) {
            let list = laws.joined(separator: ",")
            lines.append(say("  category \(category)=\(list): no other law reaches such data", de: "  category \(category)=\(list): kein anderes Recht erreicht solche Daten"))
        }
        return lines
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(5).map { plain($0) }.joined(separator: ", ")
        return names.count > 5 ? shown + " …" : shown
    }

    static func key(_ loss: SitePolicy.Loss) -> String {
        switch loss {
        case .anyOneSite: "any-one-site"
        case .anyOneOperator: "any-one-operator"
        case .law(let law): "law-\(law)"
        case .allOutsideUnion: "all-outside-eu"
        case .allConnected: "all-connected"
        }
    }

    private static func words(_ loss: SitePolicy.Loss) -> Words {
        switch loss {
        case .anyOneSite: Words("any one site", de: "irgendein Standort")
        case .anyOneOperator: Words("all sites of any one operator", de: "alle Standorte irgendeines Betreibers")
        case .law(let law): Words("all sites under the law of \(law)", de: "alle Standorte unter dem Recht von \(law)")
        case .allOutsideUnion: Words("all sites outside the EU", de: "alle Standorte außerhalb der EU")
        case .allConnected: Words("all sites that are connected", de: "alle angeschlossenen Standorte")
        }
    }

    private static func words(_ outcome: SitePolicy.Outcome) -> Words {
        switch outcome {
        case .nothingLost: Words("nothing is lost", de: "nichts ist verloren")
        case .newestMayBeLost:
            Words("all is there but what the others had not got yet", de: "alles ist da, bis auf das, was die anderen noch nicht hatten")
        case .offlineOnly:
            Words("what the removable site got when it was plugged in last", de: "was der Wechselstandort bekam, als er zuletzt angeschlossen war")
        case .allLost: Words("all is lost", de: "alles ist verloren")
        }
    }
}
