// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What must stand under a key, and an example of it.
package enum Wanted: CaseIterable, Sendable {
    case text, nonEmptyText, flag, number, port, list, item, mapping, settings
    case span, id, path, paths, category, country, variable, webPath, placeOfSecret, vaultPlace, cores, memory

    package var words: Words {
        switch self {
        case .text: Words("a text", de: "ein Text")
        case .nonEmptyText: Words("a text that is not empty", de: "ein nicht leerer Text")
        case .flag: Words("true or false", de: "true oder false")
        case .number: Words("a number", de: "eine Zahl")
        case .port: Words("a port from 1 to 65535", de: "ein Port von 1 bis 65535")
        case .list: Words("a list, each of its items after a dash", de: "eine Liste, jeder Eintrag nach einem Strich")
        case .item: Words("an item with keys", de: "ein Eintrag mit Schlüsseln")
        case .mapping: Words("keys with values", de: "Schlüssel mit Werten")
        case .settings: Words("names with one value each", de: "Namen mit je einem Wert")
        case .span: Words("a span of time in s, min, h, d or w", de: "eine Zeitspanne in s, min, h, d oder w")
        case .id: Words("up to 63 small letters a to z, digits and dashes", de: "bis zu 63 Kleinbuchstaben a bis z, Ziffern und Striche")
        case .path: Words("a path that begins with /", de: "ein Pfad, der mit / beginnt")
        case .paths: Words("paths that begin with /", de: "Pfade, die mit / beginnen")
        case .category: Words("one of D0, D1 … D7", de: "eine von D0, D1 … D7")
        case .country: Words("a country's two capital letters, or EU", de: "die zwei Großbuchstaben eines Landes oder EU")
        case .variable: Words("names of letters, digits and _", de: "Namen aus Buchstaben, Ziffern und _")
        case .webPath: Words("what follows the port in an address, from / on", de: "was in einer Adresse auf den Port folgt, ab /")
        case .cores: Words("a number from 1 to 1024", de: "eine Zahl von 1 bis 1024")
        case .memory: Words("a size in MiB, GiB or TiB", de: "eine Größe in MiB, GiB oder TiB")
        case .vaultPlace: Words("a path that begins with /, or s3://HOST/BUCKET", de: "ein Pfad, der mit / beginnt, oder s3://HOST/BUCKET")
        case .placeOfSecret: Words("\"environment NAME\" or \"file PATH\"", de: "„environment NAME“ oder „file PFAD“")
        }
    }

    /// As it stands after the key in a blueprint.
    var example: String {
        switch self {
        case .text, .nonEmptyText: "words"
        case .flag: "true"
        case .number: "8080"
        case .port: "8080"
        case .list, .item: "[{id: first}]"
        case .mapping: "{confidentiality: high}"
        case .settings: "{LANG: de_DE.UTF-8}"
        case .span: "4 h"
        case .id: "wohngeld-db"
        case .path: "/srv/akten"
        case .paths: "[/srv/akten]"
        case .category: "[D2, D4]"
        case .country: "DE"
        case .variable: "{TIME_ZONE: Europe/Berlin}"
        case .webPath: "/status"
        case .cores: "2"
        case .memory: "4 GiB"
        case .vaultPlace: "/mnt/backup/vault"
        case .placeOfSecret: "environment DB_PASSWORD"
        }
    }
}

extension Findings {
    func wrong(_ key: String, at place: Place, _ wanted: Wanted) {
        error(
            .wrongValue, at: place,
            Words(
                "\"\(key)\" must be \(wanted.words.english).",
                de: "„\(key)“ muss sein: \(wanted.words.german)."),
            remedy: Words(
                "For example \"\(key): \(wanted.example)\".",
                de: "Zum Beispiel „\(key): \(wanted.example)“."))
    }
}
