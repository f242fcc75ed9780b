// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Testing
import Vault

// Each of these tests carries the name of a trap into which another backup program fell.

@Suite("Nonces")
struct NonceTests {
    private struct Use: Hashable {
        let key: [UInt8]
        let counter: UInt64
    }

    /// Every (key, nonce) pair under which something in the packs of these sites is sealed.
    private func uses(_ test: TestVault, _ sites: [MemorySite]) async throws -> [Use] {
        let reader = try test.unlocked.strongbox.reader(of: 1)
        var uses: [Use] = []
        for site in sites {
            for name in try await site.packNames() {
                let bytes = try await site.bytes(name)
                let front = try PackFront(name: Sealing.hash(bytes), decoding: bytes)
                let key = try front.contentKey(reader, at: site.label)
                let rows = try front.table(test.domain, at: site.label).rows
                // One for each chunk, and one for the padding behind them.
                uses += (0...UInt64(rows.count)).map { Use(key: key.bytes, counter: $0) }
                uses.append(
                    Use(key: test.domain.tableKey(of: front.header.pack).bytes, counter: 0))
            }
        }
        return uses
    }

    @Test("No (key, nonce) pair repeats in a vault")
    func noRepetition() async throws {
        let test = try await TestVault()
        var cache = test.emptyCache()
        for round: UInt8 in 1...4 {
            let contents = (0..<5).map { noise(10_000, seed: 10 * round + $0) }
            cache = try await test.protect(contents, on: cache).cache
        }
        // One builder fills many packs.
        let builder = try await PackMaker(test).builder()
        for seed: UInt8 in 1...3 {
            let chunk = noise(1000, seed: seed)
            try builder.append(chunk[...], id: test.domain.chunkId(of: chunk[...], .data))
            let pack = builder.finish()
            try await test.site.put(packName(pack.name), pack.bytes, existing: .refuse)
            try builder.reset()
        }
        let uses = try await uses(test, [test.site])
        #expect(uses.count >= 11 * 3)
        #expect(Set(uses).count == uses.count)
    }

    @Test("Nonce reuse after a state rollback")
    func rollback() async throws {
        let test = try await TestVault()
        let first = try await test.protect([noise(1000)])
        // The machine and the vault go back to the same moment twice, with other files each time.
        let futures = [test.site.copy(), test.site.copy()]
        for (number, site) in futures.enumerated() {
            let again = try await TestVault(test, at: site)
            _ = try await again.protect([noise(5000, seed: UInt8(20 + number))], on: first.cache)
        }
        let kept = Set(try await test.site.packNames())
        for site in futures { for name in kept { site.drop(name) } }
        let uses = try await uses(test, [test.site] + futures)
        #expect(Set(uses).count == uses.count)
    }

    @Test("Nonce reuse after a state rollback: units of a machine that was set back")
    func unitRollback() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(2)
        // Each key is committed to, and used once, with nonce 0.
        var commitments: [[UInt8]] = []
        for site in [test.site, test.site.copy(), test.site.copy()] {
            let kept = Set(site === test.site ? [] : try await site.list("units/").map(\.name))
            let again = try await TestVault(test, at: site, world: .seeded(99))
            let session = try again.session()
            for number in 0..<3 { try await session.append(number..<number + 100) }
            for entry in try await site.list("units/") where !kept.contains(entry.name) {
                let bytes = try await site.bytes(entry.name)
                commitments += [Array(bytes[2496..<2528]), Array(bytes[2528..<2560])]
            }
        }
        #expect(commitments.count == 2 * (5 + 3 + 3))
        #expect(Set(commitments).count == commitments.count)
    }

    @Test("Nonce reuse after a rollback of the dice: content keys are fresh all the same")
    func replayedDice() async throws {
        let test = try await TestVault()
        var keys: [[UInt8]] = []
        for seed: UInt8 in 1...2 {
            let again = try await TestVault(test, at: test.site.copy(), world: .seeded(99))
            _ = try await again.protect([noise(5000, seed: seed)])
            let reader = try test.unlocked.strongbox.reader(of: 1)
            for name in try await again.site.packNames() {
                let bytes = try await again.site.bytes(name)
                let front = try PackFront(name: Sealing.hash(bytes), decoding: bytes)
                keys.append(try front.contentKey(reader, at: "test").bytes)
            }
        }
        #expect(keys.count == 4)
        #expect(Set(keys).count == 4)
    }
}

@Suite("What a site sees")
struct SiteViewTests {
    private func sizes(_ contents: [[UInt8]]) async throws -> [Int] {
        let test = try await TestVault()
        _ = try await test.protect(contents)
        var sizes: [Int] = []
        for name in try await test.site.packNames() {
            let bytes = try await test.site.bytes(name)
            #expect(bytes.count >= 65_536)
            #expect(padme(bytes.count) == bytes.count)
            let header = try PackFront(name: .zero, decoding: bytes).header
            #expect(header.tableBytes > 0 && header.tableBytes % 4096 == 0)
            sizes.append(bytes.count)
        }
        return sizes.sorted()
    }

    @Test("Sites see only padded packs")
    func padded() async throws {
        for contents in [
            [[1]], [noise(70_000)], [noise(200_000)], [noise(1 << 20), prose(1 << 20)],
        ] {
            _ = try await sizes(contents)
        }
        _ = try await sizes((0..<120).map { noise(500, seed: $0) })
    }

