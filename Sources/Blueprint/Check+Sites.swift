// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Institution {
    /// Data sets that may not lie at some site of the vault, by what its rules say of their categories.
    ///
    /// - Parameter breaches: of a category such as D4, the sites at which it must not lie, each with
    ///   the reason.
    package func siteFindings(
        _ breaches: (_ category: String) -> [(site: String, why: Words)]
    ) -> [Finding] {
        data.flatMap { data in
            data.categories.flatMap { category in
                breaches(category.value.rawValue).map { breach in
                    Finding(
                        .error, .notAtSite, at: category.place,
                        Words(
                            "\"\(data.id.value)\" holds data of category \(category.value.rawValue), which must not lie at site \"\(breach.site)\": \(breach.why.english).",
                            de: "„\(data.id.value)“ enthält Daten der Kategorie \(category.value.rawValue); die dürfen nicht am Standort „\(breach.site)“ liegen: \(breach.why.german)."),
                        remedy: Words(
                            "Keep it in another vault, take the site away with \"zwilling sites remove\", or change the rule with \"zwilling sites rules --category\".",
                            de: "Sie in einem anderen Tresor halten, den Standort mit „zwilling sites remove“ wegnehmen oder mit „zwilling sites rules --category“ die Regel ändern."))
                }
            }
        }
    }
}
