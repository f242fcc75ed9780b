// SPDX-License-Identifier: EUPL-1.2

/// The name of the file by which a program marks a directory as its cache. Only a regular file
/// counts, and only if `isCacheDirectoryTag` says so of its content.
///
/// Source: https://bford.info/cachedir/
package let cachedirTagName = Array("CACHEDIR.TAG".utf8)

private let cachedirSignature = Array("Signature: 8a477f597d28d172789f06886806bc55".utf8)

/// Whether a file that starts with these bytes, of which the first 43 matter, is such a mark.
package func isCacheDirectoryTag(_ firstBytes: [UInt8]) -> Bool {
    firstBytes.starts(with: cachedirSignature)
}
