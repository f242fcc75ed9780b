// SPDX-License-Identifier: EUPL-1.2
import Postgres

/// Where data sets lie that are not where the blueprint says: those of a twin that runs. By id.
package struct Whereabouts: Sendable {
    /// The directory that stands for `/`.
    package var roots: [String: [UInt8]]
    package var addresses: [String: ServerAddress]
    /// Files.
    package var secrets: [String: [UInt8]]

    package static let original = Whereabouts(roots: [:], addresses: [:], secrets: [:])

    package init(
        roots: [String: [UInt8]], addresses: [String: ServerAddress], secrets: [String: [UInt8]]
    ) { (self.roots, self.addresses, self.secrets) = (roots, addresses, secrets) }
}
