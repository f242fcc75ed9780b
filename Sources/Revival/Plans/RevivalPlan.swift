// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground

/// What of an institution is started elsewhere, and in which order. Knows nothing of a platform.
package struct RevivalPlan: Sendable {
    package enum Role: Sendable {
        case application(Application)
        /// PostgreSQL for a cluster.
        case server(DataSet, DataSet.Postgres)
    }

    /// One program that is started.
    package struct Member: Sendable {
        package let id: String
        package let role: Role
        /// What must stand before it is started.
        package internal(set) var after: [String]
        /// What must be back before it is started.
        package let data: [DataSet]

        package var application: Application? {
            if case .application(let application) = role { return application }
            return nil
        }
    }

    /// Something that an application misses elsewhere.
    package struct LostNeed: Sendable {
        package let application: String
        package let need: Need
    }

    /// Only with what is started and brought back.
    package let institution: Institution
    /// In the order in which they are started.
    package let members: [Member]
    /// What no platform of the institution brings along: identity, mail, registers …
    package let lost: [LostNeed]

    /// - Parameters:
    ///   - services: only what these stand on; all applications where empty.
    /// - Throws: `.wrongUse` where there is no such service, or nothing to start.
    package init(of institution: Institution, for services: [String]) throws(Trouble) {
        for name in services where !institution.services.contains(where: { $0.id.value == name }) {
            throw .noSuchService(name, institution)
        }
        let applications = Self.applications(of: institution, for: services)
        guard !applications.isEmpty else { throw .nothingToStart(institution) }
        let wanted = applications.flatMap(\.dataNames)
        self.institution = institution.keeping(
            applications: Set(applications.map(\.id.value)), data: Set(wanted))
        lost = applications.flatMap { one in
            one.needs.filter { $0.kind.value != .application }
                .map { LostNeed(application: one.id.value, need: $0) }
        }
        members = Self.ordered(Self.members(self.institution), self.institution)
    }

    /// Those on which the services stand, with all that they need.
    private static func applications(
        of institution: Institution, for services: [String]
    ) -> [Application] {
        guard !services.isEmpty else { return institution.applications }
        var wanted = institution.services.filter { services.contains($0.id.value) }
            .flatMap { $0.applications.map(\.value) }
        var seen: Set<String> = []
        while let next = wanted.popLast() {
            guard seen.insert(next).inserted,
                let one = institution.applications.first(where: { $0.id.value == next })
            else { continue }
            wanted += one.needed
        }
        return institution.applications.filter { seen.contains($0.id.value) }
    }

    private static func members(_ institution: Institution) -> [Member] {
        let clusters = institution.data.compactMap { data -> Member? in
            guard case .postgres(let postgres) = data.source else { return nil }
            return Member(
                id: institution.serverName(of: data.id.value), role: .server(data, postgres), after: [],
                data: [data])
        }
        return clusters
            + institution.applications.map { one in
                let names = one.dataNames
                let data = institution.data.filter { names.contains($0.id.value) }
                let servers = data.filter { $0.kind == .postgres }
                    .map { institution.serverName(of: $0.id.value) }
                return Member(
                    id: one.id.value, role: .application(one), after: servers + one.needed,
                    data: data.filter { $0.kind != .postgres })
            }
    }

    /// Nobody before what it needs; of those that could be next, the one whose services are most
    /// urgent.
    private static func ordered(_ all: [Member], _ institution: Institution) -> [Member] {
        let known = Set(all.map(\.id))
        var left = all.map { member in
            var member = member
            member.after = member.after.filter(known.contains)
            return member
        }
        let urgency = urgencies(left, institution)
        var ordered: [Member] = []
        while !left.isEmpty {
            let done = Set(ordered.map(\.id))
            let ready = left.indices.filter { left[$0].after.allSatisfy(done.contains) }
            // A circle is an error of the blueprint, which was refused before.
            let next = (ready.isEmpty ? Array(left.indices) : ready)
                .min { urgency[left[$0].id, default: .max] < urgency[left[$1].id, default: .max] }
            guard let next else { break }
            ordered.append(left.remove(at: next))
        }
        return ordered
    }

    /// In how many seconds the most urgent service that stands on each of them must go on.
    private static func urgencies(_ members: [Member], _ institution: Institution) -> [String: Int64] {
        var urgency: [String: Int64] = [:]
        for service in institution.services {
            guard let span = service.rto ?? service.mtpd else { continue }
            var wanted = service.applications.map(\.value)
            var seen: Set<String> = []
            while let next = wanted.popLast() {
                guard seen.insert(next).inserted else { continue }
                urgency[next] = min(urgency[next] ?? .max, Int64(span.value.seconds))
                wanted += members.first { $0.id == next }?.after ?? []
            }
        }
        return urgency
    }

    /// The services of which no application is missing here.
    package var services: [Service] { institution.services }

    /// All that a service stands on.
    package func standing(for service: Service) -> [String] {
        var wanted = service.applications.map(\.value)
        var seen: Set<String> = []
        while let next = wanted.popLast() {
            guard seen.insert(next).inserted else { continue }
            wanted += members.first { $0.id == next }?.after ?? []
        }
        return members.map(\.id).filter(seen.contains)
    }
}

extension Application {
    /// The data sets that it works on, or that its settings speak of.
    fileprivate var dataNames: [String] {
        let texts = [command, process].compactMap(\.self) + (configuration?.environment.map(\.value) ?? [])
        let words = texts.flatMap { Placeholder.all(in: $0.value) }.filter { $0.kind == .data || $0.kind == .secret }
        return data.map(\.value) + secrets.map(\.data.value) + words.map(\.name)
    }

    /// The applications without which it does not work.
    fileprivate var needed: [String] {
        needs.filter { $0.kind.value == .application && $0.provider == nil }.compactMap(\.name?.value)
    }
}

extension Institution {
    /// An application and a data set may be called the same.
    package func serverName(of data: String) -> String {
        applications.contains { $0.id.value == data } ? data + "-server" : data
    }
}

extension Trouble {
    fileprivate static func noSuchService(_ name: String, _ institution: Institution) -> Trouble {
        let all = institution.services.map(\.id.value).joined(separator: ", ")
        return Trouble(
            .wrongUse,
            Words("The blueprint has no service \"\(name)\".", de: "Der Bauplan hat keine Leistung „\(name)“."),
            advice: Words("There are: \(all).", de: "Es gibt: \(all)."))
    }

    fileprivate static func nothingToStart(_ institution: Institution) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The blueprint of \(institution.name.value) has no application to start.",
                de: "Der Bauplan von \(institution.name.value) hat keine Anwendung zum Starten."),
            advice: Words(
                "Describe one under \"applications\", and which of them a service stands on.",
                de: "Unter „applications“ eine beschreiben, und auf welchen eine Leistung beruht."))
    }
}
