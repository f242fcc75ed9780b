// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Ground
import Postgres
import Sites
import Synchronization
import Testing
import Vault

@Suite("A year of a quiet database")
struct QuietYearTests {
    @Test("costs three objects a day, and every byte of its log is there")
    func year() async throws {
        let site = MemorySite()
        let keeper = try await Keeper.found(at: site)
        let clock = Mutex(Moment(seconds: 1_700_000_000))
        let world = World(now: { clock.withLock { $0 } }, random: World.real.random)
        let vault = try await Vault(at: site, remembering: nil)
        let writer = try VaultWriter(vault, keys: keeper.keys, world: world)
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "zwilling-year-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let spool = try LogSpool(in: Array(folder.path.utf8))
        let session = try UnitSession(writer: writer, dataSet: "db", memory: keeper.memory)
        let merge = LogMerge(writer: writer, dataSet: "db", host: "here", spool: spool)
        var cache = try await writer.knowledge(cache: nil, memory: keeper.memory).cache
        let before = try await site.list("").count
        var place = LogPlace(system: 7, timeline: 1, segmentBytes: 1 << 20, lsn: LSN(1 << 20))
        spool.begin(place, history: [], now: world.now())

        let days = 365, commits = 3
        for day in 0..<days {
            for commit in 0..<commits {
                clock.withLock { $0 = Moment(seconds: $0.seconds + 86_400 / Int64(commits)) }
                let bytes = Array("day \(day) commit \(commit);".utf8)
                let span = PostgresSpan(
                    system: 7, timeline: 1, start: place.lsn.value,
                    end: place.lsn.value + UInt64(bytes.count), segmentBytes: 1 << 20,
                    received: world.now())
                spool.add(try await session.append(bytes[...], span), span, bytes[...], now: world.now())
                place = place.moved(to: place.lsn + bytes.count)
            }
            while spool.isDue(world.now()), let run = spool.take() {
                let captured = try await merge.run(run, cache: cache)
                cache = captured.cache
                spool.drop(run)
                try await writer.removeSuperseded(by: captured.head)
            }
        }
        let objects = try await site.list("").count - before
        #expect(objects <= 3 * days + commits + 1, "\(objects)")

        // All of it leads on from where it began, by ranges and the last units.
        let observed = try await keeper.open(remembering: false).observed
        let units = try await Units(of: observed)
        let ranges = observed.facts.filter { $0.body.kind == .range }.compactMap(\.body.postgres)
        let spans = (ranges + units.facts.map(\.facts.span)).sorted { $0.start < $1.start }
        #expect(units.troubles.isEmpty && spans.first?.start == 1 << 20)
        #expect(spans.last?.end == place.lsn.value)
        #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.end == $1.start })
    }
}
