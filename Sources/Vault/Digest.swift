// SPDX-License-Identifier: EUPL-1.2
import Ground

// swift-crypto has a protocol of this name; in this room and those above it, a digest is ours.
package typealias Digest = Ground.Digest
