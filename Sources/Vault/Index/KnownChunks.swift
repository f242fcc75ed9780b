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
        var packs: [PackReference?] = []
        var chunks: ChunkLevels
        var used: Set<UInt32> = []
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
    package func claim(_ id: Digest, for pack: UInt32?) -> Claim {
        state.withLock { state in
            if let known = state.chunks.find(id, where: isLive) {
                state.used.insert(UInt32(known))
                return .known(pack: UInt32(known))
            }
            if pack == nil { state.packs.append(nil) }
            let pack = pack ?? UInt32(live.count + state.packs.count - 1)
            state.chunks.insert(id, UInt128(pack))
            state.used.insert(pack)
            return .mine(pack: pack)
        }
    }

    /// Uses packs without asking for their chunks; false, and nothing is used, where one of them
    /// is not there.
    package func use(_ packs: [UInt32]) -> Bool {
        state.withLock { state in
            let end = live.count + state.packs.count
            guard packs.allSatisfy({ $0 < end && isLive(UInt128($0)) }) else { return false }
            state.used.formUnion(packs)
            return true
        }
    }

    package func put(_ pack: UInt32, as reference: PackReference) {
        state.withLock {
            $0.packs[Int(pack) - live.count] = reference
            $0.put.append(reference)
            $0.putBytes += reference.bytes
        }
    }

    /// Bytes of packs put in this run.
    package var putBytes: Int { state.withLock { $0.putBytes } }

    /// Packs put in this run so far, in the order of their puts.
    package var putPacks: [PackReference] { state.withLock { $0.put } }

    /// Numbers of the packs to which this run refers.
    package var used: [UInt32] { state.withLock { $0.used.sorted() } }

    /// What is new at the end of a run: its packs by number, nil for those that were never put, and
    /// all chunks.
    var result: (packs: [PackReference?], chunks: ChunkLevels) { state.withLock { ($0.packs, $0.chunks) } }
}
