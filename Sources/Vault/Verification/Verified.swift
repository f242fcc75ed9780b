// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

package struct VerifyOptions: Sendable {
    /// Reads every byte of every pack, not only its size.
    package var readsData = false
    /// Packs at a time.
    package var width = Machine.cores

    package init() {}
}

package struct VerifyProgress: Sendable {
    package var packsDone = 0
    package var packsTotal = 0
    package var bytesDone: UInt64 = 0
    package var bytesTotal: UInt64 = 0
}

/// What a verification looked at, and what it found.
package struct Verified: Sendable {
    /// How deep it could look, by the keys and the time it was given.
    package enum Depth: String, Sendable {
        /// Every signature and chain holds; every pack is there with the right size.
        case presence
        /// And every byte of every pack is the one that was put.
        case hashes
        /// And every chunk opens to what its id says, every tree is in order, and everything that
        /// a snapshot refers to is there.
        case content
    }

    package var depth: Depth
    package var keyrings = 0
    package var records = 0
    package var snapshots = 0
    package var packs = 0
    package var chunks = 0
    /// Those that no range supersedes.
    package var units: [UnitFact] = []
    package var bytesRead: UInt64 = 0
    /// Each names its object.
    package var findings: [Trouble] = []
    /// Packs of runs that were interrupted: no record names them. No error.
    package var orphans: [PackReference] = []

    init(depth: Depth) { self.depth = depth }
}
