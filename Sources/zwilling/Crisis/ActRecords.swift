// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Revival
import Vault

/// Keeps in the vault what was done with the twin: reports of drills, steps of activations. By a
/// writer of its own, since the machine's other one may be busy.
struct ActRecords {
    private let known: KnownVault
    private let unlocked: UnlockedKeyring

    static let earlierMax = 20

    init(_ known: KnownVault, _ unlocked: UnlockedKeyring) { (self.known, self.unlocked) = (known, unlocked) }

    func signed(_ report: DrillReport) throws(Trouble) -> SignedReport {
        let root: RootKey
        do { root = try unlocked.strongbox.root } catch {
            throw Trouble(.damaged, Words("The root's key in the vault is damaged.", de: "Der Schlüssel der Wurzel im Tresor ist beschädigt."))
        }
        return try SignedReport(report, signedBy: root)
    }

    /// How far an activation has come, for whoever has only the vault.
    func keep(_ state: ActivationState) async throws(Trouble) {
        try await keep([("activation.json", state.encoded)], as: RecordBody.activations)
    }

    /// Each state, or the newest of those that came meanwhile. An emergency does not wait for it.
    ///
    /// - Returns: why the last one is not in the vault.
    func follow(_ states: AsyncStream<ActivationState>) async -> Trouble? {
        var trouble: Trouble?
        for await state in states {
            do throws(Trouble) {
                try await keep(state)
                trouble = nil
            } catch { trouble = error }
            // The services come first.
            do { try await Task.sleep(for: .milliseconds(300)) } catch {}
        }
        return trouble
    }

    func keep(
        _ files: [(name: String, bytes: [UInt8])], as id: String = RecordBody.drills, releasing released: [RecordBody.Released] = []
    ) async throws(Trouble) {
        let (vault, keys) = try await writer()
        let writer = try VaultWriter(vault, keys: keys, world: .real)
        let (cache, _) = try await writer.knowledge(
            cache: nil, memory: known.state.memory() ?? Memory(of: vault))
        let captured = try await DataSetCapture(writer, host: Machine.hostName(), vault: nil)
            .run(blueprint: files, as: id, releasing: released, cache: cache)
        known.remember([writer.writer.id: captured.head])
    }

    private func writer() async throws(Trouble) -> (Vault, WriterKeys) {
        let vault = try await known.fresh()
        if let keys = try known.state.actKeys(), vault.keyring.writer(keys.writer) != nil {
            return (vault, keys)
        }
        let name = String((Machine.hostName() + " acts").prefix(60))
        let (changed, keys) = try await vault.adding(
            writerNamed: name, with: unlocked.following(vault.keyring), companions: [], world: .real)
        try known.state.write(.actKey, keys.encoded)
        known.remember(of: changed)
        return (changed, keys)
    }
}

extension KnownVault {
    /// With the newest keyring, which this machine may have changed itself meanwhile.
    func fresh() async throws(Trouble) -> Vault {
        try await Vault(at: vault.site, remembering: state.memory())
    }
}
