// SPDX-License-Identifier: EUPL-1.2
import Ground
import Revival
import Synchronization
import Vault

/// The board of a handover, as it lies in the vault.
final class VaultBoard: HandoverBoard {
    enum Signer {
        /// Who takes the work over; and for what.
        case root(UnlockedKeyring, Promotion.Kind)
        /// Who has it.
        case writer(WriterKeys)
    }

    private let known: KnownVault
    private let signer: Signer
    private let vault: Mutex<Vault>

    init(_ known: KnownVault, _ signer: Signer) {
        (self.known, self.signer) = (known, signer)
        vault = Mutex(known.vault)
    }

    /// With the newest keyring, by the site that decides: others may not have it yet.
    func current() async throws(Trouble) -> Vault {
        let last = vault.withLock { $0 }
        guard try await last.hasNewerDecided() else { return last }
        let newer = try await known.fresh()
        known.remember(of: newer)
        vault.withLock { $0 = newer }
        return newer
    }

    func promotion() async throws(Trouble) -> (term: UInt32, holder: String)? {
        try await current().keyring.promotion.map { ($0.term, $0.holder) }
    }

    func asked(of term: UInt32) async throws(Trouble) -> String? {
        try await vault.withLock { $0 }.openHandovers().first { $0.term == term }?.id
    }

    func ask(_ id: String, of term: UInt32) async throws(Trouble) {
        _ = try await say(.asked, id, of: term)
    }

    func given(_ id: String) async throws(Trouble) -> [Promotion.Cut]? {
        try await vault.withLock { $0 }.handover(id, .given)?.cuts
    }

    func give(_ id: String, of term: UInt32, _ cuts: [Promotion.Cut]) async throws(Trouble) {
        _ = try await say(.given, id, of: term, cuts)
    }

    func decision(_ id: String) async throws(Trouble) -> HandoverDecision? {
        try await vault.withLock { $0 }.handover(id, .decided).map { $0.kind == .taken ? .taken : .kept }
    }

    func decide(
        _ id: String, of term: UInt32, _ decision: HandoverDecision
    ) async throws(Trouble) -> HandoverDecision {
        try await say(decision == .taken ? .taken : .kept, id, of: term).kind == .taken ? .taken : .kept
    }

    func promote(_ holder: String, after term: UInt32, cutting cuts: [Promotion.Cut]) async throws(Trouble) {
        guard case .root(let unlocked, let kind) = signer else { preconditionFailure("who has the work promotes nobody") }
        let changed = try await current().promoting(holder, kind, after: term, cutting: cuts, with: unlocked, world: .real)
        known.remember(of: changed)
        vault.withLock { $0 = changed }
    }

    private func say(
        _ kind: Handover.Kind, _ id: String, of term: UInt32, _ cuts: [Promotion.Cut] = []
    ) async throws(Trouble) -> Handover {
        let vault = vault.withLock { $0 }
        let (said, bytes): (Handover, [UInt8])
        do {
            switch signer {
            case .root(let unlocked, _):
                said = Handover(id, kind, of: term, by: nil, cuts: cuts)
                bytes = try said.encoded(by: unlocked.strongbox.root, of: vault.keyring.vault)
            case .writer(let keys):
                said = Handover(id, kind, of: term, by: keys.writer, cuts: cuts)
                bytes = try said.encoded(by: keys)
            }
        } catch {
            throw Trouble(.damaged, Words("A key of the vault is damaged.", de: "Ein Schlüssel des Tresors ist beschädigt."))
        }
        return try await vault.state(said, bytes)
    }
}
