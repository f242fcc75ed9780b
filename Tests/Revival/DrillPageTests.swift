// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Revival
import Testing

@Suite("The page of a drill")
struct DrillPageTests {
    private func parsed(_ report: DrillReport, german: Bool = false) async throws -> ParsedPage {
        try await ParsedPage.of(page(report, german: german), german: german)
    }

    private func page(_ report: DrillReport, german: Bool = false) -> [UInt8] {
        DrillPage.html(report, german: german) { "moment \($0)" }
    }

    private func source(_ report: DrillReport, german: Bool = false) -> String {
        String(decoding: page(report, german: german), as: UTF8.self)
            .replacing("\u{a0}", with: " ")
    }

    // MARK: Reports

    private static func empty(
        _ name: String = "Stadt Lindental", scenario: String? = nil
    ) -> DrillReport {
        DrillReport(
            id: "d1", institution: name, vault: "0f1e", platform: "podman", scenario: scenario,
            begun: 1_800_000_000, moment: 1_799_999_400)
    }

    private static func service(
        _ name: String, after: Double? = 192, rto: Double? = 900, age: Double? = 600,
        rpo: Double? = 3600,
        faults: [Words] = []
    ) -> DrillReport.Service {
        DrillReport.Service(
            id: name, name: name, standsAfter: after, rto: rto, dataAge: age, rpo: rpo,
            faults: faults.map(DrillReport.Fault.init))
    }

