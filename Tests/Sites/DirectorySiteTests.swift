// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Sites
import Testing

@Suite("A site in a directory")
struct DirectorySiteTests {
    @Test("stores an object as a plain file that nobody changes by accident")
    func plainFile() async throws {
        try await withSite { site, directory in
            try await site.put("packs/3f/one", bytes(1000))
            #expect(try Data(contentsOf: url(directory, "packs/3f/one")) == Data(bytes(1000)))
            #expect(try permissions(directory, "packs/3f/one") & 0o777 & ~0o444 == 0)
            #expect(try permissions(directory, "packs/3f") == 0o700)
            #expect(try permissions(directory, "packs") == 0o700)
            #expect(try permissions(directory, "") == 0o700)
            #expect(try names(directory, "packs/3f") == ["one"])
        }
    }

    @Test("finds the objects again when it is opened anew")
    func reopening() async throws {
        try await withSite { site, directory in
            try await site.put("a/b", bytes(10))
            let again = try DirectorySite(opening: path(directory))
            #expect(again.label == directory)
            #expect(try await again.get("a/b") == bytes(10))
        }
    }

    @Test("has one winner also where every writer has opened it for itself")
    func race() async throws {
        try await withSite { _, directory in
            let winners = try await withThrowingTaskGroup { group in
                for seed in 0..<8 as Range<UInt64> {
                    group.addTask {
                        let site = try DirectorySite(opening: path(directory))
                        let content = bytes(9000, seed: seed)
                        return try await site.kind { try await $0.put("a/b", content) }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 == nil ? 1 : 0) }
            }
            #expect(winners == 1)
            #expect(try names(directory, "a") == ["b"])
        }
    }

    @Test("leaves out of listings what is not its own")
    func foreignFiles() async throws {
        try await withSite { site, directory in
            try await site.put("a/b", [1])
            let foreign = [
                ".hidden", "a/.tmp-1", "a/ä", "a/b c", "a/b~", "lost+found/x", ".dir/x",
            ]
            for foreign in foreign {
                try plant(directory, foreign)
            }
            let deep = Array(repeating: "d", count: 8).joined(separator: "/")
            try plant(directory, deep + "/too-deep")
            let root = try Descriptor.directory(path(directory))
            try root.makeNode(path("pipe"), kind: .fifo, permissions: 0o600)
            _ = try root.create([0x66, 0xff])
            #expect(try await site.names() == ["a/b"])
        }
    }

    @Test("lists a hundred thousand objects in order")
    func manyObjects() async throws {
        // In memory where there is such a place: a disk takes a minute to make the files.
        try await withDirectory(in: "/dev/shm") { directory in
            let site = try DirectorySite.create(path(directory))
            let root = try Descriptor.directory(path(directory))
            for shard in 0..<256 {
                let shardName = [UInt8(shard)].hex
                try root.makeDirectory(path(shardName))
                let parent = try root.directory(path(shardName))
                for number in 0..<400 { _ = try parent.create(path("object-\(number)")) }
            }
            let names = try await site.list("").map(\.name)
            #expect(names.count == 102_400)
            #expect(zip(names, names.dropFirst()).allSatisfy { $0 < $1 })
            #expect(try await site.list("7f/").count == 400)
        }
    }

    @Test(
        "says that an object is damaged where its file ends too early",
        .enabled(if: hasSysfs, "needs sysfs"))
    func shortRead() async throws {
        // Files of sysfs say that they have a page of 4,096 bytes, and hand out a line.
        let site = try DirectorySite(opening: path("/sys/kernel"))
        #expect(try await site.list("uevent_seqnum").map(\.size) == [4096])
        #expect(try await site.kind { _ = try await $0.get("uevent_seqnum") } == .damaged)
        #expect(try await site.kind { _ = try await $0.get("uevent_seqnum", 0..<100) } == .damaged)
        #expect(try await site.get("uevent_seqnum", 0..<1).count == 1)
    }

