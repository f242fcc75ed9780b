// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Testing
import Vault

@Suite("A section of a tree")
struct SectionTests {
    static let references = (0..<3).map {
        ChunkReference(id: Sealing.hash([UInt8($0)]), bytes: 1000 + $0)
    }

    /// Every kind of entry and every flag, in tree order.
    static var rich: Section {
        var directory = entry("a", .directory)
        directory.permissions = 0o7777
        directory.attributes = .here([
            Attribute(name: Array("user.k".utf8), value: []),
            Attribute(name: Array("system.posix_acl_access".utf8), value: noise(44)),
        ])
        var group = entry("b")
        group.content = Content(size: 7, regions: nil, stream: .slice(chunk: 0, offset: 993))
        group.link = Entry.Link(device: .max, inode: 0)
        group.modified = Moment(seconds: .min, nanoseconds: 999_999_999)
        group.changedWhileRead = true
        var sparse = entry([0xff, 0xfe])
        sparse.content = Content(
            size: 1 << 40,
            regions: [.init(gap: 0, length: 1), .init(gap: 1 << 39, length: 1000)],
            stream: .chunks([1]))
        sparse.attributes = .chunk(2)
        var hole = entry("c")
        hole.content = Content(size: UInt64(Int64.max), regions: [], stream: .empty)
        var large = entry("d")
        large.content = Content(size: 2002, regions: nil, stream: .lists([2, 1]))
        large.user = .max
        large.group = .max
        var empty = entry("e")
        empty.permissions = 0
        var link = entry("f", .symlink)
        link.target = Array("../../etc/passwd".utf8)
        var device = entry("g", .blockDevice)
        (device.major, device.minor) = (.max, 0)
        return Section(
            parent: [[0x80], Array("é".utf8)], chunks: references,
            entries: [
                (0, directory), (0, group), (0, sparse), (1, hole), (0, large), (0, empty),
                (0, link), (0, device), (0, entry("h", .characterDevice)), (0, entry("i", .fifo)),
                (0, entry("j", .socket)), (1, entry([0xff], .directory)), (0, entry("z")),
            ])
    }

    @Test("comes back with every kind of entry and every flag")
    func roundTrip() throws {
        let section = Self.rich
        let back = try Section(decoding: section.encoded)
        #expect(back.parent == section.parent)
        #expect(back.chunks == section.chunks)
        #expect(back.entries.map(\.up) == section.entries.map(\.up))
        #expect(back.entries.map(\.entry) == section.entries.map(\.entry))
        #expect(back.encoded == section.encoded)
        #expect(Set(section.entries.map(\.entry.kind)) == Set(FileKind.allCases))
    }

