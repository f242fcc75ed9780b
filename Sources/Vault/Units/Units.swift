// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// A unit whose signature and place have been checked, and what it says to an observer.
package struct UnitFact: Sendable {
    package let writer: Writer
    package let session: UInt64
    package let number: UInt32
    /// SHA-256 of the object.
    package let hash: Digest
    /// Of the object.
    package let bytes: Int
    package let facts: UnitFacts

    package var name: ObjectName { SealedUnit.name(writer.id, session, number) }
}

/// The units of a vault that no range supersedes: what an observer sees of continuous data sets.
///
/// Reads every one of them wholly, since only the whole is signed and chained.
package struct Units: Sendable {
    /// By writer, session and number.
    package private(set) var facts: [UnitFact] = []
    /// Units that are damaged or missing, each named; the others stay readable.
    package private(set) var troubles: [Trouble] = []

    /// - Parameter writers: nil for all that the keyring names.
    package init(of observed: Observed, writers: [Writer]? = nil) async throws(Trouble) {
        let writers = (writers ?? observed.vault.keyring.writers).sorted { $0.id < $1.id }
        for writer in writers {
            var scan = UnitScan(observed, writer)
            try await scan.run()
            facts += scan.facts
            troubles += scan.troubles
        }
    }
}
