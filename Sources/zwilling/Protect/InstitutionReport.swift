// SPDX-License-Identifier: EUPL-1.2
import Capture
import Ground
import Vault

/// What came of protecting an institution, for people and for programs.
struct InstitutionReport {
    let institution: String
    let outcomes: [DataSetOutcome]
    let seconds: Double

    init(_ institution: String, _ outcomes: [DataSetOutcome], seconds: Double) {
        (self.institution, self.outcomes, self.seconds) = (institution, outcomes, seconds)
    }

    private var captured: [Captured] {
        outcomes.compactMap { outcome in
            if case .success(let captured) = outcome.result { captured } else { nil }
        }
    }

    private var failures: [(id: String, trouble: Trouble)] {
        outcomes.compactMap { outcome in
            if case .failure(let trouble) = outcome.result { (outcome.id, trouble) } else { nil }
        }
    }

    /// 1 where a data set has no new snapshot, 3 where something in one was left out.
    var exitCode: Int32 {
        if !failures.isEmpty { return 1 }
        return captured.allSatisfy(\.leftOut.isEmpty) ? 0 : 3
    }

    func show() throws(Trouble) {
        for one in captured.flatMap(\.leftOut) { tell("  " + say(one.trouble.message)) }
        for outcome in outcomes {
            for words in outcome.warnings { warn(words) }
        }
        for (id, trouble) in failures {
            tell("zwilling: \(plain(id)): " + say(trouble.message))
            if let advice = trouble.advice { tell("  " + say(advice)) }
        }
        var lines = capturedLines(
            captured.map { ($0.body, $0.id, UInt64($0.leftOut.count)) })
        lines.append(
            say(
                "\(plain(institution)): \(captured.count) captured, \(failures.count) failed, in \(duration(seconds))",
                de: "\(plain(institution)): \(captured.count) gesichert, \(failures.count) misslungen, in \(duration(seconds))"))
        try zwilling.show(lines)
    }

    // MARK: JSON

    struct Fields: Encodable {
        struct Snapshot: Encodable {
            let dataSet, snapshot, begun: String
            let counts: CountFields
            let bytesAdded: UInt64
            let leftOut: [LeftOutFields]
            let warnings: [String]
        }

        struct Failure: Encodable {
            let dataSet: String
            let finding: FindingFields
        }

        let institution: String
        let snapshots: [Snapshot]
        let failures: [Failure]
        let seconds: Double
    }

    var fields: Fields {
        Fields(
            institution: institution,
            snapshots: outcomes.compactMap { outcome in
                guard case .success(let one) = outcome.result else { return nil }
                return Fields.Snapshot(
                    dataSet: one.body.dataSet, snapshot: one.id.hex, begun: isoTime(one.body.begun),
                    counts: CountFields(one.body.counts), bytesAdded: one.body.addedBytes,
                    leftOut: one.leftOut.map { LeftOutFields($0) },
                    warnings: outcome.warnings.map { say($0) })
            },
            failures: failures.map {
                Fields.Failure(dataSet: $0.id, finding: FindingFields($0.trouble))
            },
            seconds: seconds)
    }
}

/// A line for each snapshot that was taken; none where there is none.
func capturedLines(_ all: [(body: RecordBody, id: Digest, leftOut: UInt64)]) -> [String] {
    guard !all.isEmpty else { return [] }
    let heading = [
        say("DATA SET", de: "DATENBESTAND"), "ID", say("SIZE", de: "GRÖSSE"),
        say("ADDED", de: "NEU"), say("LEFT OUT", de: "AUSGELASSEN"),
    ]
    let rows = all.map { one in
        [
            plain(one.body.dataSet), one.id.short, size(one.body.counts.bytes),
            size(one.body.addedBytes), figure(one.leftOut),
        ]
    }
    return table([heading] + rows, rightAligned: [2, 3, 4])
}