    @Test("gives each entry its whole path, in tree order")
    func paths() {
        var paths: [TreePath] = []
        Self.rich.forEach { path, _ in paths.append(path) }
        let parent = Self.rich.parent
        #expect(paths[0] == parent + [Array("a".utf8)])
        #expect(paths[1] == parent + [Array("a".utf8), Array("b".utf8)])
        #expect(paths[3] == parent + [Array("c".utf8)])
        #expect(paths[11] == [[0x80], [0xff]])
        #expect(paths[12] == [[0x80], [0xff], Array("z".utf8)])
        for (one, next) in zip(paths, paths.dropFirst()) { #expect(treePrecedes(one, next)) }
    }

    @Test("is refused cut off anywhere, or with more behind it")
    func length() {
        let bytes = Self.rich.encoded
        for count in bytes.indices {
            #expect(throws: Malformed.self) { try Section(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: Malformed.self) { try Section(decoding: bytes + [0]) }
    }

    private func refuses(
        _ entries: [(up: Int, entry: Entry)], parent: TreePath = [[1], [2]]
    ) -> Bool {
        let bytes = Section(parent: parent, chunks: Self.references, entries: entries).encoded
        do {
            _ = try Section(decoding: bytes)
            return false
        } catch { return true }
    }

    @Test(
        "is refused with a name that would lead out of the target",
        arguments: [
            "", ".", "..", "/", "a/b", "/etc", "a\0", "\0", String(repeating: "x", count: 256),
        ])
    func hostileNames(name: String) {
        #expect(refuses([(0, entry(name))]))
        #expect(refuses([(0, entry("a", .directory)), (0, entry(name))]))
        #expect(refuses([(0, entry("z"))], parent: [[1], Array(name.utf8)]))
        #expect(throws: Malformed.self) {
            try RootChunk.decode(
                RootChunk.encode([
                    SectionReference(
                        chunk: Self.references[0], entries: 1, first: [Array(name.utf8)])
                ]))
        }
    }

    @Test("takes names that look hostile and are not")
    func harmlessNames() {
        for name in ["...", "..a", "a..", "~", "-rf", "\n", String(repeating: "x", count: 255)] {
            #expect(!refuses([(0, entry(name))]), "\(name)")
        }
        #expect(!refuses([(0, entry([0xff, 1, 0x80]))]))
    }

    @Test("is refused with entries out of order")
    func order() {
        #expect(!refuses([(0, entry("a")), (0, entry("b"))]))
        #expect(refuses([(0, entry("b")), (0, entry("a"))]))
        #expect(refuses([(0, entry("a")), (0, entry("a"))]), "a name stands once")
        #expect(refuses([(0, entry("b", .directory)), (1, entry("a"))]))
        #expect(refuses([(0, entry("ab")), (0, entry("a"))]), "a prefix comes first")
        #expect(refuses([(0, entry([0xff])), (0, entry("a"))]), "bytes are unsigned")
        // Back in the parent, what follows must come after the directory that was left.
        #expect(refuses([(0, entry("z")), (1, entry([2]))]))
        #expect(!refuses([(0, entry("z")), (1, entry([3]))]))
    }

    @Test("is refused where it leaves more directories than it is in, or begins by leaving one")
    func leaving() {
        #expect(refuses([(1, entry([3]))]))
        #expect(refuses([(0, entry("a")), (3, entry("b"))]))
        #expect(refuses([(0, entry("a")), (1 << 20, entry("b"))]))
        #expect(!refuses([(0, entry("a")), (2, entry([9]))]))
    }

    @Test("is refused with numbers of chunks that it does not have")
    func chunkNumbers() {
        let streams: [Content.Stream] = [
            .slice(chunk: 3, offset: 0), .chunks([0, 3]), .lists([3]), .chunks([.max]),
        ]
        for stream in streams {
            var file = entry("a")
            file.content = Content(size: 1, regions: nil, stream: stream)
            #expect(refuses([(0, file)]))
        }
        var file = entry("a")
        file.attributes = .chunk(3)
        #expect(refuses([(0, file)]))
    }

    @Test("is refused with regions beyond the file, or whose ends overflow")
    func regions() {
        let most = UInt64(Int64.max)
        let wrong: [(UInt64, [Content.Region])] = [
            (10, [.init(gap: 0, length: 11)]), (10, [.init(gap: 10, length: 1)]),
            (10, [.init(gap: 5, length: 2), .init(gap: 2, length: 2)]),
            (most, [.init(gap: most, length: most)]),
            (most, [.init(gap: most, length: 0), .init(gap: most, length: most)]),
            (most, .init(repeating: .init(gap: most, length: most), count: 5)),
            (most, [.init(gap: .max, length: 1)]),
        ]
        for (size, regions) in wrong {
            var file = entry("a")
            file.content = Content(size: size, regions: regions, stream: .chunks([0]))
            #expect(refuses([(0, file)]), "\(size) \(regions)")
        }
        var file = entry("a")
        file.content = Content(
            size: 10, regions: [.init(gap: 5, length: 5)], stream: .chunks([0]))
        #expect(!refuses([(0, file)]))
        file.content.size = .max
        #expect(refuses([(0, file)]), "larger than any file can be")
    }

    @Test("is refused with flags, kinds or permissions that do not exist")
    func unknown() {
        func bytes(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = Section(parent: [], chunks: [], entries: [(0, entry("a"))]).encoded
            change(&bytes)
            return bytes
        }
        // Path, chunks, entries, up, name, kind, permissions (2), user (2), group, time (5 + 4).
        #expect(bytes { _ in }.prefix(7) == [0, 0, 1, 0, 1, 0x61, 0])
        let flags = 7 + 2 + 2 + 1 + 5 + 4
        #expect(throws: Never.self) { try Section(decoding: bytes { _ in }) }
        for change: (inout [UInt8]) -> Void in [
            { $0[6] = 7 }, { $0[6] = 255 },
            { $0.replaceSubrange(7..<9, with: [0x80, 0x20]) },
            { $0[flags] = 32 }, { $0[flags] = 128 }, { $0[flags] = 4 },
            { $0[flags - 1] = 0x7f },
        ] {
            #expect(throws: Malformed.self) { try Section(decoding: bytes(change)) }
        }
        // Holes are for files only.
        var fifo = Section(parent: [], chunks: [], entries: [(0, entry("a", .fifo))]).encoded
        fifo[flags] = 8
        #expect(throws: Malformed.self) { try Section(decoding: fifo) }
    }

    @Test("is refused with a link to nothing, or to a name with NUL in it")
    func targets() {
        for target: [UInt8] in [[], [0], [0x61, 0], [UInt8](repeating: 1, count: 4096)] {
            var link = entry("a", .symlink)
            link.target = target
            #expect(refuses([(0, link)]))
        }
        var link = entry("a", .symlink)
        link.target = [UInt8](repeating: 1, count: 4095)
        #expect(!refuses([(0, link)]))
    }
}

@Suite("Lists in tree chunks")
struct TreeListTests {
    @Test("of chunks come back, and are refused cut off or with chunks too large")
    func chunkList() throws {
        let list = SectionTests.references
        let bytes = ChunkList.encode(list)
        #expect(try ChunkList.decode(bytes) == list)
        #expect(try ChunkList.decode(ChunkList.encode([])) == [])
        for count in bytes.indices {
            #expect(throws: Malformed.self) { try ChunkList.decode(Array(bytes[..<count])) }
        }
        #expect(throws: Malformed.self) { try ChunkList.decode(bytes + [0]) }
        let large = ChunkReference(id: .zero, bytes: Limits.treeChunkBytesMax + 1)
        #expect(throws: Malformed.self) { try ChunkList.decode(ChunkList.encode([large])) }
    }

