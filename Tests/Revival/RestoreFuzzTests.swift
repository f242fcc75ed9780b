// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Revival
import Testing
import Vault

/// Whatever a snapshot says: a restore ends, tells what it did not bring back, and touches nothing
/// but its target.
@Suite("Fuzzing a restore")
struct RestoreFuzzTests {
    /// Seeds that run every time; one that ever found something stays here.
    static let seeds: [UInt64] = [1, 2, 3, 0xdead_beef, 20_260_101]

    /// Seconds, where `ZWILLING_FUZZ_SECONDS` asks for more, from a seed of its own or from
    /// `ZWILLING_FUZZ_SEED`.
    private static let seconds = wish("SECONDS").flatMap(Double.init)
    private static let seed = wish("SEED").flatMap(UInt64.init)

    private static func wish(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["ZWILLING_FUZZ_\(name)"]
    }

    @Test("No section makes it crash, keep silent or leave its target", arguments: seeds)
    func sections(seed: UInt64) async throws {
        let tally = try await Attack(seed: seed).run(rounds: 80)
        // It is of no use if all is refused at the door, or nothing.
        #expect(tally.refused > 0 && tally.restored > 40, "\(tally)")
        #expect(tally.there > 100 && tally.named > 10 && tally.unread > 10, "\(tally)")
    }

    @Test("goes on for as long as one likes", .enabled(if: seconds != nil))
    func longer() async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Self.seconds ?? 0)
        var seed = Self.seed ?? UInt64.random(in: 0...UInt64.max)
        print("fuzzing a restore from seed \(seed)")
        while clock.now < end {
            _ = try await Attack(seed: seed).run(rounds: 80)
            seed &+= 1
        }
    }
}

/// Many hostile snapshots of one vault, restored one after the other beside a directory that must
/// stay as it is.
private final class Attack {
    struct Tally {
        var refused = 0
        var restored = 0
        /// Sections of which nothing came back.
        var unread = 0
        /// Entries that are there, and those that are named.
        var there = 0
        var named = 0
    }

    private let seed: UInt64
    private let home: URL
    private var outside: URL { home.appending(path: "outside") }
    private var target: URL { home.appending(path: "target") }
    private var tally = Tally()

    init(seed: UInt64) throws {
        self.seed = seed
        home = FileManager.default.temporaryDirectory
            .appending(path: "zwilling-attack-\(UUID().uuidString)").resolvingSymlinksInPath()
        let inside = outside.appending(path: "house")
        try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
        for place in [outside.appending(path: "kept"), inside.appending(path: "a")] {
            try Data("nobody may touch this".utf8).write(to: place)
        }
    }

    deinit { Self.remove(home) }

    /// Also what lets nobody in.
    private static func remove(_ place: URL) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "chmod -R u+rwx \"$0\" 2>/dev/null; rm -rf \"$0\"", place.path]
        guard (try? process.run()) != nil else { return }
        process.waitUntilExit()
    }

    func run(rounds: Int) async throws -> Tally {
        var liar = try await Liar()
        var dice = Dice(seed: seed)
        var lies: [Digest: [Liar.Lie]] = [:]
        for _ in 0..<rounds {
            var told: [Liar.Lie] = []
            let id = try await liar.snapshot { chunks in
                var tree = HostileTree(
                    dice: dice, outside: Array(outside.path.utf8),
                    chunks: try await HostileTree.Store.fill(chunks))
                told = tree.sections()
                dice = tree.dice
                return told
            }
            lies[id] = told
        }
        let open = try await liar.open()
        let before = try look(outside)
        for (round, fact) in open.observed.snapshots.enumerated() {
            let comment = Comment("seed \(seed), round \(round)")
            let told = try #require(lies[fact.id])
            try await restore(open, fact, told, &dice, comment)
            #expect(try look(outside) == before, comment)
            #expect(try Set(names(home)) == ["outside", "target"], comment)
            Self.remove(target)
        }
        return tally
    }

    private func restore(
        _ open: OpenVault, _ fact: Observed.Fact, _ told: [Liar.Lie], _ dice: inout Dice,
        _ comment: Comment
    ) async throws {
        var options = RestoreOptions()
        options.width = 1 + dice.below(3)
        options.overwrites = dice.chance(40)
        options.include = dice.chance(15) ? try Exclusion(text: Array("a\ndoor/\n".utf8)) : nil
        if dice.chance(15) { options.subtree = [Array("house".utf8)] }
        let isWhole = options.include == nil && options.subtree.isEmpty
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        if options.overwrites { try plant(&dice) }
        do {
            let restored = try await Restore(open, fact, options: options)
                .run(to: Array(target.path.utf8)) { _ in }
            tally.restored += 1
            if isWhole { try compare(told, restored, comment) }
        } catch let trouble as Trouble {
            tally.refused += 1
            #expect(!trouble.message.english.isEmpty, comment)
        }
    }

    /// What somebody could have put there to lead the restore astray.
    private func plant(_ dice: inout Dice) throws {
        for name in ["a", "door", "house"] where dice.chance(50) {
            let place = target.appending(path: name)
            let destination = dice.chance(50) ? outside.path : outside.path + "/kept"
            try FileManager.default.createSymbolicLink(
                atPath: place.path, withDestinationPath: destination)
        }
    }

    /// Each entry is there as it was told, or it is named.
    private func compare(_ told: [Liar.Lie], _ restored: Restored, _ comment: Comment) throws {
        let named = Set(restored.notRestored.map(\.path))
        let ladder = Ladder(root: try Descriptor.directory(Array(target.path.utf8)))
        for lie in told {
            guard let section = try? Section(decoding: lie.bytes), !named.contains(lie.first) else {
                #expect(named.contains(lie.first), comment)
                tally.unread += 1
                continue
            }
            try section.forEach { path, entry in
                guard !named.contains(path) else {
                    tally.named += 1
                    return
                }
                tally.there += 1
                let status = try ladder.withDirectory(Array(path.dropLast())) {
                    (parent) throws(SystemError) in try parent.status(path.last ?? [])
                }
                #expect(status.kind == entry.kind, comment)
                if entry.kind == .file, entry.link == nil {
                    #expect(status.size == Int64(entry.content.size), comment)
                }
            }
        }
    }

    // MARK: Looking

    /// All that would tell of a change, down to the change time and the number of names.
    private func look(_ place: URL) throws -> [String: FileStatus] {
        var found: [String: FileStatus] = [:]
        let folder = try Descriptor.directory(Array(place.path.utf8))
        found[place.path] = try folder.status()
        for name in try folder.names() {
            let status = try folder.status(name)
            let inside = place.appending(path: String(decoding: name, as: UTF8.self))
            found[inside.path] = status
            if status.kind == .directory { found.merge(try look(inside)) { $1 } }
        }
        return found
    }

    private func names(_ place: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: place.path)
    }
}
