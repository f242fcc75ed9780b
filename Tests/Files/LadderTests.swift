// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Testing

@Suite("Ladder")
struct LadderTests {
    let place: Workplace
    let ladder: Ladder
    init() throws {
        place = try Workplace()
        ladder = Ladder(root: try place.directory.again())
    }

    private func path(_ text: String) -> [[UInt8]] {
        text.split(separator: "/").map { Array($0.utf8) }
    }

    private func inode(_ text: String) throws -> UInt64 {
        try Descriptor.directory(place.path(text)).status().inode
    }

    private func inodeOnLadder(_ text: String) throws -> UInt64 {
        try ladder.withDirectory(path(text)) { directory throws(SystemError) in
            try directory.status().inode
        }
    }

    @Test("Whatever the order of the visits, each leads to its directory")
    func anyOrder() throws {
        let all = ["", "a", "a/b", "a/b/c", "a/d", "a/d/b", "e", "e/b", "e/b/c"]
        for text in all { try ladder.makeDirectories(path(text)) }
        for first in all {
            for second in all {
                #expect(try inodeOnLadder(first) == inode(first))
                #expect(try inodeOnLadder(second) == inode(second))
            }
        }
    }

    @Test("Directories are made for the owner alone, and none is made for a mere visit")
    func making() throws {
        try ladder.makeDirectories(path("x/y"))
        try ladder.makeDirectories(path("x/y"))
        #expect(try Descriptor.directory(place.path("x/y")).status().permissions == 0o700)
        let failure = #expect(throws: SystemError.self) { try inodeOnLadder("x/z/w") }
        #expect(failure?.code == ENOENT)
        #expect(failure?.path == "x/z".bytes)
        #expect(try inodeOnLadder("x/y") == inode("x/y"))
    }

    @Test("No step leads through a symlink or out of the root")
    func symlinks() throws {
        try ladder.makeDirectories(path("real/inner"))
        try place.directory.makeSymlink("link".bytes, to: "real".bytes)
        for text in ["link", "link/inner", "..", "real/..", "real/../real"] {
            #expect(throws: SystemError.self) { try inodeOnLadder(text) }
            #expect(throws: SystemError.self) { try ladder.makeDirectories(path(text)) }
        }
        #expect(try inodeOnLadder("real/inner") == inode("real/inner"))
    }

    @Test("A path of several times PATH_MAX is walked down and up, with few open files")
    func deep() throws {
        let step = [UInt8](repeating: UInt8(ascii: "d"), count: 100)
        let depth = 150
        let before = openFiles()
        let whole = [[UInt8]](repeating: step, count: depth)
        try ladder.makeDirectories(whole)
        // Generous, because the other tests of this process open files too.
        #expect(openFiles() - before < depth - 10)
        for length in stride(from: depth, through: 0, by: -1) {
            try ladder.withDirectory(Array(whole.prefix(length))) { directory throws(SystemError) in
                let file = try directory.create("depth-\(length)".bytes)
                try file.write([UInt8(length)], at: 0)
            }
        }
        for length in [150, 3, 64, 63, 149, 0, 86, 87, 88] {
            let names = try ladder.withDirectory(Array(whole.prefix(length))) {
                directory throws(SystemError) in try directory.names()
            }
            #expect(names.contains("depth-\(length)".bytes))
        }
        let long = place.path("") + Array(whole.joined(separator: [UInt8(ascii: "/")]))
        #expect(try Descriptor.directory(long).names() == ["depth-\(depth)".bytes])
        try removeDeep(whole)
    }

    /// What the library for tests cannot remove, because the path is too long for it.
    private func removeDeep(_ path: [[UInt8]]) throws {
        for length in stride(from: path.count, to: 0, by: -1) {
            try ladder.withDirectory(Array(path.prefix(length))) { directory throws(SystemError) in
                for name in try directory.names() where name.starts(with: "depth".bytes) {
                    try directory.remove(name)
                }
            }
            try ladder.withDirectory(Array(path.prefix(length - 1))) {
                directory throws(SystemError) in try directory.removeDirectory(path[length - 1])
            }
        }
    }

    /// Of the whole process, in which other tests run too.
    private func openFiles() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    @Test("After forgetting, a directory that took the place of another is found")
    func forgetting() throws {
        try ladder.makeDirectories(path("a/b"))
        try place.directory.rename("a".bytes, to: "old".bytes, replacing: false)
        try place.directory.makeDirectory("a".bytes)
        ladder.forget()
        #expect(try inodeOnLadder("a") == inode("a"))
        #expect(throws: SystemError.self) { try inodeOnLadder("a/b") }
    }
}