    @Test("of attributes come back, and are refused without a name")
    func attributeList() throws {
        let list = [
            Attribute(name: Array("user.a".utf8), value: noise(5000)),
            Attribute(name: [0xff], value: []),
        ]
        let bytes = AttributeList.encode(list)
        #expect(try AttributeList.decode(bytes) == list)
        #expect(throws: Malformed.self) { try AttributeList.decode(bytes + [0]) }
        for name: [UInt8] in [[], [0], [1, 0], [UInt8](repeating: 1, count: 256)] {
            let list = [Attribute(name: name, value: [])]
            #expect(throws: Malformed.self) {
                try AttributeList.decode(AttributeList.encode(list))
            }
        }
    }

    @Test("of sections come back, cut where their ids say so")
    func rootChunks() throws {
        let sections = (0..<3000).map { number in
            SectionReference(
                chunk: ChunkReference(
                    id: Sealing.hash(Array("section \(number)".utf8)), bytes: number + 1),
                entries: number, first: [Array("d".utf8), Array("\(number)".utf8)])
        }
        let parts = RootChunk.cut(sections)
        #expect(parts.flatMap { $0 } == sections)
        #expect((5...25).contains(parts.count), "one in 256 ends a chunk")
        for part in parts.dropLast() { #expect(part.last?.chunk.id.bytes.last == 0) }
        #expect(try parts.flatMap { try RootChunk.decode(RootChunk.encode($0)) } == sections)
        #expect(RootChunk.cut([]).isEmpty)

        let stubborn = [SectionReference](
            repeating: SectionReference(
                chunk: ChunkReference(id: Digest(1, 1, 1, 1), bytes: 1), entries: 1, first: [[1]]),
            count: 2500)
        #expect(RootChunk.cut(stubborn).map(\.count) == [1024, 1024, 452])
    }

    @Test("tree order puts a directory before what is in it and a prefix first")
    func treeOrder() {
        let paths: [TreePath] = [
            [], [[1]], [[1], [9]], [[1], [9, 9]], [[1, 0]], [[2]], [[0xff]],
        ]
        for (one, next) in zip(paths, paths.dropFirst()) {
            #expect(treePrecedes(one, next) && !treePrecedes(next, one))
        }
        #expect(!treePrecedes([[1]], [[1]]))
    }
}
