// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("Two records in one place, at sites that did not see each other")
struct ForkTests {
    private let (test, first, second): (TestVault, MemorySite, MemorySite)

    /// One run that died after the site that decides had its record, and one that put another there.
    init() async throws {
        test = try await TestVault()
        (first, second) = (test.site.copy(), test.site.copy())
        for (site, seed) in [(first, UInt8(1)), (second, 2)] {
            _ = try await TestVault(test, at: site).protect([prose(500, seed: seed)])
        }
    }

    private func observed(_ sites: [MemorySite]) async throws -> Observed {
        let members = sites.enumerated().map { SpreadSite.Member($1, name: "site\($0)") }
        let vault = try await Vault(at: SpreadSite(members, required: 2), remembering: nil)
        return try await Observed(vault, with: test.observer, isBundled: false)
    }

    private func head(_ site: MemorySite) async throws -> Digest {
        Sealing.hash(try await site.bytes(test.record(1)))
    }

    @Test("The one counts that lies at as many as must have it")
    func most() async throws {
        let observed = try await observed([first, second, second.copy()])
        #expect(observed.troubles.isEmpty)
        #expect(observed.snapshots.map(\.id) == [try await head(second)])
    }

    @Test("The one counts that the next record names")
    func followed() async throws {
        let third = second.copy()
        let known = try await TestVault(test, at: third)
        let cache = try await known.writer.knowledge(cache: nil, memory: Memory(of: known.vault)).cache
        _ = try await known.protect([prose(500, seed: 3)], on: cache)
        for site in [first, second] { try await site.replace(test.record(2), by: try await third.bytes(test.record(2))) }
        let observed = try await observed([first, first.copy(), third])
        #expect(observed.troubles.isEmpty)
        #expect(observed.snapshots.map(\.sequence) == [1, 2])
        #expect(observed.snapshots.first?.id == (try await head(second)))
    }

    @Test("A keeper copies it, and not the other, to a site that has none")
    func repaired() async throws {
        let third = test.site.copy()
        let sites = [first, second, second.copy(), third]
        var options = Copies.Options()
        options.repairs = true
        let members = sites.enumerated().map { SpreadSite.Asked(name: "site\($0)", site: $1) }
        let copies = try await test.vault.copies(at: members, options) { _ in }
        #expect(copies.findings.contains { $0.fault == .differing && $0.site == "site0" })
        #expect(try await head(third) == (try await head(second)))
    }
}
