// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Vault

// What an original had when its work went to somebody else, beside what is there now: so that one can
// tell who has changed what since.
extension Activation {
    private static let prefix = "past-"
    private static let glanceMilliseconds = 100

    /// Files as the twin got them, else as that writer captured them last.
    ///
    /// - Parameter part: with which the twin began.
    /// - Returns: the directory that stands for `/`; nil where there is no copy.
    package func bringPast(files data: DataSet, by writer: Identifier, _ part: ActivationState.Part?) async throws(Trouble) -> [UInt8]? {
        let own = vault.observed.snapshots.filter { $0.writer.id == writer && $0.body.dataSet == data.id.value }
        guard let fact = own.first(where: { $0.id.hex == part?.snapshot }) ?? own.max(by: { $0.sequence < $1.sequence }) else { return nil }
        let target = setting.place.part(.data, Self.prefix + data.id.value)
        try await Tree.remove(target)
        var options = RestoreOptions()
        options.mindsOwners = false
        let restored = try await Restore(vault, fact, options: options).run(to: target) { _ in }
        if let missing = restored.notRestored.first { throw missing.trouble }
        return target
    }

    /// A cluster as the twin got it, else with all of its log that counts, on a server that nobody else can
    /// reach.
    ///
    /// - Parameter part: with which the twin began.
    /// - Returns: nil where there is no copy.
    package func bringPast(
        _ data: DataSet, _ postgres: DataSet.Postgres, by writer: Identifier, _ part: ActivationState.Part?
    ) async throws(Trouble) -> ServerAddress? {
        let hasBase = vault.observed.snapshots.contains {
            $0.writer.id == writer && $0.body.dataSet == data.id.value && $0.body.source == .postgresBase
        }
        guard hasBase else { return nil }
        let name = Self.prefix + data.id.value
        let target = setting.place.part(.data, name)
        try await setting.platform.stop(name)
        try await Tree.remove(target)
        _ = try await ClusterReturn(vault, units).run(data.id.value, to: part?.goal ?? .latest, by: writer, at: target, renewing: renewing) { _ in }
        try await prepare(postgres, in: name, sockets: name)
        try await setting.platform.start(setting.builder.launch(name, name, postgres, true))
        let address = try setting.builder.address(at: name, postgres, database: "postgres")
        let begun = Terminal.seconds()
        while true {
            do throws(ServerError) {
                let rows = try Connection(to: address, for: .questions(database: "postgres")).ask("SELECT NOT pg_is_in_recovery()", .seconds(30))
                if rows[0, 0] == "t" { return address }
            } catch {
                guard Terminal.seconds() - begun < Self.serverSeconds else { throw error.trouble }
            }
            if StopRequest.wait(milliseconds: Self.glanceMilliseconds) { throw .wasStopped }
        }
    }

    /// Takes away what was brought back to compare with.
    package func removePast(_ data: DataSet) async throws(Trouble) {
        let name = Self.prefix + data.id.value
        if data.kind == .postgres { try await setting.platform.stop(name) }
        try await Tree.remove(setting.place.part(.data, name))
        try await Tree.remove(setting.place.part(.run, name))
    }
}
