// SPDX-License-Identifier: EUPL-1.2

/// What stays out of a snapshot, or what a restore is limited to: patterns of which the last one
/// that matches decides (`man gitignore`).
package struct Exclusion: Sendable {
    /// Excludes nothing.
    package static let none = Exclusion([])

    private let patterns: [Pattern]

    package init(_ patterns: [Pattern]) { self.patterns = patterns }

    package init(text: [UInt8]) throws(PatternFault) { self.init(try Pattern.all(in: text)) }

    /// Whether the patterns exclude this entry itself. Whoever walks a tree must not enter a
    /// directory that is excluded, for nothing below it can be included again; so there is no need
    /// to ask about the entries above.
    ///
    /// - Parameter path: The names from below the protected directory down to the entry.
    package func excludes(_ path: [[UInt8]], isDirectory: Bool) -> Bool {
        excludes(path, depth: path.count, isDirectory: isDirectory)
    }

    /// Whether the patterns choose this entry or any directory above it, for `restore --include`.
    ///
    /// As in git, a negated pattern takes back what an earlier one chose, but nothing below a
    /// directory that stays chosen: `docs/*` and `!docs/old` leave out `docs/old`, while `docs` and
    /// `!docs/old` do not.
    package func includesUnderParents(_ path: [[UInt8]], isDirectory: Bool) -> Bool {
        for depth in 0..<path.count where excludes(path, depth: depth, isDirectory: true) {
            return true
        }
        return excludes(path, isDirectory: isDirectory)
    }

    private func excludes(_ path: [[UInt8]], depth: Int, isDirectory: Bool) -> Bool {
        // By index, because `reversed()` and `last(where:)` copy every pattern.
        var index = patterns.count
        while index > 0 {
            index -= 1
            if patterns[index].matches(path, depth: depth, isDirectory: isDirectory) {
                return !patterns[index].isNegated
            }
        }
        return false
    }
}
