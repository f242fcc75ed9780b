// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Testing
import Vault

@Suite("Units")
struct UnitTests {
    private func places(_ units: Units) -> [String] {
        units.facts.map { "\($0.session)-\($0.number)" }
    }

    /// What is wrong, and that it names this object in both languages.
    private func expect(
        _ units: Units, _ kind: Trouble.Kind, _ name: ObjectName, left: [String]
    ) {
        #expect(units.troubles.map(\.kind) == [kind])
        #expect(units.troubles.first?.message.english.contains(name.text) == true)
        #expect(units.troubles.first?.message.german.contains(name.text) == true)
        #expect(places(units) == left)
    }

    @Test("come back as they were put, facts for the observer and content for the reader")
    func roundTrip() async throws {
        let test = try await TestVault()
        let session = try test.session()
        let pieces = [0..<1, 1..<1, 1..<5000, 5000..<40_000]
        var references: [UnitReference] = []
        for piece in pieces { references.append(try await session.append(piece)) }
        let random = noise(70_000)
        references.append(try await session.append(random[...], span(40_000..<110_000)))
        let units = try await test.units()
        #expect(units.troubles.isEmpty)
        #expect(places(units) == ["1-0", "1-1", "1-2", "1-3", "1-4"])
        #expect(units.facts.map(\.name) == references.map(\.name))
        #expect(units.facts.map(\.hash) == references.map(\.hash))
        #expect(units.facts.map(\.facts.span) == (pieces + [40_000..<110_000]).map { span($0) })
        #expect(units.facts.allSatisfy { $0.facts.dataSet == "db" })
        let open = try await test.opened()
        for (fact, piece) in zip(units.facts, pieces) {
            #expect(try await open.content(of: fact) == Array(testLog[piece]))
        }
        // By one reader and backwards, too.
        let reader = UnitReader(open)
        #expect(try await reader.content(of: units.facts[4]) == random)
        #expect(try await reader.content(of: units.facts[0]) == Array(testLog[..<1]))
        let verified = try await open.verify(VerifyOptions()) { _ in }
        #expect(verified.units.count == 5 && verified.findings.isEmpty)
        #expect(try await test.findings().isEmpty)
    }

    @Test("Sites see only padded units, and neither content nor names")
    func siteView() async throws {
        let test = try await TestVault()
        let session = try test.session("canary-7f3a-name")
        let canary = Array("canary-7f3a-content".utf8)
        for count in [0, 1, 500, 900, 901, 3000, 20_000] {
            let bytes = canary + noise(count)
            _ = try await session.append(bytes[...], span(0..<bytes.count))
        }
        var sizes: [Int] = []
        for entry in try await test.site.list("units/") {
            let bytes = try await test.site.bytes(entry.name)
            sizes.append(bytes.count)
            let text = String(decoding: bytes, as: Unicode.ASCII.self)
            #expect(!text.contains("canary-7f3a"))
        }
        #expect(sizes.allSatisfy { $0 >= 4096 && padme($0) == $0 })
        #expect(sizes.filter { $0 == 4096 }.count >= 4)
    }

