// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Files
import Ground
import Synchronization

/// How the rows of a level are laid out, and by which key their codes are made.
package struct LevelShape: Sendable {
    /// At most 16.
    let valueBytes: Int
    let key: SymmetricKey
    /// What lies in memory: levels of up to so many rows, 20 to 32 MiB, and as many before a level is
    /// made of them, 64 MiB.
    let rowsInMemory: Int

    package static let rowsInMemoryUsually = 1 << 20

    package init(valueBytes: Int, key: SymmetricKey, rowsInMemory: Int = Self.rowsInMemoryUsually) {
        (self.valueBytes, self.key, self.rowsInMemory) = (valueBytes, key, rowsInMemory)
    }


    static let blockBytes = 4096
    static let codeBytes = 16
    /// Before a block for its code: the level's id, and the number of the block.
    static let boundBytes = 16
    static let sealedBytes = boundBytes + blockBytes - codeBytes

    var rowBytes: Int { 16 + valueBytes }
    var rowsInBlock: Int { (Self.blockBytes - Self.codeBytes) / rowBytes }

    func blocks(of rows: Int) -> Int { (rows + rowsInBlock - 1) / rowsInBlock }

    /// The code of the block in a buffer, which has the room for what it is bound to in front.
    func code(_ block: inout [UInt8], _ id: UInt64, _ number: Int) -> Digest {
        block.put(id, at: 0)
        block.put(UInt64(number), at: 8)
        return Sealing.keyedHash(block[..<Self.sealedBytes], key)
    }

    func value(in bytes: [UInt8], at offset: Int) -> UInt128 {
        var value: UInt128 = 0
        for index in offset + 16..<offset + rowBytes { value = value << 8 | UInt128(bytes[index]) }
        return value
    }
}

/// Values by key, sorted, each key once; never changed. Small ones lie in memory; of others, one block
/// of the file is read for each question.
///
/// The bytes: blocks of 4 KiB, each with rows and a code, all full but the last; then the *tail*: of
/// each block the upper half of its first key, a filter, a code. Every code is bound to the random id
/// of the level and to its place. A block that does not fit its code holds nothing.
final class Level: Sendable {
    enum Store: Sendable {
        case memory([UInt8])
        case file(OpenFile)
    }

    /// An open file that several may hold.
    final class OpenFile: Sendable {
        let file: Descriptor
        init(_ file: consuming Descriptor) { self.file = file }
    }

    let id: UInt64
    let count: Int
    let shape: LevelShape
    private let state: Mutex<Store>
    /// Of all bytes.
    let length: Int
    private let fence: [UInt64]
    private let filter: [UInt64]

    init(id: UInt64, count: Int, _ shape: LevelShape, _ store: Store, length: Int, fence: [UInt64], filter: [UInt64]) {
        (self.id, self.count, self.shape) = (id, count, shape)
        state = Mutex(store)
        (self.length, self.fence, self.filter) = (length, fence, filter)
    }

    private var store: Store { state.withLock { $0 } }

    var blocks: Int { fence.count }

    func rows(in block: Int) -> Int { min(shape.rowsInBlock, count - block * shape.rowsInBlock) }

    // MARK: Finding

    func find(_ key: UInt128) -> UInt128? {
        let top = UInt64(truncatingIfNeeded: key >> 64)
        // Where two keys of one upper half lie in two blocks, the first is not found: one in 10^5
        // levels of 10^8 rows has such a pair, and its chunk is stored again.
        let number = partition(fence.count) { fence[$0] <= top } - 1
        guard number >= 0, mayHold(key), let (bytes, start) = block(number) else { return nil }
        let rows = rows(in: number)
        let row = partition(rows) { bytes.key(at: start + $0 * shape.rowBytes) < key }
        let place = start + row * shape.rowBytes
        guard row < rows, bytes.key(at: place) == key else { return nil }
        return shape.value(in: bytes, at: place)
    }

    /// How many of the first `count` numbers fulfil what all up to some number do.
    private func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func mayHold(_ key: UInt128) -> Bool {
        guard !filter.isEmpty else { return true }
        let (word, bits) = Self.filterPlace(key, words: filter.count)
        return filter[word] & bits == bits
    }

    /// Four bits of one word, all from the lower half of the key; the upper one sorts the rows.
    static func filterPlace(_ key: UInt128, words: Int) -> (word: Int, bits: UInt64) {
        let low = UInt64(truncatingIfNeeded: key)
        let bits = [0, 6, 12, 18].reduce(0) { $0 | 1 << (low >> UInt64($1) & 63) } as UInt64
        return (Int(low.multipliedFullWidth(by: UInt64(words)).high), bits)
    }

