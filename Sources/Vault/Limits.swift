// SPDX-License-Identifier: EUPL-1.2

/// Every limit of the format and of this writer, in one place (docs/format.md, sections 2 and 9).
/// Sizes are bytes.
package enum Limits {
    // What a reader accepts.
    package static let dataChunkBytesMax = 2 << 20
    package static let treeChunkBytesMax = 16 << 20
    package static let packBytesMax = 64 << 20
    package static let packChunksMax = 4096
    package static let packRecipientsMax = 64
    package static let statementBytesMax = 16 << 20
    package static let bundleBytesMax = 256 << 20
    package static let companionBytesMax = 256 << 20
    package static let nameBytesMax = 255
    package static let deltasInARowMax = 63
    /// A list that grows by more is stated by several records. Then it is not stated whole again as soon.
    package static let packsInRecordMax = 100_000
    /// A record names packs of which it takes less than this, in percent of their content, and so many at most.
    package static let sparsePercent = 50
    package static let sparsePacksMax = 1024
    package static let unitBytesMax = 20 << 20
    package static let unitPlainBytesMax = 16 << 20
    package static let unitFactsBytesMax = 4096
    /// Units of a session: how far a reader ratchets at most.
    package static let unitsInSessionMax = 9000
    package static let unitSessionMax: UInt64 = 999_999_999_999
    /// Of an invitation, and of a claim.
    package static let invitationBytesMax = 64 << 10

    // How a writer cuts.
    package static let chunkBytesMin = 128 << 10
    package static let chunkBytesNormal = 512 << 10
    package static let segmentBytes = 64 << 20
    package static let smallFileBytes = 128 << 10
    package static let groupBytesMin = 256 << 10
    package static let groupBytesMax = 1 << 20
    package static let sectionEntriesMin = 256
    package static let sectionEntriesMax = 4096
    package static let sectionNameBytesMax = 1 << 20
    package static let inlineAttributeBytesMax = 1024
    package static let inlineChunksMax = 64
    package static let rootSectionsMax = 1024

    // How a writer fills packs, and when it says what it has put so far.
    package static let packBytesWanted = 12 << 20
    package static let packBytesClosing = 16 << 20
    /// Where each request costs time or money.
    package static let farPackBytesWanted = 56 << 20
    package static let farPackBytesClosing = 60 << 20
    package static let packPaddingWanted = 64 << 10
    package static let packBytesMin = 64 << 10
    package static let checkpointBytes = 2 << 30

    // How a writer makes units.
    package static let unitBytesMin = 4096
    package static let unitSessionSeconds: Int64 = 3600
    package static let unitSessionAttemptsMax = 100

    /// The relations that the code relies on, checked when a vault is opened.
    package static func check() {
        precondition(chunkBytesMin < chunkBytesNormal && chunkBytesNormal < dataChunkBytesMax)
        precondition(segmentBytes % dataChunkBytesMax == 0)
        precondition(smallFileBytes <= groupBytesMin && groupBytesMin <= groupBytesMax)
        precondition(groupBytesMax <= dataChunkBytesMax)
        // Incompressible content is stored as it is, and padding adds an eighth at most.
        precondition(unitPlainBytesMax + unitPlainBytesMax / 8 + (64 << 10) <= unitBytesMax)
        precondition(packBytesClosing + 2 * treeChunkBytesMax <= packBytesMax)
        precondition(farPackBytesClosing + dataChunkBytesMax < packBytesMax)
    }
}
