// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Ground
import Postgres
import Sites
import Testing
import Vault

@Suite("The spool of a log")
final class LogSpoolTests {
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "zwilling-spool-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func spool() throws -> LogSpool { try LogSpool(in: Array(folder.path.utf8)) }

    private func at(_ seconds: Int64) -> Moment { Moment(seconds: 1_700_000_000 + seconds) }

    private func place(_ lsn: UInt64, timeline: UInt32 = 1) -> LogPlace {
        LogPlace(system: 77, timeline: timeline, segmentBytes: 1 << 20, lsn: LSN(lsn))
    }

    private func add(
        _ spool: LogSpool, _ text: String, at start: UInt64, unit: UInt32, session: UInt64 = 1,
        timeline: UInt32 = 1, seconds: Int64 = 0
    ) throws {
        let bytes = Array(text.utf8)
        let name = try #require(ObjectName("units/test/\(session)-\(unit)"))
        spool.add(
            UnitReference(
                session: session, number: unit, name: name, hash: .zero,
                plainHash: Sealing.hash(bytes), bytes: 4096),
            PostgresSpan(
                system: 77, timeline: timeline, start: start, end: start + UInt64(bytes.count),
                segmentBytes: 1 << 20, received: at(seconds)),
            bytes[...], now: at(seconds))
    }

    private func text(_ run: LogRun, _ spool: LogSpool) throws -> String {
        String(
            decoding: try run.frames.flatMap { try spool.content(of: $0, in: run) }, as: UTF8.self)
    }

    @Test("What was added is there after a restart, and the end of the log outlives its merging")
    func restart() throws {
        var spool = try spool()
        #expect(spool.place == nil)
        spool.begin(place(100), history: [], now: at(0))
        try add(spool, "one ", at: 100, unit: 0)
        try add(spool, "two ", at: 104, unit: 1)
        spool = try self.spool()
        #expect(spool.place == place(108))
        try add(spool, "three", at: 108, unit: 0, session: 2)
        let first = try #require(spool.take())
        #expect(try text(first, spool) == "one two ")
        #expect(first.units == [.init(session: 1, first: 0, last: 1)])
        spool.drop(first)
        let second = try #require(spool.take())
        #expect(try text(second, spool) == "three" && second.start == place(108))
        spool.drop(second)
        #expect(spool.take() == nil)
        #expect(try self.spool().place == place(113))
    }

    @Test("A timeline's history goes with its first run, and no run crosses a border")
    func timelines() throws {
        let spool = try spool()
        spool.begin(place(0), history: [], now: at(0))
        try add(spool, "old", at: 0, unit: 0)
        let history = Array("1\t0/3\twhy\n".utf8)
        spool.begin(place(3, timeline: 2), history: history, now: at(0))
        #expect(spool.isDue(at(0)))
        try add(spool, "new", at: 3, unit: 1, timeline: 2)
        let old = try #require(spool.take())
        #expect(old.history.isEmpty && old.end == place(3))
        spool.drop(old)
        let new = try #require(spool.take())
        #expect(new.history == history && new.start == place(3, timeline: 2))
        spool.drop(new)
        try add(spool, "er", at: 6, unit: 2, timeline: 2)
        #expect(try #require(spool.take()).history.isEmpty)
    }

    @Test("A run is merged when it is large, has many units, or is old: a quiet log costs little")
    func due() throws {
        let spool = try spool()
        spool.begin(place(0), history: [], now: at(0))
        #expect(!spool.isDue(at(LogSpool.secondsMax)))
        try add(spool, "a", at: 0, unit: 0)
        #expect(!spool.isDue(at(LogSpool.secondsMax - 1)))
        #expect(spool.isDue(at(LogSpool.secondsMax)))
        for unit in 1..<UInt32(LogSpool.unitsWanted - 1) {
            try add(spool, "", at: 1, unit: unit)
        }
        #expect(!spool.isDue(at(1)))
        try add(spool, "", at: 1, unit: UInt32(LogSpool.unitsWanted))
        #expect(spool.isDue(at(1)))
    }