    @Test("are refused wherever a byte of them is flipped, and cut off anywhere")
    func flipped() async throws {
        let test = try await TestVault()
        let names = try await test.putUnits(3).map(\.name)
        let object = try await test.site.bytes(names[1])
        let key = try test.keys.publicKey
        for place in object.indices {
            var changed = object
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(throws: Malformed.self, "byte \(place)") {
                try SealedUnit(decoding: changed, writerKey: key)
            }
        }
        for count in stride(from: 0, to: object.count, by: 97) {
            #expect(throws: Malformed.self) {
                try SealedUnit(decoding: Array(object[..<count]), writerKey: key)
            }
        }
        for place in [0, 5, 30, 45, 60, 1000, 2461, 2500, 3000, 4090] {
            let copy = try await TestVault(test, at: test.site.copy())
            copy.site.flip(names[1], bit: 8 * place)
            let units = try await copy.units()
            let kind: Trouble.Kind = place == 5 ? .newerFormat : .damaged
            expect(units, kind, names[1], left: ["1-0", "1-2"])
        }
    }

    /// What becomes of unit 1 when the writer itself changes something in it.
    private func changed(_ change: (inout UnitParts) -> Void) async throws -> TestVault {
        let test = try await TestVault()
        _ = try await test.putUnits(3)
        var parts = try await UnitParts(test, 1, 1)
        change(&parts)
        try await test.site.replace(
            test.unit(1, 1), by: parts.signed(by: test.keys.signingSeed))
        return test
    }

    @Test("are refused where the writer's own hand forks or garbles a session")
    func ownHand() async throws {
        let same = try await changed { _ in }
        #expect(try await same.findings().isEmpty)
        // The hash of the one before, the commitment to the facts key, padding of the facts.
        let changes: [(inout UnitParts) -> Void] = [
            { $0.header[2464] ^= 1 }, { $0.header[2528] ^= 1 }, { $0.facts[495] = 1 },
        ]
        for change in changes {
            let test = try await changed(change)
            expect(try await test.units(), .damaged, test.unit(1, 1), left: ["1-0", "1-2"])
        }
        // Unit 2 no longer follows, and the content says so itself: the commitment to its key,
        // another length than the facts say, padding, way of storing.
        let contents: [(inout UnitParts) -> Void] = [
            { $0.header[2496] ^= 1 },
            { $0.content = UnitContent.encode(testLog[..<50], facts: $0.facts.count) },
            { $0.content[$0.content.count - 1] = 1 }, { $0.content[0] = 2 },
        ]
        for change in contents {
            let test = try await changed(change)
            expect(try await test.units(), .damaged, test.unit(1, 2), left: ["1-0", "1-1"])
            let fact = try #require(try await test.units().facts.last)
            let open = try await test.opened()
            let refused = try await trouble { _ = try await open.content(of: fact) }
            #expect(refused?.kind == .damaged)
            #expect(try await test.findings().count == 2)
        }
    }

    @Test("that are missing are named, one by one or as a whole session")
    func missing() async throws {
        let test = try await TestVault()
        for _ in 0..<3 { _ = try await test.putUnits(3) }
        for number: UInt32 in 0...1 {
            let copy = try await TestVault(test, at: test.site.copy())
            copy.site.drop(test.unit(2, number))
            let left = (0...2).filter { $0 != number }.map { "2-\($0)" }
            expect(
                try await copy.units(), .missing, test.unit(2, number),
                left: ["1-0", "1-1", "1-2"] + left + ["3-0", "3-1", "3-2"])
        }
        for number: UInt32 in 0...2 { test.site.drop(test.unit(2, number)) }
        let left = ["1-0", "1-1", "1-2", "3-0", "3-1", "3-2"]
        expect(try await test.units(), .missing, test.unit(2, 0), left: left)
        #expect(try await test.findings().map(\.kind) == [.missing])
    }

    @Test("that were replaced by an older one, or by one of another session, are named")
    func replaced() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(3)
        _ = try await test.putUnits(3)
        for other in [test.unit(1, 0), test.unit(2, 1)] {
            let copy = try await TestVault(test, at: test.site.copy())
            try await copy.site.replace(test.unit(1, 1), by: test.site.bytes(other))
            expect(
                try await copy.units(), .damaged, test.unit(1, 1),
                left: ["1-0", "1-2", "2-0", "2-1", "2-2"])
        }
        // After the listing, too: what is opened must be what was checked.
        let fact = try #require(try await test.units().facts.first)
        let open = try await test.opened()
        try await test.site.replace(fact.name, by: test.site.bytes(test.unit(1, 1)))
        await #expect(throws: Trouble.self) { try await open.content(of: fact) }
    }

    @Test("that a range supersedes go unread, and may be gone")
    func superseded() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(4)
        let spans = [RecordBody.UnitSpan(session: 1, first: 0, last: 2)]
        // Another data set's range says nothing about this one.
        let other = try await test.range(spans, "other")
        #expect(places(try await test.units()) == ["1-0", "1-1", "1-2", "1-3"])
        let done = try await test.range(spans, on: other.cache)
        test.site.flip(test.unit(1, 1), bit: 30_000)
        let units = try await test.units()
        #expect(places(units) == ["1-3"] && units.troubles.isEmpty)
        let writer = try test.writer
        var outcome = try await writer.removeSuperseded(by: done.head)
        // Unit 0 of the newest session keeps its number taken.
        #expect(outcome.removed == 2 && outcome.left == 0)
        #expect(places(try await test.units()) == ["1-3"])
        #expect(try await test.putUnits(1).map(\.session) == [2])
        outcome = try await writer.removeSuperseded(by: done.head)
        #expect(outcome.removed == 1)
        #expect(try await test.units().troubles.isEmpty)
        let observed = try await test.observed()
        #expect(observed.snapshots.isEmpty && observed.facts.map(\.body.kind) == [.range, .range])
        await #expect(throws: Trouble.self) {
            try await writer.removeSuperseded(by: ChainHead(sequence: 1, hash: .zero))
        }
        #expect(try await test.findings().isEmpty)
    }

    @Test("that may not be removed yet are no trouble")
    func locked() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(4)
        let done = try await test.range([.init(session: 1, first: 1, last: 3)])
        test.site.setReadOnly(true)
        let writer = try test.writer
        let outcome = try await writer.removeSuperseded(by: done.head)
        #expect(outcome.removed == 0 && outcome.left == 3)
    }

    @Test("of a session that began after a range are not superseded by it, whatever its number")
    func reusedNumber() async throws {
        let test = try await TestVault()
        _ = try await test.putUnits(2)
        _ = try await test.range([.init(session: 1, first: 0, last: 1)])
        // A site loses all units: the number comes again.
        for number: UInt32 in 0...1 { test.site.drop(test.unit(1, number)) }
        #expect(try await test.units().troubles.isEmpty)
        #expect(try await test.putUnits(2).map(\.session) == [1, 1])
        #expect(places(try await test.units()) == ["1-0", "1-1"])
    }

    @Test("of a retired writer count if their session stands on an accepted record")
    func retired() async throws {
        let test = try await TestVault()
        let first = try await test.protect([prose(500)])
        _ = try await test.putUnits(2)
        _ = try await test.protect([prose(500, seed: 2)], on: first.cache)
        _ = try await test.putUnits(2)
        let late = try test.session()
        let keyring = test.unlocked.retiring(
            test.keys.writer, lastSequence: 1, lastRecord: first.head.hash,
            after: test.vault.keyringHash, world: test.world)
        try await test.site.putKeyring(2, keyring.encoded)
        let now = try await TestVault(test, at: test.site)
        let units = try await now.units()
        #expect(places(units) == ["1-0", "1-1"] && units.troubles.isEmpty)
        let refused = try await trouble { try await late.append(0..<10) }
        #expect(refused?.kind == .wrongKey)
    }

    @Test("bear witness to the record that their session stands on")
    func witness() async throws {
        let test = try await TestVault()
        _ = try await test.protect([prose(500)])
        _ = try await test.putUnits(2)
        test.site.drop(test.record(1))
        expect(try await test.units(), .missing, test.record(1), left: ["1-0", "1-1"])
        // The writer itself states something else there.
        let object = try Record.seal(
            test.draft(), sequence: 1, previous: .zero, by: test.keys,
            to: test.vault.keyring.observer)
        try await test.site.replace(test.record(1), by: object)
        expect(try await test.units(), .damaged, test.unit(1, 0), left: [])
    }
}
