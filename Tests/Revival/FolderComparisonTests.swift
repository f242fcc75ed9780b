// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Foundation
import Ground
import Postgres
import Revival
import Testing
import Vault

@Suite("A comparison of two trees")
struct FolderComparisonTests {
    let home: URL

    init() throws {
        home = FileManager.default.temporaryDirectory
            .appending(path: "zwilling-compare-\(UUID().uuidString)").resolvingSymlinksInPath()
        for side in ["original", "twin", "base"] {
            try FileManager.default.createDirectory(at: home.appending(path: side), withIntermediateDirectories: true)
        }
    }

    private func path(_ name: String) -> [UInt8] { Array(home.appending(path: name).path.utf8) }

    private func directory(_ side: String, _ steps: String...) throws -> Descriptor {
        let url = steps.reduce(home.appending(path: side)) { $0.appending(path: $1) }
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return try Descriptor.directory(Array(url.path.utf8))
    }

    private func write(
        _ side: String, _ name: [UInt8], _ text: String = "same", permissions: UInt16 = 0o644, in steps: String...
    ) throws {
        let url = steps.reduce(home.appending(path: side)) { $0.appending(path: $1) }
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let file = try Descriptor.directory(Array(url.path.utf8)).create(name)
        try file.write(Array(text.utf8), at: 0)
        try file.setPermissions(permissions)
    }

    private func compare(
        base: Bool = false, excluding: Exclusion = .none, _ export: FolderExport? = nil
    ) throws -> (lines: [String], result: ComparedFolder) {
        var lines: [String] = []
        let result = try FolderComparison(
            original: path("original"), twin: path("twin"), base: base ? path("base") : nil, excluding: excluding
        ).run { (difference) throws(Trouble) in
            let by = difference.changer.map { " by \($0)" } ?? ""
            lines.append("\(difference.change) \(printable(slashed(difference.path)))\(by)")
            try export?.add(difference)
        }
        return (lines, result)
    }

    private let hostile = Array("a\nb\"c\\ü".utf8) + [0xff, 0xfe]

