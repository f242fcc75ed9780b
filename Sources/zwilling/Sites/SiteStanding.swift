// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// How people are told of one site among several.
enum SiteStanding {
    /// nil where all is well.
    static func words(_ name: String, _ standing: SpreadSite.Standing) -> Words? {
        var english: [String] = []
        var german: [String] = []
        if let trouble = standing.trouble {
            let advice = trouble.advice.map { ($0.english, $0.german) } ?? ("", "")
            english.append("it does not take part now (\(trouble.message.english)\(advice.0.isEmpty ? "" : " " + advice.0))")
            german.append("er macht gerade nicht mit (\(trouble.message.german)\(advice.1.isEmpty ? "" : " " + advice.1))")
        }
        if let first = standing.lies.min() {
            english.append("it gave other bytes than were put, for \(standing.lies.count) objects, such as \(first); another copy was used: \"zwilling verify --read-data --repair\"")
            german.append("er gab andere Bytes, als abgelegt wurden, bei \(standing.lies.count) Objekten, etwa \(first); eine andere Kopie wurde benutzt: „zwilling verify --read-data --repair“")
        }
        if standing.spooled > 0 {
            english.append("\(standing.spooled) objects wait for it on this machine, and go there by themselves")
            german.append("\(standing.spooled) Objekte warten auf diesem Rechner auf ihn und gehen von selbst dorthin")
        }
        if standing.lost > 0 {
            english.append("it lacks \(standing.lost) objects for which there was no room here: \"zwilling sites catch-up \(name)\"")
            german.append("ihm fehlen \(standing.lost) Objekte, für die hier kein Platz war: „zwilling sites catch-up \(name)“")
        }
        guard !english.isEmpty else { return nil }
        return Words(
            "Site \"\(plain(name))\": \(english.joined(separator: "; ")).",
            de: "Standort „\(plain(name))“: \(german.joined(separator: "; ")).")
    }
}
