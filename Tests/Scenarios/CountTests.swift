// SPDX-License-Identifier: EUPL-1.2
import Capture
import Foundation
import Ground
import Sites
import Synchronization
import Testing
import Vault

@Suite("What is counted")
struct CountTests {
    let town: Town

    init() throws { town = try Town() }

    private func link(_ name: String, to other: String) throws {
        try FileManager.default.linkItem(
            at: town.tree.appending(path: other), to: town.tree.appending(path: name))
    }

    /// Two names of each of two files, with so much between them that they stand in different
    /// sections. One of the files has a hole.
    private func settle() throws -> UInt64 {
        for folder in ["a", "z"] { try town.write("\(folder)/neighbour", "\(folder)\n") }
        for index in 0..<6000 { try town.write("m/\(index % 60)/\(index)", "inhabitant\n") }
        try town.write("a/large", Town.noise(3 << 20, seed: 7))
        try town.write("a/sparse", Town.noise(1 << 20, seed: 8))
        let sparse = try FileHandle(forWritingTo: town.tree.appending(path: "a/sparse"))
        try sparse.truncate(atOffset: 32 << 20)
        try sparse.close()
        for name in ["large", "sparse"] { try link("z/\(name)", to: "a/\(name)") }
        return 2 * 2 + 6000 * 11 + 4 << 20
    }

    @Test("The content of a file with several names counts once, in progress, snapshot and restore")
    func hardLinks() async throws {
        let bytes = try settle()
        var keeper = try await Keeper.found(at: MemorySite())
        let newest = Mutex<[UInt64]>([0, 0])
        let first = try await keeper.protect(town.tree) { now in
            newest.withLock { $0 = [max($0[0], now.bytesDone), max($0[1], now.bytesFound)] }
        }
        #expect(first.body.counts.bytes == bytes)
        #expect(newest.withLock { $0 } == [bytes, bytes])

        // What is young is not trusted; see RoundTripTests.
        try await Task.sleep(for: .milliseconds(20))
        #expect(try await keeper.protect(town.tree).body.counts == first.body.counts)
        let whole = try await keeper.protect(town.tree)
        #expect(whole.body.counts == first.body.counts)
        let all = first.body.counts.files + first.body.counts.directories
        #expect(UInt64(whole.entriesTakenOver) > all - 20)

        // One section is read again and the other taken over, first the one, then the other.
        for folder in ["a", "z"] {
            try town.write("\(folder)/neighbour", "!\n")
            let next = try await keeper.protect(town.tree)
            #expect(next.body.counts == first.body.counts, "\(folder)")
            #expect(next.entriesTakenOver < whole.entriesTakenOver)
        }
        let restored = try await keeper.restore(to: town.target)
        #expect(restored.counts.bytes == bytes)
        #expect(try town.differences(town.tree, town.restored(below: town.target)) == "")
    }

    @Test("Small files whose group is as it was count as taken over, also in a section read again")
    func takenOver() async throws {
        for index in 10..<40 { try town.write("f\(index)", Town.noise(100_000, seed: UInt64(index))) }
        var keeper = try await Keeper.found(at: MemorySite())
        try await keeper.protect(town.tree)
        try await Task.sleep(for: .milliseconds(20))
        try await keeper.protect(town.tree)
        try town.write("f39", Town.noise(100_000, seed: 1))
        let third = try await keeper.protect(town.tree)
        // A group has 1 MiB at most, and some directories lead here.
        let leading = Keeper.path(town.tree).count
        #expect((20...29 + leading).contains(third.entriesTakenOver))
    }
}
