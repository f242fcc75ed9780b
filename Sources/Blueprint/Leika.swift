// SPDX-License-Identifier: EUPL-1.2
import CBlueprint
import Ground

/// The catalogue of public services (Leistungskatalog, LeiKa): 14 digits each, 99, group, service,
/// act and detail. The list is that of kdn-nrw/OZG-Datenbank-NRW (MIT), state 2019.
package struct Leika: Sendable {
    package struct Service: Hashable, Sendable {
        package let key: String
        package let name: String
    }

    /// By key.
    private let services: [Service]
    private let names: [String: String]

    package static let list = Leika(parsing: embedded)

    package subscript(key: String) -> String? { names[key] }

    package static func isKey(_ text: String) -> Bool {
        text.utf8.count == 14 && text.hasPrefix("99")
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Services whose name has all the words, or whose key begins so: whole words first, then
    /// shorter names.
    package static func find(_ wish: String) -> [Service] {
        let words = folded(wish).split { !$0.isLetter && !$0.isNumber }.map(String.init)
        guard !words.isEmpty else { return [] }
        if words.count == 1, let word = words.first, word.allSatisfy(\.isNumber) {
            return list.services.filter { $0.key.hasPrefix(word) }
        }
        var rated: [(whole: Int, service: Service)] = []
        for service in list.services {
            let name = folded(service.name)
            guard words.allSatisfy(name.contains) else { continue }
            let parts = Set(name.split { !$0.isLetter && !$0.isNumber }.map(String.init))
            rated.append((words.count { !parts.contains($0) }, service))
        }
        return rated.sorted {
            ($0.whole, $0.service.name.count, $0.service.key)
                < ($1.whole, $1.service.name.count, $1.service.key)
        }.map(\.service)
    }

    /// The one whose key differs by a slip of the pen: digits that changed places before others.
    static func meant(by key: String) -> Service? {
        let keys = list.services.map(\.key)
        let digits = key.sorted()
        let swapped = keys.filter { $0.sorted() == digits }
        let near = nearest(to: key, among: swapped, most: 2) ?? nearest(to: key, among: keys, most: 2)
        guard let near else { return nil }
        return list[near].map { Service(key: near, name: $0) }
    }

    /// Without capitals, and with umlauts written out, as people type them either way.
    private static func folded(_ text: String) -> String {
        var result = ""
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            case "ä": result += "ae"
            case "ö": result += "oe"
            case "ü": result += "ue"
            case "ß": result += "ss"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private init(parsing table: String) {
        services = table.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "\t", maxSplits: 1)
            guard parts.count == 2, Self.isKey(String(parts[0])) else { return nil }
            return Service(key: String(parts[0]), name: String(parts[1]))
        }
        names = Dictionary(services.map { ($0.key, $0.name) }) { first, _ in first }
    }

    private static var embedded: String {
        // Safe because the bytes are those of the file that was built in, and live as long as the
        // program.
        unsafe String(
            decoding: UnsafeRawBufferPointer(
                start: zwilling_leika_tsv_start(), count: zwilling_leika_tsv_size),
            as: UTF8.self)
    }
}
