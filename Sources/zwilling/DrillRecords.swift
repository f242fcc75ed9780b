// SPDX-License-Identifier: EUPL-1.2
import Capture
import Files
import Ground
import Revival
import Vault

/// Keeps reports of drills in the vault, by a writer of its own: the machine's other one may be busy.
struct DrillRecords {
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

    func keep(_ files: [(name: String, bytes: [UInt8])]) async throws(Trouble) {
        let (vault, keys) = try await writer()
        let writer = try VaultWriter(vault, keys: keys, world: .real)
        let (cache, _) = try await writer.knowledge(
            cache: nil, memory: known.state.memory() ?? Memory(of: vault))
        let captured = try await DataSetCapture(writer, host: Machine.hostName(), vault: [])
            .run(blueprint: files, as: DataSetCapture.drills, cache: cache)
        known.remember([writer.writer.id: captured.head])
    }

    private func writer() async throws(Trouble) -> (Vault, WriterKeys) {
        if let keys = try known.state.drillKeys(), known.vault.keyring.writer(keys.writer) != nil {
            return (known.vault, keys)
        }
        let name = String((Machine.hostName() + " drills").prefix(60))
        let (changed, keys) = try await known.vault.adding(
            writerNamed: name, with: unlocked, companions: [], world: .real)
        try known.state.write(.drillKey, keys.encoded)
        known.remember(of: changed)
        return (changed, keys)
    }
}
