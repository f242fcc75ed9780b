// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Testing

extension ServerTests {
    @Suite("A base backup")
    struct BaseBackupTests {
        /// With a tablespace, some content, and nobody at work.
        private func quietCluster() throws -> Cluster {
            let cluster = try Cluster()
            try cluster.start()
            let space = cluster.folder + "/spa ce"
            try FileManager.default.createDirectory(
                atPath: space, withIntermediateDirectories: false)
            try Cluster.own(space)
            try cluster.psql("CREATE TABLESPACE far LOCATION '\(space)'")
            try cluster.psql(
                """
                CREATE TABLE near AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n;
                CREATE TABLE away TABLESPACE far AS SELECT * FROM near;
                """)
            return cluster
        }

        @Test("brings what lies in the data directory and the tablespaces")
        func content() throws {
            let cluster = try quietCluster()
            let replication = try cluster.replication()
            let backup = try BaseBackup(replication, .init(), .seconds(60))
            #expect(backup.tablespaces.count == 1)
            #expect(backup.tablespaces.first?.location == cluster.folder + "/spa ce")
            var sink = MapSink()
            try backup.receive(into: &sink)
            #expect(sink.faults == 0 && backup.start.timeline == 1)
            #expect(try #require(backup.end).lsn > backup.start.lsn)
            #expect(String(decoding: sink.manifest, as: UTF8.self).contains("CRC32C"))

            var compared = 0
            for (archive, files) in sink.files {
                let root = archive == .base ? cluster.data : cluster.folder + "/spa ce"
                for (path, content) in files {
                    let name = String(decoding: path, as: UTF8.self)
                    guard name.hasPrefix("base/") || archive != .base else { continue }
                    let there = FileManager.default.contents(atPath: "\(root)/\(name)")
                    #expect(there.map(Array.init) == content, "\(name)")
                    compared += 1
                }
            }
            #expect(compared >= 900)
            let names = Set(sink.entries.map { String(decoding: $0.path, as: UTF8.self) })
            #expect(names.isSuperset(of: [
                "backup_label", "tablespace_map", "global/pg_control", "pg_wal",
                "pg_wal/archive_status", "postgresql.conf",
            ]))
            let version = try #require(sink.entries.first { $0.path == Array("PG_VERSION".utf8) })
            #expect(version.mode == 0o600 && version.size == 3 && version.modified > 1 << 30)
            // The connection can do the next thing.
            #expect(try BaseBackup(replication, .init(), .seconds(60)).start.timeline == 1)
        }

        @Test("that cannot be kept, or breaks off, is an error that says so")
        func failing() throws {
            let cluster = try quietCluster()
            var sink = MapSink()
            sink.failsAt = Array("PG_VERSION".utf8)
            let backup = try BaseBackup(cluster.replication(), .init(), .seconds(60))
            let full = #expect(throws: ServerError.self) { try backup.receive(into: &sink) }
            #expect(full?.trouble.kind == .full)

            var options = BaseBackup.Options()
            options.kilobytesPerSecondMax = 1024
            options.label = "o'clock"
            let slow = try BaseBackup(cluster.replication(), options, .seconds(60))
            var next = MapSink()
            for _ in 0..<20 { _ = try slow.step(into: &next, .seconds(20)) }
            cluster.quit()
            let lost = #expect(throws: ServerError.self) { try slow.receive(into: &next) }
            #expect(lost != nil && slow.end == nil)
        }

        @Test("written out passes pg_verifybackup, and recovers to each moment asked for")
        func recovering() throws {
            let cluster = try quietCluster()
            let folder = try Cluster.newFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let replication = try cluster.replication()
            let slot = try #require(SlotName("zwilling"))
            try replication.createSlot(slot)
            let start = try #require(try replication.slot(slot)?.restart).segmentStart
            let backup = try BaseBackup(replication, .init(), .seconds(60))
            var sink = DirectorySink(folder)
            try backup.receive(into: &sink)
            for space in backup.tablespaces {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(sink.data)/pg_tblspc/\(space.oid)",
                    withDestinationPath: DirectorySink.space(folder, space.oid))
            }
            try Cluster.own(folder)
            let verdict = try Cluster.run("pg_verifybackup", ["-n", sink.data])
            #expect(verdict.contains("backup successfully verified"))

            let (moment, lsn) = try history(cluster)
            let stream = try replication.stream(
                from: start, timeline: 1, slot: slot, now: realNow)
            var wal: [UInt8] = []
            try stream.record(until: cluster.flushedLSN(), into: &wal)
            var search = WALSearch(time: moment, restorePoint: "it's seven")
            for fact in scan(wal, from: start).facts { search.note(fact) }
            #expect(search.goesBeyond && search.restorePoints.count == 1)
            let last = try #require(search.lastCommit)
            #expect(last.time <= moment && last.end < lsn)

            for (target, rows) in [
                (.time(moment), 3), (.restorePoint("it's seven"), 7), (.lsn(lsn), 8),
                (.latest, 9),
            ] as [(RecoverySettings.Target, Int)] {
                let copy = try restored(sink, backup, wal, from: start, to: target)
                let sum = try copy.psql("SELECT count(*), max(n) FROM log")
                #expect(sum == "\(rows)|\(rows)\n", "\(target)")
                #expect(try copy.psql("SELECT count(*) FROM away") == "50000\n")
                #expect(try copy.psql("SELECT pg_is_in_recovery()") == "f\n")
                #expect(try copy.psql("SHOW synchronous_standby_names") == "\n")
            }
        }

        /// Nine rows, each in a transaction of its own: a moment after the third, a restore point
        /// after the seventh, a place after the eighth.
        private func history(_ cluster: Cluster) throws -> (Moment, LSN) {
            try cluster.psql("CREATE TABLE log (n int)")
            func add(_ rows: ClosedRange<Int>) throws {
                for row in rows { try cluster.psql("INSERT INTO log VALUES (\(row))") }
            }
            try add(1...3)
            let time = try cluster.psql(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            let micros = try #require(Int64(time.trimmingCharacters(in: .newlines)))
            try add(4...7)
            _ = try cluster.connection().makeRestorePoint("it's seven")
            try add(8...8)
            let lsn = try #require(
                LSN(try cluster.psql("SELECT pg_current_wal_insert_lsn()").dropLast()))
            try add(9...9)
            let moment = Moment(
                seconds: micros / 1_000_000, nanoseconds: UInt32(micros % 1_000_000 * 1000))
            return (moment, lsn)
        }

        private func restored(
            _ sink: DirectorySink, _ backup: BaseBackup, _ wal: [UInt8], from start: LSN,
            to target: RecoverySettings.Target
        ) throws -> Cluster {
            let cluster = try Cluster(folder: Cluster.newFolder())
            try Cluster.run(
                "/bin/cp", ["-a", sink.folder + "/.", cluster.folder], asServer: false)
            try cluster.lay(wal, from: start)
            let files = FileManager.default
            for name in ["postgresql.conf", "postgresql.auto.conf"] {
                let path = "\(cluster.data)/\(name)"
                let content = Array(files.contents(atPath: path) ?? Data())
                try Data(ForeignSettings.commented(content))
                    .write(to: URL(fileURLWithPath: path))
            }
            let spaces = backup.tablespaces.map {
                BaseBackup.Tablespace(
                    oid: $0.oid, location: DirectorySink.space(cluster.folder, $0.oid))
            }
            try Data(RecoverySettings.tablespaceMap(spaces))
                .write(to: URL(fileURLWithPath: cluster.data + "/tablespace_map"))
            try cluster.configure(["synchronous_standby_names": "zwilling"])
            let settings = RecoverySettings(to: target, on: 1)
            try Cluster.append(settings.appendix, to: cluster.data + "/postgresql.auto.conf")
            _ = files.createFile(
                atPath: "\(cluster.data)/\("recovery.signal")", contents: nil)
            try Cluster.own(cluster.folder)
            try cluster.start()
            return cluster
        }
    }

    @Suite("Timelines")
    struct TimelineTests {
        @Test("A stream from a standby follows when that is promoted")
        func promotion() throws {
            let cluster = try Cluster()
            try cluster.start()
            let standby = try Cluster(folder: Cluster.newFolder())
            let backup = try BaseBackup(cluster.replication(), .init(), .seconds(60))
            var sink = DirectorySink(standby.folder)
            try backup.receive(into: &sink)
            _ = FileManager.default.createFile(
                atPath: standby.data + "/standby.signal", contents: nil)
            try standby.configure(["primary_conninfo": cluster.address])
            try Cluster.own(standby.folder)
            try standby.start()

            let replication = try standby.replication()
            #expect(replication.systemIdentifier == (try cluster.replication().systemIdentifier))
            #expect(try ServerFacts(standby.connection()).isStandby)
            let start = replication.flushed.segmentStart
            let stream = try replication.stream(from: start, timeline: 1, slot: nil, now: realNow)
            var wal: [UInt8] = []
            try cluster.psql("CREATE TABLE before AS SELECT generate_series(1, 1000) n")
            try stream.record(until: cluster.flushedLSN(), into: &wal)
            try standby.psql("SELECT pg_promote()")
            var ended: (UInt32, LSN)?
            while ended == nil {
                switch try stream.receive(.seconds(20)) {
                case .wal(_, _, _, let piece)?: wal += piece
                case .timelineEnded(let next, let at)?: ended = (next, at)
                case .keepalive?: break
                case nil: throw Cluster.Failure(description: "the timeline does not end")
                }
            }
            let (next, at) = try #require(ended)
            #expect(next == 2 && at == stream.position)
            let (history, content) = try replication.history(of: next)
            #expect(history.ancestors == [.init(timeline: 1, end: at)])
            #expect(history.end(of: 1) == at && history.timeline(holding: at) == 2)
            let file = "\(standby.data)/pg_wal/\(history.fileName)"
            #expect(FileManager.default.contents(atPath: file).map(Array.init) == content)

            let second = try replication.stream(from: at, timeline: 2, slot: nil, now: realNow)
            try standby.psql("CREATE TABLE after ()")
            try second.record(until: standby.flushedLSN(), into: &wal)
            let (facts, scan) = scan(wal, from: start)
            #expect(scan.end == nil && scan.position == second.position && scan.timeline == 2)
            let isSwitched = facts.contains {
                if case .timelineBegan(2, 1, _) = $0 { true } else { false }
            }
            #expect(isSwitched)
            // Whoever asks for the old one just where it ended is sent on at once.
            try second.stop()
            let late = try replication.stream(from: at, timeline: 1, slot: nil, now: realNow)
            guard case .timelineEnded(2, at)? = try late.receive(.seconds(20)) else {
                Issue.record("not sent on")
                return
            }
        }
    }
}

extension Cluster {
    /// Writes WAL into pg_wal as segments of 1 MiB, the last filled with zeros.
    func lay(_ wal: [UInt8], from start: LSN) throws {
        var segment = WALSegment(holding: start, timeline: 1, byteCount: 1 << 20)
        for offset in stride(from: 0, to: wal.count, by: 1 << 20) {
            guard let here = segment else { return }
            var bytes = Array(wal[offset..<min(wal.count, offset + 1 << 20)])
            bytes += [UInt8](repeating: 0, count: 1 << 20 - bytes.count)
            try Data(bytes).write(to: URL(fileURLWithPath: "\(data)/pg_wal/\(here.fileName)"))
            segment = here.next
        }
    }
}
