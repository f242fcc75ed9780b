// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Vault

/// Makes sections that somebody with a writer's keys could make, the same ones for the same seed.
struct HostileTree {
    var dice: Dice
    /// A directory that nobody may touch.
    let outside: [UInt8]
    /// What sections name: see `Store`.
    let chunks: [ChunkReference]

    /// What a section may name, by its number.
    enum Store {
        static let data = [3_000, 300_000]
        static let attributes: [Attribute] = [
            Attribute(name: Array("user.a".utf8), value: [1, 2, 3]),
            Attribute(name: Array("security.capability".utf8), value: [9]),
            Attribute(name: Array("system.posix_acl_access".utf8), value: [2, 0, 0, 0, 1]),
            Attribute(name: Array("/etc/passwd".utf8), value: []),
        ]

        /// Data chunks, an honest list of them, one that says much more, attributes, and garbage.
        static func fill(_ chunks: ChunkWriter) async throws -> [ChunkReference] {
            var all: [ChunkReference] = []
            for (number, count) in data.enumerated() {
                let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
                all.append(try await chunks.store(plain[...], .data).reference)
            }
            let many = [ChunkReference](repeating: all[1], count: 3_000)
            for plain in [
                ChunkList.encode(all), ChunkList.encode(many), AttributeList.encode(attributes),
                Array("neither a list nor attributes".utf8),
            ] { all.append(try await chunks.store(plain[...], .tree).reference) }
            return all + [ChunkReference(id: .zero, bytes: 77)]
        }
    }

    // MARK: Sections

    /// In tree order.
    private static let plainNames = ["a", "b", "door", "house", "z", "\u{e4}"].map { Array($0.utf8) }

    private var hostileNames: [[UInt8]] {
        [
            [], Array(".".utf8), Array("..".utf8), Array("/".utf8), Array("a/b".utf8),
            Array("../outside/kept".utf8), outside, [0], Array("a\0b".utf8), [0xff],
            [UInt8](repeating: 0x61, count: 255), [UInt8](repeating: 0x61, count: 256),
        ]
    }

    /// One to three of them; mostly each begins behind the one before.
    mutating func sections() -> [Liar.Lie] {
        let count = 1 + dice.below(3)
        let isHonest = dice.chance(70)
        let all = Self.plainNames.count
        var lies = (0..<count).map { part in
            let names = isHonest ? part * all / count..<(part + 1) * all / count : 0..<all
            return lie(section(Array(Self.plainNames[names]), isRoot: isHonest))
        }
        if !dice.chance(10) { lies.sort { treePrecedes($0.first, $1.first) } }
        return lies
    }

    private mutating func lie(_ section: Section) -> Liar.Lie {
        var bytes = section.encoded
        if dice.chance(20) { for _ in 0...dice.below(3) { mutate(&bytes) } }
        // What can be read gets through to the restore, with a root chunk that fits it.
        if let read = try? Section(decoding: bytes), !read.entries.isEmpty {
            return Liar.Lie(
                bytes: bytes, entries: read.entries.count - (dice.chance(3) ? 1 : 0),
                first: read.parent + [read.entries[0].entry.name])
        }
        return Liar.Lie(bytes: bytes, entries: 1, first: [dice.one(of: Self.plainNames)])
    }

    private mutating func section(_ names: [[UInt8]], isRoot: Bool) -> Section {
        let parents: [TreePath] = [[], [Array("door".utf8)], [Array("house".utf8), [0x61]]]
        var parent = isRoot ? [] : dice.one(of: parents)
        if dice.chance(3) { parent.append(dice.one(of: hostileNames)) }
        var entries: [(up: Int, entry: Entry)] = []
        var up = 0
        grow(&entries, &up, names, depth: 0)
        if dice.chance(5) {
            let index = dice.below(entries.count)
            switch dice.below(4) {
            case 0: entries[index].entry.name = dice.one(of: hostileNames)
            case 1: entries.insert(entries[index], at: index)
            case 2: entries[index].up = dice.one(of: [1, 2, 3, 1 << 20])
            default: entries.swapAt(index, 0)
            }
        }
        return Section(parent: parent, chunks: chunks, entries: entries)
    }

    private mutating func grow(
        _ entries: inout [(up: Int, entry: Entry)], _ up: inout Int, _ all: [[UInt8]], depth: Int
    ) {
        let names = all.filter { _ in dice.chance(60) }
        for name in names.isEmpty ? [all[0]] : names {
            let entry = entry(name)
            entries.append((up, entry))
            up = 0
            guard entry.kind == .directory else { continue }
            if depth < 3, dice.chance(60) {
                grow(&entries, &up, Self.plainNames, depth: depth + 1)
            }
            up += 1
        }
    }

