// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Check {
    func structure() {
        for role in institution.roles where role.isEssential {
            if role.holder == nil {
                warn(
                    .nobodyInRole, at: role.id.place,
                    Words("Nobody has the essential role \"\(role.id.value)\".", de: "Die wesentliche Rolle „\(role.id.value)“ hat niemand."),
                    Words("Name a \"holder\".", de: "„holder“ nennen."))
            }
            let others = role.deputies.filter { $0.value != role.holder?.value }
            if others.isEmpty {
                warn(
                    .noDeputy, at: role.id.place,
                    Words("Nobody stands in for the essential role \"\(role.id.value)\".", de: "Die wesentliche Rolle „\(role.id.value)“ vertritt niemand."),
                    Words("Name somebody else under \"deputies\".", de: "Unter „deputies“ jemand anderen nennen."))
            }
            for name in [role.holder].compactMap({ $0 }) + role.deputies {
                guard let person = institution.people.first(where: { $0.id.value == name.value }),
                    person.reachable.isEmpty
                else { continue }
                warn(
                    .notReachable, at: person.id.place,
                    Words(
                        "\(person.name.value), needed as \"\(role.id.value)\", cannot be reached without the office network.",
                        de: "\(person.name.value), gebraucht als „\(role.id.value)“, ist ohne das Büronetz nicht zu erreichen."),
                    Words("Add \"reachable\", for example a private telephone.", de: "„reachable“ ergänzen, etwa ein privates Telefon."))
            }
        }
        if let ags = institution.ags, !(ags.value.utf8.count == 8 && ags.value.utf8.allSatisfy { (0x30...0x39).contains($0) }) {
            findings.error(
                .badAGS, at: ags.place,
                Words("\"\(ags.value)\" is no AGS.", de: "„\(ags.value)“ ist kein AGS."),
                remedy: Words("It has eight digits; put them in quotes, as the first may be 0.", de: "Er hat acht Ziffern; in Anführungszeichen setzen, da die erste 0 sein kann."))
        }
    }
}
