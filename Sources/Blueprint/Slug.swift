// SPDX-License-Identifier: EUPL-1.2

/// An id made of a name for people: small letters, digits and dashes; nil where nothing is left.
package func slug(_ name: some StringProtocol) -> String? {
    var result = ""
    for scalar in name.lowercased().unicodeScalars {
        switch scalar {
        case "a"..."z", "0"..."9": result.unicodeScalars.append(scalar)
        // An apostrophe parts no words.
        case "'", "’": continue
        default:
            if let plain = plainLetters[scalar] {
                result += plain
            } else if !result.isEmpty, !result.hasSuffix("-") {
                result += "-"
            }
        }
    }
    result = String(result.prefix(63))
    while result.hasSuffix("-") { result.removeLast() }
    return result.isEmpty ? nil : result
}

/// Letters of the languages around, as their own people write them without marks.
private let plainLetters: [Unicode.Scalar: String] = {
    let rows: [(String, String)] = [
        ("àáâãåāăą", "a"), ("çćč", "c"), ("ďđ", "d"), ("èéêëēęě", "e"), ("ğģ", "g"),
        ("ìíîïīıį", "i"), ("ķ", "k"), ("łļ", "l"), ("ñńňņ", "n"), ("òóôõøőō", "o"), ("řŕ", "r"),
        ("śšşș", "s"), ("ťţț", "t"), ("ùúûůűūų", "u"), ("ýÿ", "y"), ("źžż", "z"),
        ("ä", "ae"), ("æ", "ae"), ("ö", "oe"), ("œ", "oe"), ("ü", "ue"), ("ß", "ss"),
    ]
    var table: [Unicode.Scalar: String] = [:]
    for (letters, plain) in rows {
        for letter in letters.unicodeScalars { table[letter] = plain }
    }
    return table
}()
