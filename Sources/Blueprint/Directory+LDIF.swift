// SPDX-License-Identifier: EUPL-1.2
import Ground

/// People (`inetOrgPerson`, RFC 2798, and what Active Directory has instead), units
/// (`organizationalUnit`) and groups (`groupOfNames`, RFC 4519), which are roles: the owner holds
/// it, else the first member; the other members stand in.
extension Directory {
    init(_ ldif: LDIF, _ findings: Findings) {
        var people: [String: Written<String>] = [:]
        var unitNames: [String: Written<String>] = [:]
        for entry in ldif.entries where entry.isUnit {
            unitNames[Self.key(entry.name.value)] = entry.values("ou").first
        }
        for entry in ldif.entries where entry.isUnit {
            guard let name = entry.values("ou").first else { continue }
            let above = unitNames[Self.parent(of: entry.name.value)]
            units.append(Unit(name: name, parent: above))
        }
        for entry in ldif.entries where entry.isPerson {
            guard let name = entry.values("displayname", "cn").first,
                let id = Self.id(entry.values("uid", "samaccountname").first, orOf: name, findings)
            else { continue }
            people[Self.key(entry.name.value)] = id
        }
        for entry in ldif.entries where entry.isPerson { add(entry, people, unitNames, findings) }
        for entry in ldif.entries where entry.isGroup { add(group: entry, people, findings) }
        Self.judge(ldif, findings)
    }

    private mutating func add(
        _ entry: LDIF.Entry, _ people: [String: Written<String>],
        _ unitNames: [String: Written<String>], _ findings: Findings
    ) {
        guard let id = people[Self.key(entry.name.value)],
            let name = entry.values("displayname", "cn").first
        else { return }
        let unit = entry.values("ou", "department").first
            ?? unitNames[Self.parent(of: entry.name.value)]
        let reachable = entry.values("mobile") + entry.values("homephone")
            + entry.values("homepostaladdress")
        let manager = entry.values("manager").first.flatMap { Self.known($0, people, findings) }
        members.append(
            Member(
                person: Person(
                    id: id, name: name, unit: nil, title: entry.values("title").first,
                    manager: nil, mail: entry.values("mail").first, reachable: reachable),
                unit: unit, manager: manager, roles: [], deputyFor: []))
        if let unit { units.append(Unit(name: unit, parent: nil)) }
    }

    private mutating func add(
        group entry: LDIF.Entry, _ people: [String: Written<String>], _ findings: Findings
    ) {
        guard let name = entry.values("cn").first else { return }
        let owner = entry.values("owner", "managedby").first
            .flatMap { Self.known($0, people, findings) }
        let members = entry.values("member", "uniquemember")
            .compactMap { Self.known($0, people, findings) }
        groups.append(Group(name: name, owner: owner, members: members))
    }

    private static func known(
        _ name: Written<String>, _ people: [String: Written<String>], _ findings: Findings
    ) -> Written<String>? {
        if let id = people[key(name.value)] { return Written(id.value, at: name.place) }
        findings.add(
            .warning, .memberUnknown, at: name.place,
            Words(
                "The export has no person \"\(name.value)\".",
                de: "Der Auszug hat keine Person „\(name.value)“."),
            remedy: Words(
                "Export the people along with the groups, or take this out.",
                de: "Die Personen mit den Gruppen exportieren oder dies entfernen."))
        return nil
    }

    /// Passwords, also as hashes, would go into the vault with the blueprint.
    private static func judge(_ ldif: LDIF, _ findings: Findings) {
        let secret = ["userpassword", "unicodepwd", "sambantpassword", "krbprincipalkey"]
        let all = ldif.entries.lazy.flatMap(\.attributes)
        guard let first = all.first(where: { secret.contains($0.name) }) else { return }
        findings.add(
            .warning, .passwordsInDirectory, at: first.value.place,
            Words(
                "The export holds passwords (\(first.name)).",
                de: "Der Auszug enthält Passwörter (\(first.name))."),
            remedy: Words(
                "Export only what is needed: dn, objectClass, cn, uid, mail, mobile, ou, title, manager, member, owner.",
                de: "Nur Nötiges exportieren: dn, objectClass, cn, uid, mail, mobile, ou, title, manager, member, owner."))
    }

    // MARK: Names

    /// A distinguished name in one spelling: capitals and blanks at its commas do not matter.
    private static func key(_ name: String) -> String {
        parts(of: name).joined(separator: ",")
    }

    private static func parent(of name: String) -> String {
        parts(of: name).dropFirst().joined(separator: ",")
    }

    /// What stands between commas that no backslash covers (RFC 4514).
    private static func parts(of name: String) -> [String] {
        var parts = [""]
        var isCovered = false
        for character in name.lowercased() {
            if character == ",", !isCovered {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
            isCovered = character == "\\" && !isCovered
        }
        return parts.map(trimmed)
    }
}

extension LDIF.Entry {
    private var classes: [String] { values("objectclass").map { $0.value.lowercased() } }

    fileprivate var isPerson: Bool {
        let people = ["person", "organizationalperson", "inetorgperson", "user"]
        return classes.contains { people.contains($0) } && !classes.contains("computer")
    }

    fileprivate var isUnit: Bool { classes.contains("organizationalunit") }

    fileprivate var isGroup: Bool {
        classes.contains { ["groupofnames", "groupofuniquenames", "group"].contains($0) }
    }
}
