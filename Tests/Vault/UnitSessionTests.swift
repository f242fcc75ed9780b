// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Testing
import Vault

@Suite("A session of units")
struct UnitSessionTests {
    private let down = Trouble(.system, Words("The site is down.", de: "Der Standort ist weg."))

    private func places(_ test: TestVault) async throws -> [String] {
        let units = try await test.units()
        #expect(units.troubles.isEmpty)
        return units.facts.map { "\($0.session)-\($0.number)" }
    }

    @Test("takes a number of its own, also where a listing does not show the others")
    func numbers() async throws {
        let test = try await TestVault()
        let (one, two, three) = (try test.session(), try test.session("b"), try test.session())
        try await one.append(0..<10)
        try await two.append(0..<10)
        for session: UInt64 in 1...2 { test.site.hide(test.unit(session, 0)) }
        #expect(try await three.append(0..<10).session == 3)
        #expect(try await one.append(10..<20).session == 1)
        #expect(try await two.append(10..<20).session == 2)
        #expect(test.site.counts.put.requests == 4 + 2 + 3)
    }

    @Test("puts the same object again after a failure, whether the first came through or not")
    func retry() async throws {
        for isDone in [false, true] {
            for begun in 0...1 {
                let test = try await TestVault()
                let session = try test.session()
                if begun == 1 { try await session.append(0..<10) }
                // The fourth request of a session's beginning is the put.
                let puts = begun == 1 ? 1 : try await requestsToBegin(test) + 1
                let request = test.site.counts.requests + puts
                test.site.fail(.init(request, down, isDone: isDone))
                let failed = try await trouble { try await session.append(10..<20) }
                #expect(failed?.kind == .system)
                let first = try await test.site.list("units/").last
                #expect((first?.name == test.unit(1, UInt32(begun))) == isDone)
                let reference = try await session.append(10..<20)
                #expect(reference.name == test.unit(1, UInt32(begun)))
                try await session.append(20..<30)
                #expect(try await places(test).count == begun + 2)
            }
        }
    }

    /// Requests before the first put.
    private func requestsToBegin(_ test: TestVault) async throws -> Int {
        let copy = try await TestVault(test, at: test.site.copy())
        let before = copy.site.counts.requests
        try await copy.session().append(0..<1)
        return copy.site.counts.requests - before - 1
    }

    @Test("never says two things in one place: other bytes after a failure begin a new one")
    func otherBytes() async throws {
        for isDone in [false, true] {
            let test = try await TestVault()
            let session = try test.session()
            try await session.append(0..<10)
            test.site.fail(.init(test.site.counts.requests + 1, down, isDone: isDone))
            let failed = try await trouble { try await session.append(10..<20) }
            #expect(failed != nil)
            #expect(try await session.append(10..<30).name == test.unit(2, 0))
            #expect(try await places(test) == (isDone ? ["1-0", "1-1", "2-0"] : ["1-0", "2-0"]))
        }
        // A first unit that never came through leaves no gap.
        let test = try await TestVault()
        let session = try test.session()
        let request = test.site.counts.requests + (try await requestsToBegin(test)) + 1
        test.site.fail(.init(request, down))
        let failed = try await trouble { try await session.append(10..<20) }
        #expect(failed != nil)
        try await session.append(10..<30)
        #expect(try await places(test) == ["1-0"])
    }

    @Test("stops where somebody else writes into it, and goes on in a new one")
    func shared() async throws {
        let test = try await TestVault()
        let session = try test.session()
        try await session.append(0..<10)
        // The same machine, set back to the first unit, with other bytes.
        try await test.site.replace(test.unit(1, 1), by: test.site.bytes(test.unit(1, 0)))
        let busy = try await trouble { try await session.append(10..<20) }
        #expect(busy?.kind == .busy)
        #expect(busy?.message.english.contains(test.unit(1, 1).text) == true)
        #expect(try await session.append(10..<20).name == test.unit(2, 0))
    }

    @Test("ends after an hour and after 9,000 units")
    func ends() async throws {
        let test = try await TestVault()
        let session = try test.session()
        try await session.append(0..<10)
        for _ in 0..<3600 { _ = test.world.now() }
        #expect(try await session.append(10..<20).name == test.unit(2, 0))

        var still = test.world
        still.now = { Moment(seconds: 1_700_000_000) }
        let quiet = try await TestVault(test, at: MemorySite(label: "quiet"), copying: test.site)
        let long = try UnitSession(
            writer: VaultWriter(quiet.vault, keys: test.keys, world: still), dataSet: "db",
            memory: Memory(of: quiet.vault))
        for number in 0..<9000 {
            #expect(try await long.append(0..<1).number == UInt32(number))
        }
        #expect(try await long.append(0..<1).name == quiet.unit(2, 0))
        #expect(try await places(quiet).count == 9001)
    }

    @Test("takes up a new keyring, and refuses a site that shows an older state")
    func rollback() async throws {
        let test = try await TestVault()
        let done = try await test.protect([prose(100)])
        let past = try await TestVault(test, at: test.site.copy())
        _ = try await test.protect([prose(100, seed: 2)], on: done.cache)
        let memory = try await test.memory()
        let session = try UnitSession(writer: past.writer, dataSet: "db", memory: memory)
        let refused = try await trouble { try await session.append(0..<10) }
        #expect(refused?.kind == .stale)
        #expect(try await past.site.list("units/").isEmpty)
    }

    @Test("holds no key that opens what it has sealed")
    func forwardSecrecy() async throws {
        let test = try await TestVault()
        let session = try test.session()
        let count = 5
        for number in 0..<count { try await session.append(number..<number + 10) }
        // Everything that HKDF makes of what it holds, far ahead.
        var reachable: Set<Digest> = []
        var keys = session.heldKeys
        #expect(keys.count == 2)
        for _ in 0..<50 {
            for key in keys {
                reachable.insert(UnitRatchet.commitment(to: key))
                reachable.insert(
                    UnitRatchet.commitment(to: Sealing.derive(key, "zwilling unit key")))
            }
            keys = keys.map { Sealing.derive($0, "zwilling unit next") }
        }
        func commitments(_ number: Int) async throws -> [Digest] {
            let bytes = try await test.site.bytes(test.unit(1, UInt32(number)))
            var reader = ByteReader(bytes, in: 2496..<2560)
            return [try reader.digest(), try reader.digest()]
        }
        for number in 0..<count {
            #expect(reachable.isDisjoint(with: try await commitments(number)))
        }
        try await session.append(0..<10)
        #expect(reachable.isSuperset(of: try await commitments(count)))
    }
}

extension TestVault {
    /// The same vault at a site of its own, without a record or unit.
    init(_ other: TestVault, at site: MemorySite, copying from: MemorySite) async throws {
        for entry in try await from.list("keyring") {
            try await site.replace(entry.name, by: from.bytes(entry.name))
        }
        try await self.init(other, at: site)
    }
}