    // MARK: Entries

    private mutating func entry(_ name: [UInt8]) -> Entry {
        let kinds: [FileKind] = [.file, .file, .directory, .directory, .symlink]
        var status = FileStatus(
            kind: dice.chance(80) ? dice.one(of: kinds) : dice.one(of: FileKind.allCases),
            permissions: dice.one(of: [0, 0o644, 0o755, 0o7777]), links: 1,
            user: dice.one(of: [0, 65_534, .max]), group: 0, size: 0, blocks: 0, device: 1,
            inode: 1, major: dice.one(of: [1, 1, .max]), minor: dice.one(of: [3, .max]),
            modified: Moment(seconds: dice.one(of: [0, 1 << 30, .min, .max])),
            changed: Moment(seconds: 0))
        if dice.chance(90) { status = owned(status) }
        var entry = Entry(name: name, status: status)
        if dice.chance(25), entry.kind != .directory {
            entry.link = Entry.Link(device: 1, inode: UInt64(dice.below(2)))
        }
        switch dice.below(12) {
        case 0: entry.attributes = .chunk(dice.below(chunks.count + (dice.chance(5) ? 1 : 0)))
        case 1: entry.attributes = .here(Store.attributes)
        default: break
        }
        let way = Array("../../..".utf8) + outside
        entry.target = dice.one(of: [outside, Array("..".utf8), Array("../outside".utf8), way])
        if entry.kind == .file { entry.content = content() }
        return entry
    }

    private static let user = (id: getuid(), group: getgid())

    /// What is not the user's cannot be given away by everybody who runs these tests.
    private func owned(_ status: FileStatus) -> FileStatus {
        FileStatus(
            kind: status.kind, permissions: status.permissions, links: 1,
            user: Self.user.id, group: Self.user.group, size: 0, blocks: 0, device: 1, inode: 1,
            major: status.major, minor: status.minor, modified: status.modified,
            changed: status.changed)
    }

    private mutating func content() -> Content {
        let small = Store.data[0]
        let (one, both) = (UInt64(small), UInt64(Store.data.reduce(0, +)))
        let most = UInt64(Int64.max)
        var content = dice.one(of: [
            Content(size: 100, regions: nil, stream: .slice(chunk: 0, offset: small - 100)),
            Content(size: one, regions: nil, stream: .chunks([0])),
            Content(size: both, regions: nil, stream: .chunks([0, 1])),
            Content(size: both, regions: nil, stream: .lists([2])),
            Content(size: 0, regions: nil, stream: .empty),
            Content(
                size: 1 << 40,
                regions: [.init(gap: 1 << 30, length: one - 1), .init(gap: 0, length: 1)],
                stream: .chunks([0])),
            Content(size: most, regions: [], stream: .empty),
        ])
        guard dice.chance(8) else { return content }
        switch dice.below(4) {
        case 0: content.size = dice.one(of: [0, 1, one + 1, 1 << 45, most])
        case 1:
            content.regions = dice.one(of: [
                [.init(gap: 0, length: one)], [.init(gap: most, length: 0)],
                [.init(gap: 10, length: 5), .init(gap: 0, length: 5)],
                [.init(gap: most - one, length: one)], [.init(gap: 0, length: most)],
            ])
        case 2:
            content.stream = .slice(
                chunk: dice.below(chunks.count), offset: dice.one(of: [0, 99, .max]))
        default:
            let numbers = (0...dice.below(3)).map { _ in dice.below(chunks.count) }
            content.stream = dice.chance(50) ? .chunks(numbers) : .lists(numbers)
        }
        return content
    }

    // MARK: Bytes

    private mutating func mutate(_ bytes: inout [UInt8]) {
        // Behind the names and chunks of the section stand its entries.
        let place =
            dice.chance(70)
            ? bytes.count - 1 - dice.below((bytes.count + 1) / 2) : dice.below(bytes.count)
        switch dice.below(6) {
        case 0, 1: bytes[place] ^= 1 << UInt8(dice.below(8))
        case 2: bytes[place] = dice.one(of: [0, 1, 0x2e, 0x2f, 0x7f, 0x80, 0xff])
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + dice.below(8)))
        case 4:
            let piece: [UInt8] = dice.one(of: [[0x2e, 0x2e], [0x2f], [0xff, 0xff, 3]])
            bytes.insert(contentsOf: piece, at: place)
        default: bytes.replaceSubrange(place..<place + 1, with: [0xff, 0xff, 0xff, 0xff, 0x0f])
        }
        if bytes.isEmpty { bytes = [0] }
    }
}

/// Dice that fall the same way for the same seed: SplitMix64 (Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", OOPSLA 2014).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }
}
