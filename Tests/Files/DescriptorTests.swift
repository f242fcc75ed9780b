// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Testing

@Suite("Descriptors")
struct DescriptorTests {
    let place: Workplace
    init() throws { place = try Workplace() }

    @Test("What is no single name is refused, so that nothing leads out of the directory")
    func names() throws {
        try place.file("file")
        let wrong: [[UInt8]] = [
            [], ".".bytes, "..".bytes, "/".bytes, "a/b".bytes, "./file".bytes, "/etc".bytes,
            [97, 0, 98], [0],
        ]
        for name in wrong {
            #expect(code { _ = try place.directory.file(name) } == EINVAL)
            #expect(code { _ = try place.directory.status(name) } == EINVAL)
            #expect(code { _ = try place.directory.create(name) } == EINVAL)
            #expect(code { try place.directory.remove(name) } == EINVAL)
            #expect(
                code {
                    try place.directory.rename("file".bytes, to: name, replacing: false)
                } == EINVAL)
            #expect(code { _ = try place.directory.attributes(of: name) } == EINVAL)
        }
        for name in ["...", ".a", "a.", "..a"] { try place.file(name) }
        #expect(
            code {
                _ = try place.directory.file([UInt8](repeating: 97, count: 5000))
            } == ENAMETOOLONG)
    }

    @Test("A symlink is never followed, neither to open nor to look nor to change")
    func symlinks() throws {
        try place.file("target", "secret")
        try place.directory.makeDirectory("real".bytes)
        try place.directory.makeSymlink("link".bytes, to: "target".bytes)
        try place.directory.makeSymlink("way".bytes, to: "real".bytes)
        let before = try place.directory.status("target".bytes)

        #expect(code { _ = try place.directory.file("link".bytes) } == ELOOP)
        #expect(code { _ = try place.directory.openForWriting("link".bytes) } == ELOOP)
        #expect(code { _ = try place.directory.directory("way".bytes) } == ENOTDIR)
        #expect(code { _ = try place.directory.create("link".bytes) } == EEXIST)
        #expect(code { try place.directory.setPermissions("link".bytes, 0o777) } == ENOTSUP)
        try place.directory.setTimes("link".bytes, modified: Moment(seconds: 5, nanoseconds: 7))

        let link = try place.directory.status("link".bytes)
        #expect(link.kind == .symlink)
        #expect(link.size == 6)
        #expect(link.modified == Moment(seconds: 5, nanoseconds: 7))
        #expect(try place.directory.linkTarget("link".bytes) == "target".bytes)
        #expect(try place.directory.status("target".bytes) == before)
    }

    @Test("A long target of a symlink is read whole", arguments: [1, 1023, 1024, 1025, 4095])
    func longTarget(count: Int) throws {
        let target = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        try place.directory.makeSymlink("link".bytes, to: target)
        #expect(try place.directory.linkTarget("link".bytes) == target)
    }

    @Test("A listing has every name once, whatever its bytes, and can be repeated")
    func listing() throws {
        var expected: Set<[UInt8]> = []
        for number in 0..<3000 { expected.insert("file-\(number)".bytes) }
        for byte in UInt8(1)...UInt8.max where !"./".bytes.contains(byte) {
            expected.insert([byte])
        }
        expected.formUnion([[0xff, 0xfe], "...".bytes, ".a".bytes])
        expected.insert([UInt8](repeating: 120, count: 255))
        for name in expected { _ = try place.directory.create(name) }
        for _ in 0..<2 {
            let names = try place.directory.names()
            #expect(names.count == expected.count)
            #expect(Set(names) == expected)
        }
        #expect(Set(try place.directory.again().names()) == expected)
    }

    @Test("A directory without entries has no names, and a file is none")
    func emptyListing() throws {
        #expect(try place.directory.names().isEmpty)
        try place.file("file")
        let file = try place.directory.file("file".bytes)
        let failure = #expect(throws: SystemError.self) {
            _ = try place.directory.directory("file".bytes)
        }
        #expect(failure?.code == ENOTDIR)
        #expect(try file.status().kind == .file)
    }

    @Test("The status tells what was set")
    func status() throws {
        try place.file("file", "12345")
        try place.directory.makeLink("second".bytes, to: "file".bytes, in: place.directory)
        try place.directory.setPermissions("file".bytes, 0o4751)
        let moment = Moment(seconds: -3, nanoseconds: 999_999_999)
        try place.directory.setTimes("file".bytes, modified: moment)
        let status = try place.directory.status("file".bytes)
        #expect(status.kind == .file)
        #expect(status.permissions == 0o4751)
        #expect(status.links == 2)
        #expect(status.size == 5)
        #expect(status.user == geteuid())
        #expect(status.modified == moment)
        #expect(try place.directory.file("file".bytes).status() == status)
        #expect(try place.directory.status("second".bytes) == status)
        #expect(try place.directory.status().kind == .directory)
    }

    @Test("Every kind of node is made and recognized")
    func kinds() throws {
        try place.directory.makeNode("fifo".bytes, kind: .fifo, permissions: 0o600)
        try place.directory.makeNode("socket".bytes, kind: .socket, permissions: 0o600)
        #expect(try place.directory.status("fifo".bytes).kind == .fifo)
        #expect(try place.directory.status("socket".bytes).kind == .socket)
        // Would wait for ever for somebody to write.
        _ = try place.directory.file("fifo".bytes)
        for kind in [FileKind.file, .directory, .symlink] {
            #expect(
                code {
                    try place.directory.makeNode("other".bytes, kind: kind, permissions: 0o600)
                } == EINVAL)
        }
    }

    @Test("Device nodes keep their numbers", .enabled(if: isRoot))
    func devices() throws {
        let (major, minor) = (UInt32(0xabc), UInt32(0xf_1234))
        for (name, kind) in [("c", FileKind.characterDevice), ("b", .blockDevice)] {
            try place.directory.makeNode(
                name.bytes, kind: kind, permissions: 0o600, major: major, minor: minor)
            let status = try place.directory.status(name.bytes)
            #expect(status.kind == kind)
            #expect([status.major, status.minor] == [major, minor])
        }
    }

    @Test("An owner is set on the file itself and on a symlink itself", .enabled(if: isRoot))
    func owners() throws {
        try place.file("file")
        try place.directory.makeSymlink("link".bytes, to: "file".bytes)
        try place.directory.setOwner("link".bytes, user: 1234, group: 4_000_000_000)
        #expect(try place.directory.status("link".bytes).user == 1234)
        #expect(try place.directory.status("link".bytes).group == 4_000_000_000)
        #expect(try place.directory.status("file".bytes).user == 0)
        try place.directory.openForWriting("file".bytes).setOwner(user: 7, group: 8)
        #expect(try place.directory.status("file".bytes).user == 7)
    }

    @Test("A new name is never taken twice, and replacing is one step")
    func renaming() throws {
        try place.file("one", "1")
        try place.file("two", "2")
        #expect(
            code {
                try place.directory.rename("one".bytes, to: "two".bytes, replacing: false)
            } == EEXIST)
        #expect(try place.content("two") == "2")
        try place.directory.rename("one".bytes, to: "two".bytes, replacing: true)
        #expect(try place.content("two") == "1")
        try place.directory.rename("two".bytes, to: "three".bytes, replacing: false)
        #expect(try place.directory.names() == ["three".bytes])
        try place.directory.makeDirectory("four".bytes)
        #expect(
            code {
                try place.directory.rename("four".bytes, to: "three".bytes, replacing: false)
            } == EEXIST)
        try place.directory.rename("four".bytes, to: "five".bytes, replacing: false)
        #expect(Set(try place.directory.names()) == ["three".bytes, "five".bytes])
        #expect(
            code {
                try place.directory.rename("none".bytes, to: "x".bytes, replacing: false)
            } == ENOENT)
    }

    @Test("Of many who want one name exactly one gets it")
    func racing() async throws {
        let path = place.path.bytes
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let directory = try Descriptor.directory(path)
                    _ = try directory.create("from-\(number)".bytes)
                    let code = code {
                        try directory.rename(
                            "from-\(number)".bytes, to: "goal".bytes, replacing: false)
                    }
                    #expect(code == nil || code == EEXIST)
                    return code == nil
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }

    @Test("Removing tells files and directories apart")
    func removing() throws {
        try place.file("file")
        try place.directory.makeDirectory("directory".bytes)
        #expect(code { try place.directory.remove("directory".bytes) } == EISDIR)
        #expect(code { try place.directory.removeDirectory("file".bytes) } == ENOTDIR)
        try place.directory.remove("file".bytes)
        try place.directory.removeDirectory("directory".bytes)
        place.directory.discard("gone".bytes)
        #expect(try place.directory.names().isEmpty)
    }

    @Test("Only one holds a lock, until it closes")
    func locking() throws {
        try place.file("lock")
        do {
            let one = try place.directory.openForWriting("lock".bytes)
            let other = try place.directory.openForWriting("lock".bytes)
            #expect(try one.tryLock())
            #expect(try one.tryLock())
            #expect(try !other.tryLock())
            _ = consume one
            #expect(try other.tryLock())
        }
    }
}
