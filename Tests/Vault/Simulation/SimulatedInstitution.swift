// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Synchronization
import Vault

/// A vault as it is before anything was put into it, with every key: made once for each number of sites.
struct SimulatedInstitution {
    let (sites, required): (Int, Int)
    let unlocked: UnlockedKeyring
    let writers: [WriterKeys]
    let steward: StewardKeys
    let objects: [ObjectName: [UInt8]]
    let sealer: SimulatedSealer

    private static let made = Mutex<[[Int]: SimulatedInstitution]>([:])

    static func with(sites: Int, required: Int, writers: Int) -> SimulatedInstitution {
        made.withLock { made in
            let key = [sites, required, writers]
            if let known = made[key] { return known }
            // Each by one thread at a time, as all that a sealer serves.
            let one = SimulatedInstitution(sites, required, writers: writers)
            made[key] = one
            return one
        }
    }

    private init(_ sites: Int, _ required: Int, writers: Int) {
        let sealer = SimulatedSealer(seed: 1)
        let time = VirtualTime()
        let box = Mutex<SimulatedInstitution?>(nil)
        Sealing.$simulated.withValue(sealer) {
            time.begin {
                do {
                    let made = try await SimulatedInstitution(sites, required, writers, sealer)
                    box.withLock { $0 = made }
                } catch { preconditionFailure("a vault cannot be made: \(error)") }
            }
            time.run()
        }
        guard let made = box.withLock({ $0 }) else { preconditionFailure("a vault was not made") }
        self = made
    }

    private init(_ sites: Int, _ required: Int, _ count: Int, _ sealer: SimulatedSealer) async throws {
        let (world, site) = (World.seeded(1, from: 1_790_000_000), MemorySite())
        var first = try Keyring.new(passphrase: TestVault.passphrase, companions: [], world: world, roundsExponent: 10)
        var writers: [WriterKeys] = []
        for number in 0..<count {
            let (next, keys) = try first.adding(writerNamed: "writer\(number)", after: nil, world: world)
            (first, writers) = (next, writers + [keys])
        }
        try await site.putKeyring(1, first.encoded)
        var (vault, steward) = try await Vault(at: site, remembering: nil)
            .adding(stewardNamed: "steward", with: first, world: world)
        if sites > 1 {
            var plan = SitePlan()
            plan.sites = (0..<sites).map { SiteFacts(address: "/site\($0)", name: "site\($0)") }
            plan.rules.replicas = required
            vault = try await vault.planning(plan, at: site, with: first.following(vault.keyring), world: world)
        }
        var objects: [ObjectName: [UInt8]] = [:]
        for entry in try await site.list("") { objects[entry.name] = try await site.bytes(entry.name) }
        (self.sites, self.required, self.objects, self.sealer) = (sites, required, objects, sealer)
        (unlocked, self.writers, self.steward) = (first.following(vault.keyring), writers, steward)
    }
}

/// A machine: what it keeps when its processes die.
final class SimulatedMachine: @unchecked Sendable {
    struct Kept {
        let (lane, name, bytes, existing): (Int, ObjectName, [UInt8], Existing)

        init(lane: Int, name: ObjectName, bytes: [UInt8], existing: Existing) {
            (self.lane, self.name, self.bytes, self.existing) = (lane, name, bytes, existing)
        }
    }

    let name: String
    var clockAhead = 0.0
    var (cache, memory): (WriterCache?, Memory?)
    var spool: [Kept] = []

    init(_ name: String) { self.name = name }
}

/// Something that runs on a machine until it ends, or is killed.
final class SimulatedProcess: @unchecked Sendable {
    let (name, machine, town): (String, SimulatedMachine, SimulatedTown)
    private var opened: (any Site)?
    /// Each by itself.
    var ports: [SimulatedPort] { town.sites.map { SimulatedPort(process: self, site: $0) } }
    var (isKilled, isRogue, frozenUntil) = (false, false, 0.0)
    let begun: Double

    init(_ name: String, on machine: SimulatedMachine, in town: SimulatedTown) {
        (self.name, self.machine, self.town, begun) = (name, machine, town, town.time.now)
    }

    /// All sites as one.
    var site: any Site {
        let site = opened ?? town.site(of: self)
        opened = site
        return site
    }

    /// Its site knows it, and would hold it for ever.
    func close() { opened = nil }
}

extension Seeded {
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func one<Item>(of items: [Item]) -> Item { items[below(items.count)] }
    mutating func between(_ low: Double, _ high: Double) -> Double { Double.random(in: low...high, using: &self) }
}
