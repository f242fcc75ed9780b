// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Vault

@Suite("The pieces of a log")
struct LogPiecesTests {
    /// A base and units of the writer, in a vault of their own.
    private func way(
        base: Range<Int>, _ units: [(Range<Int>, UInt32)], ends: [UInt32: UInt64] = [:]
    ) async throws -> LogPieces.Way {
        let test = try await TestVault()
        let cache = test.emptyCache()
        var draft = test.draft("db")
        draft.source = .postgresBase
        draft.postgres = span(base)
        let run = try await WriterRun(test.writer, cache: cache, draft: draft, level: 3)
        _ = try await TestVault.commit(
            run, try await TestVault.store([Array(testLog[..<10])], in: run), on: cache)
        let session = try test.session()
        for (bytes, timeline) in units {
            _ = try await session.append(testLog[bytes], span(bytes, timeline: timeline))
        }
        let observed = try await test.observed()
        let fact = try #require(observed.snapshots.last)
        let pieces = try #require(LogPieces(of: fact, among: observed, try await test.units()))
        return pieces.way(ends: ends)
    }

    private func lsn(_ byte: Int) -> UInt64 { UInt64(byte) + 1 << 24 }

    @Test("Pieces that overlap lead as far as the last, and none is taken that brings nothing")
    func overlaps() async throws {
        let way = try await way(
            base: 100..<300, [(50..<250, 1), (200..<400, 1), (210..<300, 1), (400..<500, 1)])
        #expect(way.end == lsn(500) && way.gapUntil == nil)
        #expect(way.pieces.map(\.span.start) == [50, 200, 400].map(lsn))
    }

    @Test("A gap ends the way, and is named")
    func gap() async throws {
        let way = try await way(base: 100..<200, [(100..<300, 1), (310..<400, 1)])
        #expect(way.end == lsn(300) && way.gapUntil == lsn(310))
    }

    @Test("Log that begins within what the base brought continues it; one that begins later does not")
    func begins() async throws {
        let within = try await way(base: 100..<200, [(150..<300, 1)])
        #expect(within.end == lsn(300))
        let later = try await way(base: 100..<200, [(201..<300, 1)])
        #expect(later.end == lsn(200) && later.gapUntil == lsn(201))
    }

    @Test("A timeline is left where its history says, not where its log ends")
    func timelines() async throws {
        let units: [(Range<Int>, UInt32)] = [(100..<350, 1), (300..<400, 2)]
        let told = try await way(base: 100..<200, units, ends: [1: lsn(300)])
        #expect(told.timeline == 2 && told.end == lsn(400))
        // Without a history the beginning of the next one tells the same.
        let untold = try await way(base: 100..<200, units)
        #expect(untold.timeline == 2 && untold.end == lsn(400))
        // A timeline that begins where nothing leads to is not reached.
        let apart = try await way(base: 100..<200, [(100..<300, 1), (350..<400, 2)])
        #expect(apart.timeline == 1 && apart.end == lsn(300))
    }
}
