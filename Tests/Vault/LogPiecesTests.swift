// SPDX-License-Identifier: EUPL-1.2
import Ground
import Testing
import Vault

@Suite("The pieces of a log")
struct LogPiecesTests {
    /// A base and units of the writer, in a vault of their own.
    private func way(
        base: Range<Int>, _ units: [(Range<Int>, UInt32)], histories: [UInt32: [UInt32: UInt64]] = [:]
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
        return pieces.way(histories: histories)
    }

    private func lsn(_ byte: Int) -> UInt64 { UInt64(byte) + 1 << 24 }

    @Test("Pieces that overlap lead as far as the last, and none is taken that brings nothing")
    func overlaps() async throws {
        let way = try await way(
            base: 100..<300, [(50..<250, 1), (200..<400, 1), (210..<300, 1), (400..<500, 1)])
        #expect(way.end == lsn(500) && way.gapUntil == nil)
        #expect(way.steps.map(\.piece.span.start) == [50, 200, 400].map(lsn))
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
        let told = try await way(base: 100..<200, units, histories: [2: [1: lsn(300)]])
        #expect(told.timeline == 2 && told.end == lsn(400))
        // Without a history the beginning of the next one tells the same.
        let untold = try await way(base: 100..<200, units)
        #expect(untold.timeline == 2 && untold.end == lsn(400))
        // A timeline that begins where nothing leads to is not reached.
        let apart = try await way(base: 100..<200, [(100..<300, 1), (350..<400, 2)])
        #expect(apart.timeline == 1 && apart.end == lsn(300) && apart.gapUntil == lsn(350))
    }

    @Test("A base of a timeline that was left before it leads nowhere else")
    func abandoned() async throws {
        let units: [(Range<Int>, UInt32)] = [(100..<500, 1), (250..<600, 2)]
        let way = try await way(base: 300..<400, units, histories: [2: [1: lsn(250)]])
        #expect(way.timeline == 1 && way.end == lsn(500) && way.gapUntil == nil)
    }

    @Test("Of two timelines that left the same one, each is reached by its own history")
    func siblings() async throws {
        let units: [(Range<Int>, UInt32)] = [(100..<400, 1), (300..<350, 2), (400..<500, 3)]
        let way = try await way(
            base: 100..<200, units, histories: [2: [1: lsn(300)], 3: [1: lsn(400)]])
        #expect(way.timeline == 3 && way.end == lsn(500))
        #expect(way.steps.map(\.piece.span.timeline) == [1, 3])
    }

    @Test("Old log beyond a switch hides nothing of the new timeline")
    func straddling() async throws {
        let units: [(Range<Int>, UInt32)] = [(100..<320, 1), (310..<400, 1), (300..<500, 2)]
        let way = try await way(base: 100..<200, units, histories: [2: [1: lsn(300)]])
        #expect(way.timeline == 2 && way.end == lsn(500))
        #expect(way.steps.map(\.until) == [lsn(300), nil])
    }
}
