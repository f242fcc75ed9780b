// SPDX-License-Identifier: EUPL-1.2
import Crypto
import FoundationEssentials
import Ground
import Sites

/// The numbered statement, signed by root, that says which keys there are (docs/format.md,
/// section 5). A value: opening, checking and changing it happens in its extensions.
package struct Keyring: Sendable {
    package struct Epoch: Sendable {
        package let number: UInt32
        package let reader: Sealing.Recipient
    }

    package let vault: Identifier
    package let number: UInt32
    package let previous: Digest
    package let root: RootIdentity
    package let made: Moment
    package let wraps: [PassphraseWrap]
    package let strongboxSalt: [UInt8]
    package let sealedStrongbox: [UInt8]
    package let observer: Sealing.Recipient
    /// At least one; the last is current.
    package let epochs: [Epoch]
    package let writers: [Writer]
    package let companions: [Companion]
    /// Where its objects lie.
    package var plan = SitePlan()
    /// Who has the work; nil while it was never given away.
    package var promotion: Promotion?
    /// Who may say what is no longer needed.
    package var stewards: [Steward] = []

    package var currentEpoch: Epoch { epochs[epochs.count - 1] }

    package func writer(_ id: Identifier) -> Writer? { writers.first { $0.id == id } }

    /// Where keyrings lie: each twice, since without its keyring a vault is lost.
    package static let folders = ["keyring/", "keyring-copy/"]
    /// Of both.
    package static let prefix = "keyring"

    package static func name(_ number: UInt32, in folder: String = folders[0]) -> ObjectName {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 8 - digits.count))
        guard let name = ObjectName("\(folder)\(zeros)\(digits)") else {
            preconditionFailure("digits make a name")
        }
        return name
    }

    /// What the secrets are bound to: a forged keyring cannot borrow them.
    var binding: [UInt8] { vault.bytes + root.fingerprint.bytes }
}

/// A machine that adds to the vault.
package struct Writer: Sendable {
    package enum State: Sendable {
        case active
        /// Records after this one are not accepted.
        case retired(lastSequence: UInt64, lastRecord: Digest)
    }

    package let id: Identifier
    package let name: String
    /// Ed25519.
    package let publicKey: [UInt8]
    package let added: Moment
    package let domain: Identifier
    package let epoch: UInt32
    package let sealedDomainSecret: [UInt8]
    package let state: State

    static func domainInfo(
        vault: Identifier, writer: Identifier, domain: Identifier
    ) -> [UInt8] {
        Sealing.labelled("zwilling domain", vault.bytes + writer.bytes + domain.bytes)
    }

    func retired(after lastSequence: UInt64, _ lastRecord: Digest) -> Writer {
        Writer(
            id: id, name: name, publicKey: publicKey, added: added, domain: domain, epoch: epoch,
            sealedDomainSecret: sealedDomainSecret,
            state: .retired(lastSequence: lastSequence, lastRecord: lastRecord))
    }
}

/// A plain file in the vault that explains or opens it.
package struct Companion: Hashable, Sendable {
    package let name: String
    package let size: Int
    package let digest: Digest
}
