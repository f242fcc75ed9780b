// SPDX-License-Identifier: EUPL-1.2
import Ground
import Vault

/// Whether the work goes over or stays.
package enum HandoverDecision: String, Sendable { case taken, kept }

/// What the two sides of a handover say and hear: through the vault, or in a simulation.
package protocol HandoverBoard: Sendable {
    /// Who has the work by the newest keyring; nil while it was never given away.
    func promotion() async throws(Trouble) -> (term: UInt32, holder: String)?
    /// The activation that asks for the work of that term and has no answer yet.
    func asked(of term: UInt32) async throws(Trouble) -> String?
    func ask(_ id: String, of term: UInt32) async throws(Trouble)
    /// How far the work goes that was given.
    func given(_ id: String) async throws(Trouble) -> [Promotion.Cut]?
    func give(_ id: String, of term: UInt32, _ cuts: [Promotion.Cut]) async throws(Trouble)
    func decision(_ id: String) async throws(Trouble) -> HandoverDecision?
    /// - Returns: what holds, which is what the first has said.
    func decide(_ id: String, of term: UInt32, _ decision: HandoverDecision) async throws(Trouble) -> HandoverDecision
    /// The single-use token.
    ///
    /// - Throws: `.exists` where another was promoted after that term.
    func promote(_ holder: String, after term: UInt32, cutting cuts: [Promotion.Cut]) async throws(Trouble)
}
