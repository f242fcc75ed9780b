// SPDX-License-Identifier: EUPL-1.2
import Files
import Foundation
import Ground
import Testing
import Vault

/// What a vault of about 50 TB asks of the machine that protects into it: `ZWILLING_CHUNKS=100000000`.
@Suite("A large vault")
struct LargeVaultTests {
    private static let count =
        ProcessInfo.processInfo.environment["ZWILLING_CHUNKS"].flatMap { Int($0) } ?? 100_000
    private static let isLarge = count > 10_000_000
    private static let chunksInPack = 25
    /// So that also a small one lies in files.
    private static let rowsInMemory = isLarge ? LevelShape.rowsInMemoryUsually : 4096

    /// The id of chunk number so-and-so.
    private static func id(_ number: Int) -> Digest {
        var chance = Seeded(UInt64(bitPattern: Int64(number)) &* 0x2545_f491_4f6c_dd1d)
        return Digest(chance.next(), chance.next(), chance.next(), chance.next())
    }

    private static func pack(_ number: Int) -> PackReference { PackReference(name: id(-1 - number), bytes: 12 << 20) }

    /// Peak of what this process has in memory, in bytes, since `forgetPeak`.
    private static func peak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (Int(line.split { !$0.isNumber }.first ?? "") ?? 0) << 10
    }

    private static func forgetPeak() throws {
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    private static func show(_ what: String, _ taken: Duration, _ count: Int = 1) {
        let seconds = Double(taken.components.seconds) + Double(taken.components.attoseconds) / 1e18
        let each = count == 1 ? "" : ", \(Int(Double(count) / seconds)) a second"
        print("\(what): \(seconds) s\(each)")
    }

    private static func made(_ test: TestVault, at path: [UInt8]) throws {
        var cache = WriterCache(for: test.domain, rowsInMemory: rowsInMemory)
        let packs = (0..<(count + chunksInPack - 1) / chunksInPack).map(pack)
        cache.add(packs, content: packs.map(\.bytes))
        for number in 0..<count { cache.chunks.insert(id(number), UInt128(number / chunksInPack)) }
        cache.settle()
        try cache.keep(at: path, for: test.domain)
    }

    @Test("opens quickly, stays small in memory, and a run costs what it adds")
    func large() async throws {
        let test = try await TestVault()
        let state = LocalState()
        let clock = ContinuousClock()
        Self.show("made", try clock.measure { () throws in try Self.made(test, at: state.path) }, Self.count)
        try Self.forgetPeak()
        let before = try Self.peak()

        var found: WriterCache?
        let opening = clock.measure {
            found = WriterCache(keptAt: state.path, for: test.domain, rowsInMemory: Self.rowsInMemory)
        }
        Self.show("opened", opening)
        var cache = try #require(found)
        found = nil
        #expect(cache.packs.count == (Self.count + Self.chunksInPack - 1) / Self.chunksInPack)

        let questions = 100_000
        var chance = Seeded(5)
        let asked = (0..<questions).map { _ in chance.below(Self.count) }
        let known = clock.measure {
            for number in asked { #expect(cache.chunks.find(Self.id(number)) == UInt128(number / Self.chunksInPack)) }
        }
        Self.show("known", known, questions)
        let unknown = clock.measure {
            for number in 0..<questions { #expect(cache.chunks.find(Self.id(Self.count + number)) == nil) }
        }
        Self.show("unknown", unknown, questions)

        // A run, without the site: its chunks, its packs, and what is kept at its end.
        let added = 10_000
        for round in 0..<3 {
            let taken = try clock.measure {
                let known = KnownChunks(isLive: Array(repeating: true, count: cache.packs.count), chunks: cache.chunks)
                var pack: UInt32?
                for number in 0..<added {
                    let id = Self.id(Self.count + round * added + number)
                    guard case .mine(let mine) = known.claim(id, bytes: 1, for: pack) else {
                        Issue.record("chunk \(number) is known")
                        return
                    }
                    pack = mine
                    if number % Self.chunksInPack == Self.chunksInPack - 1 {
                        known.put(mine, as: Self.pack(-2 - Int(mine)), content: 1)
                        pack = nil
                    }
                }
                cache.take(known)
                cache.settle()
                try cache.keep(at: state.path, for: test.domain)
            }
            Self.show("a run of \(added) new chunks", taken, added)
            #expect(!Self.isLarge || taken < .seconds(5))
        }
        let last = Self.count + 3 * added - 1
        #expect(cache.gone.isEmpty && cache.chunks.find(Self.id(last)) == UInt128(cache.packs.count - 1))
        let peak = try Self.peak()
        print("memory: \(peak >> 20) MiB at most, \((peak - before) >> 20) MiB of it since it was opened")
        print("files: \(try state.bytes() >> 20) MiB")
        if Self.isLarge {
            #expect(opening < .seconds(2))
            #expect(peak < 1 << 30)
        }
    }
}
