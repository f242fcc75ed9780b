// SPDX-License-Identifier: EUPL-1.2

/// How much is too much for a site.
package enum SiteLimits {
    /// What one object may hold, or one get may return. Far more than the vault ever puts; it
    /// keeps a planted file from taking all memory.
    package static let objectBytesMax = 1 << 30

    /// After how long a temporary file belongs to no living put: one day.
    package static let temporarySeconds: Int64 = 86_400
}
