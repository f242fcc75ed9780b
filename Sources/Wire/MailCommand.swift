// SPDX-License-Identifier: EUPL-1.2

/// One line of a mail client before its message (RFC 5321, 4.1).
struct MailCommand {
    /// In capital letters.
    let verb: String
    let argument: Substring

    /// Nil where the line has characters that no command has.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        let word = text.prefix { $0 != " " }
        verb = word.uppercased()
        argument = text[word.endIndex...].drop { $0 == " " }.trimmedEnd
    }

    /// The address and the parameters behind `FROM:` or `TO:`; nil where they are not in form.
    func path(after word: String) -> (address: String, parameters: [Substring])? {
        guard argument.prefix(word.count).uppercased() == word else { return nil }
        let rest = argument.dropFirst(word.count).drop { $0 == " " }
        guard rest.first == "<", let end = Self.end(of: rest) else { return nil }
        let parameters = rest[rest.index(after: end)...]
        guard parameters.isEmpty || parameters.first == " " else { return nil }
        var address = rest[..<end].dropFirst()
        // A route that nobody takes any more (appendix C).
        if address.first == "@" {
            guard let colon = address.firstIndex(of: ":") else { return nil }
            address = address[colon...].dropFirst()
        }
        guard address.utf8.count + 2 <= Limits.pathBytesMax else { return nil }
        return (String(address), parameters.split(separator: " "))
    }

    /// The bracket that closes it, which may stand in quotes before that: `<"a>b"@c>`.
    private static func end(of path: Substring) -> Substring.Index? {
        var (isQuoted, isEscaped) = (false, false)
        for index in path.indices {
            switch path[index] {
            case _ where isEscaped: isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"": isQuoted.toggle()
            case ">" where !isQuoted: return index
            default: break
            }
        }
        return nil
    }
}

extension Substring {
    fileprivate var trimmedEnd: Substring {
        var rest = self
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
