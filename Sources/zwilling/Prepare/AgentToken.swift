// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Vault

/// Where a new token goes: a file, standard output where that is asked for, else the terminal
/// itself, so that it stands in no log.
struct TokenTarget {
    /// Of the file.
    let path: [UInt8]?
    let isOutput: Bool

    /// - Throws: where it could not be handed over, before anything is made.
    init(file: PathArgument?, vault: VaultPlace) throws(Trouble) {
        isOutput = file?.bytes == [UInt8(ascii: "-")]
        path = isOutput ? nil : try file?.absolute()
        if let path {
            try refuse(path, inside: vault)
        } else if !isOutput, !Terminal.isThere {
            throw Self.noTerminal(nil)
        }
    }

    /// Puts the token into the file, if there is one.
    func keep(_ token: Token) throws(Trouble) {
        guard let path else { return }
        do throws(SystemError) {
            try Machine.writeDurably(path, Array((token.text + "\n").utf8), replacing: false)
        } catch {
            throw error.trouble(
                Words("Cannot write the token", de: "Token lässt sich nicht schreiben:"),
                advice: Words(
                    "Nothing has been made. Name a new file with --token-file FILE.",
                    de: "Es wurde nichts angelegt. Mit --token-file DATEI eine neue Datei nennen."))
        }
    }

    /// The token is for nothing.
    func discard() {
        if let path { Machine.discardFile(path) }
    }

    /// Shows the token where it is not in a file.
    func show(_ token: Token) throws(Trouble) {
        guard path == nil else { return }
        if isOutput { return try zwilling.show([token.text]) }
        do throws(SystemError) { try Terminal.showSecret("\n  \(token.text)\n") } catch {
            throw Self.noTerminal(error)
        }
    }

    private static func noTerminal(_ cause: SystemError?) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "There is no terminal on which to show the token.",
                de: "Es gibt kein Terminal, um das Token zu zeigen."),
            advice: Words(
                "Name a file for it with --token-file FILE.",
                de: "Mit --token-file DATEI eine Datei dafür nennen."), cause: cause)
    }
}

/// Where a token comes from: a file or the terminal, never an argument or the environment.
struct TokenSource {
    let file: PathArgument?
    private static let bytesMax = 4096
    private static let attemptsMax = 3

    func token(of place: String) throws -> Token {
        if let file { return try Token(typed: try read(file)) }
        for _ in 1..<Self.attemptsMax {
            do { return try Token(typed: try ask(place)) } catch let trouble as Trouble {
                guard trouble.cause == nil else { throw trouble }
                tell(say(trouble.message))
            }
        }
        return try Token(typed: try ask(place))
    }

    private func read(_ file: PathArgument) throws(Trouble) -> [UInt8] {
        let isInput = file.bytes == [UInt8(ascii: "-")]
        do throws(SystemError) {
            return try Machine.readWhole(
                isInput ? Array("/dev/stdin".utf8) : file.bytes, upTo: Self.bytesMax)
        } catch {
            throw error.trouble(Words("Cannot read the token from", de: "Token nicht lesbar aus"))
        }
    }

    private func ask(_ place: String) throws -> [UInt8] {
        let answer: [UInt8]?
        do throws(SystemError) {
            answer = try Terminal.secret(
                prompt: say("Token for \(place): ", de: "Token für \(place): "))
        } catch {
            throw Trouble(
                .wrongUse,
                Words(
                    "A token is needed, and there is no terminal on which to ask for it.",
                    de: "Ein Token ist nötig, und es gibt kein Terminal, um danach zu fragen."),
                advice: Words(
                    "Put it into a file that only you can read, and name that with --token-file "
                        + "FILE.",
                    de: "Es in eine Datei schreiben, die nur Sie lesen können, und diese mit "
                        + "--token-file DATEI nennen."), cause: error)
        }
        guard let answer else { throw ExitCode(130) }
        return answer
    }
}