    /// As a report's file has it, since only a drill makes steps and trials.
    private static func decoded<Value: Decodable>(_ fields: [String: Any]) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONSerialization.data(withJSONObject: fields))
    }

    private static func step(
        _ kind: String, _ what: String, _ from: Double = 0, _ seconds: Double = 1, bytes: UInt64 = 0
    ) throws -> DrillReport.Step {
        try decoded(["kind": kind, "what": what, "from": from, "seconds": seconds, "bytes": bytes])
    }

    private static func trial(_ name: String, fault: String? = nil) throws -> DrillReport.Trial {
        var fields: [String: Any] = ["application": name, "name": name, "seconds": 1.5]
        fields["fault"] = fault.map { ["english": $0, "german": $0] }
        return try decoded(fields)
    }

    private static func passed() throws -> DrillReport {
        var report = empty()
        report.services = [service("Register"), service("Permits", after: 1.5)]
        report.steps = [
            try step("brought", "register-db", 0, 120, bytes: 4 << 30),
            try step("started", "register", 120, 0),
            try step("stands", "register", 120, 72), try step("served", "Stadt", 192, 0),
        ]
        report.trials = [try trial("counts its people")]
        report.needs = [
            .init(application: "register", need: "mail", standIn: "fax"),
            .init(application: "register", need: "identity", standIn: nil),
        ]
        report.standsAfter = 192
        report.seconds = 4000
        report.earlier = [.init(id: "d0", begun: 1_799_000_000, seconds: 300, isPassed: false)]
        return report
    }

    // MARK: What it says

    @Test("A drill that is passed says so in both languages")
    func passes() async throws {
        let report = try Self.passed()
        let english = try await parsed(report)
        #expect(english.text.contains("All 2 services went on in time."))
        let german = try await parsed(report, german: true)
        #expect(german.text.contains("Alle 2 Leistungen gingen rechtzeitig weiter."))
        #expect(english.headings == german.headings)
        let words = source(report)
        for text in [
            "1.5 s", "3 min 12 s", "allowed: 15 min", "1 h 6 min", "no stand-in", "fax",
            "Nothing of it is left",
            "1 min 48 s faster", "zwilling drills check DIR", "34.1 MiB/s", "moment 1800000000",
        ] { #expect(words.contains(text), "\(text)") }
        let worte = source(report, german: true)
        for text in [
            "1,5 s", "erlaubt: 15 min", "kein Ersatz", "1 min 48 s schneller", "34,1 MiB/s",
            "Nichts davon ist noch da",
        ] {
            #expect(worte.contains(text), "\(text)")
        }
    }

    @Test("What failed is counted, and told in words")
    func fails() async throws {
        var report = try Self.passed()
        report.services.append(
            Self.service(
                "Weddings", after: nil,
                faults: [Words("It did not come up.", de: "Sie kam nicht hoch.")]))
        report.trials.append(try Self.trial("finds a file", fault: "It is not there."))
        report.faults = [DrillReport.Fault(Words("A disk is full.", de: "Eine Platte ist voll."))]
        report.traces = ["container zwilling-d1-register"]
        report.standsAfter = nil
        let english = try await parsed(report).text
        for text in [
            "1 of 3 services did not pass the drill.", "It did not come up.", "It is not there.",
            "A disk is full.",
            "container zwilling-d1-register", "This is still there", "did not go on",
        ] { #expect(english.contains(text), "\(text)") }
        #expect(!english.contains("Nothing of it is left"))
        let german = try await parsed(report, german: true).text
        for text in [
            "1 von 3 Leistungen haben die Übung nicht bestanden.", "Sie kam nicht hoch.",
            "Eine Platte ist voll.",
        ] {
            #expect(german.contains(text), "\(text)")
        }
    }

    @Test("Services that went on do not hide why the drill is not passed")
    func failsBeside() async throws {
        var report = try Self.passed()
        report.traces = ["network zwilling-d1"]
        let text = try await parsed(report).text
        #expect(text.contains("The drill is not passed."))
        #expect(!text.contains("went on in time"))
    }

    @Test("What was started and never answered shows, from its start to the end")
    func fallen() async throws {
        var report = Self.empty()
        report.steps = [try Self.step("started", "register", 10, 0)]
        report.seconds = 100
        #expect(try await parsed(report).text.contains("did not come up"))
        #expect(source(report).contains("Bars on an axis from 0 to 1 min 40 s."))
    }

    @Test("Without mail being taken, none is said to be caught")
    func cloudOff() async throws {
        let text = try await parsed(Self.empty(scenario: "cloud-off")).text
        #expect(text.contains("In this scenario nothing took mail."))
    }

    // MARK: What it withstands

    @Test("An empty report has a page", arguments: [false, true])
    func nothing(german: Bool) async throws {
        _ = try await parsed(Self.empty(), german: german)
        _ = try await parsed(Self.empty(""), german: german)
    }

    private static let hostileTexts = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='alert(1)",
        "]]>&amp;&#x0;<!--",
        "</style></title></svg><script>", "\u{202e}txt.exe\u{2066}",
        "\u{0}\u{1b}[31m\u{fffe}\u{feff}\r\n",
        "&lt;b&gt; &nbsp; %s {{7*7}} ${x}", "שלום \u{200f}", "Z\u{351}\u{36b}\u{343}algo",
        String(repeating: "x", count: 100_000),
    ]

    @Test("Hostile texts stay texts", arguments: hostileTexts)
    func hostile(text: String) async throws {
        var report = DrillReport(
            id: text, institution: text, vault: text, platform: text, scenario: text, begun: 0,
            moment: 0)
        report.services = [Self.service(text, faults: [Words(text, de: text)])]
        for kind in ["brought", "started", "stands", "loaded", "served", text] {
            report.steps.append(try Self.step(kind, text))
        }
        report.trials = [try Self.trial(text, fault: text)]
        report.needs = [.init(application: text, need: text, standIn: text)]
        report.faults = [DrillReport.Fault(Words(text, de: text))]
        report.traces = [text]
        report.earlier = [.init(id: text, begun: 0, seconds: 1, isPassed: true)]
        for german in [false, true] {
            let found = try await parsed(report, german: german)
            // Others come out changed, or cut.
            let isPlain =
                text.utf8.count < 100 && text.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
            #expect(!isPlain || found.text.contains(text))
            let scalars = source(report, german: german).unicodeScalars
            #expect(
                !scalars.contains {
                    [0x0, 0x1b, 0x200f, 0x202e, 0x2066, 0xfeff, 0xfffe].contains($0.value)
                })
        }
    }

    @Test("What turns the direction of writing is shown, not done")
    func direction() async throws {
        #expect(try await parsed(Self.empty("\u{202e}txt.exe")).text.contains("[U+202E]txt.exe"))
    }

    @Test("A moment's text is escaped as well")
    func momentText() {
        let bytes = DrillPage.html(Self.empty(), german: false) { _ in "<script>" }
        #expect(!String(decoding: bytes, as: UTF8.self).contains("<script"))
    }

    @Test("Nothing points outside")
    func selfContained() throws {
        for german in [false, true] {
            let source = source(try Self.passed(), german: german).lowercased()
            for word in [
                "http:", "https:", "//", "url(", "@import", "src=", "href", "<script", "javascript",
            ] {
                #expect(!source.contains(word), "\(word)")
            }
        }
    }

    @Test("Many services and steps come out in pictures of a page each")
    func many() async throws {
        var report = Self.empty()
        for index in 0..<200 {
            report.services.append(Self.service("service \(index)", after: Double(index * 7)))
            report.steps.append(try Self.step("brought", "data \(index)", Double(index), 5))
            report.steps.append(try Self.step("stands", "member \(index)", Double(index) + 5, 3))
            report.earlier.append(
                .init(id: "e\(index)", begun: Int64(index), seconds: 5, isPassed: true))
        }
        let found = try await parsed(report)
        #expect(found.bodies >= 200)
        #expect(found.ids.count == 2 * 3)
        #expect(found.text.contains("238 shorter steps are not drawn."))
        #expect(found.text.contains("e199"))
        #expect(!found.text.contains("e3\n"))
    }

    private static let oddNumbers: [Double] = [
        0, -0.0, -5, 1e-300, 9.95, 59.6, 1e15, 1e300, -1e300, .infinity, -.infinity, .nan,
        .greatestFiniteMagnitude,
    ]

    @Test("No number stops it", arguments: oddNumbers)
    func numbers(value: Double) async throws {
        var report = DrillReport(
            id: "", institution: "", vault: "", platform: "", scenario: nil, begun: .max,
            moment: .min)
        for other in Self.oddNumbers {
            report.services.append(
                Self.service("one", after: value, rto: other, age: other, rpo: value))
            report.earlier.append(.init(id: "", begun: .min, seconds: other, isPassed: true))
            guard value.isFinite, other.isFinite else { continue }
            for kind in ["brought", "started", "stands", "served", "?"] {
                report.steps.append(try Self.step(kind, "it", value, other, bytes: .max))
            }
        }
        report.format = .min
        report.mails = .min
        report.standsAfter = value
        report.seconds = value
        for german in [false, true] {
            let source = source(report, german: german)
            #expect(
                !source.contains("\"nan") && !source.contains("\"inf") && !source.contains("e+"))
            _ = try await parsed(report, german: german)
        }
    }
}
