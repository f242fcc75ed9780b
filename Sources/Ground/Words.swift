// SPDX-License-Identifier: EUPL-1.2

/// The languages in which Zwilling speaks to people.
public enum Language: String, Sendable {
    case english = "en"
    case german = "de"

    /// What the environment asks for: `LC_ALL` before `LC_MESSAGES` before `LANG`, as POSIX has it.
    public init(environment: [String: String]) {
        let wish = ["LC_ALL", "LC_MESSAGES", "LANG"].lazy
            .compactMap { environment[$0] }.first { !$0.isEmpty }
        self = wish?.hasPrefix("de") == true ? .german : .english
    }
}

/// A sentence for people, in every language that Zwilling speaks, written where it is needed.
public struct Words: Hashable, Sendable {
    public let english: String
    public let german: String

    public init(_ english: String, de german: String) {
        self.english = english
        self.german = german
    }

    public func callAsFunction(in language: Language) -> String {
        switch language {
        case .english: english
        case .german: german
        }
    }
}
