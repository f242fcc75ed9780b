// SPDX-License-Identifier: EUPL-1.2

/// The few things that S3 says in XML: flat elements, whose text is all that counts. A library for XML
/// would bring all of Foundation into a program of which every vault holds a copy.
enum S3Text {
    /// The text of the first element of this name, with its references resolved.
    static func first(_ name: String, in bytes: some Collection<UInt8>) -> String? {
        var found: String?
        each(name, in: Array(bytes)[...]) { inner in
            found = text(inner)
            return false
        }
        return found
    }

    /// What stands in each element of this name, in order, until `body` has enough. Elements that
    /// hold others of their own name do not occur.
    static func each(_ name: String, in bytes: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Bool) {
        let (begin, end) = (Array("<\(name)".utf8), Array("</\(name)>".utf8))
        var rest = bytes
        while let mark = rest.firstRange(of: begin) {
            rest = rest[mark.upperBound...]
            // Else it is the beginning of a longer name.
            guard let next = rest.first, next == UInt8(ascii: ">") || next == UInt8(ascii: " ") else { continue }
            guard let open = rest.firstIndex(of: UInt8(ascii: ">")) else { return }
            rest = rest[(open + 1)...]
            guard let close = rest.firstRange(of: end) else { return }
            guard body(rest[..<close.lowerBound]) else { return }
            rest = rest[close.upperBound...]
        }
    }

    private static let references = ["&lt;": "<", "&gt;": ">", "&quot;": "\"", "&apos;": "'", "&#34;": "\"", "&#39;": "'", "&amp;": "&"]

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("&") else { return text }
        // The ampersand last, so that what it makes is not read again.
        for (reference, character) in references where reference != "&amp;" {
            text = text.replacing(reference, with: character)
        }
        return text.replacing("&amp;", with: "&")
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
