// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import FoundationEssentials
import Ground
import Revival
import Wire

/// Tells citizens which services go on; started by an activation, before anything is brought back.
struct StatusPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status-page", shouldDisplay: false)

    @Argument var port: Int
    @Argument var place: PathArgument

    mutating func run() async throws {
        let place = ActivationPlace(place.bytes)
        guard let state = try ActivationState(at: place) else { return }
        var options = BlueprintOptions()
        options.file = PathArgument(bytes: place.part(.blueprint, state.blueprint))
        let plan = try RevivalPlan(of: options.blueprint().institution, for: state.services)
        try await PageServer(address: "0.0.0.0", port: port) { wantsJSON, language in
            let page = StatusPage(plan, Self.state(at: place) ?? state)
            return wantsJSON ? page.json : page.html(language)
        }.run()
    }

    /// nil where it is being written, or gone.
    private static func state(at place: ActivationPlace) -> ActivationState? {
        do throws(Trouble) { return try ActivationState(at: place) } catch { return nil }
    }
}

/// What citizens see of an activation: names and marks, and nothing of machines.
struct StatusPage {
    private let institution: String
    private let services: [(name: String, goesOn: Bool)]

    init(_ plan: RevivalPlan, _ state: ActivationState) {
        institution = state.institution
        services = plan.services.map { service in
            let members = plan.standing(for: service)
            return (service.name?.value ?? service.id.value, members.allSatisfy { state.has(.stands, $0) })
        }
    }

    private struct Fields: Encodable {
        struct Service: Encodable {
            let name: String
            let goesOn: Bool
        }

        let institution: String
        let services: [Service]
    }

    var json: [UInt8] {
        let fields = Fields(
            institution: institution,
            services: services.map { Fields.Service(name: $0.name, goesOn: $0.goesOn) })
        do { return Array(try JSONEncoder().encode(fields)) } catch { return Array("{}".utf8) }
    }

    func html(_ language: Language) -> [UInt8] {
        func text(_ english: String, _ german: String) -> String { language == .german ? german : english }
        let rows = services.map { one in
            let mark = one.goesOn ? "✓" : "…"
            let word = one.goesOn ? text("available", "verfügbar") : text("being prepared", "in Vorbereitung")
            return "<li class=\"\(one.goesOn ? "on" : "off")\"><b>\(mark)</b> \(Self.escaped(one.name)) <i>\(word)</i></li>"
        }
        let page = """
            <!DOCTYPE html>
            <html lang="\(text("en", "de"))"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="10">
            <title>\(Self.escaped(institution))</title>
            <style>
            body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1b2430 }
            ul { list-style: none; padding: 0 } li { padding: .6rem 0; border-bottom: 1px solid #cfd6de }
            b { display: inline-block; width: 1.6em } i { float: right; font-style: normal; color: #55606d } .on b, .on i { color: #14633a }
            </style></head><body>
            <h1>\(Self.escaped(institution))</h1>
            <p>\(text("We are working in emergency operation. These services are available again, or will be soon:", "Wir arbeiten im Notbetrieb. Diese Leistungen sind wieder verfügbar oder werden es bald sein:"))</p>
            <ul>
            \(rows.joined(separator: "\n"))
            </ul></body></html>

            """
        return Array(page.utf8)
    }

    private static func escaped(_ text: String) -> String {
        plain(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
