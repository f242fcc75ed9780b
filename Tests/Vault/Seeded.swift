// SPDX-License-Identifier: EUPL-1.2
import Crypto
import Ground
import Synchronization
import Vault

/// Dice that fall the same way for the same seed: SplitMix64 (Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", OOPSLA 2014).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 56) }
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

extension World {
    /// A world in which everything happens again in the same way, one second after the other.
    static func seeded(_ seed: UInt64, from start: Int64 = 1_700_000_000) -> World {
        let fate = Fate(seed, start)
        return World(
            now: {
                fate.state.withLock { state in
                    state.seconds += 1
                    return Moment(seconds: state.seconds)
                }
            },
            random: { count in fate.state.withLock { $0.dice.bytes(count) } })
    }
}

/// What comes next: a class, because a closure that escapes cannot hold a mutex itself.
private final class Fate: Sendable {
    let state: Mutex<(dice: Seeded, seconds: Int64)>

    init(_ seed: UInt64, _ start: Int64) { state = Mutex((Seeded(seed), start)) }
}

/// Bytes that no compressor can make smaller, many and fast: the key stream of AES.
func noise(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    let key = SymmetricKey(data: [UInt8](repeating: seed, count: 32))
    let zeros = [UInt8](repeating: 0, count: count)
    return Array(Sealing.seal(zeros, under: key, binding: []).prefix(count))
}

/// Bytes that any compressor makes much smaller.
func prose(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    let sentence = Array("The town hall keeps record \(seed) of everything. ".utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + sentence.count)
    while bytes.count < count { bytes += sentence }
    return Array(bytes.prefix(count))
}
