// SPDX-License-Identifier: EUPL-1.2
import CYaml
import Ground

/// One value of a YAML document (YAML 1.1, as libyaml reads it), and where it begins. Aliases are
/// already replaced by what they stand for.
struct YAML {
    indirect enum Content {
        /// `isPlain`: written without quotes, so that it may mean nothing at all.
        case scalar(String, isPlain: Bool)
        case sequence([YAML])
        case mapping([(key: YAML, value: YAML)])
    }

    let place: Place
    let content: Content
    /// Values in it, itself included.
    let count: Int

    /// Why a document cannot be read.
    struct Problem: Error {
        let place: Place
        let text: Words
    }

    /// Levels and values that no blueprint needs: a document that would grow beyond all measure by
    /// its aliases is refused before it does.
    static let depthMax = 32
    static let countMax = 200_000

    /// The one document in `bytes`; nil where there is none.
    static func read(_ bytes: [UInt8], file: String) throws(Problem) -> YAML? {
        var reader = try YAMLReader(bytes, file: file)
        return try reader.document()
    }

    var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// What people write for "nothing".
    var isNothing: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// libyaml's parser, which reads from a copy of the bytes.
@safe private final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let file: String

    init?(_ bytes: [UInt8], file: String) {
        self.file = file
        // Safe because both stay where they are until deinit, which alone frees them.
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe input.initialize(from: bytes)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            unsafe input.deallocate()
            return nil
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    enum Kind {
        case documentStart, alias(String), scalar(String, isPlain: Bool), sequence, mapping
        case end, documentEnd, streamEnd, other
    }

    struct Event {
        let kind: Kind
        let anchor: String?
        let place: Place
    }

    func next() throws(YAML.Problem) -> Event {
        var event = unsafe yaml_event_t()
        // Safe because libyaml fills the event, or says that it has not; it is copied before it goes.
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem }
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe event.start_mark
        let place = Place(file: file, line: mark.line + 1, column: mark.column + 1)
        let data = unsafe event.data
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, anchor: nil, place: place)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, anchor: nil, place: place)
        case YAML_STREAM_END_EVENT: return Event(kind: .streamEnd, anchor: nil, place: place)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return Event(kind: .end, anchor: nil, place: place)
        case YAML_ALIAS_EVENT:
            return Event(kind: .alias(unsafe text(data.alias.anchor) ?? ""), anchor: nil, place: place)
        case YAML_SCALAR_EVENT:
            let bytes = unsafe UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
            let isPlain = unsafe data.scalar.style == YAML_PLAIN_SCALAR_STYLE
            return unsafe Event(
                kind: .scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain),
                anchor: text(data.scalar.anchor), place: place)
        case YAML_SEQUENCE_START_EVENT:
            return Event(
                kind: .sequence, anchor: unsafe text(data.sequence_start.anchor), place: place)
        case YAML_MAPPING_START_EVENT:
            return Event(kind: .mapping, anchor: unsafe text(data.mapping_start.anchor), place: place)
        default: return Event(kind: .other, anchor: nil, place: place)
        }
    }

    private func text(_ pointer: UnsafePointer<UInt8>?) -> String? {
        // Safe because libyaml ends its texts with a NUL.
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private var problem: YAML.Problem {
        let mark = unsafe parser.pointee.problem_mark
        let said = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        return YAML.Problem(
            place: Place(file: file, line: mark.line + 1, column: mark.column + 1),
            text: Words(said ?? "it cannot be read", de: said ?? "es ist nicht lesbar"))
    }
}

private struct YAMLReader {
    private let events: YAMLEvents
    private var anchors: [String: YAML] = [:]
    private var count = 0

    init(_ bytes: [UInt8], file: String) throws(YAML.Problem) {
        guard let events = YAMLEvents(bytes, file: file) else {
            throw YAML.Problem(place: Place(file: file, line: 1, column: 1), text: Words("no memory", de: "kein Speicher"))
        }
        self.events = events
    }

    mutating func document() throws(YAML.Problem) -> YAML? {
        var root: YAML?
        while true {
            let event = try events.next()
            switch event.kind {
            case .documentStart:
                guard root == nil else {
                    throw YAML.Problem(place: event.place, text: Words("a second document begins here", de: "hier beginnt ein zweites Dokument"))
                }
                root = try value(try events.next(), depth: 0)
            case .streamEnd: return root
            default: continue
            }
        }
    }

    private mutating func value(
        _ event: YAMLEvents.Event, depth: Int
    ) throws(YAML.Problem) -> YAML {
        guard depth < YAML.depthMax else {
            throw YAML.Problem(place: event.place, text: Words("too many levels", de: "zu viele Ebenen"))
        }
        let value: YAML
        switch event.kind {
        case .alias(let name):
            guard let known = anchors[name] else {
                throw YAML.Problem(place: event.place, text: Words("*\(name) stands for nothing", de: "*\(name) steht für nichts"))
            }
            value = YAML(place: event.place, content: known.content, count: known.count)
        case .scalar(let text, let isPlain):
            value = YAML(place: event.place, content: .scalar(text, isPlain: isPlain), count: 1)
        case .sequence: value = try sequence(event.place, depth)
        case .mapping: value = try mapping(event.place, depth)
        default: throw YAML.Problem(place: event.place, text: Words("a value is missing", de: "ein Wert fehlt"))
        }
        count += value.count
        guard count <= YAML.countMax else {
            throw YAML.Problem(place: event.place, text: Words("too many values", de: "zu viele Werte"))
        }
        if let anchor = event.anchor { anchors[anchor] = value }
        return value
    }

    private mutating func sequence(_ place: Place, _ depth: Int) throws(YAML.Problem) -> YAML {
        var items: [YAML] = []
        while true {
            let event = try events.next()
            if case .end = event.kind { break }
            items.append(try value(event, depth: depth + 1))
        }
        return YAML(
            place: place, content: .sequence(items), count: items.reduce(1) { $0 + $1.count })
    }

    private mutating func mapping(_ place: Place, _ depth: Int) throws(YAML.Problem) -> YAML {
        var pairs: [(key: YAML, value: YAML)] = []
        var known: Set<String> = []
        while true {
            let event = try events.next()
            if case .end = event.kind { break }
            let key = try value(event, depth: depth + 1)
            if let text = key.text, !known.insert(text).inserted {
                throw YAML.Problem(place: key.place, text: Words("the key \"\(text)\" stands here twice", de: "der Schlüssel „\(text)“ steht hier zweimal"))
            }
            pairs.append((key, try value(try events.next(), depth: depth + 1)))
        }
        let count = pairs.reduce(1) { $0 + $1.key.count + $1.value.count }
        return YAML(place: place, content: .mapping(pairs), count: count)
    }
}
