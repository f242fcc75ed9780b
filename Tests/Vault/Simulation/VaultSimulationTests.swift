// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Synchronization
import Testing

/// A whole vault in which everything goes wrong that its rules promise to survive (docs/architecture.md, "A
/// vault under the simulator").
@Suite("Simulation of a vault")
struct VaultSimulationTests {
    private static func wish(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment["ZWILLING_\(name)"].flatMap { UInt64($0) } }

    /// How many seeds run; `ZWILLING_SEED` runs one alone, and shows what happens in it.
    private static let (seeds, seed) = (wish("SEEDS") ?? 2000, wish("SEED"))

    private static func run(_ seed: UInt64) -> SimulatedCounts {
        let town = SimulatedTown(seed: seed)
        do { try town.run() } catch {
            Issue.record("seed \(error.seed): \(error.invariant)\nAgain, with all that happens in it: ZWILLING_SEED=\(seed)")
            town.counts.failed += 1
        }
        return town.counts
    }

    @Test("Whatever goes wrong, what was reported can be restored, and by nobody else")
    func invariants() async throws {
        if let seed = Self.seed {
            let town = SimulatedTown(seed: seed, isTraced: true)
            defer { print(town.trace.joined(separator: "\n")) }
            return try town.run()
        }
        let begun = ContinuousClock.now
        let width = UInt64(Machine.cores)
        let counts = await withTaskGroup(of: SimulatedCounts.self) { group in
            for first in 0..<width {
                group.addTask {
                    var counts = SimulatedCounts()
                    for seed in stride(from: first, to: Self.seeds, by: Int(width)) where counts.failed < 20 { counts += Self.run(seed) }
                    return counts
                }
            }
            return await group.reduce(into: SimulatedCounts()) { $0 += $1 }
        }
        print("\(Self.seeds) seeds of vaults in \(ContinuousClock.now - begun): \(counts)")
        // It is of no use if nothing comes to its end.
        let least = Int(Self.seeds)
        #expect(counts.done > least && counts.letGo > least / 2 && counts.removed > least / 2)
        #expect(counts.killed > least / 4 && counts.restored > least / 20 && counts.repaired > least / 2 && counts.emptied > least / 20)
    }

    @Test("The same seed does the same")
    func repeats() throws {
        for seed: UInt64 in 0..<20 {
            let towns = (0..<2).map { _ in SimulatedTown(seed: seed, isTraced: true) }
            for town in towns { try town.run() }
            #expect(towns[0].trace == towns[1].trace)
        }
    }

    @Test("What was found once stays found", arguments: Found.all)
    func regressions(found: Found) throws { try SimulatedTown(seed: found.seed).run() }

    @Test("What leaves something out is caught", arguments: VaultMutation.allCases)
    func mutations(mutation: VaultMutation) {
        let caught = (0..<UInt64(2000)).first { seed in
            do throws(SimulatedTown.Failure) { try SimulatedTown(seed: seed, mutation: mutation).run() } catch {
                print("\(mutation) is caught by seed \(seed): \(error.invariant)")
                return true
            }
            return false
        }
        #expect(caught != nil)
    }
}

/// A seed that broke an invariant, and the fault of the program that was its cause. Each has a test of its own
/// as well (`PruneTests`, `ForkTests`), since another seed finds it when the simulation changes.
extension VaultSimulationTests {
    struct Found: CustomTestStringConvertible, Sendable {
        let (seed, testDescription): (UInt64, String)

        static let all = [
            Found(seed: 75, testDescription: "A torn copy made a union of listings show a statement twice; nobody could go on."),
            Found(seed: 225, testDescription: "A snapshot named a pack that another data set had forgotten."),
            Found(seed: 2297, testDescription: "A record that lay at one site only was built upon, and lost."),
            Found(seed: 40666, testDescription: "A writer that had lost its cache did not go on while a copy of its last record was damaged."),
            Found(seed: 4602, testDescription: "A pack of a run that stood still was taken away, because the site did not say whose it is."),
        ]
    }
}
