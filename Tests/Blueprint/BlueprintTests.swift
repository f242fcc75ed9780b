// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Ground
import Testing

/// Reads a blueprint from a text; files beside it are those named.
func read(
    _ text: String, files: [String: String] = [:]
) -> (blueprint: Blueprint?, findings: [Finding]) {
    Blueprint.read(Array(text.utf8), name: "institution.yaml") { name in
        files[name].map { Array($0.utf8) }
    }
}

/// A whole small institution without anything to complain about.
let town = """
    institution: Musterstadt
    kind: municipality
    ags: "05962024"
    vault: /mnt/vault
    units:
      - {id: amt, name: Bürgeramt}
      - {id: kasse, parent: amt}
    roles:
      - {id: leitung, unit: amt, holder: anna, deputies: [bernd], essential: true}
    people:
      - {id: anna, name: Anna Muster, unit: amt, reachable: [0170 1]}
      - {id: bernd, name: Bernd Muster, reachable: ["home: Gasse 1"]}
    services:
      - id: wohngeld
        leika: "99107023017000"
        unit: amt
        mtpd: 2 d
        rto: 1 d
        rpo: 4 h
        emergency: read-only
        process: wohngeld.bpmn
        applications: [fach]
    applications:
      - id: fach
        data: [db, akten, pw]
        quiesce: systemctl stop fach
        resume: systemctl start fach
        needs:
          - {kind: application, name: druck}
          - {kind: mail, stand-in: Fax}
      - {id: druck, stateless: true}
    data:
      - {id: db, kind: command, dump: pg_dump fach, load: psql fach, timeout: 10 min, rpo: 1 h}
      - id: akten
        kind: files
        paths: [/srv/akten]
        exclude: "*.tmp"
        rpo: 1 h
        categories: [D2, D3]
        protection: {confidentiality: high}
      - {id: pw, kind: secret, file: /etc/fach/pw, rpo: 1 w, host: fach01}
    """

@Suite("A blueprint")
struct BlueprintTests {
    @Test("Everything that is written arrives, and a whole one has no findings")
    func whole() throws {
        let (blueprint, findings) = read(town, files: ["wohngeld.bpmn": "<x/>"])
        #expect(findings == [])
        let read = try #require(blueprint)
        #expect(read.files == ["institution.yaml", "wohngeld.bpmn"])
        let institution = read.institution
        #expect(institution.name.value == "Musterstadt")
        #expect(institution.services[0].mtpd?.value == Span(seconds: 2 * 86_400))
        #expect(institution.services[0].emergency?.value == .readOnly)
        #expect(institution.data.map(\.kind) == [.command, .files, .secret])
        guard case .command(let command) = institution.data[0].source else {
            Issue.record("not a command")
            return
        }
        #expect(command.dump.value == "pg_dump fach" && command.timeout.seconds == 600)
        #expect(institution.people[0].name.place.line == 11)
        #expect(institution.people[0].name.place.column == 22)
    }

    @Test("Data sets of one application are captured together, in the order it gives")
    func groups() throws {
        let read = try #require(read(town, files: ["wohngeld.bpmn": ""]).blueprint).institution
        let here = read.groups(on: "elsewhere.example")
        #expect(here.map { $0.data.map(\.id.value) } == [["db", "akten"]])
        #expect(here[0].application?.id.value == "fach")
        let there = read.groups(on: "FACH01.example")
        #expect(there[0].data.map(\.id.value) == ["db", "akten", "pw"])
    }

