// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Vault

/// What is not as the rules have it: each must be caught.
enum VaultMutation: CaseIterable {
    /// A record is put before the packs that it names.
    case recordFirst
    /// Sites say that they have what they lose when the power fails.
    case unsynced
    /// A key is used for another pack.
    case nonceReused
    /// What is condemned is taken away without waiting for its writer.
    case acknowledgementIgnored
    /// What is condemned is taken away before the time to notice a mistake has passed.
    case graceIgnored
    /// A writer builds on whatever any site shows.
    case listingBelieved
    /// What no record names that is shown is taken away at once.
    case absenceBelieved

    /// What a steward does beside what it should.
    func prune(_ plan: Pruning, _ observed: Observed, _ process: SimulatedProcess) async {
        let packs: [Digest]
        switch self {
        case .acknowledgementIgnored:
            // The rest is right: only what no record names that is kept, and only in its time.
            let needed = Set(observed.kept.flatMap { $0.packs.map(\.name) })
            let now = process.town.now(process.machine)
            do {
                let ripe = try await observed.vault.statements().all.filter { now.seconds - $0.body.made.seconds >= process.town.options.graceSeconds }
                packs = ripe.flatMap(\.body.condemned).filter { !needed.contains($0) }
            } catch { return }
        case .absenceBelieved: packs = plan.condemned.map(\.name)
        default: return
        }
        for pack in packs { do { try await process.site.erase(packName(pack)) } catch { return } }
    }
}

/// The sites as a program sees them that leaves something out.
final class MutatedSite: Site, @unchecked Sendable {
    private let (site, mutation, process): (any Site, VaultMutation, SimulatedProcess)
    private var deferred: [(name: ObjectName, bytes: ArraySlice<UInt8>)] = []

    var label: String { site.label }

    init(_ site: any Site, _ mutation: VaultMutation, _ process: SimulatedProcess) {
        (self.site, self.mutation, self.process) = (site, mutation, process)
    }

    func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        if mutation == .recordFirst, name.text.hasPrefix("packs/") {
            deferred.append((name, ArraySlice(Array(bytes))))
            return
        }
        try await site.put(name, bytes, existing: existing)
        for one in deferred { try await site.put(one.name, one.bytes, existing: .refuse) }
        deferred = []
    }

    func putDecided(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) { try await site.putDecided(name, bytes) }

    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] { try await site.get(name, in: range) }

    func get(
        _ name: ObjectName, in range: Range<Int>?, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8] { try await site.get(name, in: range, accepting: accepting) }

    func copies(of name: ObjectName, upTo max: Int) async throws(Trouble) -> [[UInt8]] { try await site.copies(of: name, upTo: max) }

    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await site.list(prefix) }

    func listDecided(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await site.listDecided(prefix) }

    func listStored(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await mutation == .listingBelieved ? site.list(prefix) : site.listStored(prefix)
    }

    func remove(_ name: ObjectName) async throws(Trouble) { try await site.remove(name) }

    func erase(_ name: ObjectName) async throws(Trouble) { try await site.erase(name) }

    func settle() async { await site.settle() }
}
