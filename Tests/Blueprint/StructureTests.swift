// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Testing

@Suite("Structures from files")
struct StructureTests {
    private func institution() throws -> Institution {
        let (blueprint, findings) = read(town, files: beside)
        #expect(findings == [])
        return try #require(blueprint).institution
    }

    @Test("A table gives people, their units and what they are in charge of")
    func table() throws {
        let town = try institution()
        let carla = try #require(town.people.first { $0.id.value == "carla-gross" })
        #expect(carla.name.value == "Carla Groß" && carla.mail?.value == "c@example.org")
        #expect(carla.reachable.map(\.value) == ["0171 2", "Gasse 2, Musterstadt"])
        #expect(carla.name.place.description == "people.csv:2:1")
        let unit = try #require(town.units.first { $0.id.value == "standesamt" })
        #expect(unit.parent?.value == "amt" && carla.unit?.value == "standesamt")
        let role = try #require(town.roles.first { $0.id.value == "standesbeamtin" })
        #expect(role.holder?.value == "carla-gross")
        #expect(role.deputies.map(\.value) == ["doerte-dodo-weiss"])
        // A role of the blueprint keeps its holder, and gains who stands in.
        let head = try #require(town.roles.first { $0.id.value == "leitung" })
        #expect(head.holder?.value == "anna")
        #expect(head.deputies.map(\.value) == ["bernd", "doerte-dodo-weiss"])
    }

    @Test("An export of a directory gives people, units and groups")
    func export() throws {
        let town = try institution()
        let emil = try #require(town.people.first { $0.id.value == "emil" })
        #expect(emil.name.value == "Emil Müller" && emil.mail?.value == "emil@example.org")
        #expect(emil.title?.value == "Sachbearbeiter" && emil.manager?.value == "fritz")
        #expect(emil.reachable.map(\.value) == ["0171 4"] && emil.unit?.value == "kaemmerei")
        #expect(emil.mail?.place.description == "staff.ldif:11:7")
        let role = try #require(town.roles.first { $0.id.value == "kassenleitung" })
        #expect(role.holder?.value == "fritz" && role.deputies.map(\.value) == ["emil"])
    }

    @Test("A group without an owner fills the role that the blueprint has, or begins with its first")
    func groups() throws {
        let ldif = """
            dn: cn=a
            objectClass: person
            cn: A

            dn: cn=b
            objectClass: person
            cn: B

            dn: cn=g
            objectClass: group
            cn: Lage
            member: cn=a
            member: cn=b
            """
        func role(_ more: String) throws -> Role {
            let text = "institution: X\nstructures-from: d.ldif\n" + more
            let (blueprint, findings) = read(text, files: ["d.ldif": ldif])
            #expect(findings.filter { $0.severity == .error } == [])
            let institution = try #require(blueprint).institution
            return try #require(institution.roles.first)
        }
        let alone = try role("")
        #expect(alone.holder?.value == "a" && alone.deputies.map(\.value) == ["b"])
        let held = try role("roles: [{id: lage, holder: b}]")
        #expect(held.holder?.value == "b" && held.deputies.map(\.value) == ["a"])
    }

    @Test("Separators, line ends, marks and blanks of all spreadsheets are taken", arguments: [
        "name;unit\nA;B", "name,unit\nA,B\n", "name\tunit\r\nA\tB\r\n", "\u{feff}Name; Einheit\rA ; B\r",
        "\n\nUnit;NAME\nB;A\n\n", "\"name\";\"unit\"\n\"A\";\"B\"", "name;unit;mail\nA;B;",
    ])
    func spreadsheets(text: String) throws {
        let (blueprint, findings) = read(
            "institution: X\nstructures-from: t.csv", files: ["t.csv": text])
        #expect(findings.filter { $0.severity != .hint } == [])
        let institution = try #require(blueprint).institution
        #expect(institution.people.map(\.name.value) == ["A"])
        #expect(institution.people.map { $0.unit?.value } == ["b"])
    }

    @Test("A unit that is named before it is told what stands above it, is told so")
    func late() throws {
        let text = "name;unit;parent\nA;Team;\nB;Team;Office\n;Office;House"
        let (blueprint, _) = read("institution: X\nstructures-from: t.csv", files: ["t.csv": text])
        let units = try #require(blueprint).institution.units
        #expect(units.map(\.id.value) == ["team", "office", "house"])
        #expect(units.map { $0.parent?.value } == ["office", "house", nil])
    }

    @Test("Names become ids", arguments: [
        ("Jürgen Weiß", "juergen-weiss"), ("  O'Neill & Søn ", "oneill-son"), ("Łódź", "lodz"),
        ("Amt 3.2", "amt-3-2"), ("---", nil), ("カ", nil),
    ] as [(String, String?)])
    func slugs(name: String, id: String?) { #expect(slug(name) == id) }
}

@Suite("What runs where")
struct RunningTests {
    @Test("An application says how it is set up, handed secrets, asked and placed")
    func whole() throws {
        let institution = try #require(read(town, files: beside).blueprint).institution
        let application = institution.applications[0]
        #expect(application.ports.map(\.value) == [8080])
        guard case .http(let path, nil) = application.health?.probe else {
            Issue.record("not http")
            return
        }
        #expect(path.value == "/status" && application.health?.within.seconds == 120)
        let settings = try #require(application.configuration).environment
        #expect(settings.map(\.name.value) == ["LANG", "DB_PASSWORD_FILE"])
        #expect(settings.map(\.value.value) == ["de_DE.UTF-8", "/run/pw"])
        #expect(application.configuration?.files.map(\.from.value) == ["fach.conf"])
        #expect(application.secrets.map(\.spot.value) == [.environment("DB_PASSWORD")])
        #expect(application.platforms.map(\.value) == ["saal"])
        let platform = institution.platforms[0]
        #expect(platform.kind.value == .podman && platform.jurisdiction?.value == "DE")
    }

    @Test("Health is asked for in each of three ways", arguments: [
        "{http: /, port: 81}", "{tcp: 81, within: 1 h}", "{command: pg_isready}",
    ])
    func health(text: String) throws {
        let found = read("institution: X\napplications: [{id: a, health: \(text)}]")
        let institution = try #require(found.blueprint).institution
        let health = try #require(institution.applications[0].health)
        switch health.probe {
        case .http(let path, let port): #expect(path.value == "/" && port?.value == 81)
        case .tcp(let port): #expect(port.value == 81 && health.within.seconds == 3600)
        case .command(let line): #expect(line.value == "pg_isready" && health.within.seconds == 300)
        }
    }

    @Test("What only says where a secret lies, or holds none, is no secret", arguments: [
        "PASSWORD_FILE: /run/x", "TOKENS: 5", "URL: \"https://db/x@y:z\"", "SECRET: \"\"",
        "DB: \"postgres://u@db/x\"", "DB: \"postgres://u:$PW@db/x\"", "KEYBOARD: de",
    ])
    func harmless(setting: String) {
        let text = "institution: X\napplications: [{id: a, configuration: {environment: {\(setting)}}}]"
        #expect(!read(text).findings.contains { $0.severity == .error })
    }
}
