// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites
import Testing
import Vault

@Suite("A record")
struct RecordTests {
    private func body(_ test: TestVault) -> RecordBody {
        var body = test.draft("mail")
        body.paths = [Array("/a".utf8), [0x2f, 0xff, 0xfe]]
        body.counts.files = 1
        body.counts.directories = 2
        body.counts.others = 3
        body.counts.bytes = .max
        body.counts.leftOut = 5
        body.counts.changedWhileRead = 6
        body.addedBytes = 7
        body.base = 3
        body.packsAdded = [PackReference(name: Sealing.hash([1] as [UInt8]), bytes: 65_536)]
        body.packsRemoved = [Sealing.hash([2] as [UInt8])]
        body.rootChunks = [Sealing.hash([3] as [UInt8]), .zero]
        return body
    }

    private func sealed(_ body: RecordBody, _ test: TestVault) throws -> [UInt8] {
        try Record.seal(
            body, sequence: 4, previous: Sealing.hash([9] as [UInt8]), by: test.keys,
            to: test.vault.keyring.observer)
    }

    @Test("comes back as it was stated, for the observer only")
    func roundTrip() async throws {
        let test = try await TestVault()
        for kind in [RecordBody.Kind.snapshot, .checkpoint, .range] {
            var body = body(test)
            body.kind = kind
            body.source = .postgresLog
            body.postgres = span(7..<5000, timeline: 3)
            if kind == .range {
                body.supersedes = [.init(session: 1, first: 0, last: 8999)]
            }
            body.begun = Moment(seconds: -5, nanoseconds: 999_999_999)
            let object = try sealed(body, test)
            let record = try Record(decoding: object, writerKey: try test.keys.publicKey)
            #expect(record.vault == test.keys.vault && record.writer == test.keys.writer)
            #expect(record.sequence == 4)
            #expect(record.previous == Sealing.hash([9] as [UInt8]))
            #expect(record.obeyedStatement == 0)
            #expect(record.hash == Sealing.hash(object))
            #expect(try record.body(with: test.observer) == body)
            let other = try Strongbox.recipientKey([UInt8](repeating: 3, count: 32))
            #expect(throws: Record.RecordTrouble.self) { try record.body(with: other) }
        }
    }

    @Test("has bodies of multiples of 512 bytes, so that names do not show in its length")
    func padding() async throws {
        let test = try await TestVault()
        let frame = RecordParts.sealedStart + Sealing.tagBytes + 64
        for count in [0, 1, 100, 511, 512, 513, 2000] {
            var body = body(test)
            body.host = String(repeating: "h", count: count)
            let object = try sealed(body, test)
            #expect((object.count - frame) % 512 == 0)
            let record = try Record(decoding: object, writerKey: try test.keys.publicKey)
            #expect(try record.body(with: test.observer).host == body.host)
        }
    }

    @Test("is refused wherever a byte of it is flipped, and cut off anywhere")
    func flipped() async throws {
        let test = try await TestVault()
        let object = try sealed(body(test), test)
        let key = try test.keys.publicKey
        for place in object.indices where place < 110 || place % 5 == 0 {
            var changed = object
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(throws: Malformed.self, "byte \(place)") {
                try Record(decoding: changed, writerKey: key)
            }
            #expect(throws: Malformed.self) {
                try Record(decoding: Array(object[..<place]), writerKey: key)
            }
        }
        #expect(throws: Malformed.self) { try Record(decoding: object + [0], writerKey: key) }
    }

    @Test("of another writer's hand is refused")
    func otherHand() async throws {
        let test = try await TestVault()
        let other = try await TestVault(seed: 2)
        let object = try sealed(body(test), test)
        #expect(throws: Malformed.self) {
            try Record(decoding: object, writerKey: try other.keys.publicKey)
        }
    }

    // MARK: What the observer finds inside

    /// The trouble with a record whose body was changed and sealed again.
    private func kind(
        _ change: (inout RecordParts) -> Void
    ) async throws -> Trouble.Kind? {
        let test = try await TestVault()
        _ = try await test.protect([prose(1000)])
        var parts = try await test.recordParts()
        change(&parts)
        try await test.site.replace(test.record(1), by: test.signed(parts))
        let observed = try await test.observed()
        #expect(observed.facts.count + observed.troubles.count == 1)
        return observed.troubles.first?.kind
    }

    /// The body without its padding and its empty list of extensions.
    private func trimmed(_ body: [UInt8]) -> [UInt8] {
        let end = body.lastIndex { $0 != 0 } ?? 0
        // The last digest may end in zeros, but not with this seed.
        return Array(body[...end])
    }

    private func padded(_ body: [UInt8]) -> [UInt8] {
        body + [UInt8](repeating: 0, count: (512 - body.count % 512) % 512)
    }

    @Test("that was sealed again unchanged is accepted")
    func resealed() async throws {
        #expect(try await kind { _ in } == nil)
        #expect(try await kind { $0.body = padded(trimmed($0.body) + [0]) } == nil)
    }

    @Test("An encryption setting is never ignored: an extension of a record")
    func extensions() async throws {
        #expect(
            try await kind { $0.body = padded(trimmed($0.body) + [1, 9, 1, 0]) } == .newerFormat)
        #expect(try await kind { $0.body = padded(trimmed($0.body) + [1, 9, 0, 1, 5]) } == nil)
    }

    @Test("says of which kind its data set is, and is refused where that makes no sense")
    func sources() async throws {
        func kind(_ number: UInt8, _ extensions: [UInt8]) async throws -> Trouble.Kind? {
            try await self.kind {
                $0.body = padded([number] + trimmed($0.body)[1...] + extensions)
            }
        }
        for source in RecordBody.Source.allCases {
            #expect(try await kind(1, [1, 1, 0, 1, source.rawValue]) == nil)
        }
        #expect(try await kind(1, [1, 1, 0, 1, 7]) == .newerFormat)
        #expect(try await kind(1, [1, 1, 0, 2, 1, 0]) == .damaged, "bytes left over")
        #expect(try await kind(1, [2, 1, 0, 1, 1, 1, 0, 1, 1]) == .damaged, "twice")
        #expect(try await kind(1, [1, 2, 0, 1, 1]) == .damaged, "no span")
        #expect(try await kind(3, [1, 3, 0, 4, 1, 5, 0, 3]) == nil)
        #expect(try await kind(1, [1, 3, 0, 4, 1, 5, 0, 3]) == .damaged, "only in a range")
        #expect(try await kind(3, [1, 3, 0, 4, 1, 5, 4, 3]) == .damaged, "backwards")
        #expect(try await kind(3, [1, 3, 0, 4, 1, 0, 0, 3]) == .damaged, "session 0")
    }

    @Test("is refused with padding that is not zero, an unknown kind or nothing in it")
    func bodies() async throws {
        #expect(try await kind { $0.body[$0.body.count - 1] = 1 } == .damaged)
        #expect(try await kind { $0.body[0] = 4 } == .newerFormat)
        #expect(try await kind { $0.body = [] } == .damaged)
    }

    @Test("is refused with another version")
    func version() async throws {
        #expect(try await kind { $0.info[5] = 2 } == .newerFormat)
    }
}
