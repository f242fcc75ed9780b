// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Ground
import Testing

@Suite("A blueprint")
struct BlueprintTests {
    @Test("Everything that is written arrives, and a whole one has no findings")
    func whole() throws {
        let (blueprint, findings) = read(town, files: beside)
        #expect(findings == [])
        let read = try #require(blueprint)
        #expect(
            read.files == [
                "institution.yaml", "people.csv", "staff.ldif", "fach.conf", "wohngeld.bpmn",
            ])
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
        #expect(institution.people[0].name.place.line == 12)
        #expect(institution.people[0].name.place.column == 22)
    }

    @Test("Data sets of one application are captured together, in the order it gives")
    func groups() throws {
        let text = town.replacingOccurrences(of: "rpo: 1 w}", with: "rpo: 1 w, host: fach01}")
        let read = try #require(read(text, files: beside).blueprint).institution
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

    @Test("The examples have no errors and no warnings", arguments: ["minimal", "krankenhaus"])
    func examples(name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Examples/\(name)")
        func load(_ name: String) -> [UInt8]? {
            FileManager.default.contents(atPath: folder.appending(path: name).path).map(Array.init)
        }
        let file = "institution.yaml"
        let (blueprint, findings) = Blueprint.read(try #require(load(file)), name: file, load: load)
        #expect(blueprint != nil)
        #expect(findings.filter { $0.severity != .hint } == [])
        // One that is described as a whole has nothing left to say.
        #expect(name == "minimal" || findings == [])
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
                "applications", "data", "platforms", "structures-from", "image-policy", "lease",
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
