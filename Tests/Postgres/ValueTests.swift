// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

@Suite("Values")
struct ValueTests {
    @Test("A place in the WAL is read as it is written, and nothing else is")
    func places() {
        for text in ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"] {
            #expect(LSN(text)?.description == text)
        }
        for text in ["", "/", "1/", "/1", "1/2/3", "+1/2", "1/+2", "1/-2", "123456789/0", "x/0"] {
            #expect(LSN(text) == nil, "\(text)")
        }
        #expect(LSN(5).bytes(since: LSN(7)) == 0 && LSN(7).bytes(since: LSN(5)) == 2)
    }

    @Test("A segment is named as PostgreSQL names it")
    func segments() throws {
        let lsn = try #require(LSN("1/FF123456"))
        let segment = try #require(WALSegment(holding: lsn, timeline: 3, byteCount: 16 << 20))
        #expect(segment.fileName == "0000000300000001000000FF")
        #expect(segment.next.fileName == "000000030000000200000000")
        #expect(WALSegment(named: segment.fileName, byteCount: 16 << 20) == segment)
        #expect(WALSegment(named: "000000030000000100000100", byteCount: 16 << 20) == nil)
        #expect(WALSegment(named: "00000003000000010000000", byteCount: 16 << 20) == nil)
        #expect(WALSegment(named: "000000000000000100000001", byteCount: 16 << 20) == nil)
        #expect(WALSegment(holding: lsn, timeline: 1, byteCount: 3 << 20) == nil)
    }

    @Test("A history says which timeline holds a place")
    func histories() throws {
        let text = "# before\n1\t0/3000000\tno recovery target specified\n\n2\t0/5000000\tx y\n"
        let history = try TimelineHistory(timeline: 3, content: Array(text.utf8))
        #expect(history.fileName == "00000003.history" && history.ancestors.count == 2)
        #expect(history.timeline(holding: LSN(0x2ff_ffff)) == 1)
        #expect(history.timeline(holding: LSN(0x300_0000)) == 2)
        #expect(history.timeline(holding: LSN(0x500_0000)) == 3)
        #expect(history.end(of: 2) == LSN(0x500_0000) && history.end(of: 3) == nil)
        for text in ["1", "x\t0/1", "1\t0", "2\t0/1\n1\t0/2", "3\t0/1", "1\t0/2\n2\t0/1"] {
            #expect(throws: Malformed.self, "\(text)") {
                try TimelineHistory(timeline: 3, content: Array(text.utf8))
            }
        }
    }

    @Test("Times are PostgreSQL's, before and after 2000")
    func times() {
        for micros in [0, 1, -1, -1_000_001, 86_400_000_000, 846_000_000_123_456] as [Int64] {
            #expect(Moment(postgresMicroseconds: micros).postgresMicroseconds == micros)
        }
        #expect(Moment(postgresMicroseconds: -1).nanoseconds == 999_999_000)
        #expect(Moment(seconds: .max).postgresMicroseconds == .max)
        #expect(Moment(seconds: .min).postgresMicroseconds == .min)
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"), (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"), (-1, "1969-12-31 23:59:59"),
            (4_102_444_799, "2099-12-31 23:59:59"), (1_795_491_465, "2026-11-24 03:37:45"),
        ] as [(Int64, String)] {
            let moment = Moment(seconds: seconds, nanoseconds: 123_456_999)
            #expect(RecoverySettings.text(of: moment) == text + ".123456+00")
        }
    }

    @Test("A checksum is the same with and without the processor's instruction")
    func checksums() {
        var check = CRC32C()
        check.update(Array("123456789".utf8).span)
        #expect(check.value == 0xe306_9283)
        var dice = Dice(seed: 1)
        for _ in 0..<200 {
            let bytes = (0..<dice.below(300)).map { _ in UInt8(dice.below(256)) }
            let cut = dice.below(bytes.count + 1)
            var fast = CRC32C()
            var plain = CRC32C(isPlain: true)
            fast.update(bytes.span.extracting(first: cut))
            fast.update(bytes.span.extracting(droppingFirst: cut))
            plain.update(bytes.span)
            #expect(fast.value == plain.value)
        }
    }

    @Test("What belongs to the original's place becomes a comment, and nothing else changes")
    func foreign() {
        let file = """
            # port = 1
            Port = 5433
              data_directory='/srv'\t# there
            work_mem = 4MB
            SSL_cert_file '/etc/x'
            archive_command = 'cp %p /a'
            include '/etc/more.conf'
            include_dir 'conf.d'
            portal = 1
            recovery_target_time = ''
            """
        let result = String(
            decoding: ForeignSettings.commented(Array(file.utf8) + [0xff]), as: UTF8.self)
        let kept = result.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(kept == ["work_mem = 4MB", "include_dir 'conf.d'", "portal = 1"])
        #expect(result.contains("#zwilling#   data_directory='/srv'\t# there\n"))
    }

    @Test("Settings of a recovery name their target once, quoted")
    func settings() {
        let named = RecoverySettings(to: .restorePoint("a'b\\c\nd"), on: 7).appendix
        #expect(named.contains("\nrecovery_target_name = 'a''b\\\\c\\nd'\n"))
        #expect(named.contains("recovery_target_timeline = '7'"))
        #expect(!RecoverySettings(to: .latest, on: 1).appendix.contains("recovery_target_name"))
        let map = RecoverySettings.tablespaceMap([.init(oid: 5, location: "/a b\\c\nd")])
        #expect(String(decoding: map, as: UTF8.self) == "5 /a b\\\\c\\\nd\n")
    }

    @Test("A search stops where a recovery would")
    func searching() {
        func moment(_ seconds: Int64) -> Moment { Moment(seconds: seconds) }
        var search = WALSearch(time: moment(10), restorePoint: "x")
        for fact in [
            .committed(moment(5), end: LSN(1)), .restorePoint(name: "x", moment(6), end: LSN(2)),
            .committed(moment(11), end: LSN(3)), .committed(moment(9), end: LSN(4)),
        ] as [WALFact] { search.note(fact) }
        #expect(search.lastCommit?.end == LSN(1) && search.goesBeyond)
        #expect(search.restorePoints.map(\.end) == [LSN(2)])
    }
}
