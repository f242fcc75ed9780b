// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Foundation
import Ground
import Testing

@Suite("What check says")
struct CheckTests {
    private static func said(_ findings: [Finding], _ code: Finding.Code) -> [String] {
        findings.filter { $0.code == code }.map {
            "\($0.place): \($0.severity.rawValue): \($0.message.english)\n\($0.remedy.english)"
        }
    }

    private static func expect(_ findings: [Finding], _ code: Finding.Code, _ wanted: String) {
        let said = said(findings, code)
        let others = findings.map { "\($0.place) \($0.code.rawValue)" }
        #expect(said.contains(wanted), "said: \(said), in all: \(others)")
        for finding in findings {
            for words in [finding.message, finding.remedy] {
                #expect(!words.english.isEmpty && words.english != words.german)
            }
        }
    }

    @Test("Every rule names the place, what is wrong, and what to do", arguments: CheckCase.all)
    func rules(one: CheckCase) throws {
        var files = beside
        files["institution.yaml"] = town
        let before = try #require(files[one.file])
        #expect(before.contains(one.old))
        files[one.file] = before.replacingOccurrences(of: one.old, with: one.new)
        let (blueprint, findings) = read(try #require(files["institution.yaml"]), files: files)
        #expect((blueprint == nil) == findings.contains { $0.severity == .error })
        Self.expect(findings, one.code, one.said)
    }

    @Test("So does every one about bytes", arguments: ByteCase.all)
    func bytes(one: ByteCase) throws {
        let (blueprint, findings) = Blueprint.read(
            one.file == "institution.yaml" ? one.bytes() : Array(town.utf8),
            name: "institution.yaml"
        ) { name in name == one.file ? one.bytes() : beside[name].map { Array($0.utf8) } }
        #expect((blueprint == nil) == findings.contains { $0.severity == .error })
        Self.expect(findings, one.code, one.said)
    }

    @Test("Data that must not lie at a site is named, with the site and the reason")
    func sites() throws {
        let blueprint = try #require(read(town, files: beside).0)
        let findings = blueprint.institution.siteFindings { category in
            category == "D2" ? [("far", Words("the law of US reaches it", de: "das Recht von US erreicht ihn"))] : []
        }
        let held = blueprint.institution.data.filter { $0.categories.contains { $0.value.rawValue == "D2" } }
        #expect(!held.isEmpty && findings.count == held.count)
        let first = try #require(findings.first)
        #expect(first.code == .notAtSite && first.severity == .error && first.place.line > 1)
        #expect(first.message.english.contains("\"far\": the law of US reaches it"))
    }

    @Test("No rule, and no reason within one, is without a case")
    func complete() {
        let cased = Set(CheckCase.all.map(\.code) + ByteCase.all.map(\.code))
        // Of a vault, not of a blueprint.
        for code in Finding.Code.allCases where code != .notAtSite { #expect(cased.contains(code), "\(code.rawValue)") }
        let said = (CheckCase.all.map(\.said) + ByteCase.all.map(\.said)).joined(separator: "\n")
        for wanted in Wanted.allCases {
            #expect(said.contains("must be \(wanted.words.english).\n"), "\(wanted)")
        }
        func expect<Fault: Reason>(_ format: String, _ faults: [Fault]) {
            for fault in faults {
                let text = "This is not \(format): \(fault.why.english).\n\(fault.remedy.english)"
                #expect(said.contains(text), "\(format): \(fault)")
            }
        }
        expect("CSV", CSV.Fault.allCases)
        expect("LDIF", LDIF.Fault.allCases)
        expect("XML", XML.Fault.allCases)
    }

    @Test("Several faults are all told at once, in the order of their places")
    func several() {
        let findings = read("institution: X\nservice: []\ndata:\n  - {id: a}\n  - {kind: files}\n").findings
        #expect(findings.filter { $0.severity == .error }.count >= 4)
        #expect(findings.map(\.place) == findings.map(\.place).sorted())
    }

    @Test("What could not be read is there all the same for those who refer to it")
    func unread() {
        let text = town.replacingOccurrences(of: "kind: podman", with: "kind: zeppelin")
        let findings = read(text, files: beside).findings
        #expect(findings.filter { $0.severity == .error }.map(\.code) == [.unknownWord])
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
}
