// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a value of a blueprint is read from: one mapping of YAML, key by key. In *describing* mode
/// the same calls tell what may stand there, and give nothing.
///
/// Nothing here throws: what is wrong is noted with its place, and reading goes on, so that people
/// see all of it at once.
final class Form {
    /// Where the mapping begins.
    let place: Place
    let findings: Findings
    private var pairs: [(key: String, place: Place, value: YAML)] = []
    /// Keys that were asked for, in order.
    private var asked: [String] = []
    /// Keys that exist, but not for what this is.
    private var elsewhere: [(key: String, why: Words)] = []
    /// Only in describing mode.
    private var fields: [Shape.Field]?
    /// Only in describing mode: of which kind of the value the keys are that are asked for now.
    private var kind: String?

    init(_ mapping: [(key: YAML, value: YAML)], at place: Place, _ findings: Findings) {
        (self.place, self.findings) = (place, findings)
        for (key, value) in mapping {
            guard let text = key.text else {
                findings.error(
                    .keyIsNoText, at: key.place,
                    Words("A key must be a word.", de: "Ein Schlüssel muss ein Wort sein."),
                    remedy: Words(
                        "Write it as \"word: value\".", de: "Als „wort: wert“ schreiben."))
                continue
            }
            pairs.append((text, key.place, value))
        }
    }

    /// In describing mode.
    private init() {
        place = Place(file: "", line: 1, column: 1)
        findings = Findings()
        fields = []
    }

    /// Whether it only tells what there is; then it gives nothing.
    var isDescribing: Bool { fields != nil }

    static func shape<Value: Formed>(of type: Value.Type) -> Shape {
        let form = Form()
        _ = Value(form)
        return .object(form.fields ?? [])
    }

    // MARK: Asking

    /// Whether the keys of a kind are to be read here. Where they are not, they are still known, so
    /// that one of them is told apart from a slip of the pen.
    func isFor(_ kind: String, _ isWanted: Bool, _ keys: [String]) -> Bool {
        self.kind = kind
        if isWanted || isDescribing { return true }
        excludes(
            keys,
            because: Words(
                "This key is for data sets of kind \"\(kind)\".",
                de: "Dieser Schlüssel gehört zu Datenbeständen der Art „\(kind)“."))
        return false
    }

    /// The value under a key, which from now on is known; nil where there is none, or it is null.
    func value(
        _ key: String, _ about: Words, _ shape: @autoclosure () -> Shape, isRequired: Bool
    ) -> YAML? {
        if let known = fields {
            // Some keys belong to several kinds.
            if let index = known.firstIndex(where: { $0.key == key }) {
                fields?[index].kinds.append(kind)
                if isRequired { fields?[index].requiredBy.append(kind) }
                return nil
            }
            fields?.append(
                Shape.Field(
                    key: key, about: about, requiredBy: isRequired ? [kind] : [], kinds: [kind],
                    shape: shape()))
            return nil
        }
        asked.append(key)
        if let pair = pairs.first(where: { $0.key == key }), !pair.value.isNothing {
            return pair.value
        }
        if isRequired {
            findings.error(
                .missingKey, at: place,
                Words("\"\(key)\" is missing here.", de: "Hier fehlt „\(key)“."),
                remedy: Words(
                    "Add \"\(key): …\" (\(about.english)).",
                    de: "„\(key): …“ ergänzen (\(about.german))."))
        }
        return nil
    }

    /// Notes a key that belongs to something else of its kind, for a better message.
    private func excludes(_ keys: [String], because why: Words) {
        for key in keys { elsewhere.append((key, why)) }
    }

    func text(
        _ key: String, _ about: Words, required: Bool = false, pattern: String? = nil
    ) -> Written<String>? {
        let shape = Shape.text(pattern: pattern, choices: [])
        return value(key, about, shape, isRequired: required).flatMap { text($0, key) }
    }

