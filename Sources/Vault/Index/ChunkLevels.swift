// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import Ground

/// A number of up to 128 bits for each chunk, for any number of chunks in little memory: the newest lie
/// in a table, the others in levels, each at least four times as large as the one after it. So a
/// question reads one block of a file or none, and what is added is written again a few times in all,
/// however much there is.
package struct ChunkLevels: Sendable {
    let shape: LevelShape
    /// The oldest first. Of several values of a chunk the newest counts.
    private(set) var levels: [Level] = []
    private var newest: [UInt128: UInt128] = [:]

    /// Levels up to this size are not worth a file of their own.
    private static let rowsMin = 1 << 14
    private static let growth = 4

    package init(_ shape: LevelShape) { self.shape = shape }

    init(_ shape: LevelShape, levels: [Level]) { (self.shape, self.levels) = (shape, levels) }

    package var isEmpty: Bool { levels.isEmpty && newest.isEmpty }

    /// The newest value that is wanted.
    package func find(_ id: Digest, where isWanted: (UInt128) -> Bool = { _ in true }) -> UInt128? {
        if let value = newest[id.key], isWanted(value) { return value }
        for level in levels.reversed() {
            if let value = level.find(id.key), isWanted(value) { return value }
        }
        return nil
    }

    package mutating func insert(_ id: Digest, _ value: UInt128) {
        newest[id.key] = value
        if newest.count >= shape.rowsInMemory { settle() }
    }

    /// Makes a level of what is in the table.
    ///
    /// - Parameter isWanted: what is not may go where levels are merged.
    package mutating func settle(where isWanted: (UInt128) -> Bool = { _ in true }) {
        let rows = newest.filter { isWanted($0.value) }.sorted { $0.key < $1.key }
        newest = [:]
        guard !rows.isEmpty else { return }
        var (taken, total) = (0, rows.count)
        for level in levels.reversed() where taken < levels.count {
            guard level.count < max(Self.growth * total, Self.rowsMin) else { break }
            taken += 1
            total += level.count
        }
        do throws(SystemError) {
            var maker = try LevelMaker(shape, upTo: rows.count)
            for (key, value) in rows { try maker.add(key, value) }
            levels.append(try maker.finish())
            guard taken > 0 else { return }
            let merged = try Level.merging(levels.suffix(taken + 1).reversed(), shape, where: isWanted)
            levels.removeLast(taken + 1)
            if merged.count > 0 { levels.append(merged) }
        } catch {
            // No room for a larger file: more levels take longer to search, and nothing else.
        }
    }
}