    @Test("The simplest one that works fits on half a screen and has no errors and no warnings")
    func minimal() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: folder.appending(path: "Examples/minimal/institution.yaml"),
            encoding: .utf8)
        #expect(text.split(separator: "\n").count <= 25)
        let (blueprint, findings) = read(text)
        #expect(blueprint != nil)
        #expect(findings.filter { $0.severity != .hint } == [])
    }

    @Test("Spans are read in their units and written in the largest that fits", arguments: [
        ("30 s", 30, "30 s"), ("90 min", 5400, "90 min"), ("24h", 86_400, "1 d"),
        ("14 days", 1_209_600, "2 w"), ("1 week", 604_800, "1 w"),
    ])
    func spans(text: String, seconds: Int, written: String) throws {
        let span = try #require(Span(text))
        #expect(span.seconds == seconds && span.description == written)
    }

    @Test(
        "What is no span is none",
        arguments: ["", "5", "min", "-1 h", "1.5 h", "0 s", "1 y", "9999999 w", "999999 w", "١ h"])
    func noSpans(text: String) { #expect(Span(text) == nil) }

    @Test("The schema knows each key that the decoder knows, and is JSON")
    func schema() throws {
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(Blueprint.schema(in: .german).utf8))
                as? [String: Any])
        let properties = try #require(schema["properties"] as? [String: Any])
        #expect(
            Set(properties.keys) == [
                "institution", "kind", "ags", "vault", "units", "roles", "people", "services",
                "applications", "data",
            ])
        let data = try #require((properties["data"] as? [String: Any])?["items"] as? [String: Any])
        let keys = try #require(data["properties"] as? [String: Any]).keys
        #expect(keys.contains("paths") && keys.contains("dump") && keys.contains("timeout"))
        #expect(schema["additionalProperties"] as? Bool == false)
    }

    @Test("Every key of the schema stands in the documentation")
    func documented() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(
            contentsOf: folder.appending(path: "docs/blueprint.md"), encoding: .utf8)
        let schema = try JSONSerialization.jsonObject(
            with: Data(Blueprint.schema(in: .english).utf8))
        let keys = Self.keys(of: schema)
        #expect(keys.count > 40)
        for key in keys.sorted() { #expect(page.contains("`\(key)"), "\(key)") }
    }

    private static func keys(of schema: Any) -> Set<String> {
        if let list = schema as? [Any] { return Set(list.flatMap { keys(of: $0) }) }
        guard let object = schema as? [String: Any] else { return [] }
        let own = (object["properties"] as? [String: Any]).map { Set($0.keys) } ?? []
        return object.values.reduce(own) { $0.union(keys(of: $1)) }
    }
}

@Suite("What check says")
struct CheckTests {
    /// What is changed in the whole town, which rule says so, and where.
    struct Case: Sendable, CustomTestStringConvertible {
        let code: String
        let old: String
        let new: String
        /// What the marked line must hold.
        let at: String
        let severity: Finding.Severity

        init(
            _ severity: Finding.Severity, _ code: String, _ old: String, _ new: String, at: String
        ) {
            (self.severity, self.code, self.old) = (severity, code, old)
            (self.new, self.at) = (new, at)
        }

        var testDescription: String { code }
    }

