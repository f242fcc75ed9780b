// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

private let slot = SlotName("zwilling")

extension ServerTests {
    @Suite("Replication")
    struct ReplicationTests {
        @Test("Slots are made and dropped, however often")
        func slots() throws {
            let cluster = try Cluster()
            try cluster.start()
            let replication = try cluster.replication()
            #expect(replication.timeline == 1 && replication.segmentBytes == 1 << 20)
            #expect(replication.version.major >= 15 && replication.version.warning == nil)
            let slot = try #require(slot)
            #expect(SlotName("A") == nil && SlotName("a\"b") == nil && SlotName("") == nil)
            let connection = try cluster.connection()
            #expect(try replication.slot(slot) == nil && connection.slotState(slot) == nil)
            #expect(try replication.createSlot(slot) && !replication.createSlot(slot))
            let made = try #require(try replication.slot(slot))
            let state = try #require(try connection.slotState(slot))
            #expect(made.restart == state.restart && made.restart != nil)
            #expect(state.status == .reserved && !state.isActive && state.safeBytes == nil)
            #expect(try replication.dropSlot(slot) && !replication.dropSlot(slot))
            #expect(try replication.history(of: 1).content.isEmpty)
            #expect(throws: ServerError.self) { try replication.history(of: 9) }
            // A refusal leaves the connection of use.
            #expect(try replication.slot(slot) == nil)
        }

        @Test("Under load, what is received is pg_wal, and its commits are what pg_waldump sees")
        func load() throws {
            let cluster = try Cluster(["max_prepared_transactions": "5"])
            try cluster.start()
            let slot = try #require(slot)
            let replication = try cluster.replication()
            try replication.createSlot(slot)
            let start = try #require(try replication.slot(slot)?.restart).segmentStart
            try cluster.tool("pgbench", ["-i", "-q", "postgres"])
            let load = Cluster.process("pgbench", ["-n", "-c", "2", "-t", "1500", "postgres"])
            load.environment = cluster.environment
            load.standardOutput = FileHandle.nullDevice
            load.standardError = FileHandle.nullDevice
            try load.run()
            let stream = try replication.stream(
                from: start, timeline: 1, slot: slot, now: realNow)
            var bytes: [UInt8] = []
            while load.isRunning {
                if case .wal(_, _, _, let piece)? = try stream.receive(.milliseconds(100)) {
                    bytes += piece
                }
            }
            try cluster.psql("BEGIN; CREATE TABLE undone (); ROLLBACK")
            for end in ["COMMIT", "ROLLBACK"] {
                try cluster.psql("BEGIN; CREATE TABLE \(end) (); PREPARE TRANSACTION 'p'")
                try cluster.psql("\(end) PREPARED 'p'")
            }
            try cluster.psql("SELECT pg_create_restore_point('grüße')")
            try cluster.psql("SELECT pg_switch_wal()")
            try cluster.psql("CREATE TABLE later ()")
            try stream.record(until: cluster.flushedLSN(), into: &bytes)
            #expect(bytes.count > 4 << 20 && start + bytes.count == stream.position)
            #expect(try cluster.wal(from: start, count: bytes.count) == bytes)

            let (facts, scan) = scan(bytes, from: start)
            let dump = try cluster.tool(
                "pg_waldump",
                ["-p", cluster.data + "/pg_wal", "-s", "\(start)", "-e", "\(scan.position)"])
            let expected = Self.events(in: dump)
            #expect(facts.compactMap(Self.text) == expected)
            #expect(expected.count > 3000 && expected.contains { $0.hasPrefix("restore grüße") })
            #expect(expected.contains { $0.hasPrefix("abort") })
            #expect(scan.end == nil, "\(String(describing: scan.end)) at \(scan.position)")
            #expect(scan.position == stream.position && scan.major == 15)
            try fuzz(bytes, from: start)
            try confirming(stream, cluster, slot)
        }

        /// The lines of pg_waldump that matter, in words of ours.
        private static func events(in dump: String) -> [String] {
            dump.split(separator: "\n").compactMap { line in
                guard let at = line.range(of: "desc: ") else { return nil }
                let words = line[at.upperBound...].split(separator: " ")
                // A prepared one is named before its time.
                func time(_ at: Int) -> String { "\(words[at]) \(words[at + 1])" }
                switch words[0] {
                case "COMMIT": return "commit \(time(1))"
                case "ABORT": return "abort \(time(1))"
                case "COMMIT_PREPARED": return "commit \(time(2))"
                case "ABORT_PREPARED": return "abort \(time(2))"
                case "RESTORE_POINT": return "restore \(words[1])"
                default: return nil
                }
            }
        }

        private static func text(_ fact: WALFact) -> String? {
            func words(_ time: Moment) -> String {
                String(RecoverySettings.text(of: time).dropLast(3))
            }
            switch fact {
            case .committed(let time, _): return "commit \(words(time))"
            case .aborted(let time, _): return "abort \(words(time))"
            case .restorePoint(let name, _, _): return "restore \(name)"
            case .timelineBegan, .shutDown: return nil
            }
        }

