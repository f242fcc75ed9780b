// SPDX-License-Identifier: EUPL-1.2

/// The word that somebody who wrote `word` may have meant: at most a third of it apart, by
/// insertions, deletions, exchanges and swaps of neighbours (Damerau, 1964).
///
/// - Parameter most: how far apart they may be instead.
func nearest(to word: String, among known: [String], most: Int? = nil) -> String? {
    let wish = Array(word.lowercased().unicodeScalars.prefix(64))
    let most = most ?? max(1, wish.count / 3)
    let rated = known.map { ($0, distance(wish, Array($0.lowercased().unicodeScalars.prefix(64)))) }
    return rated.filter { $0.1 <= most }.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

private func distance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
    var older: [Int] = []
    var last = Array(0...other.count)
    for i in one.indices {
        var row = [i + 1]
        for j in other.indices {
            var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (one[i] == other[j] ? 0 : 1))
            if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                best = min(best, older[j - 1] + 1)
            }
            row.append(best)
        }
        (older, last) = (last, row)
    }
    return last[other.count]
}
