// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a file beside the blueprint says about structures, laid beside what the blueprint itself
/// says. The blueprint has the first word: a unit or role that it describes stays as it is, and
/// only who has a role may be told elsewhere.
extension Institution {
    mutating func add(_ directories: [Directory], _ findings: Findings) {
        for directory in directories { add(directory, findings) }
    }

    private mutating func add(_ directory: Directory, _ findings: Findings) {
        for unit in directory.units { add(unit, findings) }
        for member in directory.members {
            people.append(
                Person(
                    id: member.person.id, name: member.person.name,
                    unit: member.unit.flatMap { self.unit($0) }, title: member.person.title,
                    manager: member.manager, mail: member.person.mail,
                    reachable: member.person.reachable))
        }
        resolveManagers()
        for member in directory.members {
            let id = member.person.id
            for role in member.roles {
                fill(role, holder: Written(id.value, at: role.place), deputies: [], findings)
            }
            for role in member.deputyFor {
                fill(role, holder: nil, deputies: [Written(id.value, at: role.place)], findings)
            }
        }
        for group in directory.groups {
            fill(group.name, holder: group.owner, deputies: group.members, findings)
            guard let index = role(group.name) else { continue }
            if roles[index].holder == nil { roles[index].holder = group.members.first }
            let holder = roles[index].holder?.value
            roles[index].deputies.removeAll { $0.value == holder }
        }
    }

    // MARK: Units

    private mutating func add(_ unit: Directory.Unit, _ findings: Findings) {
        guard let id = Directory.id(nil, orOf: unit.name, findings) else { return }
        if let parent = unit.parent, self.unit(parent) == nil {
            add(Directory.Unit(name: parent, parent: nil), findings)
        }
        let above = unit.parent.flatMap { self.unit($0) }
        if let known = self.unit(unit.name) {
            // Said later than the first time that it was named.
            guard let index = units.firstIndex(where: { $0.id.value == known.value }),
                units[index].parent == nil, units[index].id.place.file == unit.name.place.file
            else { return }
            units[index].parent = above
        } else {
            units.append(OrganisationUnit(id: id, name: unit.name, parent: above))
        }
    }

    /// The id of a unit that is called so, or has such an id.
    private func unit(_ name: Written<String>) -> Written<String>? {
        let id = slug(name.value)
        let known = units.first { $0.name?.value == name.value || $0.id.value == id }
        return known.map { Written($0.id.value, at: name.place) }
    }

    // MARK: People

    /// Managers may be named by their names, and stand further down in the file.
    private mutating func resolveManagers() {
        let ids = Dictionary(people.map { ($0.name.value, $0.id.value) }) { first, _ in first }
        let known = Set(people.map(\.id.value))
        for index in people.indices {
            guard let manager = people[index].manager, !known.contains(manager.value) else { continue }
            people[index].manager = manager.map { ids[$0] ?? slug($0) ?? $0 }
        }
    }

    // MARK: Roles

    private func role(_ name: Written<String>) -> Int? {
        let id = slug(name.value)
        return roles.firstIndex { $0.name?.value == name.value || $0.id.value == id }
    }

    private mutating func fill(
        _ name: Written<String>, holder: Written<String>?, deputies: [Written<String>],
        _ findings: Findings
    ) {
        var index = role(name)
        if index == nil, let id = Directory.id(nil, orOf: name, findings) {
            roles.append(Role(id: id, name: name))
            index = roles.count - 1
        }
        guard let index else { return }
        roles[index].deputies += deputies
        guard let holder else { return }
        guard let first = roles[index].holder, first.value != holder.value else {
            roles[index].holder = holder
            return
        }
        findings.error(
            .secondHolder, at: holder.place,
            Words(
                "The role \"\(name.value)\" has a holder already: \(first.value).",
                de: "Die Rolle „\(name.value)“ hat schon jemand: \(first.value)."),
            remedy: Words(
                "Let one of them stand in: in a table under \"deputy for\", in a group as \"member\" beside an \"owner\".",
                de: "Einen davon vertreten lassen: in der Tabelle unter „Vertretung für“, in der Gruppe als „member“ neben einem „owner“."))
    }
}