        /// Only what was confirmed lets the server forget.
        private func confirming(
            _ stream: WALStream, _ cluster: Cluster, _ slot: SlotName
        ) throws {
            let connection = try cluster.connection()
            let before = try #require(try connection.slotState(slot))
            #expect(before.isActive && before.heldBytes > 4 << 20)
            let middle = LSN(before.current.value - 1 << 20)
            try stream.confirm(written: stream.position, flushed: middle)
            func restart() throws -> LSN? { try connection.slotState(slot)?.restart }
            try Cluster.wait { try restart() == middle }
            #expect(try restart() == middle)
            // Neither what lies behind nor what was never received is confirmed.
            try stream.confirm(written: LSN(0), flushed: LSN(1))
            try stream.confirm(written: LSN(.max), flushed: LSN(.max))
            #expect(stream.flushed == stream.position && stream.applied == LSN(0))
            try Cluster.wait { try restart() == stream.position }
            #expect(try restart() == stream.position)
            let wake = try #require(Wake())
            wake.raise()
            #expect(throws: ServerError.self) {
                while true { _ = try stream.receive(.endless(or: wake)) }
            }
            wake.lower()
            #expect(try stream.receive(.milliseconds(1)) == nil)
            try stream.stop()
            #expect(try connection.slotState(slot)?.isActive == false)
        }

        /// Mutations of real WAL: each ends in facts and an end, never worse.
        private func fuzz(_ bytes: [UInt8], from start: LSN) throws {
            let sample = Array(bytes[(1 << 20)..<(1 << 20) + 300_000])
            let begin = start + 1 << 20
            let whole = scan(sample, from: begin)
            for pieces in [1, 7, 8192, 8193, 300_000] {
                let again = scan(sample, from: begin, pieces: pieces)
                #expect(again.facts == whole.facts && again.scan.position == whole.scan.position)
            }
            var dice = Dice(seed: 20_261_124)
            for _ in 0..<200 {
                var mutant = Array(sample.prefix(40_000))
                for _ in 0...dice.below(4) { dice.mutate(&mutant) }
                let result = scan(mutant, from: begin, pieces: 1 + dice.below(9000))
                #expect(result.facts.count <= whole.facts.count)
                let odd = LSN(begin.value &+ UInt64(dice.below(9000)))
                _ = scan(mutant, from: odd, isRecordStart: dice.below(2) == 0)
                _ = scan(mutant, from: LSN(.max - UInt64(dice.below(20_000))))
            }
            // One bit in a record is noticed there: nothing after it is believed.
            var flipped = sample
            flipped[150_000] ^= 4
            let cut = scan(flipped, from: begin)
            #expect(cut.scan.end != nil && cut.scan.position <= begin + 150_000)
            #expect(cut.facts == Array(whole.facts.prefix(cut.facts.count)))
        }

        @Test("A stream that is stopped half-way leaves a connection that can begin anew")
        func stopping() throws {
            let cluster = try Cluster()
            try cluster.start()
            let replication = try cluster.replication()
            let start = replication.flushed.segmentStart
            try cluster.psql("CREATE TABLE t AS SELECT generate_series(1, 100000)")
            for _ in 0..<2 {
                let stream = try replication.stream(
                    from: start, timeline: 1, slot: nil, now: realNow)
                guard case .wal? = try stream.receive(.seconds(20)) else {
                    Issue.record("no WAL")
                    return
                }
                try stream.stop()
                #expect(throws: ServerError.self) { try stream.receive(.seconds(1)) }
            }
            let ahead = try replication.stream(
                from: LSN(1 << 60), timeline: 1, slot: nil, now: realNow)
            #expect(throws: ServerError.self) { try ahead.receive(.seconds(20)) }
            let last = try replication.stream(
                from: start, timeline: 1, slot: nil, now: realNow)
            // A server that shuts down waits for all of its WAL to be confirmed.
            cluster.signal(SIGINT)
            let error = #expect(throws: ServerError.self) {
                while true {
                    _ = try last.receive(.seconds(20))
                    try last.confirm(written: last.position, flushed: last.position)
                }
            }
            #expect(error?.isWorthRetrying == true)
        }
    }
}

/// Dice that fall the same way for the same seed: SplitMix64.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

    /// A bit, a byte, a piece removed, doubled or overwritten.
    mutating func mutate(_ bytes: inout [UInt8]) {
        guard bytes.count > 100 else { return }
        let place = below(below(2) == 0 ? bytes.count - 50 : 600 % (bytes.count - 50))
        switch below(6) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
        case 2: bytes.removeSubrange(place..<place + 1 + below(40))
        case 3: bytes.insert(contentsOf: bytes[place..<place + 40], at: place)
        case 4: bytes.removeLast(below(bytes.count - 100))
        default:
            for index in place..<place + 1 + below(16) {
                bytes[index] = [0, 0xff, 0x7f, 0x80][below(4)]
            }
        }
    }
}
