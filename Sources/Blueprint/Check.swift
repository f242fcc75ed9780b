// SPDX-License-Identifier: EUPL-1.2
import Ground

/// The rules that hold between the parts of a blueprint. Each has a code, and a test that bears it.
struct Check {
    let institution: Institution
    let findings: Findings

    init(_ institution: Institution, _ findings: Findings) {
        (self.institution, self.findings) = (institution, findings)
    }

    func run() {
        duplicates()
        references()
        cycles()
        structure()
        services()
        applications()
        platforms()
        data()
        absences()
    }

    // MARK: Names

    private func duplicates() {
        unique(institution.units.map(\.id), Words("unit", de: "Einheit"))
        unique(institution.roles.map(\.id), Words("role", de: "Rolle"))
        unique(institution.people.map(\.id), Words("person", de: "Person"))
        unique(institution.services.map(\.id), Words("service", de: "Leistung"))
        unique(institution.applications.map(\.id), Words("application", de: "Anwendung"))
        unique(institution.data.map(\.id), Words("data set", de: "Datenbestand"))
        unique(institution.platforms.map(\.id), Words("platform", de: "Plattform"))
        for id in institution.data.map(\.id) {
            guard let owner = Self.reserved[id.value] else { continue }
            findings.error(
                .reservedID, at: id.place, owner,
                remedy: Words("Choose another id.", de: "Eine andere id wählen."))
        }
    }

    /// Snapshots of the institution that no data set describes go by these names.
    private static let reserved = [
        "blueprint": Words("The blueprint itself goes by this name.", de: "So heißt der Bauplan selbst."),
        "activations": Words("The steps of activations go by this name.", de: "So heißen die Schritte der Aktivierungen."),
        "drills": Words("The reports of drills go by this name.", de: "So heißen die Berichte der Übungen."),
        "images": Words(
            "The container images go by this name.", de: "So heißen die Container-Abbilder."),
    ]

    private func unique(_ ids: [Written<String>], _ noun: Words) {
        var first: [String: Place] = [:]
        for id in ids {
            guard let earlier = first[id.value] else {
                first[id.value] = id.place
                continue
            }
            findings.error(
                .duplicateID, at: id.place,
                Words(
                    "There is a \(noun.english) \"\(id.value)\" already, at \(earlier).",
                    de: "\(noun.german) „\(id.value)“ gibt es schon, bei \(earlier)."),
                remedy: Words("Give one of them another id.", de: "Einer davon eine andere id geben."))
        }
    }

    private func references() {
        let units = Set(institution.units.map(\.id.value))
        let people = Set(institution.people.map(\.id.value))
        let applications = Set(institution.applications.map(\.id.value))
        let data = Set(institution.data.map(\.id.value))
        let unit = Words("unit", de: "Einheit")
        let person = Words("person", de: "Person")
        let application = Words("application", de: "Anwendung")
        for one in institution.units { refer(one.parent, units, unit) }
        for role in institution.roles {
            refer(role.unit, units, unit)
            for name in [role.holder].compactMap({ $0 }) + role.deputies { refer(name, people, person) }
        }
        for one in institution.people {
            refer(one.unit, units, unit)
            refer(one.manager, people, person)
        }
        for service in institution.services {
            refer(service.unit, units, unit)
            for name in service.applications { refer(name, applications, application) }
        }
        let platforms = Set(institution.platforms.map(\.id.value))
        for one in institution.applications {
            for name in one.data + one.secrets.map(\.data) + one.mounts.map(\.data) + one.trials.compactMap(\.data) {
                refer(name, data, Words("data set", de: "Datenbestand"))
            }
            for name in one.platforms { refer(name, platforms, Words("platform", de: "Plattform")) }
            for need in one.needs where need.kind.value == .application && need.provider == nil {
                refer(need.name, applications, application)
            }
        }
    }

    private func refer(_ name: Written<String>?, _ known: Set<String>, _ noun: Words) {
        guard let name, !known.contains(name.value), !findings.unread.contains(name.value)
        else { return }
        let near = nearest(to: name.value, among: Array(known))
        findings.error(
            .danglingReference, at: name.place,
            Words(
                "There is no \(noun.english) \"\(name.value)\".",
                de: "\(noun.german) „\(name.value)“ gibt es nicht."),
            remedy: near.map { Words("Did you mean \"\($0)\"?", de: "Gemeint vielleicht „\($0)“?") }
                ?? Words("Describe it, or take the reference out.", de: "Beschreiben oder den Verweis entfernen."))
    }

    private func cycles() {
        var parents: [String: [Written<String>]] = [:]
        for unit in institution.units { parents[unit.id.value] = [unit.parent].compactMap { $0 } }
        var managers: [String: [Written<String>]] = [:]
        for one in institution.people { managers[one.id.value] = [one.manager].compactMap { $0 } }
        var needs: [String: [Written<String>]] = [:]
        for one in institution.applications {
            needs[one.id.value] = one.needs.filter {
                $0.kind.value == .application && $0.provider == nil
            }.compactMap(\.name)
        }
        for graph in [parents, managers, needs] {
            guard let cycle = Cycle.first(in: graph) else { continue }
            let names = cycle.names.joined(separator: " → ")
            findings.error(
                .circularReference, at: cycle.place,
                Words("This leads in a circle: \(names).", de: "Das führt im Kreis: \(names)."),
                remedy: Words(
                    "Take out one of them: what would have to be there first?",
                    de: "Einen davon entfernen: Was müsste zuerst da sein?"))
        }
    }

    func warn(_ code: Finding.Code, at place: Place, _ message: Words, _ remedy: Words) {
        findings.add(.warning, code, at: place, message, remedy: remedy)
    }

    func hint(_ code: Finding.Code, at place: Place, _ message: Words, _ remedy: Words) {
        findings.add(.hint, code, at: place, message, remedy: remedy)
    }
}

/// A way through references that comes back to where it began.
struct Cycle {
    let names: [String]
    /// Where the reference stands that closes it.
    let place: Place

    /// The first one by name.
    static func first(in graph: [String: [Written<String>]]) -> Cycle? {
        var finished: Set<String> = []
        for start in graph.keys.sorted() where !finished.contains(start) {
            var way: [(name: String, rest: ArraySlice<Written<String>>)] = [
                (start, (graph[start] ?? [])[...])
            ]
            while var step = way.popLast() {
                guard let next = step.rest.popFirst() else {
                    finished.insert(step.name)
                    continue
                }
                way.append(step)
                if let back = way.firstIndex(where: { $0.name == next.value }) {
                    return Cycle(names: way[back...].map(\.name) + [next.value], place: next.place)
                }
                if !finished.contains(next.value) {
                    way.append((next.value, (graph[next.value] ?? [])[...]))
                }
            }
        }
        return nil
    }
}