    @Test("Merging waits for a pause while log comes fast, but not for ever")
    func hurry() throws {
        let spool = try spool()
        spool.begin(place(0), history: [], now: at(0))
        let unit = String(repeating: "x", count: 4 << 20)
        var count = 0
        /// A unit more every second, as in a hurry, or every four, which is none.
        func add(every seconds: Int) throws {
            try self.add(
                spool, unit, at: UInt64(count * unit.utf8.count), unit: UInt32(count),
                seconds: Int64(count * seconds))
            count += 1
        }
        while count < 40 {
            try add(every: 1)
            #expect(!spool.isDue(at(Int64(count))), "\(count)")
        }
        #expect(!spool.isDue(at(45)))
        #expect(spool.isDue(at(46)))
        while count * unit.utf8.count <= LogSpool.bytesWaitingMax {
            #expect(!spool.isDue(at(Int64(count))))
            try add(every: 1)
        }
        #expect(spool.isDue(at(Int64(count))))
        spool.drop(try #require(spool.take()))
        let begun = count
        while count < begun + 20 {
            try add(every: 4)
            #expect(spool.isDue(at(Int64(4 * count))) == (count - begun >= 4), "\(count)")
        }
    }

    @Test("A database with a commit a minute costs a range a day")
    func quiet() throws {
        let spool = try spool()
        spool.begin(place(0), history: [], now: at(0))
        var ranges = 0
        for minute: Int64 in 0..<3 * 1440 {
            try add(spool, "", at: 0, unit: UInt32(minute), seconds: 60 * minute)
            while spool.isDue(at(60 * minute)), let run = spool.take() {
                spool.drop(run)
                ranges += 1
            }
        }
        #expect((2...3).contains(ranges), "\(ranges)")
    }

    @Test("What was being written when the power went ends a run, and is never taken for log")
    func damage() throws {
        let whole = try spool()
        whole.begin(place(0), history: Array("h".utf8), now: at(0))
        var start: UInt64 = 0
        let texts = ["first ", "", "second ", "third"]
        for (unit, text) in texts.enumerated() {
            try add(whole, text, at: start, unit: UInt32(unit))
            start += UInt64(text.utf8.count)
        }
        let file = folder.appending(path: "1")
        let bytes = try Data(contentsOf: file)
        func check(_ changed: Data) throws {
            try changed.write(to: file)
            let spool = try spool()
            guard let run = spool.take() else { return }
            let kept = texts.prefix(run.frames.count).joined()
            #expect(try text(run, spool) == kept)
            #expect(run.end == place(UInt64(kept.utf8.count)))
        }
        for count in 0..<bytes.count { try check(bytes.prefix(count)) }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            try check(changed)
        }
    }

    @Test("A base that a gap asks for is remembered, and settled only by one that ends behind it")
    func unreached() throws {
        func span(_ system: UInt64, timeline: UInt32, end: UInt64) -> PostgresSpan {
            PostgresSpan(
                system: system, timeline: timeline, start: 0, end: end, segmentBytes: 1 << 20,
                received: at(0))
        }
        var spool = try spool()
        spool.begin(place(100), history: [], now: at(0))
        #expect(!spool.needsBase)
        spool.begin(place(500, timeline: 2), history: [], now: at(0), isApart: true)
        spool = try self.spool()
        #expect(spool.needsBase)
        spool.tookBase(span(77, timeline: 2, end: 499))
        spool.tookBase(span(77, timeline: 1, end: 900))
        spool.tookBase(span(78, timeline: 2, end: 900))
        #expect(spool.needsBase)
        spool.tookBase(span(77, timeline: 2, end: 500))
        #expect(!spool.needsBase)
        #expect(try !self.spool().needsBase)
    }
}