    func text(_ node: YAML, _ key: String) -> Written<String>? {
        guard let text = node.text else {
            wrong(key, at: node.place, .text)
            return nil
        }
        guard !text.unicodeScalars.contains("\0"), !text.isEmpty else {
            wrong(key, at: node.place, .nonEmptyText)
            return nil
        }
        return Written(text, at: node.place)
    }

    /// A list of texts; a single one may stand without the list.
    func texts(
        _ key: String, _ about: Words, required: Bool = false, pattern: String? = nil,
        choices: [String] = []
    ) -> [Written<String>] {
        let shape = Shape.list(.text(pattern: pattern, choices: choices), orOne: true)
        guard let node = value(key, about, shape, isRequired: required) else { return [] }
        guard case .sequence(let items) = node.content else {
            return text(node, key).map { [$0] } ?? []
        }
        return items.compactMap { text($0, key) }
    }

    func flag(_ key: String, _ about: Words) -> Written<Bool>? {
        guard let node = value(key, about, .flag, isRequired: false) else { return nil }
        switch node.text?.lowercased() {
        case "true", "yes", "ja": return Written(true, at: node.place)
        case "false", "no", "nein": return Written(false, at: node.place)
        default:
            wrong(key, at: node.place, .flag)
            return nil
        }
    }

    func choice<Choice: CaseIterable & RawRepresentable & Hashable & Sendable>(
        _ key: String, _ about: Words, of type: Choice.Type, required: Bool = false
    ) -> Written<Choice>? where Choice.RawValue == String {
        let all = Choice.allCases.map(\.rawValue)
        guard
            let node = value(
                key, about, .text(pattern: nil, choices: all), isRequired: required),
            let text = text(node, key)
        else { return nil }
        let place = text.place
        if let choice = Choice(rawValue: text.value) { return Written(choice, at: place) }
        let near = nearest(to: text.value, among: all)
        findings.error(
            .unknownWord, at: place,
            Words(
                "\"\(text.value)\" is nothing that \"\(key)\" can be.",
                de: "„\(text.value)“ kann bei „\(key)“ nicht stehen."),
            remedy: Words(
                (near.map { "Did you mean \"\($0)\"? " } ?? "")
                    + "Possible: " + all.joined(separator: ", ") + ".",
                de: (near.map { "Gemeint vielleicht „\($0)“? " } ?? "")
                    + "Möglich: " + all.joined(separator: ", ") + "."))
        return nil
    }

    func list<Value: Formed>(_ key: String, _ about: Words, of type: Value.Type) -> [Value] {
        let shape = { Shape.list(Form.shape(of: type), orOne: false) }
        guard let node = value(key, about, shape(), isRequired: false) else { return [] }
        guard case .sequence(let items) = node.content else {
            wrong(key, at: node.place, .list)
            return []
        }
        return items.compactMap { item in
            guard case .mapping(let mapping) = item.content else {
                wrong(key, at: item.place, .item)
                return nil
            }
            let form = Form(mapping, at: item.place, findings)
            defer { form.finish() }
            let value = Value(form)
            if value == nil, let id = form.pairs.first(where: { $0.key == "id" })?.value.text {
                findings.unread.insert(id)
            }
            return value
        }
    }

    func one<Value: Formed>(_ key: String, _ about: Words, of type: Value.Type) -> Value? {
        guard let node = value(key, about, Form.shape(of: type), isRequired: false)
        else { return nil }
        guard case .mapping(let mapping) = node.content else {
            wrong(key, at: node.place, .mapping)
            return nil
        }
        let form = Form(mapping, at: node.place, findings)
        defer { form.finish() }
        return Value(form)
    }

    // MARK: Wrong

    func wrong(_ key: String, at place: Place, _ wanted: Wanted) {
        findings.wrong(key, at: place, wanted)
    }

    /// To be called when everything has been asked for: what is left is not known.
    func finish() {
        for pair in pairs where !asked.contains(pair.key) {
            let why = elsewhere.first { $0.key == pair.key }?.why
            let near = nearest(to: pair.key, among: asked)
            let shown = pair.key
            findings.error(
                .unknownKey, at: pair.place,
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
