// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Revival
import Vault

/// What came of a restore, for people and for programs.
struct RestoreReport {
    private static let linesMax = 100

    let restored: Restored
    let snapshot: Observed.Fact
    let target: [UInt8]
    let seconds: Double

    /// 1 where the vault is damaged, 3 where the target would not take something.
    var exitCode: Int32 {
        let kinds = restored.notRestored.map(\.trouble.kind)
        if kinds.contains(where: { [.damaged, .missing, .newerFormat].contains($0) }) { return 1 }
        return kinds.isEmpty ? 0 : 3
    }

    func tellMissed() {
        let missed = restored.notRestored
        if !missed.isEmpty {
            tell(say("Not restored, or not wholly:", de: "Nicht oder nicht ganz zurückgeholt:"))
        }
        for one in missed.prefix(Self.linesMax) {
            tell("  \(shown(one.path)): \(say(one.trouble.message))")
        }
        let rest = missed.count - Self.linesMax
        if rest > 0 {
            tell(
                say(
                    "  and \(figure(rest)) more (all of them with --json)",
                    de: "  und \(figure(rest)) weitere (alle mit --json)"))
        }
        if let advice = missed.first?.trouble.advice { tell("  " + say(advice)) }
    }

    func show() throws(Trouble) {
        tellMissed()
        let begun = exactTime(snapshot.body.begun)
        let counts = CountFields(restored.counts)
        try zwilling.show([
            say(
                "Snapshot \(snapshot.id.short) of \(begun) restored to \(printable(target))",
                de: "Sicherungsstand \(snapshot.id.short) vom \(begun) zurückgeholt nach "
                    + printable(target)),
            "  " + counts.text,
            "  " + pace(counts.bytes, in: seconds),
        ])
    }

    struct Fields: Encodable {
        let snapshot: String
        /// Only of a PostgreSQL cluster.
        let cluster: RecoveredCluster.Fields?
        let target: PathFields
        let counts: CountFields
        let seconds: Double
        let notRestored: [LeftOutFields]
    }

    func fields(_ cluster: RecoveredCluster?) -> Fields {
        Fields(
            snapshot: snapshot.id.hex, cluster: cluster?.fields, target: PathFields(bytes: target),
            counts: CountFields(restored.counts), seconds: seconds,
            notRestored: restored.notRestored.map(LeftOutFields.init))
    }
}
