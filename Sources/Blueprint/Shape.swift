// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What may stand at one place of a blueprint: told by the same code that reads it, so that the
/// schema for editors cannot say anything else.
indirect enum Shape {
    case text(pattern: String?, choices: [String])
    case flag
    case number(ClosedRange<Int>)
    /// Names of such a pattern, with one value each.
    case settings(String)
    case list(Shape, orOne: Bool)
    case object([Field])

    struct Field {
        let key: String
        let about: Words
        /// Kinds of which it must stand, and of which it may; nil stands for all.
        var requiredBy: [String?]
        var kinds: [String?]
        let shape: Shape

        func isRequired(by kind: String?) -> Bool { requiredBy.contains(kind) }

        func isFor(_ kind: String) -> Bool { kinds.contains(kind) || kinds.contains(nil) }
    }
}

extension Shape {
    /// JSON Schema, draft 2020-12.
    func schema(in language: Language) -> [(String, JSON)] {
        switch self {
        case .text(let pattern, let choices):
            var parts: [(String, JSON)] = [("type", .text("string"))]
            if let pattern { parts.append(("pattern", .text(pattern))) }
            if !choices.isEmpty { parts.append(("enum", .list(choices.map { .text($0) }))) }
            return parts
        case .flag: return [("type", .text("boolean"))]
        case .number(let range):
            return [
                ("type", .text("integer")), ("minimum", .number(range.lowerBound)),
                ("maximum", .number(range.upperBound)),
            ]
        case .settings(let pattern):
            let kinds = ["string", "number", "boolean"].map(JSON.text)
            return [
                ("type", .text("object")),
                ("propertyNames", .object([("pattern", .text(pattern))])),
                ("additionalProperties", .object([("type", .list(kinds))])),
            ]
        case .list(let shape, let orOne):
            let list: [(String, JSON)] = [
                ("type", .text("array")), ("items", .object(shape.schema(in: language))),
            ]
            guard orOne else { return list }
            return [("oneOf", .list([.object(list), .object(shape.schema(in: language))]))]
        case .object(let fields): return Self.schema(of: fields, in: language)
        }
    }

    private static func schema(of fields: [Field], in language: Language) -> [(String, JSON)] {
        let properties = fields.map { field in
            let about = ("description", JSON.text(field.about(in: language)))
            return (field.key, JSON.object([about] + field.shape.schema(in: language)))
        }
        return [
            ("type", .text("object")), ("properties", .object(properties)),
            required(of: fields, by: nil), ("additionalProperties", .flag(false)),
        ] + conditions(of: fields)
    }

    private static func required(of fields: [Field], by kind: String?) -> (String, JSON) {
        ("required", .list(fields.filter { $0.isRequired(by: kind) }.map { .text($0.key) }))
    }

    /// What only some kinds have to have, and may have.
    private static func conditions(of fields: [Field]) -> [(String, JSON)] {
        var kinds: [String] = []
        for kind in fields.flatMap(\.kinds).compactMap({ $0 }) where !kinds.contains(kind) {
            kinds.append(kind)
        }
        guard !kinds.isEmpty else { return [] }
        let conditions = kinds.map { kind in
            let isKind = JSON.object([("kind", .object([("const", .text(kind))]))])
            let foreign = fields.filter { !$0.isFor(kind) }.map { ($0.key, JSON.flag(false)) }
            return JSON.object([
                ("if", .object([("properties", isKind), ("required", .list([.text("kind")]))])),
                ("then", .object([required(of: fields, by: kind), ("properties", .object(foreign))])),
            ])
        }
        return [("allOf", .list(conditions))]
    }
}

/// JSON whose keys keep their order.
enum JSON {
    case text(String)
    case flag(Bool)
    case number(Int)
    case list([JSON])
    case object([(String, JSON)])

    func lines(indent: Int = 0) -> String {
        let inner = String(repeating: " ", count: indent + 2)
        let outer = String(repeating: " ", count: indent)
        switch self {
        case .text(let text): return Self.quoted(text)
        case .flag(let flag): return flag ? "true" : "false"
        case .number(let number): return String(number)
        case .list(let items):
            if items.isEmpty { return "[]" }
            let lines = items.map { inner + $0.lines(indent: indent + 2) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + outer + "]"
        case .object(let pairs):
            if pairs.isEmpty { return "{}" }
            let lines = pairs.map { inner + Self.quoted($0) + ": " + $1.lines(indent: indent + 2) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + outer + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
