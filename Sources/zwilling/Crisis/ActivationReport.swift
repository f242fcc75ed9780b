// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Revival

/// What came of an activation, by service.
struct ActivationReport {
    private let plan: RevivalPlan
    private let state: ActivationState
    private let place: ActivationPlace
    private let seconds: Double
    /// For so long at most nobody could work, where it was handed over.
    private let interruption: Double?

    init(
        _ plan: RevivalPlan, _ state: ActivationState, at place: ActivationPlace, seconds: Double, interruption: Double? = nil
    ) {
        (self.plan, self.state, self.place) = (plan, state, place)
        (self.seconds, self.interruption) = (seconds, interruption)
    }

    struct ServiceFields: Encodable {
        let service: String
        /// Since the activation began, in seconds.
        let standsAfter: Double
        /// The state of its oldest data.
        let dataFrom: String?
    }

    struct Fields: Encodable {
        let activation, institution, platform, directory: String
        let seconds: Double
        let interruption: Double?
        let services: [ServiceFields]
        let steps: [ActivationState.Step]
    }

    /// When the last of those that a service stands on answered.
    private func standsAfter(_ service: Service) -> Double {
        plan.standing(for: service).compactMap { id in
            state.steps.first { $0.kind == .stands && $0.what == id }?.at
        }.max() ?? 0
    }

    private func dataFrom(_ service: Service) -> Moment? {
        let ids = Set(plan.standing(for: service).flatMap { id in plan.members.first { $0.id == id }?.data ?? [] }
            .filter { $0.kind != .secret }.map(\.id.value))
        return state.parts.filter { ids.contains($0.dataSet) }.map(\.moment).min()
    }

    var fields: Fields {
        Fields(
            activation: state.id, institution: state.institution, platform: state.platform, directory: printable(place.path),
            seconds: seconds, interruption: interruption,
            services: plan.services.map {
                ServiceFields(
                    service: $0.id.value, standsAfter: standsAfter($0), dataFrom: dataFrom($0).map(isoTime))
            }, steps: state.steps)
    }

    var lines: [String] {
        let heading = [say("service", de: "Leistung"), say("goes on after", de: "geht weiter nach"), say("data from", de: "Daten vom")]
        let rows = plan.services.map { service in
            [
                plain(service.name?.value ?? service.id.value), duration(standsAfter(service)),
                dataFrom(service).map { localTime($0) } ?? "–",
            ]
        }
        let told = interruption.map {
            say("Nobody could work for at most \(duration($0)).", de: "Höchstens \(duration($0)) lang konnte niemand arbeiten.")
        }
        return table([heading] + rows, rightAligned: [1]) + [told].compactMap(\.self) + [
            say(
                "All of it stands after \(duration(seconds)). \"zwilling running\" shows it, \"zwilling stop\" ends it.",
                de: "Alles steht nach \(duration(seconds)). „zwilling running“ zeigt es, „zwilling stop“ beendet es.")
        ]
    }
}
