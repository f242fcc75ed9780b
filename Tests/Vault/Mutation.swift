// SPDX-License-Identifier: EUPL-1.2

/// What can happen to bytes: by chance, and by somebody who knows the format.
struct Mutation {
    var dice: Seeded

    /// Numbers that length fields like least.
    private static let lengths: [[UInt8]] = [
        [0], [0x7f], [0x80, 1], [0xff, 0x7f], [0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x0f],
        [UInt8](repeating: 0xff, count: 8) + [0x7f], [UInt8](repeating: 0xff, count: 9) + [1],
        [UInt8](repeating: 0x80, count: 10), [UInt8](repeating: 0xff, count: 4), [0, 0, 0, 0x80],
    ]

    init(seed: UInt64) { dice = Seeded(seed) }

    /// One to four changes of `bytes`, for which `others` may lend pieces.
    mutating func mutate(_ bytes: [UInt8], others: [[UInt8]]) -> [UInt8] {
        var result = bytes
        for _ in 0...dice.below(4) { change(&result, others) }
        return result
    }

    private mutating func change(_ bytes: inout [UInt8], _ others: [[UInt8]]) {
        guard !bytes.isEmpty else {
            bytes = dice.bytes(dice.below(20))
            return
        }
        let place = place(in: bytes)
        switch dice.below(9) {
        case 0, 1: bytes[place] ^= 1 << UInt8(dice.below(8))
        case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)]
        case 3: bytes.removeLast(bytes.count - place)
        case 4: bytes.insert(contentsOf: dice.bytes(1 + dice.below(9)), at: place)
        case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + dice.below(40)))
        case 6: splice(&bytes, at: place, others[dice.below(others.count)])
        case 7: splice(&bytes, at: place, bytes)
        default:
            let length = Self.lengths[dice.below(Self.lengths.count)]
            let end = min(bytes.count, place + (dice.below(2) == 0 ? 1 : length.count))
            bytes.replaceSubrange(place..<end, with: length)
        }
    }

    /// Half of the changes fall among the first bytes, where the lengths are.
    private mutating func place(in bytes: [UInt8]) -> Int {
        dice.below(dice.below(2) == 0 ? bytes.count : min(bytes.count, 120))
    }

    private mutating func splice(_ bytes: inout [UInt8], at place: Int, _ other: [UInt8]) {
        guard !other.isEmpty else { return }
        let start = dice.below(other.count)
        let piece = other[start..<min(other.count, start + 1 + dice.below(200))]
        let end = dice.below(2) == 0 ? place : min(bytes.count, place + piece.count)
        bytes.replaceSubrange(place..<end, with: piece)
    }
}
