// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Postgres
import Vault

/// A PostgreSQL cluster out of the vault → a data directory that starts and takes connections.
package struct ClusterReturn: Sendable {
    private let vault: OpenVault
    private let units: Units

    package init(_ vault: OpenVault, _ units: Units) { (self.vault, self.units) = (vault, units) }

    /// The vault as it is now: whoever follows the log merges units meanwhile, and removes them.
    package typealias Renewal = @Sendable () async throws(Trouble) -> (OpenVault, Units)
    private static let attemptsMax = 5

    /// - Parameter writer: whose base it must be; nil for anybody's.
    package func run(
        _ dataSet: String, to goal: RecoveryGoal, by writer: Identifier? = nil, at target: [UInt8], renewing: Renewal,
        report: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws(Trouble) -> (reach: RecoveryReach, restored: Restored) {
        var current = self
        for _ in 1..<Self.attemptsMax {
            do throws(Trouble) { return try await current.run(dataSet, to: goal, by: writer, at: target, report: report) } catch {
                guard error.kind == .missing else { throw error }
                let (vault, units) = try await renewing()
                current = ClusterReturn(vault, units)
                try await Tree.remove(target)
            }
        }
        return try await current.run(dataSet, to: goal, by: writer, at: target, report: report)
    }

    /// - Returns: how far its log leads.
    /// - Throws: also where something of it did not come back: such a cluster must not be started.
    private func run(
        _ dataSet: String, to goal: RecoveryGoal, by writer: Identifier?, at target: [UInt8],
        report: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws(Trouble) -> (reach: RecoveryReach, restored: Restored) {
        let all = try Recovery.candidates(of: dataSet, to: goal, among: vault.observed, units)
        guard let found = all.first(where: { writer == nil || $0.base.writer.id == writer }), let span = found.base.body.postgres
        else { throw .noCluster(dataSet) }
        var options = RestoreOptions()
        options.mindsOwners = Machine.isRoot
        let restored = try await Restore(vault, found.base, options: options).run(to: target, report: report)
        if let missing = restored.notRestored.first { throw missing.trouble }
        let playback = LogPlayback(vault, found)
        let copy = PostgresCopy(at: target, span)
        let reach = try await playback.play(into: copy.directory)
        if let trouble = reach.troubles.first { throw trouble }
        try copy.settle(to: playback.target(after: reach), on: reach.timeline)
        try copy.openUp()
        return (reach, restored)
    }
}

extension Trouble {
    fileprivate static func noCluster(_ dataSet: String) -> Trouble {
        Trouble(
            .missing,
            Words("The vault has no copy of the cluster \"\(dataSet)\".", de: "Der Tresor hat keine Kopie des Clusters „\(dataSet)“."),
            advice: Words("\"zwilling snapshots\" shows what there is.", de: "„zwilling snapshots“ zeigt, was es gibt."))
    }
}
