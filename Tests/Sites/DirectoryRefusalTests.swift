// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Sites
import Testing

@Suite("A site in a directory, refused")
struct DirectoryRefusalTests {
    @Test("is created in an empty directory, also a fresh file system")
    func creation() async throws {
        try await withDirectory { directory in
            _ = try DirectorySite.create(path(directory + "/new/"))
            #expect(try permissions(directory, "new") == 0o700)
            try FileManager.default.createDirectory(
                atPath: directory + "/disk/lost+found", withIntermediateDirectories: true)
            let site = try DirectorySite.create(path(directory + "/disk"))
            try await site.put("a", [1])
        }
    }

    @Test("is not created where something lies already")
    func occupied() async throws {
        try await withDirectory { directory in
            try plant(directory, "disk/letter.txt")
            let trouble = try #require(throws: Trouble.self) {
                try DirectorySite.create(path(directory + "/disk"))
            }
            #expect(trouble.kind == .exists)
            #expect(trouble.message.english.contains("letter.txt"))
            #expect(trouble.advice != nil)
            #expect(try names(directory, "disk") == ["letter.txt"])
        }
    }

    @Test("is not created below a directory that is missing")
    func missingParent() async throws {
        try await withDirectory { directory in
            let trouble = try #require(throws: Trouble.self) {
                try DirectorySite.create(path(directory + "/no/site"))
            }
            #expect(trouble.kind == .missing)
            #expect(trouble.message.english.contains("\(directory)/no\""))
            #expect(try names(directory, "") == [])
        }
    }

    @Test("is not opened where nothing is, and says so in two languages")
    func missing() async throws {
        try await withDirectory { directory in
            let trouble = try #require(throws: Trouble.self) {
                try DirectorySite(opening: path(directory + "/no"))
            }
            #expect(trouble.kind == .missing)
            #expect(trouble.message.english == "There is no directory \"\(directory)/no\".")
            #expect(trouble.message.german == "Ein Verzeichnis „\(directory)/no“ gibt es nicht.")
            #expect(trouble.advice?.english.contains("zwilling vault create") == true)
        }
    }

    @Test("is not opened where no directory is")
    func noDirectory() async throws {
        try await withDirectory { directory in
            try plant(directory, "file")
            for act in [{ try DirectorySite(opening: $0) }, { try DirectorySite.create($0) }]
                as [([UInt8]) throws -> DirectorySite]
            {
                let trouble = try #require(throws: Trouble.self) {
                    try act(path(directory + "/file"))
                }
                #expect(trouble.kind == .wrongUse)
                #expect(trouble.advice != nil)
            }
        }
    }

    @Test("needs an absolute path")
    func relativePath() {
        for act in [{ try DirectorySite(opening: $0) }, { try DirectorySite.create($0) }]
            as [([UInt8]) throws -> DirectorySite]
        {
            let trouble = #expect(throws: Trouble.self) { try act(path("site")) }
            #expect(trouble?.kind == .wrongUse)
        }
    }

    @Test("tells which object is missing, and where")
    func words() async throws {
        try await withSite { site, directory in
            do {
                _ = try await site.get("packs/3f/one")
                Issue.record("nothing was thrown")
            } catch let trouble as Trouble {
                #expect(trouble.message.english.contains("packs/3f/one"))
                #expect(trouble.message.english.contains(directory))
                #expect(trouble.advice != nil)
            }
        }
    }

    @Test(
        "keeps every object whole where the disk is full",
        .enabled(if: canMount, "only root may mount"))
    func fullDisk() async throws {
        try await withMount(bytesMax: 1 << 20) { directory, _ in
            let site = try DirectorySite.create(path(directory))
            try await site.put("a/small", bytes(200_000))
            #expect(try await site.kind { try await $0.put("a/big", bytes(2 << 20)) } == .full)
            let replaced = try await site.kind {
                try await $0.put("a/small", bytes(2 << 20), .replace)
            }
            #expect(replaced == .full)
            #expect(try await site.get("a/small") == bytes(200_000))
            #expect(try names(directory, "a") == ["small"])
            try await site.put("a/next", bytes(200_000))
        }
    }

    @Test(
        "changes nothing on a disk that can only be read",
        .enabled(if: canMount, "only root may mount"))
    func readOnlyDisk() async throws {
        try await withMount(bytesMax: 1 << 20) { directory, makeReadOnly in
            let site = try DirectorySite.create(path(directory))
            try await site.put("a/b", [1])
            try makeReadOnly()
            for target in ["a/c", "new/c", "c"] {
                #expect(try await site.kind { try await $0.put(target, [2]) } == .readOnly)
            }
            #expect(try await site.kind { try await $0.put("a/b", [2], .replace) } == .readOnly)
            #expect(try await site.kind { try await $0.remove("a/b") } == .readOnly)
            try await site.remove("a/c")
            #expect(try await site.get("a/b") == [1])
            #expect(try await site.names() == ["a/b"])
        }
    }

    @Test("is denied what its user may not do", .enabled(if: !isRoot, "root may do everything"))
    func denied() async throws {
        try await withSite { site, directory in
            try await site.put("a/b", [1])
            try await site.put("c/d", [1])
            let root = try Descriptor.directory(path(directory))
            try root.setPermissions(path("a"), 0o500)
            try root.setPermissions(path("c"), 0)
            #expect(try await site.kind { try await $0.put("a/c", [2]) } == .denied)
            #expect(try await site.kind { try await $0.remove("a/b") } == .denied)
            #expect(try await site.kind { _ = try await $0.get("c/d") } == .denied)
            #expect(try await site.kind { _ = try await $0.list("") } == .denied)
            #expect(try await site.get("a/b") == [1])
            #expect(try await site.names("a/") == ["a/b"])
            // So that the directory can be cleared away.
            try root.setPermissions(path("a"), 0o700)
            try root.setPermissions(path("c"), 0o700)
        }
    }
}
