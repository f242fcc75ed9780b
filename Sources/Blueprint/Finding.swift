// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Where something stands: counted from 1, columns in Unicode scalars, as editors do.
package struct Place: Hashable, Comparable, Sendable {
    package let file: String
    package let line: Int
    package let column: Int

    package init(file: String, line: Int, column: Int) {
        (self.file, self.line, self.column) = (file, line, column)
    }

    package static func < (one: Place, other: Place) -> Bool {
        (one.file, one.line, one.column) < (other.file, other.line, other.column)
    }
}

extension Place: CustomStringConvertible {
    package var description: String { "\(file):\(line):\(column)" }
}

/// Something to be said about a blueprint, at one place of it.
package struct Finding: Hashable, Sendable {
    package enum Severity: String, Sendable {
        /// The blueprint cannot be used.
        case error
        /// It can be used, and will fail somebody one day.
        case warning
        /// What is not said, and what that costs.
        case hint

        package var words: Words {
            switch self {
            case .error: Words("error", de: "Fehler")
            case .warning: Words("warning", de: "Warnung")
            case .hint: Words("hint", de: "Hinweis")
            }
        }
    }

    package let severity: Severity
    /// Names the rule for programs and for searching; it never changes.
    package let code: Code
    package let place: Place
    package let message: Words
    /// What to do.
    package let remedy: Words

    package init(
        _ severity: Severity, _ code: Code, at place: Place, _ message: Words, remedy: Words
    ) {
        (self.severity, self.code, self.place) = (severity, code, place)
        (self.message, self.remedy) = (message, remedy)
    }
}

/// Collects what is found while a blueprint is read.
final class Findings {
    private(set) var all: [Finding] = []
    /// Ids of what stands there but could not be read: whatever refers to them is right.
    var unread: Set<String> = []

    func add(
        _ severity: Finding.Severity, _ code: Finding.Code, at place: Place, _ message: Words,
        remedy: Words
    ) {
        all.append(Finding(severity, code, at: place, message, remedy: remedy))
    }

    func error(_ code: Finding.Code, at place: Place, _ message: Words, remedy: Words) {
        add(.error, code, at: place, message, remedy: remedy)
    }
}

/// A value with the place where it was written.
package struct Written<Value: Hashable & Sendable>: Hashable, Sendable {
    package let value: Value
    package let place: Place

    package init(_ value: Value, at place: Place) { (self.value, self.place) = (value, place) }

    func map<Other>(_ change: (Value) -> Other) -> Written<Other> {
        Written<Other>(change(value), at: place)
    }
}
