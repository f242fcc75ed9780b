// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Programs
import Synchronization

/// A twin brought up in isolation, questioned, measured and taken away again.
package struct Drill: Sendable {
    private let setting: Activation.Setting
    private let journal: ActivationJournal
    private let activation: Activation
    /// A command of people that looks at all that came back; it fails the drill unless it ends with 0.
    private let scan: String?
    /// Beside the platform's own: what keeps the sink for mail.
    private let keeper: ProcessPlatform

    private static let scanPatience = Duration.seconds(3600)

    package init(
        _ setting: Activation.Setting, _ journal: ActivationJournal, _ activation: Activation, keeper: ProcessPlatform,
        scan: String?
    ) {
        (self.setting, self.journal, self.activation) = (setting, journal, activation)
        (self.keeper, self.scan) = (keeper, scan)
    }

    /// Whatever happens is in the report; what was started is gone when this returns.
    ///
    /// - Parameter last: looks at what will be gone.
    package func run(_ report: inout DrillReport, last: (inout DrillReport) -> Void) async {
        let begun = Terminal.seconds()
        do throws(Trouble) {
            try await activation.run()
            report.standsAfter = Terminal.seconds() - begun
        } catch { report.faults.append(DrillReport.Fault(error.message)) }
        for trial in await trials() { report.trials.append(trial) }
        if let scan { await look(scan, &report) }
        last(&report)
        note(&report)
        await tearDown(&report)
        report.seconds = Terminal.seconds() - begun
    }

    // MARK: Trials

    /// Of every application that stands: of another it is known already that it does not.
    private func trials() async -> [DrillReport.Trial] {
        var all: [DrillReport.Trial] = []
        for application in setting.plan.institution.applications
        where journal.has(.stands, application.id.value) {
            for trial in application.trials {
                let begun = Terminal.seconds()
                var fault: DrillReport.Fault?
                do throws(Trouble) { try await setting.questions.pass(trial, of: application) } catch {
                    fault = DrillReport.Fault(error.message)
                }
                all.append(
                    DrillReport.Trial(
                        application: application.id.value, name: trial.name.value, fault: fault,
                        seconds: Terminal.seconds() - begun))
            }
        }
        return all
    }

    private func look(_ scan: String, _ report: inout DrillReport) async {
        var program = Program(shell: scan, timeout: Self.scanPatience)
        program.environment = ["ZWILLING_DATA": String(decoding: setting.place.part(.data), as: UTF8.self)]
        do throws(Trouble) { _ = try await program.output(upTo: 1 << 24) } catch {
            report.faults.append(
                DrillReport.Fault(
                    Words(
                        "The scan of what came back: \(error.message.english)",
                        de: "Die Durchsicht des Zurückgeholten: \(error.message.german)")))
        }
    }

    // MARK: Judgement

    private func note(_ report: inout DrillReport) {
        let state = journal.state
        report.steps = state.steps.map {
            DrillReport.Step(
                kind: $0.kind.rawValue, what: $0.what, from: $0.at - $0.seconds, seconds: $0.seconds, bytes: $0.bytes)
        }
        let plan = setting.plan
        let (begun, trials) = (report.begun, report.trials)
        report.services = plan.services.map { service in
            let members = plan.standing(for: service)
            let stands = members.map { id in state.steps.first { $0.kind == .stands && $0.what == id }?.at }
            let after = stands.contains(where: { $0 == nil }) ? nil : stands.compactMap(\.self).max() ?? 0
            let data = Set(plan.members.filter { members.contains($0.id) }.flatMap(\.data).filter { $0.kind != .secret }.map(\.id.value))
            let wanted = data.filter { id in plan.institution.data.first { $0.id.value == id }?.rpo != nil }
            // What is captured but once a day by its own rule is no loss of work.
            let oldest = state.parts.filter { wanted.contains($0.dataSet) && !isSettled($0.dataSet, service) }
                .map(\.seconds).min()
            let age = oldest.map { Double(max(begun - $0, 0)) }
            let own = trials.filter { members.contains($0.application) && $0.fault != nil }
            return DrillReport.Service(
                id: service.id.value, name: service.name?.value ?? service.id.value, standsAfter: after,
                rto: service.rto.map { Double($0.value.seconds) }, dataAge: age,
                rpo: service.rpo.map { Double($0.value.seconds) },
                faults: Self.faults(service, after, age, members.filter { id in !state.has(.stands, id) }, own))
        }
    }

    /// Programs and the like, which may be older than the service's own work may get lost.
    private func isSettled(_ data: String, _ service: Service) -> Bool {
        guard let rpo = service.rpo?.value,
            let own = setting.plan.institution.data.first(where: { $0.id.value == data })?.rpo?.value
        else { return false }
        return own.seconds > rpo.seconds
    }

    private static func faults(
        _ service: Service, _ after: Double?, _ age: Double?, _ fallen: [String], _ trials: [DrillReport.Trial]
    ) -> [DrillReport.Fault] {
        var faults = fallen.map {
            Words("\"\($0)\" did not come up.", de: "„\($0)“ kam nicht hoch.")
        }
        if let after, let rto = service.rto?.value, after > Double(rto.seconds) {
            faults.append(
                Words(
                    "It went on after \(Int(after)) s; \(rto) are allowed.",
                    de: "Sie ging nach \(Int(after)) s weiter; erlaubt sind \(rto)."))
        }
        if let age, let rpo = service.rpo?.value, age > Double(rpo.seconds) {
            faults.append(
                Words(
                    "Its data were \(Int(age)) s old; \(rpo) are allowed.",
                    de: "Ihre Daten waren \(Int(age)) s alt; erlaubt sind \(rpo)."))
        }
        faults += trials.map { trial in
            Words(
                "Trial \"\(trial.name)\": \(trial.fault?.english ?? "")",
                de: "Probe „\(trial.name)“: \(trial.fault?.german ?? "")")
        }
        return faults.map(DrillReport.Fault.init)
    }

    // MARK: Away with it

    private func tearDown(_ report: inout DrillReport) async {
        do throws(Trouble) {
            for member in setting.plan.members.reversed() { try await setting.platform.stop(member.id) }
        } catch { report.faults.append(DrillReport.Fault(error.message)) }
        do throws(Trouble) {
            try await setting.platform.clear()
            try await keeper.clear()
            report.traces += try await setting.platform.traces() + keeper.traces()
            try await setting.place.remove()
        } catch { report.faults.append(DrillReport.Fault(error.message)) }
        if Machine.exists(setting.place.path) { report.traces.append("directory \(printable(setting.place.path))") }
    }
}
