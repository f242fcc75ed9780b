// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground
import Testing

@Suite("The catalogue of services")
struct LeikaTests {
    @Test("Words are found in any order and spelling, whole ones first")
    func find() {
        #expect(Leika.find("wohngeld bewilligung").contains { $0.key == "99107023017000" })
        #expect(Leika.find("PERSONALAUSWEIS ausstellung").first?.key == "99008001012000")
        #expect(Leika.find("eheschliessung anmeldung").contains { $0.key == "99059001104000" })
        #expect(Leika.find("99107023").allSatisfy { $0.key.hasPrefix("99107023") })
        #expect(!Leika.find("99107023").isEmpty)
        #expect(Leika.find("xyzzy") == [] && Leika.find("") == [] && Leika.find(" - ") == [])
    }

    @Test("The list is there, and its keys have the form of one")
    func list() {
        #expect(Leika.list["99107023017000"] != nil && Leika.list["99999999999999"] == nil)
        #expect(Leika.isKey("99107023017000"))
        #expect(!Leika.isKey("9910702301700") && !Leika.isKey("98107023017000"))
        #expect(!Leika.isKey("9910702301700x"))
    }
}

@Suite("Templates")
struct TemplateTests {
    static let hostile = "O'Neill \"&\" Söhne: #1\n- x\t\\\u{7}\u{2028}"

    static let found: [Found] = [
        .postgres(directory: "/x", version: "15", socket: "/run", port: 5433),
        .postgres(directory: "/y", version: "9", socket: "/run", port: nil), .mysql(directory: "/var/lib/mysql"),
        .container(
            Found.Container(
                name: hostile, image: hostile, ports: [8080], volumes: ["/v/a\nb", "/w/data"],
                variables: ["PASSWORD", hostile])),
        .listener(program: hostile, ports: [80, 443]), .directory(path: "/srv/" + hostile),
    ] + HostTable.read(Array(hosts.utf8), name: "hosts.csv").found

    static let hosts = """
        Rechner;Art;Ort;Anwendung;RPO
        db2;PostgreSQL;host=db2 user=zwilling;Wohngeld: neu;1 h
        ablage;Dateien;/srv/wohngeld;Wohngeld: neu;
        """

    static let data = [
        "postgres-5433", "mysql", "oneill-soehne-1-x-a-b", "oneill-soehne-1-x-data",
        "srv-oneill-soehne-1-x", "db2-wohngeld-neu", "ablage-wohngeld-neu",
    ]

    @Test("Each gives a blueprint without errors, in both languages, whatever was found",
        arguments: Template.allCases, [Language.english, .german])
    func templates(template: Template, language: Language) throws {
        for found in [[], Self.found] {
            let text = template.blueprint(of: Self.hostile, found: found, on: "rathaus", in: language)
            let (blueprint, findings) = read(text)
            #expect(findings.filter { $0.severity == .error } == [])
            let institution = try #require(blueprint).institution
            #expect(institution.name.value == Self.hostile)
            #expect(institution.services.count >= 4)
            #expect(findings.allSatisfy { $0.code != .leikaUnknown })
            #expect(institution.data.map(\.id.value) == (found.isEmpty ? [] : Self.data))
            #expect(institution.applications.count == (found.isEmpty ? 0 : 3))
            // Where there are others, this machine is named too.
            #expect(institution.data.prefix(5).allSatisfy { $0.host?.value == "rathaus" })
            #expect(findings.allSatisfy { $0.code != .hostMissing })
            let alone = template.blueprint(
                of: "X", found: Array(found.prefix(6)), on: "rathaus", in: language)
            #expect(!alone.contains("host: \"rathaus\""))
            // Each guess says that it is one.
            let marks = text.split(separator: "\n").count { $0.hasPrefix("  # found: ") || $0.hasPrefix("  # gefunden: ") }
            #expect(marks == (found.isEmpty ? 0 : 8))
        }
    }

    @Test("They go by German and English names, and by no others")
    func names() {
        #expect(Template(named: "hospital") == .krankenhaus)
        #expect(Template(named: "kreis") == .kreis)
        #expect(Template(named: "castle") == nil)
    }
}

@Suite("The table about hosts")
struct HostTableTests {
    @Test("Malformed lines are refused with their place", arguments: [
        ("host;kind\nx;files", "t.csv:1:1 column-missing"),
        ("host;kind;place\nx;files;", "t.csv:2:1 cell-empty"),
        ("host;kind;place\nx;tapes;/a", "t.csv:2:3 unknown-word"),
        ("host;kind;place\nx;files;C:\\a", "t.csv:2:9 wrong-value"),
        ("host;kind;place;rpo\nx;files;/a;soon", "t.csv:2:12 wrong-value"),
        ("host;kind;place\nx;postgres;host=a password=b", "t.csv:2:12 password-in-blueprint"),
        ("host;kind;place\nx;\"files", "t.csv:2:3 not-csv"),
    ])
    func malformed(text: String, place: String) {
        let (found, findings) = HostTable.read(Array(text.utf8), name: "t.csv")
        #expect(found == [])
        #expect(findings.map { "\($0.place) \($0.code.rawValue)" } == [place])
    }
}