    /// Bytes that hold a block, and where it begins in them; nil where it is not what was written.
    func block(_ number: Int) -> (bytes: [UInt8], start: Int)? {
        switch store {
        case .memory(let bytes): return (bytes, number * LevelShape.blockBytes)
        case .file(let open):
            var bytes = [UInt8](repeating: 0, count: LevelShape.boundBytes + LevelShape.blockBytes)
            do throws(SystemError) {
                let got = try open.file.read(
                    into: &bytes, at: LevelShape.boundBytes, count: LevelShape.blockBytes,
                    from: Int64(number * LevelShape.blockBytes))
                guard got == LevelShape.blockBytes else { return nil }
            } catch { return nil }
            let code = shape.code(&bytes, id, number)
            return bytes.key(at: LevelShape.sealedBytes) == code.key ? (bytes, LevelShape.boundBytes) : nil
        }
    }

    // MARK: Files

    /// nil where the tail, or a small level anywhere, is not what was written.
    init?(_ file: consuming Descriptor, id: UInt64, count: Int, _ shape: LevelShape) {
        let open = OpenFile(file)
        let blocks = shape.blocks(of: count)
        let start = blocks * LevelShape.blockBytes
        let tail: [UInt8]
        let length: Int
        do throws(SystemError) {
            length = Int(try open.file.status().size)
            let bytes = length - start
            guard bytes >= blocks * 8 + Digest.byteCount, bytes % 8 == 0 else { return nil }
            var read = untouched(bytes)
            guard try open.file.read(into: &read, at: 0, count: bytes, from: Int64(start)) == bytes else { return nil }
            tail = read
        } catch { return nil }
        let end = tail.count - Digest.byteCount
        guard Self.code(tail[..<end], id, shape) == Digest(tail[end...]) else { return nil }
        (self.id, self.count, self.shape, self.length) = (id, count, shape, length)
        fence = (0..<blocks).map { tail.word(at: $0 * 8) }
        filter = (blocks..<end / 8).map { tail.word(at: $0 * 8) }
        guard count <= shape.rowsInMemory else {
            state = Mutex(.file(open))
            return
        }
        var whole: [UInt8] = []
        whole.reserveCapacity(length)
        let disk = Level(id: id, count: count, shape, .file(open), length: length, fence: fence, filter: filter)
        for number in 0..<blocks {
            guard let (bytes, start) = disk.block(number) else { return nil }
            whole += bytes[start...]
        }
        state = Mutex(.memory(whole + tail))
    }

    /// The code of a tail.
    static func code(_ tail: ArraySlice<UInt8>, _ id: UInt64, _ shape: LevelShape) -> Digest {
        var bound = [UInt8](repeating: 0, count: LevelShape.boundBytes + Digest.byteCount)
        // No block has this number.
        bound.put(id, at: 0)
        bound.put(UInt64.max, at: 8)
        copy(Sealing.hash(tail).bytes, into: &bound, at: LevelShape.boundBytes)
        return Sealing.keyedHash(bound, shape.key)
    }

    /// Reads from this copy of the file from now on, and lets go of the one without a name.
    func isKept(as copy: consuming Descriptor) {
        let copy = OpenFile(copy)
        state.withLock { if case .file = $0 { $0 = .file(copy) } }
    }

    /// Writes all bytes to an empty file.
    func write(to file: borrowing Descriptor) throws(SystemError) {
        switch store {
        case .memory(let bytes): try file.write(bytes, at: 0)
        case .file(let open):
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            var done = 0
            while done < length {
                let got = try open.file.read(into: &buffer, at: 0, count: buffer.count, from: Int64(done))
                // A level that is too short is refused when it is opened.
                if got == 0 { return }
                try file.write(buffer[..<got], at: Int64(done))
                done += got
            }
        }
    }
}

extension [UInt8] {
    /// Most significant byte first, so that words compare as their bytes.
    func word(at offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in offset..<offset + 8 { word = word << 8 | UInt64(self[index]) }
        return word
    }

    func key(at offset: Int) -> UInt128 { UInt128(word(at: offset)) << 64 | UInt128(word(at: offset + 8)) }

    mutating func put(_ word: UInt64, at offset: Int) {
        for index in 0..<8 { self[offset + index] = UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * index)) }
    }
}

extension Digest {
    /// What levels are sorted by: the first 16 bytes, more than enough that no two chunks share them.
    var key: UInt128 { UInt128(a) << 64 | UInt128(b) }
}
