// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// Which chunks a writer may refer to, and in which pack each lies. Shared by the workers of a run.
///
/// A pack has a number from the moment it is begun, its name only once it is put: so a chunk that
/// one worker is about to store is already known to the others.
package final class KnownChunks: Sendable {
    package enum Claim: Sendable {
        /// It lies in that pack already, or soon will.
        case known(pack: UInt32)
        /// The one who asked must store it.
        case mine
    }

    private struct State {
        var packs: [PackReference?]
        var isLive: [Bool]
        var chunks: [Digest: UInt32]
        var used: Set<UInt32> = []
        /// Put in this run, in the order of their puts.
        var put: [PackReference] = []
        var putBytes = 0
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - packs: those that records of this writer's own chain name.
    ///   - isLive: whether each is really there.
    package init(packs: [PackReference], isLive: [Bool], chunks: [Digest: UInt32]) {
        precondition(packs.count == isLive.count)
        state = Mutex(State(packs: packs, isLive: isLive, chunks: chunks))
    }

    package func begin() -> UInt32 {
        state.withLock {
            $0.packs.append(nil)
            $0.isLive.append(true)
            return UInt32($0.packs.count - 1)
        }
    }

    package func claim(_ id: Digest, for pack: UInt32) -> Claim {
        state.withLock {
            if let known = $0.chunks[id], $0.isLive[Int(known)] {
                $0.used.insert(known)
                return .known(pack: known)
            }
            $0.chunks[id] = pack
            $0.used.insert(pack)
            return .mine
        }
    }

    /// Uses packs without asking for their chunks; false, and nothing is used, where one of them
    /// is not there.
    package func use(_ packs: [UInt32]) -> Bool {
        state.withLock { state in
            guard packs.allSatisfy({ Int($0) < state.isLive.count && state.isLive[Int($0)] })
            else { return false }
            state.used.formUnion(packs)
            return true
        }
    }

    package func put(_ pack: UInt32, as reference: PackReference) {
        state.withLock {
            $0.packs[Int(pack)] = reference
            $0.put.append(reference)
            $0.putBytes += reference.bytes
        }
    }

    /// Bytes of packs put in this run.
    package var putBytes: Int { state.withLock { $0.putBytes } }

    /// Packs put in this run so far, in the order of their puts.
    package var putPacks: [PackReference] { state.withLock { $0.put } }

    /// What this run refers to, and everything that is known at its end: packs by number, nil for
    /// those that are lost or were never put.
    package var result: (used: [UInt32], packs: [PackReference?], chunks: [Digest: UInt32]) {
        state.withLock { state in
            let live = zip(state.packs, state.isLive).map { $1 ? $0 : nil }
            return (state.used.sorted(), live, state.chunks)
        }
    }
}
