// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// What a service has captured when it was asked to, for people and for programs.
struct ServiceReport {
    private let institution: String
    private let captured: [Observed.Fact]
    private let failures: [(id: String, message: String)]
    private let seconds: Double

    init(
        _ institution: String, _ answers: [String: Wishes.Answer],
        among snapshots: [Observed.Fact], seconds: Double
    ) {
        (self.institution, self.seconds) = (institution, seconds)
        let sorted = answers.sorted { $0.key < $1.key }
        captured = sorted.compactMap { _, answer in
            snapshots.first { answer == .captured(snapshot: $0.id.hex) }
        }
        failures = sorted.compactMap { id, answer in
            if case .failed(let message) = answer { (id, message) } else { nil }
        }
    }

    var exitCode: Int32 {
        failures.isEmpty ? (captured.allSatisfy { $0.body.counts.leftOut == 0 } ? 0 : 3) : 1
    }

    func show() throws(Trouble) {
        for (id, message) in failures { tell("zwilling: \(plain(id)): \(plain(message))") }
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
            failures: failures.map { Fields.Failure(dataSet: $0.id, message: $0.message) },
            seconds: seconds)
    }
}
