// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground

/// How a run that did not simply succeed ends: with which words, and with which exit code.
struct Ending {
    private let isJSON: Bool
    private let isVerbose: Bool
    /// Whether help or the version was asked for.
    private let isAsked: Bool

    /// - Parameter arguments: looked at as they are, since an error may come before they could be
    ///   understood.
    init(_ arguments: [String]) {
        let options = arguments.prefix { $0 != "--" }
        isJSON = options.contains("--json")
        isVerbose = options.contains("--verbose")
        isAsked = options.contains { Self.questions.contains($0) }
            || options.contains { $0.hasPrefix("--generate-completion-script") }
    }

    private static let questions = ["help", "-h", "--help", "-help", "--help-hidden", "--version"]

    func code(after error: any Error) -> Int32 {
        if let code = error as? ExitCode { return code.rawValue }
        if let trouble = error as? Trouble { return report(trouble) }
        let text = translated(Zwilling.fullMessage(for: error, columns: columns))
        if Zwilling.exitCode(for: error) == .success {
            if isAsked { return reply(text) }
            // A command group without a command: a script that forgot it must not go on.
            tell(text)
            return 2
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { printable(Terminal.bytes(of: $0)) }
        tell(lines.joined(separator: "\n"))
        if isJSON { showError(kind: .wrongUse, message: lines.first ?? "", advice: nil) }
        return 2
    }

    private func report(_ trouble: Trouble) -> Int32 {
        tell("zwilling: " + say(trouble.message))
        if let advice = trouble.advice { tell(say(advice)) }
        if isVerbose, let cause = trouble.cause {
            tell(say("Cause: ", de: "Ursache: ") + "\(cause)")
        }
        if isJSON {
            showError(
                kind: trouble.kind, message: say(trouble.message), advice: trouble.advice.map(say))
        }
        return trouble.exitCode
    }

    private struct ErrorReply: Encodable {
        struct Fields: Encodable {
            let kind: String
            let message: String
            let advice: String?
        }
        let error: Fields
    }

    private func showError(kind: Trouble.Kind, message: String, advice: String?) {
        do {
            try showJSON(
                ErrorReply(error: .init(kind: kind.rawValue, message: message, advice: advice)))
        } catch {
            // The same error has just been told on the other stream.
        }
    }

    /// Help or the version, which were asked for.
    private func reply(_ text: String) -> Int32 {
        do throws(Trouble) {
            try show([text])
            return 0
        } catch { return report(error) }
    }

    // MARK: The parser's own words

    /// Wider than this, prose is hard to read.
    private var columns: Int? {
        Terminal.isTerminal(.output) ? Terminal.width(of: .output).map { min($0, 100) } : 100
    }

    private func translated(_ text: String) -> String {
        let plain = text.replacing(" SUBCOMMANDS:", with: ":").replacing("OVERVIEW: ", with: "")
            .replacing("Error: ", with: "zwilling: ")
        return Self.words.reduce(plain) { text, words in
            text.replacing(words.english, with: say(words))
        }
    }

    /// ArgumentParser speaks English only.
    private static let words: [Words] = [
        Words("SUBCOMMANDS:", de: "BEFEHLE:"),
        Words("ARGUMENTS:", de: "ARGUMENTE:"),
        Words("OPTIONS:", de: "OPTIONEN:"),
        Words("USAGE:", de: "AUFRUF:"),
        Words("Usage:", de: "Aufruf:"),
        Words("<subcommand>", de: "<befehl>"),
        Words("<options>", de: "<optionen>"),
        Words("Help:  ", de: "Hilfe: "),
        Words("Show help information.", de: "Diese Hilfe zeigen."),
        Words("Show subcommand help information.", de: "Hilfe zu einem Befehl zeigen."),
        Words("Show the version.", de: "Die Version zeigen."),
        Words("(values: ", de: "(Werte: "),
        Words("(default: ", de: "(sonst: "),
        Words("Unknown option ", de: "Unbekannte Option "),
        Words("Did you mean ", de: "Gemeint vielleicht "),
        Words("Missing expected argument ", de: "Es fehlt das Argument "),
        Words("Missing value for ", de: "Es fehlt der Wert für "),
        Words("Missing one of: ", de: "Es fehlt eines von: "),
        Words("Unexpected argument ", de: "Überzähliges Argument "),
        Words(" unexpected arguments: ", de: " überzählige Argumente: "),
        Words(" does not take any value, but ", de: " nimmt keinen Wert, angegeben ist "),
        Words(" was specified.", de: "."),
        Words("The option ", de: "Die Option "),
        Words("The value ", de: "Der Wert "),
        Words(" is invalid for ", de: " passt nicht zu "),
        Words("Please provide one of ", de: "Möglich: "),
        Words(" or '", de: " oder '"),
        Words("  See '", de: "  Mehr zeigt '"),
        Words("' for detailed help.", de: "'."),
        Words("' for more information.", de: "'."),
    ]
}
