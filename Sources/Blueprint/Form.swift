// SPDX-License-Identifier: EUPL-1.2
import Ground
import Yams

/// What a value of a blueprint is read from: one mapping of YAML, key by key. In *describing* mode
/// the same calls tell what may stand there, and give nothing.
///
/// Nothing here throws: what is wrong is noted with its place, and reading goes on, so that people
/// see all of it at once.
final class Form {
    /// Where the mapping begins.
    let place: Place
    let findings: Findings
    private let file: String
    private var pairs: [(key: String, place: Place, value: Node)] = []
    /// Keys that were asked for, in order.
    private var asked: [String] = []
    /// Keys that exist, but not for what this is.
    private var elsewhere: [(key: String, why: Words)] = []
    /// Only in describing mode.
    private var fields: [Shape.Field]?

    init(_ mapping: Node.Mapping, at place: Place, _ findings: Findings) {
        (self.place, self.findings, file) = (place, findings, place.file)
        for (key, value) in mapping {
            let at = Self.place(of: key, in: file) ?? place
            guard case .scalar(let scalar) = key else {
                findings.error(
                    "key-is-no-text", at: at,
                    Words("A key must be a word.", de: "Ein Schlüssel muss ein Wort sein."),
                    remedy: Words(
                        "Write it as \"word: value\".", de: "Als „wort: wert“ schreiben."))
                continue
            }
            pairs.append((scalar.string, at, value))
        }
    }

    private init(describing file: String) {
        self.file = file
        place = Place(file: file, line: 1, column: 1)
        findings = Findings()
        fields = []
    }

    /// Whether it only tells what there is; then it gives nothing.
    var isDescribing: Bool { fields != nil }

    static func place(of node: Node, in file: String) -> Place? {
        node.mark.map { Place(file: file, line: $0.line, column: $0.column) }
    }

    static func shape<Value: Formed>(of type: Value.Type) -> Shape {
        let form = Form(describing: "")
        _ = Value(form)
        return .object(form.fields ?? [])
    }

    // MARK: Asking

    /// The value under a key, which from now on is known; nil where there is none, or it is null.
    private func value(
        _ key: String, _ about: Words, _ shape: @autoclosure () -> Shape, isRequired: Bool
    ) -> (node: Node, place: Place)? {
        if let known = fields {
            // Some keys belong to several kinds.
            if known.contains(where: { $0.key == key }) { return nil }
            fields?.append(
                Shape.Field(key: key, about: about, isRequired: isRequired, shape: shape()))
            return nil
        }
        asked.append(key)
        if let pair = pairs.first(where: { $0.key == key }), !pair.value.isNothing {
            return (pair.value, Self.place(of: pair.value, in: file) ?? pair.place)
        }
        if isRequired {
            findings.error(
                "missing-key", at: place,
                Words("\"\(key)\" is missing here.", de: "Hier fehlt „\(key)“."),
                remedy: Words(
                    "Add \"\(key): …\" (\(about.english)).",
                    de: "„\(key): …“ ergänzen (\(about.german))."))
        }
        return nil
    }

    /// Notes a key that belongs to something else of its kind, for a better message.
    func excludes(_ keys: [String], because why: Words) {
        for key in keys { elsewhere.append((key, why)) }
    }

    func text(
        _ key: String, _ about: Words, required: Bool = false, pattern: String? = nil
    ) -> Written<String>? {
        guard
            let (node, place) = value(
                key, about, .text(pattern: pattern, choices: []), isRequired: required)
        else { return nil }
        return text(node, at: place, key)
    }

    private func text(_ node: Node, at place: Place, _ key: String) -> Written<String>? {
        guard case .scalar(let scalar) = node else {
            wrong(key, at: place, Words("a text", de: "ein Text"))
            return nil
        }
        guard !scalar.string.unicodeScalars.contains("\0"), !scalar.string.isEmpty else {
            wrong(key, at: place, Words("a text that is not empty", de: "ein nicht leerer Text"))
            return nil
        }
        return Written(scalar.string, at: place)
    }

    /// A list of texts; a single one may stand without the list.
    func texts(_ key: String, _ about: Words, required: Bool = false) -> [Written<String>] {
        let shape = Shape.list(.text(pattern: nil, choices: []), orOne: true)
        guard let (node, place) = value(key, about, shape, isRequired: required) else { return [] }
        guard case .sequence(let sequence) = node else {
            return text(node, at: place, key).map { [$0] } ?? []
        }
        return sequence.compactMap { text($0, at: Self.place(of: $0, in: file) ?? place, key) }
    }

    /// Free names with a text each.
    func named(_ key: String, _ about: Words) -> [(name: String, text: Written<String>)] {
        guard let (node, place) = value(key, about, .texts, isRequired: false) else { return [] }
        guard case .mapping(let mapping) = node else {
            wrong(key, at: place, Words("names with values", de: "Namen mit Werten"))
            return []
        }
        return mapping.compactMap { name, value in
            guard let name = name.string, let text = text(value, at: place, key) else { return nil }
            return (name, text)
        }
    }

