// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Ground
import Vault

extension KnownVault {
    /// Leaves out what another host captures under the same name: a data set without a host would
    /// be another one on each of them, and the newest copy would not be of what people mean.
    func withoutForeign(
        _ groups: [ConsistencyGroup], on host: String
    ) async throws(Trouble) -> (groups: [ConsistencyGroup], refused: [DataSetOutcome]) {
        let bare = groups.flatMap(\.data).filter { $0.host == nil }.map(\.id.value)
        let keys = try writerKeys()
        let others = vault.keyring.writers.filter { writer in
            if case .active = writer.state { writer.id != keys.writer } else { false }
        }
        // Only then need all records be read.
        guard !bare.isEmpty, !others.isEmpty else { return (groups, []) }
        let captured = try await observed(with: keys).snapshots.filter { fact in
            others.contains { $0.id == fact.writer.id } && !DataSet.isSameHost(fact.body.host, host)
        }
        let refused = bare.compactMap { id in
            captured.last { $0.body.dataSet == id }.map {
                DataSetOutcome(id: id, result: .failure(.capturedElsewhere(id, $0)))
            }
        }
        guard !refused.isEmpty else { return (groups, []) }
        let kept = groups.compactMap { group in
            group.keeping(group.data.map(\.id.value).filter { id in !refused.contains { $0.id == id } })
        }
        return (kept, refused)
    }
}

extension Trouble {
    fileprivate static func capturedElsewhere(_ id: String, _ fact: Observed.Fact) -> Trouble {
        let (host, writer) = (plain(fact.body.host), plain(fact.writer.name))
        return Trouble(
            .wrongUse,
            Words(
                "\"\(id)\" says no host, and host \(host) (writer \"\(writer)\") captures it: it would be something else on each.",
                de: "„\(id)“ nennt keinen Rechner, und Rechner \(host) (Schreiber „\(writer)“) sichert ihn: Er wäre auf jedem etwas anderes."),
            advice: Words(
                "Add \"host: NAME\" to it in the blueprint. If that writer is no more: \"zwilling keys retire \(short(fact.writer.id))\".",
                de: "Ihn im Bauplan um „host: NAME“ ergänzen. Gibt es den Schreiber nicht mehr: „zwilling keys retire \(short(fact.writer.id))“."))
    }
}