    @Test("Sites see only padded packs: chunk borders leave no trace in lengths")
    func borders() async throws {
        let one = try await sizes([noise(600_000)])
        let other = try await sizes([
            noise(150_000), noise(280_000, seed: 2), noise(169_000, seed: 3),
        ])
        #expect(one == other)
    }

    @Test("Sites see neither contents nor names")
    func canary() async throws {
        let test = try await TestVault()
        let canary = Array("canary-7f3a-canary".utf8)
        _ = try await test.protect([canary + canary])
        for name in try await test.site.list("").map(\.name) {
            let text = String(decoding: try await test.site.bytes(name), as: Unicode.ASCII.self)
            for secret in ["canary-7f3a", "f1000", "/data", "files", "host"] {
                #expect(!text.contains(secret), "\(name)")
            }
        }
    }
}

@Suite("Forgery")
struct ForgeryTests {
    @Test("A forged archive is refused: a record by whoever can write to the site")
    func record() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        let intruder = try await TestVault(seed: 2)
        // Everything public is copied from the vault; only the writer's hand is missing.
        var parts = try await test.recordParts()
        var info = ByteWriter()
        info.raw(parts.info[..<40])
        info.u64(2)
        info.digest(first.head.hash)
        info.raw(parts.info[80...])
        parts.info = info.bytes
        let forged = try parts.sealed(
            to: test.vault.keyring.observer, signedBy: intruder.keys.signingSeed)
        try await test.site.replace(test.record(2), by: forged)
        let observed = try await test.observed()
        #expect(observed.snapshots.count == 1)
        #expect(observed.troubles.map(\.kind) == [.damaged])
        #expect(throws: Trouble.self) { try observed.snapshot("latest") }
        // The same by the writer's own hand would count.
        try await test.site.replace(test.record(2), by: test.signed(parts))
        #expect(try await test.observed().snapshots.count == 2)
    }

    @Test("A forged archive is refused: a pack sealed to the reader by whoever has the public key")
    func pack() async throws {
        let test = try await TestVault()
        _ = try await test.protect([prose(500)])
        let intruder = try await TestVault(seed: 2)
        // The intruder's own pack, with the victim's vault, writer and domain in its header.
        let (_, _, bytes) = try await PackMaker(intruder).put([prose(500, seed: 2)])
        let victim = try await PackMaker(test).sealing
        var forged = bytes
        forged.replaceSubrange(
            8..<40, with: victim.vault.bytes + victim.writer.bytes)
        forged.replaceSubrange(56..<72, with: victim.domain.id.bytes)
        for name in try await test.site.packNames() {
            let copy = try await TestVault(test, at: test.site.copy())
            try await copy.site.replace(name, by: forged)
            #expect(!(try await copy.findings()).isEmpty)
            let refused = try await trouble { _ = try await copy.contents() }
            #expect(refused?.kind == .damaged)
        }
    }

    @Test("A forged archive is refused: a unit by whoever can write to the site")
    func unit() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(1)
        let intruder = try await TestVault(seed: 2)
        _ = try await intruder.putUnits(2)
        // The intruder's next unit, as it is and with the victim's front.
        let front = try await test.site.bytes(test.unit(1, 0))[..<UnitFront.byteCount]
        let object = try await intruder.site.bytes(intruder.unit(1, 1))
        let mixed = Array(front) + object[UnitFront.byteCount...]
        for forged in [object, mixed] {
            try await test.site.replace(test.unit(1, 1), by: forged)
            let units = try await test.units()
            #expect(units.facts.map(\.number) == [0])
            #expect(units.troubles.map(\.kind) == [.damaged])
        }
        // With the writer's own hand, but without the session's secret, nothing opens either.
        try await test.site.replace(
            test.unit(1, 1), by: signedUnit(Array(mixed.dropLast(64)), by: test.keys.signingSeed))
        let units = try await test.units()
        #expect(units.facts.map(\.number) == [0])
        #expect(units.troubles.map(\.kind) == [.damaged])
    }

    @Test("A forged archive is refused: data passed off as a tree")
    func typeConfusion() async throws {
        let test = try await TestVault()
        // A file whose content is a root chunk; a lying record names it as such.
        let tree = RootChunk.encode([
            SectionReference(
                chunk: ChunkReference(id: .zero, bytes: 10), entries: 1, first: [[1]])
        ])
        let (_, chunks, bytes) = try await PackMaker(test).put([tree])
        try await test.vouch(for: [(bytes, .data)], roots: [chunks[0].id])
        let refused = try await trouble { _ = try await test.contents() }
        #expect(refused?.kind == .damaged)
        // And the id of one kind is never the id of the other.
        #expect(test.domain.chunkId(of: tree[...], .tree) != chunks[0].id)
    }

    @Test("A forged archive is refused: packs of one vault in another with the same keys")
    func otherVault() async throws {
        let test = try await TestVault()
        let (_, _, bytes) = try await PackMaker(test).put([prose(500)])
        var foreign = bytes
        foreign[8] ^= 1
        let front = try PackFront(name: Sealing.hash(foreign), decoding: foreign)
        let open = try await test.opened()
        #expect(throws: Trouble.self) { try open.domain(of: front) }
    }
}
