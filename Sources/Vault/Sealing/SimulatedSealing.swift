// SPDX-License-Identifier: EUPL-1.2
import Crypto

/// What draws randomness of its own and takes long, HPKE and signatures: real, except where a test runs
/// whole vaults from a seed, again and again in the same way. A program cannot choose it, because there is
/// none in it: only the tests have one.
package protocol SimulatedSealing: Sendable {
    func newKey() -> SymmetricKey
    func seal(_ plain: [UInt8], to recipient: Sealing.Recipient, info: [UInt8]) -> [UInt8]
    func open(_ sealed: [UInt8], with key: Sealing.RecipientKey, info: [UInt8]) throws(Unopened) -> [UInt8]
    func signatures(of message: [UInt8], by root: RootIdentity) -> [UInt8]
    func hasSigned(_ root: RootIdentity, _ message: [UInt8], _ signatures: [UInt8]) -> Bool
    /// A writer's. What is signed is real; whoever checks it again and again may remember.
    func isSignature(_ signature: [UInt8], of message: [UInt8], by writer: [UInt8], _ check: () -> Bool) -> Bool
}

extension Sealing {
    @TaskLocal package static var simulated: (any SimulatedSealing)?

    /// Fresh, whatever dice the world brings: those of a machine that was rolled back fall as before.
    static func newKey() -> SymmetricKey { simulated?.newKey() ?? SymmetricKey(size: .bits256) }
}
