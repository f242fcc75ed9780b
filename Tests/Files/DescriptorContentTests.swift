// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Testing

@Suite("Contents of files")
struct DescriptorContentTests {
    let place: Workplace
    init() throws { place = try Workplace() }

    @Test("What was written at an offset is read there, up to the end of the file")
    func readAndWrite() throws {
        let writer = try place.directory.create("file".bytes)
        let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try writer.write(content[..<150_000], at: 0)
        try writer.write(content[150_000...], at: 150_000)
        try writer.synchronize()

        let reader = try place.directory.file("file".bytes)
        var buffer = [UInt8](repeating: 0xee, count: 1000)
        #expect(try reader.read(into: &buffer, at: 10, count: 900, from: 12_345) == 900)
        #expect(buffer[10..<910] == content[12_345..<13_245])
        #expect(buffer[..<10].allSatisfy { $0 == 0xee } && buffer[910...].allSatisfy { $0 == 0xee })
        #expect(try reader.read(into: &buffer, at: 0, count: 1000, from: 199_990) == 10)
        #expect(try reader.read(into: &buffer, at: 0, count: 1000, from: 300_000) == 0)
        #expect(try reader.read(into: &buffer, at: 1000, count: 0, from: 0) == 0)
    }

    @Test("A file opened for reading takes no writes, and a directory gives no content")
    func wrongWay() throws {
        try place.file("file", "x")
        let reader = try place.directory.file("file".bytes)
        #expect(code { try reader.write([1], at: 0) } == EBADF)
        var buffer: [UInt8] = [0]
        #expect(
            code {
                _ = try place.directory.read(into: &buffer, at: 0, count: 1, from: 0)
            } == EISDIR)
    }

    @Test("Holes are found between the data")
    func holes() throws {
        let block: Int64 = 1 << 20
        let file = try place.directory.create("sparse".bytes)
        try file.write([UInt8](repeating: 1, count: 4096), at: block)
        try file.truncate(to: 3 * block)
        try file.synchronize()
        #expect(try file.nextData(from: 0) == block)
        let hole = try file.nextHole(from: block)
        #expect(hole >= block + 4096 && hole < 2 * block)
        #expect(try file.nextData(from: hole) == nil)
        #expect(try file.nextData(from: 3 * block) == nil)
        #expect(try file.nextHole(from: 4 * block) == 4 * block)
        try file.truncate(to: block + 10)
        #expect(try file.nextHole(from: block) == block + 10)
    }

    @Test("A file in which everything is data has its hole at the end")
    func noHoles() throws {
        let file = try place.directory.create("dense".bytes)
        #expect(try file.nextData(from: 0) == nil)
        try file.write([UInt8](repeating: 1, count: 5000), at: 0)
        #expect(try file.nextData(from: 0) == 0)
        #expect(try file.nextHole(from: 0) == 5000)
    }

    @Test("A file is written durably, replaced wholly, and leaves nothing else behind")
    func durably() throws {
        try Machine.writeDurably(place.path("key"), "one".bytes, permissions: 0o640)
        #expect(try place.content("key") == "one")
        #expect(try place.directory.status("key".bytes).permissions == 0o640)
        try place.file("elsewhere", "untouched")
        try place.directory.remove("key".bytes)
        try place.directory.makeSymlink("key".bytes, to: "elsewhere".bytes)
        try Machine.writeDurably(place.path("key"), "two".bytes)
        #expect(try place.content("key") == "two")
        #expect(try place.content("elsewhere") == "untouched")
        #expect(try place.directory.status("key".bytes).permissions == 0o600)

        try place.directory.makeDirectory("taken".bytes)
        let failure = #expect(throws: SystemError.self) {
            try Machine.writeDurably(place.path("taken"), "three".bytes)
        }
        #expect(failure?.code == EISDIR)
        #expect(failure?.path == place.path("taken"))
        #expect(Set(try place.directory.names()) == ["key".bytes, "elsewhere".bytes, "taken".bytes])
    }

    @Test("A whole file is read up to a limit and not beyond")
    func limit() throws {
        let text = String(repeating: "0123456789", count: 10_000)
        try place.file("file", text)
        #expect(try Machine.readWhole(place.path("file"), upTo: 100_000) == text.bytes)
        for limit in [0, 99_999, 65_536, 512] {
            let failure = #expect(throws: SystemError.self) {
                try Machine.readWhole(place.path("file"), upTo: limit)
            }
            #expect(failure?.code == EFBIG)
        }
        try place.file("empty")
        #expect(try Machine.readWhole(place.path("empty"), upTo: 0) == [])
        let failure = #expect(throws: SystemError.self) {
            try Machine.readWhole(place.path("none"), upTo: 10)
        }
        #expect(failure == SystemError(code: ENOENT, operation: "openat", path: place.path("none")))
    }

    @Test("A pipe is read to its end as a file is")
    func pipe() throws {
        let pipe = Pipe()
        let text = String(repeating: "p", count: 3000)
        pipe.fileHandleForWriting.write(Data(text.utf8))
        try pipe.fileHandleForWriting.close()
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)".bytes
        #expect(try Machine.readWhole(path, upTo: 10_000) == text.bytes)
    }

    @Test("A directory that may be passed but not read is no obstacle", .enabled(if: !isRoot))
    func passage() throws {
        try Machine.makeDirectories(place.path("shut/open"))
        try place.directory.makeSymlink("link".bytes, to: "shut/open".bytes)
        try Machine.writeDurably(place.path("shut/open/key"), "x".bytes)
        try place.directory.setPermissions("shut".bytes, 0o100)
        try Machine.makeDirectories(place.path("shut/open/more"))
        try Machine.makeDirectories(place.path("link/again"))
        #expect(try place.content("shut/open/key") == "x")
        try place.directory.setPermissions("shut".bytes, 0o700)
    }

    @Test("Directories are made step by step, through symlinks that the user has on the way")
    func makingDirectories() throws {
        try Machine.makeDirectories(place.path("a//b/../b/c/"), permissions: 0o750)
        try Machine.makeDirectories(place.path("a/b/c"))
        #expect(try Descriptor.directory(place.path("a/b/c")).status().permissions == 0o750)
        try place.directory.makeSymlink("link".bytes, to: "a/b".bytes)
        try Machine.makeDirectories(place.path("link/d"))
        #expect(Set(try Descriptor.directory(place.path("a/b")).names()) == ["c".bytes, "d".bytes])
        try place.file("file")
        let failure = #expect(throws: SystemError.self) {
            try Machine.makeDirectories(place.path("file/x"))
        }
        #expect(failure?.code == ENOTDIR)
        try place.directory.makeSymlink("dangling".bytes, to: "nowhere".bytes)
        #expect(throws: SystemError.self) { try Machine.makeDirectories(place.path("dangling")) }
    }
}
