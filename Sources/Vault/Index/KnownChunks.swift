// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// Which chunks a writer may refer to, and in which pack each lies. Shared by the workers of a run.
///
/// A pack has a number from its first chunk on, its name only once it is put: so a chunk that one
/// worker is about to store is already known to the others.
package final class KnownChunks: Sendable {
    package enum Claim: Sendable {
        /// It lies in that pack already, or soon will.
        case known(pack: UInt32)
        /// The one who asked must store it, in that pack.
        case mine(pack: UInt32)
    }

    private struct State {
        /// Of this run, nil until they are put.
        var packs: [(reference: PackReference, content: Int)?] = []
        var chunks: ChunkLevels
        var used: [UInt32: Int] = [:]
        /// Put in this run, in the order of their puts.
        var put: [PackReference] = []
        var putBytes = 0
    }

    /// Of each pack that was there before this run.
    let live: [Bool]
    private let state: Mutex<State>

    /// - Parameters:
    ///   - isLive: whether each pack that records of this writer's own chain name is really there.
    ///   - chunks: numbers of packs.
    package init(isLive: [Bool], chunks: ChunkLevels) {
        live = isLive
        state = Mutex(State(chunks: chunks))
    }

    private func isLive(_ pack: UInt128) -> Bool { pack >= live.count || live[Int(pack)] }

    /// - Parameter pack: the one that is open; nil begins one where the chunk is new.
    package func claim(_ id: Digest, bytes: Int, for pack: UInt32?) -> Claim {
        state.withLock { state in
            if let known = state.chunks.find(id, where: isLive) {
                state.used[UInt32(known), default: 0] += bytes
                return .known(pack: UInt32(known))
            }
            if pack == nil { state.packs.append(nil) }
            let pack = pack ?? UInt32(live.count + state.packs.count - 1)
            state.chunks.insert(id, UInt128(pack))
            state.used[pack, default: 0] += bytes
            return .mine(pack: pack)
        }
    }

    /// Uses packs without asking for their chunks; false, and nothing is used, where one of them
    /// is not there.
    package func use(_ uses: PackUses) -> Bool {
        state.withLock { state in
            let end = live.count + state.packs.count
            guard uses.all.allSatisfy({ $0.pack < end && isLive(UInt128($0.pack)) }) else { return false }
            for use in uses.all { state.used[use.pack, default: 0] += Int(use.bytes) }
            return true
        }
    }

    /// - Parameter content: bytes of content in it.
    package func put(_ pack: UInt32, as reference: PackReference, content: Int) {
        state.withLock {
            $0.packs[Int(pack) - live.count] = (reference, content)
            $0.put.append(reference)
            $0.putBytes += reference.bytes
        }
    }

    /// Bytes of packs put in this run.
    package var putBytes: Int { state.withLock { $0.putBytes } }

    /// Packs put in this run so far, in the order of their puts.
    package var putPacks: [PackReference] { state.withLock { $0.put } }

    /// The packs to which this run refers, by number, and how many bytes of their content it takes.
    package var used: [(pack: UInt32, bytes: Int)] {
        state.withLock { $0.used.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// What is new at the end of a run: its packs by number, nil for those that were never put, and
    /// all chunks.
    var result: (packs: [(reference: PackReference, content: Int)?], chunks: ChunkLevels) { state.withLock { ($0.packs, $0.chunks) } }
}
