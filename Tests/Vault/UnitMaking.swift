// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Sites
import Testing
import Vault

/// A log from which a test takes stretches.
let testLog = prose(40_000)

func span(_ bytes: Range<Int>, timeline: UInt32 = 1) -> PostgresSpan {
    PostgresSpan(
        system: 77, timeline: timeline, start: UInt64(bytes.lowerBound) + 1 << 24,
        end: UInt64(bytes.upperBound) + 1 << 24, segmentBytes: 16 << 20,
        received: Moment(seconds: 1_700_000_000))
}

extension UnitSession {
    @discardableResult
    func append(_ bytes: Range<Int>) async throws(Trouble) -> UnitReference {
        try await append(testLog[bytes], span(bytes))
    }
}

extension TestVault {
    func session(_ dataSet: String = "db") throws -> UnitSession {
        try UnitSession(writer: writer, dataSet: dataSet, memory: Memory(of: vault))
    }

    /// One session with so many units of a hundred bytes each.
    func putUnits(_ count: Int, _ dataSet: String = "db") async throws -> [UnitReference] {
        let session = try session(dataSet)
        var references: [UnitReference] = []
        for number in 0..<count {
            references.append(try await session.append(100 * number..<100 * number + 100))
        }
        return references
    }

    func units() async throws -> Units { try await Units(of: observed()) }

    func unit(_ session: UInt64, _ number: UInt32) -> ObjectName {
        SealedUnit.name(keys.writer, session, number)
    }

    /// Commits a range of the data set that supersedes these units.
    func range(
        _ spans: [RecordBody.UnitSpan], on cache: WriterCache? = nil, _ dataSet: String = "db"
    ) async throws -> Done {
        let cache = cache ?? emptyCache()
        var draft = draft(dataSet)
        draft.kind = .range
        draft.source = .postgresLog
        draft.postgres = span(0..<100)
        draft.supersedes = spans
        let run = try await WriterRun(writer, cache: cache, draft: draft, level: 3)
        return try await Self.commit(
            run, try await Self.store([Array(testLog[..<100])], in: run), on: cache)
    }
}

/// A unit taken apart, so that a test can change what stands in it, seal and sign it again.
struct UnitParts {
    var header: [UInt8]
    var facts: [UInt8]
    var content: [UInt8]
    private let factsKey: SymmetricKey
    private let contentKey: SymmetricKey

    init(_ test: TestVault, _ session: UInt64, _ number: UInt32) async throws {
        let object = try await test.site.bytes(test.unit(session, number))
        let front = try SealedUnit(decoding: object, writerKey: test.keys.publicKey).front
        var keys = try front.keys(.facts, with: test.observer)
        factsKey = keys.key(of: number)
        keys = try front.keys(.content, with: test.unlocked.strongbox.reader(of: 1))
        contentKey = keys.key(of: number)
        header = Array(object[..<2568])
        let end = 2568 + 512
        func open(_ range: Range<Int>, _ key: SymmetricKey) throws -> [UInt8] {
            let binding = Sealing.hash(object[..<range.lowerBound]).bytes
            return Array(try Sealing.open(object[range], under: key, binding: binding))
        }
        facts = try open(2568..<end, factsKey)
        content = try open(end..<object.count - 64, contentKey)
    }

    func signed(by seed: [UInt8]) throws -> [UInt8] {
        var bytes = header
        for (plain, key) in [(facts, factsKey), (content, contentKey)] {
            bytes += Sealing.seal(plain, under: key, binding: Sealing.hash(bytes).bytes)
        }
        return try signedUnit(bytes, by: seed)
    }
}
