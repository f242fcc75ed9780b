// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Form {
    static let ports = 1...65_535

    func port(_ key: String, _ about: Words) -> Written<Int>? {
        guard let node = value(key, about, .number(Self.ports), isRequired: false) else { return nil }
        return port(node, key)
    }

    /// A list of ports; a single one may stand without the list.
    func ports(_ key: String, _ about: Words) -> [Written<Int>] {
        let shape = Shape.list(.number(Self.ports), orOne: true)
        guard let node = value(key, about, shape, isRequired: false) else { return [] }
        guard case .sequence(let items) = node.content else {
            return [port(node, key)].compactMap { $0 }
        }
        return items.compactMap { port($0, key) }
    }

    /// How much of the machine something takes.
    func cores(_ key: String, _ about: Words) -> Written<Int>? {
        let range = 1...1024
        guard let node = value(key, about, .number(range), isRequired: false) else { return nil }
        if let number = node.text.flatMap({ Int($0) }), range.contains(number) { return Written(number, at: node.place) }
        wrong(key, at: node.place, .cores)
        return nil
    }

    /// Bytes.
    func memory(_ key: String, _ about: Words) -> Written<UInt64>? {
        guard let text = text(key, about, pattern: "^[0-9]{1,6} ?(MiB|GiB|TiB)$") else { return nil }
        let digits = text.value.prefix { $0.isASCII && $0.isNumber }
        let shift: UInt64? =
            switch text.value.dropFirst(digits.count).drop(while: { $0 == " " }) {
            case "MiB": 20
            case "GiB": 30
            case "TiB": 40
            default: nil
            }
        if let shift, let count = UInt64(digits), (1...999_999).contains(count) { return Written(count << shift, at: text.place) }
        wrong(key, at: text.place, .memory)
        return nil
    }

    private func port(_ node: YAML, _ key: String) -> Written<Int>? {
        guard let text = node.text, let number = Int(text) else {
            wrong(key, at: node.place, .number)
            return nil
        }
        guard Self.ports.contains(number) else {
            wrong(key, at: node.place, .port)
            return nil
        }
        return Written(number, at: node.place)
    }

    /// Names with a value each, in the order in which they stand.
    func settings(_ key: String, _ about: Words) -> [Setting] {
        guard let node = value(key, about, .settings(Setting.pattern), isRequired: false)
        else { return [] }
        guard case .mapping(let pairs) = node.content else {
            wrong(key, at: node.place, .settings)
            return []
        }
        return pairs.compactMap { pair in
            guard let name = text(pair.key, key) else { return nil }
            guard Setting.isName(name.value) else {
                wrong(key, at: name.place, .variable)
                return nil
            }
            // A value may be empty, which a text elsewhere may not.
            guard let value = pair.value.text else {
                wrong(key, at: pair.value.place, .settings)
                return nil
            }
            return Setting(name: name, value: Written(value, at: pair.value.place))
        }
    }
}

/// A variable of an environment.
package struct Setting: Hashable, Sendable {
    package let name: Written<String>
    package let value: Written<String>

    /// As POSIX has it (XBD, 3.216 and 8.1), small letters too.
    static let pattern = "^[A-Za-z_][A-Za-z0-9_]*$"

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || $0 == UInt8(ascii: "_")
        }
    }

    /// Whether it looks as if it held a secret, which belongs into a data set of its own. One that
    /// only says in which file a secret lies does not.
    var looksSecret: Bool {
        let name = name.value.uppercased()
        let words = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY"]
        let isNamedSo = words.contains { name.hasSuffix($0) } && !value.value.isEmpty
        return isNamedSo || addressHasPassword(value.value)
    }
}

/// Whether an address holds `user:password@`.
func addressHasPassword(_ text: String) -> Bool {
    guard text.contains("://") else { return false }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
    let user = parts.first?.split(separator: "@", omittingEmptySubsequences: false) ?? []
    let password = user.count > 1 ? user[0].split(separator: ":", maxSplits: 1).dropFirst().first : nil
    // A variable is put in later.
    return password.map { !$0.hasPrefix("$") } ?? false
}