    private static let hasSysfs =
        FileManager.default.fileExists(atPath: "/sys/kernel/uevent_seqnum")

    @Test("does not take memory for a planted file of any size")
    func hugeFile() async throws {
        try await withSite { site, directory in
            let file = try Descriptor.directory(path(directory)).create(path("huge"))
            try file.truncate(to: 1 << 40)
            #expect(try await site.kind { _ = try await $0.get("huge") } == .damaged)
            #expect(try await site.get("huge", (1 << 40) - 3..<Int.max) == [0, 0, 0])
        }
    }

    // MARK: What others plant

    @Test("does not follow a symlink in the place of an object")
    func plantedLink() async throws {
        try await withSite { site, directory in
            try plant(directory, "secret")
            try await site.put("a/real", [1])
            try link(directory, "a/object", to: "../secret")
            #expect(try await site.kind { _ = try await $0.get("a/object") } == .damaged)
            #expect(try await site.kind { try await $0.put("a/object", [2]) } == .exists)
            #expect(try await site.names("a/") == ["a/real"])
            try await site.put("a/object", [3], .replace)
            #expect(try await site.get("a/object") == [3])
            #expect(try Data(contentsOf: url(directory, "secret")) == Data("foreign".utf8))
        }
    }

    @Test("does not follow a symlink in the place of a directory")
    func plantedDirectoryLink() async throws {
        try await withSite { site, directory in
            try plant(directory, "elsewhere/object")
            try link(directory, "packs", to: "elsewhere")
            #expect(try await site.kind { _ = try await $0.get("packs/object") } == .damaged)
            #expect(try await site.kind { try await $0.put("packs/new", [2]) } == .system)
            #expect(try await site.kind { try await $0.remove("packs/object") } == .damaged)
            #expect(try await site.names() == ["elsewhere/object"])
            #expect(try names(directory, "elsewhere") == ["object"])
        }
    }

    @Test("removes a planted symlink, not what it points to")
    func removedLink() async throws {
        try await withSite { site, directory in
            try plant(directory, "secret")
            try link(directory, "object", to: "secret")
            try await site.remove("object")
            #expect(try names(directory, "") == ["secret"])
        }
    }

    @Test("does not wait for a planted pipe")
    func plantedPipe() async throws {
        try await withSite { site, directory in
            try Descriptor.directory(path(directory))
                .makeNode(path("object"), kind: .fifo, permissions: 0o600)
            #expect(try await site.kind { _ = try await $0.get("object") } == .damaged)
        }
    }

    // MARK: Temporary files

    @Test("sweeps away temporary files of yesterday, and none of today")
    func staleTemporaryFiles() async throws {
        try await withSite { _, directory in
            let now = Moment(seconds: 2_000_000_000)
            for (name, age) in [("old", 86_400), ("young", 86_399)] as [(String, Int64)] {
                for below in ["", "a/"] {
                    try plant(directory, "\(below).tmp-\(name)")
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSince1970: Double(now.seconds - age))],
                        ofItemAtPath: "\(directory)/\(below).tmp-\(name)")
                }
            }
            let world = World(now: { now }, random: { [UInt8](repeating: 7, count: $0) })
            let site = try DirectorySite(opening: path(directory), world: world)
            #expect(try await site.list("") == [])
            #expect(try names(directory, "").count == 3)
            try await site.put("a/b", [1])
            #expect(try names(directory, "") == [".tmp-young", "a"])
            #expect(try names(directory, "a") == [".tmp-young", "b"])
        }
    }

    @Test("finds another temporary name where the dice fall as before")
    func sameDice() async throws {
        try await withSite { _, directory in
            let world = World(
                now: { Moment(seconds: 0) }, random: { [UInt8](repeating: 7, count: $0) })
            try plant(directory, ".tmp-0707070707070707-1")
            let site = try DirectorySite(opening: path(directory), world: world)
            try await site.put("a", [1])
            #expect(try names(directory, "") == [".tmp-0707070707070707-1", "a"])
        }
    }
}