    func whole(_ key: String, _ about: Words, in range: ClosedRange<Int>) -> Written<Int>? {
        guard let (node, place) = value(key, about, .whole(range), isRequired: false) else {
            return nil
        }
        guard let number = node.scalar.flatMap({ Int($0.string) }), range.contains(number) else {
            wrong(
                key, at: place,
                Words(
                    "a whole number from \(range.lowerBound) to \(range.upperBound)",
                    de: "eine ganze Zahl von \(range.lowerBound) bis \(range.upperBound)"))
            return nil
        }
        return Written(number, at: place)
    }

    func flag(_ key: String, _ about: Words) -> Written<Bool>? {
        guard let (node, place) = value(key, about, .flag, isRequired: false) else { return nil }
        switch node.scalar?.string.lowercased() {
        case "true", "yes", "ja": return Written(true, at: place)
        case "false", "no", "nein": return Written(false, at: place)
        default:
            wrong(key, at: place, Words("true or false", de: "true oder false"))
            return nil
        }
    }

    func choice<Choice: CaseIterable & RawRepresentable & Hashable & Sendable>(
        _ key: String, _ about: Words, of type: Choice.Type, required: Bool = false
    ) -> Written<Choice>? where Choice.RawValue == String {
        let all = Choice.allCases.map(\.rawValue)
        guard
            let (node, place) = value(
                key, about, .text(pattern: nil, choices: all), isRequired: required),
            let text = text(node, at: place, key)
        else { return nil }
        if let choice = Choice(rawValue: text.value) { return Written(choice, at: place) }
        let near = nearest(to: text.value, among: all)
        findings.error(
            "unknown-word", at: place,
            Words(
                "\"\(text.value)\" is nothing that \"\(key)\" can be.",
                de: "„\(text.value)“ kann bei „\(key)“ nicht stehen."),
            remedy: Words(
                near.map { "Did you mean \"\($0)\"? " } ?? ""
                    + "Possible: " + all.joined(separator: ", ") + ".",
                de: (near.map { "Gemeint vielleicht „\($0)“? " } ?? "")
                    + "Möglich: " + all.joined(separator: ", ") + "."))
        return nil
    }

    func list<Value: Formed>(_ key: String, _ about: Words, of type: Value.Type) -> [Value] {
        let shape = { Shape.list(Form.shape(of: type), orOne: false) }
        guard let (node, place) = value(key, about, shape(), isRequired: false) else { return [] }
        guard case .sequence(let sequence) = node else {
            wrong(
                key, at: place,
                Words(
                    "a list, each of its items after a dash",
                    de: "eine Liste, jeder Eintrag nach einem Strich"))
            return []
        }
        return sequence.compactMap { item in
            let at = Self.place(of: item, in: file) ?? place
            guard case .mapping(let mapping) = item else {
                wrong(key, at: at, Words("an item with keys", de: "ein Eintrag mit Schlüsseln"))
                return nil
            }
            let form = Form(mapping, at: at, findings)
            defer { form.finish() }
            return Value(form)
        }
    }

    func one<Value: Formed>(_ key: String, _ about: Words, of type: Value.Type) -> Value? {
        guard let (node, place) = value(key, about, Form.shape(of: type), isRequired: false)
        else { return nil }
        guard case .mapping(let mapping) = node else {
            wrong(key, at: place, Words("keys with values", de: "Schlüssel mit Werten"))
            return nil
        }
        let form = Form(mapping, at: place, findings)
        defer { form.finish() }
        return Value(form)
    }

    // MARK: Wrong

    func wrong(_ key: String, at place: Place, _ wanted: Words) {
        findings.error(
            "wrong-value", at: place,
            Words(
                "\"\(key)\" must be \(wanted.english).",
                de: "„\(key)“ muss sein: \(wanted.german)."),
            remedy: Words("Write it so.", de: "So schreiben."))
    }

    /// To be called when everything has been asked for: what is left is not known.
    func finish() {
        for pair in pairs where !asked.contains(pair.key) {
            let why = elsewhere.first { $0.key == pair.key }?.why
            let near = nearest(to: pair.key, among: asked)
            let shown = pair.key
            findings.error(
                "unknown-key", at: pair.place,
                why ?? Words("There is no key \"\(shown)\" here.", de: "Hier gibt es keinen Schlüssel „\(shown)“."),
                remedy: near.map {
                    Words("Did you mean \"\($0)\"?", de: "Gemeint vielleicht „\($0)“?")
                }
                    ?? Words(
                        "Known here: \(asked.joined(separator: ", ")).",
                        de: "Hier bekannt: \(asked.joined(separator: ", "))."))
        }
    }
}

/// A value that reads itself from a form, and thereby describes itself.
protocol Formed {
    /// nil where what it cannot do without is missing or wrong, which has been noted.
    init?(_ form: Form)
}

extension Node {
    fileprivate var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