    static let cases: [Case] = [
        Case(.error, "duplicate-id", "{id: kasse, parent: amt}", "{id: amt}", at: "amt}"),
        Case(.error, "dangling-reference", "parent: amt", "parent: ant", at: "ant}"),
        Case(.error, "dangling-reference", "applications: [fach]", "applications: [fahc]", at: "fahc]"),
        Case(.error, "dangling-reference", "name: druck", "name: druk", at: "druk}"),
        Case(.error, "dangling-reference", "data: [db,", "data: [dbb,", at: "dbb,"),
        Case(.error, "dangling-reference", "deputies: [bernd]", "deputies: [berndt]", at: "berndt]"),
        Case(.error, "circular-reference", "{id: amt, name: Bürgeramt}", "{id: amt, parent: kasse}", at: "amt}"),
        Case(
            .error, "circular-reference", "{id: druck, stateless: true}",
            "{id: druck, stateless: true, needs: [{kind: application, name: fach}]}", at: "druck}"),
        Case(.error, "rto-above-mtpd", "rto: 1 d", "rto: 3 d", at: "3 d"),
        Case(.error, "bad-ags", "\"05962024\"", "5962024", at: "5962024"),
        Case(.error, "leika-form", "\"99107023017000\"", "\"9910702301700\"", at: "\"9910702301700\""),
        Case(.error, "quiesce-without-resume", "    resume: systemctl start fach\n", "", at: "systemctl"),
        Case(.error, "need-without-name", ", name: druck}", "}", at: "{kind"),
        Case(.error, "unknown-key", "quiesce:", "quiece:", at: "quiece"),
        Case(.error, "unknown-key", "paths: [/srv/akten]", "paths: [/srv/akten]\n    dump: x", at: "dump"),
        Case(.error, "missing-key", "{id: db, kind: command, dump: pg_dump fach,", "{id: db, kind: command,", at: "{id: db"),
        Case(.error, "missing-key", "institution: Musterstadt\n", "", at: "kind"),
        Case(.error, "wrong-value", "vault: /mnt/vault", "vault: vault", at: "vault"),
        Case(.error, "wrong-value", "timeout: 10 min", "timeout: ten", at: "ten"),
        Case(.error, "wrong-value", "paths: [/srv/akten]", "paths: [akten]", at: "akten]"),
        Case(.error, "no-pattern", "\"*.tmp\"", "[\"*.tmp\", \"[a\"]", at: "\"[a\""),
        Case(.error, "no-pattern", "\"*.tmp\"", "\"#a\"", at: "\"#a\""),
        Case(.error, "wrong-value", "id: akten\n", "id: Akten\n", at: "Akten"),
        Case(.error, "wrong-value", "[D2, D3]", "[D2, D9]", at: "D9]"),
        Case(.error, "wrong-value", "essential: true", "essential: perhaps", at: "perhaps"),
        Case(.error, "unknown-word", "kind: files", "kind: filse", at: "filse"),
        Case(.error, "secret-from-one", "file: /etc/fach/pw,", "", at: "{id: pw"),
        Case(.error, "reserved-id", "{id: db,", "{id: blueprint,", at: "blueprint,"),
        Case(.error, "file-missing", "wohngeld.bpmn", "other.bpmn", at: "other.bpmn"),
        Case(.error, "file-elsewhere", "wohngeld.bpmn", "../wohngeld.bpmn", at: "../"),
        Case(.error, "not-yaml", "kind: municipality", "kind: [municipality", at: ""),
        Case(.error, "not-yaml", "kind: municipality", "kind: a\nkind: b", at: "kind"),
        Case(
            .error, "password-in-blueprint", "{id: pw, kind: secret, file: /etc/fach/pw,",
            "{id: pw, kind: postgres, connection: \"host=x password=y\",", at: "\"host"),
        Case(.warning, "leika-unknown", "99107023017000", "99999999999999", at: "\"999"),
        Case(.warning, "nobody-in-role", "holder: anna, ", "", at: "leitung"),
        Case(.warning, "no-deputy", "deputies: [bernd]", "deputies: [anna]", at: "leitung"),
        Case(.warning, "not-reachable", ", reachable: [0170 1]", "", at: "anna"),
        Case(.warning, "essential-without-times", "    rpo: 4 h\n", "", at: "wohngeld"),
        Case(.warning, "rpo-too-long", "paths: [/srv/akten]\n    exclude: \"*.tmp\"\n    rpo: 1 h", "paths: [/srv/akten]\n    rpo: 1 d", at: "1 d"),
        Case(.warning, "unprotected-application", ", stateless: true", "", at: "druck"),
        Case(.warning, "need-without-stand-in", ", stand-in: Fax", "", at: "{kind: mail"),
        Case(.warning, "need-too-low", "confidentiality: high", "confidentiality: normal", at: "normal"),
        Case(.hint, "service-without-means", "    process: wohngeld.bpmn\n    applications: [fach]\n", "", at: "wohngeld"),
        Case(.hint, "data-of-nobody", "data: [db, akten, pw]", "data: [db, akten]", at: "pw"),
        Case(.hint, "no-rpo", ", rpo: 1 w", "", at: "pw"),
        Case(.hint, "no-roles", ", essential: true", "", at: "institution"),
    ]