    @Test("Files of one side, of other content, kind, target or permissions are found, whatever their names")
    func differences() throws {
        for side in ["original", "twin"] {
            try write(side, Array("same".utf8))
            try write(side, hostile, side)
            try write(side, Array("rights".utf8), permissions: side == "twin" ? 0o600 : 0o644)
            let folder = try directory(side)
            try folder.makeSymlink(Array("link".utf8), to: Array(side.utf8))
            try folder.makeSymlink(Array("elsewhere".utf8), to: Array("/etc".utf8))
            try folder.makeNode(Array("pipe".utf8), kind: .fifo, permissions: 0o600)
            try write(side, Array("old".utf8), "time", in: "deep", "deeper")
        }
        try write("original", Array("mine".utf8), in: "dir", "below")
        try write("twin", Array("dir".utf8))
        try directory("twin").makeNode(Array("door".utf8), kind: .socket, permissions: 0o600)
        try Descriptor.directory(path("twin/deep/deeper")).setTimes(Array("old".utf8), modified: Moment(seconds: 5))
        let (lines, result) = try compare()
        #expect(
            lines == [
                "content /a\\x0ab\"c\\x5cü\\xff\\xfe", "kind /dir", "onlyOriginal /dir/below", "onlyOriginal /dir/below/mine",
                "onlyTwin /door", "content /link", "permissions /rights",
            ])
        #expect((result.entries.onlyOriginal, result.entries.onlyTwin, result.entries.different) == (2, 1, 3))
        #expect(result.permissions == 1 && result.unreadable.isEmpty && !result.isEqual)
    }

    @Test("With a base each says who has changed it, and what the twin was never given stays out")
    func base() throws {
        func lay(_ name: String, _ original: String?, _ twin: String?, _ base: String?) throws {
            for (side, text) in [("original", original), ("twin", twin), ("base", base)] {
                if let text { try write(side, Array(name.utf8), text, in: "d") }
            }
        }
        try lay("a", "1", nil, nil)
        try lay("b", "1", nil, "1")
        try lay("c", "2", nil, "1")
        try lay("d", "1", "2", "1")
        try lay("e", "2", "1", "1")
        try lay("f", "2", "3", "1")
        try lay("g", nil, "1", "1")
        try lay("h", "1", "1", nil)
        try lay("cache", "1", nil, nil)
        let exclusion = try Exclusion(text: Array("cache\n".utf8))
        let (lines, result) = try compare(base: true, excluding: exclusion)
        #expect(
            lines == [
                "onlyOriginal /d/a by original", "onlyOriginal /d/b by twin", "onlyOriginal /d/c by both",
                "content /d/d by twin", "content /d/e by original", "content /d/f by both", "onlyTwin /d/g by original",
            ])
        #expect((result.entries.byOriginal, result.entries.byTwin, result.entries.byBoth) == (3, 2, 2))
    }

    @Test("A directory as deep as no path can name it is compared too, and a large file to its last byte")
    func extremes() throws {
        for side in ["original", "twin"] {
            let ladder = Ladder(root: try Descriptor.directory(path(side)))
            let steps = Array(repeating: Array(String(repeating: "n", count: 200).utf8), count: 60)
            try ladder.makeDirectories(steps)
            let file = try ladder.withDirectory(steps) { (folder) throws(SystemError) in try folder.create(Array("end".utf8)) }
            try file.truncate(to: 3 << 20)
            try file.write(Array(side.prefix(1).utf8), at: (3 << 20) - 1)
        }
        #expect(try compare().lines.count == 1)
        // FileManager cannot remove it, nor can the next run mind it.
        let tool = try Process.run(URL(fileURLWithPath: "/bin/rm"), arguments: ["-rf", home.path])
        tool.waitUntilExit()
    }

    @Test("The export has both versions, for its owner alone, and its list can be read again")
    func export() throws {
        for side in ["original", "twin"] {
            try write(side, hostile, side, permissions: 0o777, in: "d")
            try directory(side).makeSymlink(Array("link".utf8), to: Array("../../\(side)".utf8))
        }
        try write("original", Array("gone".utf8), in: "e", "f")
        try directory("twin").makeNode(Array("pipe".utf8), kind: .fifo, permissions: 0o600)
        let out = try ComparisonExport(at: path("out/new"))
        let files = try FolderExport(out, original: path("original"), twin: path("twin"))
        let result = try compare(files).result
        try files.end()
        try out.write(result)
        for side in ["original", "twin"] {
            let folder = try Descriptor.directory(path("out/new/\(side)/d"))
            #expect(try folder.contents(hostile, upTo: 100) == Array(side.utf8))
            #expect(try folder.status(hostile).permissions == 0o600)
            #expect(try folder.status().permissions == 0o700)
            let top = try Descriptor.directory(path("out/new/\(side)"))
            #expect(try top.linkTarget(Array("link".utf8)) == Array("../../\(side)".utf8))
        }
        #expect(try Machine.readWhole(path("out/new/original/e/f/gone"), upTo: 10) == Array("same".utf8))
        #expect(!Machine.exists(path("out/new/twin/pipe")) && !Machine.exists(path("out/new/twin/e")))
        let list = try Machine.readWhole(path("out/new/differences.csv"), upTo: 1 << 20)
        #expect(list.count { $0 == 13 } == 7)
        let summary = try JSONSerialization.jsonObject(with: Data(Machine.readWhole(path("out/new/summary.json"), upTo: 1 << 20)))
        #expect(((summary as? [String: Any])?["entries"] as? [String: Any])?["onlyOriginal"] as? Int == 3)
        #expect(throws: Trouble.self) { try ComparisonExport(at: path("out/new")) }
    }

    private func compare(_ export: FolderExport) throws -> (lines: [String], result: ComparedFolder) {
        try compare(base: false, excluding: .none, export)
    }

    @Test("Names of a cluster stay within the export, and its cells come back as they were")
    func clusterExport() throws {
        let out = try ComparisonExport(at: path("out"))
        var rows = ClusterExport(out, hasBase: true)
        let text = "Zeile 1\r\nZeile \"2\", ü"
        try rows.begin(.init(database: "../..", table: .init(schema: ".", name: "a/\u{0}b%"), columns: ["id", "t"], keyCount: 1))
        try rows.row(.init(original: [Array("1".utf8), Array(text.utf8)], twin: nil, changer: .original))
        try rows.row(.init(original: [Array("2".utf8), nil], twin: [Array("2".utf8), []], changer: .both))
        try rows.begin(.init(database: "../..", table: .init(schema: ".", name: "A"), columns: ["id"], keyCount: 1))
        try rows.row(.init(original: nil, twin: [Array("3".utf8)], changer: nil))
        try rows.end()
        let folder = "out/%2E%2E%2F%2E%2E/%2E"
        #expect(try Descriptor.directory(path(folder)).names().count == 2)
        let read = try CSV.read(Machine.readWhole(path(folder + "/a%2F%00b%25/only-original.csv"), upTo: 1000), file: "x")
        #expect(read.headings.cells.map(\.value) == ["id", "t", "changed_by"])
        #expect(read.rows.map { $0.cells.map(\.value) } == [["1", text, "original"]])
        let null = try Machine.readWhole(path(folder + "/a%2F%00b%25/different-original.csv"), upTo: 1000)
        #expect(String(decoding: null, as: UTF8.self).hasSuffix("\r\n\"2\",,\"both\"\r\n"))
        let empty = try Machine.readWhole(path(folder + "/a%2F%00b%25/different-twin.csv"), upTo: 1000)
        #expect(String(decoding: empty, as: UTF8.self).hasSuffix("\r\n\"2\",\"\",\"both\"\r\n"))
        #expect(Machine.exists(path(folder + "/A/only-twin.csv")))
        let file = try Descriptor.directory(path(folder + "/A")).status(Array("only-twin.csv".utf8))
        #expect(file.permissions == 0o600)
    }
}
