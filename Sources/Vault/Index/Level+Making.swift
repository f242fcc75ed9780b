// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// Makes a level of rows that come in the order of their keys.
struct LevelMaker: ~Copyable {
    private let id = UInt64.random(in: 1...UInt64.max)
    private let shape: LevelShape
    private let file: Level.OpenFile?
    private var written = 0
    /// Blocks that are made and not written yet.
    private var bytes: [UInt8] = []
    private var block = [UInt8](repeating: 0, count: LevelShape.boundBytes + LevelShape.blockBytes)
    private var rows = 0
    private var count = 0
    private var fence: [UInt64] = []
    private var filter: [UInt64]

    /// - Parameter most: rows that may come. Beyond what memory is for they go into a file without a
    ///   name, with a filter of 8 bits a row, which lets through 6 of 100 keys that are not there.
    init(_ shape: LevelShape, upTo most: Int) throws(SystemError) {
        self.shape = shape
        let isLarge = most > shape.rowsInMemory
        file = isLarge ? Level.OpenFile(try Machine.namelessFile()) : nil
        filter = isLarge ? [UInt64](repeating: 0, count: most / 8 + 1) : []
    }

    mutating func add(_ key: UInt128, _ value: UInt128) throws(SystemError) {
        let offset = LevelShape.boundBytes + rows * shape.rowBytes
        let top = UInt64(truncatingIfNeeded: key >> 64)
        if rows == 0 { fence.append(top) }
        block.put(top, at: offset)
        block.put(UInt64(truncatingIfNeeded: key), at: offset + 8)
        for index in 0..<shape.valueBytes {
            block[offset + 16 + index] = UInt8(truncatingIfNeeded: value >> UInt128(8 * (shape.valueBytes - 1 - index)))
        }
        if !filter.isEmpty {
            let (word, bits) = Level.filterPlace(key, words: filter.count)
            filter[word] |= bits
        }
        rows += 1
        count += 1
        if rows == shape.rowsInBlock { try endBlock() }
    }

    private mutating func endBlock() throws(SystemError) {
        let code = shape.code(&block, id, fence.count - 1)
        block.put(code.a, at: LevelShape.sealedBytes)
        block.put(code.b, at: LevelShape.sealedBytes + 8)
        bytes += block[LevelShape.boundBytes...]
        rows = 0
        if file != nil, bytes.count >= 1 << 20 { try write() }
    }

    private mutating func write() throws(SystemError) {
        try file?.file.write(bytes, at: Int64(written))
        written += bytes.count
        bytes.removeAll(keepingCapacity: true)
    }

    consuming func finish() throws(SystemError) -> Level {
        if rows > 0 { try endBlock() }
        var tail = [UInt8](repeating: 0, count: 8 * (fence.count + filter.count))
        for (index, word) in fence.enumerated() { tail.put(word, at: 8 * index) }
        for (index, word) in filter.enumerated() { tail.put(word, at: 8 * (fence.count + index)) }
        Level.code(tail[...], id, shape).append(to: &tail)
        bytes += tail
        let length = written + bytes.count
        if file != nil { try write() }
        return Level(
            id: id, count: count, shape, file.map { .file($0) } ?? .memory(bytes), length: length, fence: fence,
            filter: filter)
    }
}

/// Goes through the rows of a level; passes over blocks that are damaged.
private struct LevelCursor {
    private let level: Level
    private var bytes: [UInt8] = []
    private var offset = 0
    private var rowsLeft = 0
    private var nextBlock = 0
    /// nil at the end.
    private(set) var key: UInt128?

    init(_ level: Level) {
        self.level = level
        advance()
    }

    var value: UInt128 { level.shape.value(in: bytes, at: offset) }

    mutating func advance() {
        if rowsLeft > 1 {
            rowsLeft -= 1
            offset += level.shape.rowBytes
        } else {
            rowsLeft = 0
            while rowsLeft == 0 {
                guard nextBlock < level.blocks else { return key = nil }
                if let (bytes, start) = level.block(nextBlock) {
                    (self.bytes, offset, rowsLeft) = (bytes, start, level.rows(in: nextBlock))
                }
                nextBlock += 1
            }
        }
        key = bytes.key(at: offset)
    }
}

extension Level {
    /// One level for several, the newest first: of each key the newest value, where it is wanted.
    static func merging(
        _ levels: [Level], _ shape: LevelShape, where isWanted: (UInt128) -> Bool
    ) throws(SystemError) -> Level {
        var maker = try LevelMaker(shape, upTo: levels.reduce(0) { $0 + $1.count })
        var cursors = levels.map(LevelCursor.init)
        while true {
            var least: UInt128?
            for index in cursors.indices {
                guard let key = cursors[index].key else { continue }
                if let known = least, known <= key { continue }
                least = key
            }
            guard let least else { return try maker.finish() }
            var isMissing = true
            for index in cursors.indices where cursors[index].key == least {
                let value = cursors[index].value
                if isMissing, isWanted(value) {
                    try maker.add(least, value)
                    isMissing = false
                }
                cursors[index].advance()
            }
        }
    }
}
