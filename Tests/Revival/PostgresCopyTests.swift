// SPDX-License-Identifier: EUPL-1.2
import Foundation
import Ground
import Postgres
import Revival
import Testing
import Vault

@Suite("A restored cluster that a hostile writer has made")
final class PostgresCopyTests {
    private let home = FileManager.default.temporaryDirectory
        .appending(path: "zwilling-copy-\(UUID().uuidString)")
    private var target: URL { home.appending(path: "target") }
    private var outside: URL { home.appending(path: "outside") }

    init() throws {
        for folder in [target, outside] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        for name in ["postgresql.conf", "postmaster.pid", "standby.signal"] {
            try Data("of somebody else".utf8).write(to: outside.appending(path: name))
        }
    }

    deinit { try? FileManager.default.removeItem(at: home) }

    private var copy: PostgresCopy {
        PostgresCopy(
            at: Array(target.path.utf8),
            PostgresSpan(
                system: 7, timeline: 1, start: 0, end: 0, segmentBytes: 1 << 20,
                received: Moment(seconds: 0)))
    }

    private func link(_ name: String, to place: URL) throws {
        try FileManager.default.createSymbolicLink(
            at: target.appending(path: name), withDestinationURL: place)
    }

    private func untouched() throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: outside.path).sorted()
        let texts = try names.map {
            try String(contentsOf: outside.appending(path: $0), encoding: .utf8)
        }
        return names == ["postgresql.conf", "postmaster.pid", "standby.signal"]
            && texts.allSatisfy { $0 == "of somebody else" }
    }

    @Test("is not settled through a link to another server's directory")
    func data() throws {
        try link("pgdata", to: outside)
        #expect(throws: Trouble.self) { try copy.settle() }
        #expect(throws: Trouble.self) {
            try LogFolder(in: Array(target.path.utf8) + Array("/pgdata".utf8), segmentBytes: 1 << 20)
        }
        #expect(try untouched())
    }

    @Test("takes no settings through a link, nor from what is no file")
    func settings() throws {
        let data = target.appending(path: "pgdata")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try link("pgdata/postgresql.conf", to: outside.appending(path: "postgresql.conf"))
        #expect(throws: Trouble.self) { try copy.settle() }
        try FileManager.default.removeItem(at: data.appending(path: "postgresql.conf"))
        try #require(unsafe mkfifo(data.appending(path: "postgresql.conf").path, 0o600) == 0)
        #expect(throws: Trouble.self) { try copy.settle() }
        #expect(try untouched())
    }

    @Test("brings its log into a directory of its own, never through a link")
    func log() throws {
        let data = target.appending(path: "pgdata")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try link("pgdata/pg_wal", to: outside)
        let place = Array(data.path.utf8)
        #expect(throws: Trouble.self) { try LogFolder(in: place, segmentBytes: 1 << 20) }
        #expect(try untouched())
        try FileManager.default.removeItem(at: data.appending(path: "pg_wal"))
        let folder = try LogFolder(in: place, segmentBytes: 1 << 20)
        try link("pgdata/pg_wal/000000010000000000000001", to: outside.appending(path: "postmaster.pid"))
        let bytes = Array("log".utf8)
        #expect(throws: Trouble.self) {
            try folder.write(bytes[...], at: LSN(1 << 20), timeline: 1)
        }
        // A piece over a border lands in both segments, each of its whole length.
        try folder.write(bytes[...], at: LSN((3 << 20) - 1), timeline: 1)
        try folder.settle()
        for (name, first) in [("000000010000000000000002", "l"), ("000000010000000000000003", "og")] {
            let segment = try Data(contentsOf: data.appending(path: "pg_wal/\(name)"))
            #expect(segment.count == 1 << 20)
            let there = name.hasSuffix("2") ? segment.suffix(1) : segment.prefix(2)
            #expect(String(decoding: there, as: UTF8.self) == first)
        }
        #expect(try untouched())
    }
}
