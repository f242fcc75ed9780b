// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What must hold of the sites of a vault. A vault whose rules cannot hold is refused.
package struct SiteRules: Hashable, Sendable {
    /// What lies at fewer sites is not stored yet; removable ones do not count.
    package var replicas = 1
    /// Whose law may reach the vault at all; any where empty.
    package var jurisdictions: [String] = []
    /// Whether no two sites may be run by one operator.
    package var oneForEachOperator = false
    /// Copies on removable sites.
    package var offline = 0
    /// For how many days every site that is not removable must keep what it has got.
    package var lockDays: UInt16 = 0
    /// Whose law may reach data of a category, such as D4: stricter than `jurisdictions`.
    package var categories: [String: [String]] = [:]

    package init() {}

    /// One rule that does not hold, as people name it, and why.
    package struct Breach: Sendable {
        package let rule: String
        package let words: Words
    }

    /// - Returns: what does not hold of these sites, in the order of the rules.
    package func breaches(_ sites: [SiteFacts]) -> [Breach] {
        var breaches: [Breach] = []
        let fixed = sites.filter { !$0.isRemovable }
        if fixed.count < max(replicas, 1) {
            breaches.append(
                Breach(
                    rule: "replicas \(replicas)",
                    words: Words(
                        "\(replicas) copies are asked for, and there are \(fixed.count) sites that are always there",
                        de: "\(replicas) Kopien sind verlangt, und es gibt \(fixed.count) Standorte, die immer da sind")))
        }
        if !jurisdictions.isEmpty {
            for site in sites where !Jurisdiction.covers(jurisdictions, site.jurisdiction) {
                breaches.append(
                    Breach(rule: "jurisdictions \(jurisdictions.joined(separator: ","))", words: Self.reach(site)))
            }
        }
        if oneForEachOperator {
            for (index, site) in sites.enumerated() {
                guard let other = sites[..<index].first(where: { $0.operatorName == site.operatorName }) else { continue }
                breaches.append(
                    Breach(
                        rule: "one-per-operator",
                        words: site.operatorName.isEmpty
                            ? Words(
                                "nobody said who runs \"\(other.name)\" and \"\(site.name)\"",
                                de: "niemand hat gesagt, wer „\(other.name)“ und „\(site.name)“ betreibt")
                            : Words(
                                "\"\(other.name)\" and \"\(site.name)\" are both run by \(site.operatorName)",
                                de: "„\(other.name)“ und „\(site.name)“ betreibt beide \(site.operatorName)")))
            }
        }
        let removable = sites.count - fixed.count
        if removable < offline {
            breaches.append(
                Breach(
                    rule: "offline \(offline)",
                    words: Words(
                        "\(offline) removable sites are asked for, and there are \(removable)",
                        de: "\(offline) Wechselstandorte sind verlangt, und es gibt \(removable)")))
        }
        for site in fixed where site.lockDays < lockDays {
            breaches.append(
                Breach(
                    rule: "lock-days \(lockDays)",
                    words: Words(
                        "\"\(site.name)\" locks what it gets for \(site.lockDays) days",
                        de: "„\(site.name)“ sperrt, was er bekommt, für \(site.lockDays) Tage")))
        }
        return breaches
    }

    /// Sites at which data of a category must not lie, each with the reason.
    package func breaches(_ sites: [SiteFacts], of category: String) -> [(site: SiteFacts, words: Words)] {
        guard let allowed = categories[category] else { return [] }
        return sites.filter { !Jurisdiction.covers(allowed, $0.jurisdiction) }.map { ($0, Self.reach($0)) }
    }

    private static func reach(_ site: SiteFacts) -> Words {
        site.jurisdiction.isEmpty
            ? Words("nobody said whose law reaches \"\(site.name)\"", de: "niemand hat gesagt, wessen Recht „\(site.name)“ erreicht")
            : Words("the law of \(site.jurisdiction) reaches \"\(site.name)\"", de: "das Recht von \(site.jurisdiction) erreicht „\(site.name)“")
    }
}
