// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Vault

/// What a service has captured when it was asked to, for people and for programs.
struct ServiceReport {
    private let institution: String
    private let captured: [Observed.Fact]
    private let failures: [(id: String, told: Wishes.Told)]
    private let seconds: Double

    init(
        _ institution: String, _ answers: [String: Wishes.Answer], _ refused: [DataSetOutcome],
        among snapshots: [Observed.Fact], seconds: Double
    ) {
        (self.institution, self.seconds) = (institution, seconds)
        let sorted = answers.sorted { $0.key < $1.key }
        captured = sorted.compactMap { _, answer in
            guard case .captured(let snapshot, _) = answer else { return nil }
            return snapshots.first { $0.id.hex == snapshot }
        }
        var failures: [(id: String, told: Wishes.Told)] = refused.compactMap { one in
            if case .failure(let trouble) = one.result { (one.id, Wishes.Told(trouble)) } else { nil }
        }
        for (id, answer) in sorted {
            switch answer {
            case .failed(let told): failures.append((id, told))
            // Each data set of an application tells the same of it.
            case .captured(_, let beside?):
                if !failures.contains(where: { $0.told == beside }) { failures.append((id, beside)) }
            case .captured(_, nil): break
            }
        }
        self.failures = failures
    }

    var exitCode: Int32 {
        failures.isEmpty ? (captured.allSatisfy { $0.body.counts.leftOut == 0 } ? 0 : 3) : 1
    }

    func show() throws(Trouble) {
        for (id, told) in failures {
            tell("zwilling: \(plain(id)): \(plain(told.message))")
            if let advice = told.advice { tell("  " + plain(advice)) }
        }
        var lines = capturedLines(captured.map { ($0.body, $0.id, $0.body.counts.leftOut) })
        lines.append(
            say(
                "\(plain(institution)): by the service: \(captured.count) captured, \(failures.count) failed, in \(duration(seconds))",
                de: "\(plain(institution)): vom Dienst: \(captured.count) gesichert, \(failures.count) misslungen, in \(duration(seconds))"))
        try zwilling.show(lines)
    }

    struct Fields: Encodable {
        struct Snapshot: Encodable {
            let dataSet, snapshot, begun: String
            let counts: CountFields
            let bytesAdded: UInt64
        }

        struct Failure: Encodable {
            let dataSet, message: String
            let advice: String?
        }

        let institution: String
        let snapshots: [Snapshot]
        let failures: [Failure]
        let seconds: Double
    }

    var fields: Fields {
        Fields(
            institution: institution,
            snapshots: captured.map { one in
                Fields.Snapshot(
                    dataSet: one.body.dataSet, snapshot: one.id.hex, begun: isoTime(one.body.begun),
                    counts: CountFields(one.body.counts), bytesAdded: one.body.addedBytes)
            },
            failures: failures.map {
                Fields.Failure(dataSet: $0.id, message: $0.told.message, advice: $0.told.advice)
            },
            seconds: seconds)
    }
}