    @Test("Every rule names the place and what to do", arguments: cases)
    func rules(one: Case) throws {
        #expect(town.contains(one.old))
        let text = town.replacingOccurrences(of: one.old, with: one.new)
        let (blueprint, findings) = read(text, files: ["wohngeld.bpmn": ""])
        let finding = try #require(
            findings.first { $0.code == one.code }, "found only \(findings.map(\.code))")
        #expect(finding.severity == one.severity)
        #expect((blueprint == nil) == findings.contains { $0.severity == .error })
        let line = text.split(separator: "\n", omittingEmptySubsequences: false)[finding.place.line - 1]
        let rest = line.unicodeScalars.dropFirst(finding.place.column - 1)
        #expect(String(rest).hasPrefix(one.at), "\(finding.place): \(String(rest))")
        for words in [finding.message, finding.remedy] {
            #expect(!words.english.isEmpty && !words.german.isEmpty)
        }
    }

    @Test("A slip of the pen is answered with the word that was meant")
    func nearest() throws {
        let text = town.replacingOccurrences(of: "quiesce:", with: "quiece:")
            .replacingOccurrences(of: "kind: files", with: "kind: filse")
        let findings = read(text, files: ["wohngeld.bpmn": ""]).findings
        #expect(findings.contains { $0.remedy.english.contains("\"quiesce\"") })
        #expect(findings.contains { $0.remedy.english.contains("\"files\"") })
    }

    @Test("Several faults are all told at once, in the order of their places")
    func several() {
        let findings = read("institution: X\nservice: []\ndata:\n  - {id: a}\n  - {kind: files}\n").findings
        #expect(findings.filter { $0.severity == .error }.count >= 4)
        #expect(findings.map(\.place) == findings.map(\.place).sorted())
    }

    @Test("What is no blueprint is refused, whatever it is", arguments: [
        "", "[]", "- a", "text", "\u{0}", "a: &a [*a]", "{", "'", "institution: \"\\ud800\"",
        "institution: X\n---\ninstitution: Y", "? {a: b}\n: c", "institution: {a: b}",
        "institution: X\ndata: {a: b}", "institution: X\ndata: [[]]", "\t", "%YAML 9.9\n---\na: b",
        String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000),
        "institution: X\nkind: *nothing", "a: &a [*a]",
    ])
    func refused(text: String) {
        let (blueprint, findings) = read(text)
        #expect(blueprint == nil && findings.contains { $0.severity == .error })
    }

    @Test("Bytes that are not UTF-8 are refused with their place")
    func notText() throws {
        let bytes = Array("institution: X\nkind: a".utf8) + [0xff]
        let (_, findings) = Blueprint.read(bytes, name: "b") { _ in nil }
        #expect(findings.first?.code == "not-utf8")
        #expect(findings.first?.place.description == "b:2:8")
    }

    @Test("Anchors that multiply are refused before they can fill the memory")
    func bomb() {
        var text = "institution: X\na0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        text += "? *a11\n: x\n"
        let finding = read(text).findings.first
        #expect(finding?.code == "not-yaml")
        #expect(finding?.message.english.contains("too many values") == true)
    }

    @Test("Mutations of a blueprint never crash the decoder")
    func fuzz() throws {
        let seconds = ProcessInfo.processInfo.environment["ZWILLING_FUZZ_SECONDS"].flatMap { Int($0) }
        var random = SystemRandomNumberGenerator()
        let original = Array(town.utf8)
        let pieces = ["\n", "  ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "&a ", "*a", "|", ">", "#", "\t", "\u{0}", "é", "~"]
        for _ in 0..<(seconds.map { $0 * 200 } ?? 600) {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random)?.utf8.map { $0 } ?? [], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 40))
                }
            }
            let (blueprint, findings) = Blueprint.read(bytes, name: "b") { _ in [] }
            #expect(blueprint != nil || findings.contains { $0.severity == .error })
        }
    }
}

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

    @Test("Each gives a blueprint without errors, in both languages, whatever was found",
        arguments: Template.allCases, [Language.english, .german])
    func templates(template: Template, language: Language) throws {
        for found in [[], [Found.postgres(directory: "/x", port: 5433), .directory(path: "/srv/" + Self.hostile)]] {
            let text = template.blueprint(of: Self.hostile, found: found, in: language)
            let (blueprint, findings) = read(text)
            #expect(findings.filter { $0.severity == .error } == [])
            let institution = try #require(blueprint).institution
            #expect(institution.name.value == Self.hostile)
            #expect(institution.services.count >= 4)
            #expect(findings.allSatisfy { $0.code != "leika-unknown" })
            #expect(institution.data.count == found.count)
        }
    }

    @Test("They go by German and English names, and by no others")
    func names() {
        #expect(Template(named: "hospital") == .krankenhaus)
        #expect(Template(named: "kreis") == .kreis)
        #expect(Template(named: "castle") == nil)
    }
}
