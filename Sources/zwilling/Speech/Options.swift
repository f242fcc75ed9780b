// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground

/// How a command speaks.
struct OutputOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            say(
                "Print the result as one JSON object.",
                de: "Das Ergebnis als ein JSON-Objekt ausgeben.")))
    var json = false

    @Flag(
        help: ArgumentHelp(
            say("Name the cause beneath an error too.", de: "Bei Fehlern auch die Ursache nennen.")
        ))
    var verbose = false
}

/// Which vault is meant.
struct VaultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say(
                "Where the vault lies; else ZWILLING_VAULT, else the only one known here.",
                de: "Wo der Tresor liegt; sonst ZWILLING_VAULT, sonst der einzige hier "
                    + "bekannte."),
            valueName: say("site", de: "standort")))
    var vault: PathArgument?

    /// - Parameter named: the one that a blueprint names.
    func place(in states: StateDirectory, orElse named: String? = nil) throws(Trouble) -> VaultPlace {
        var argument = vault
        for text in [Terminal.environment("ZWILLING_VAULT"), named] where argument == nil {
            argument = text.flatMap(PathArgument.init(argument:))
        }
        if let argument {
            for state in try states.vaults() {
                // Asking for the real path of one that hangs would hang, too. What is wrong with another is
                // no matter here.
                do throws(Trouble) { if let place = try state.place(), place.bytes == argument.bytes { return place } } catch { continue }
            }
            return try VaultPlace(argument)
        }
        let places = try states.vaults()
            .map { state throws(Trouble) in try state.place() }.compactMap { $0 }
        if places.count == 1 { return places[0] }
        throw Self.unknown(places)
    }

    private static func unknown(_ places: [VaultPlace]) -> Trouble {
        guard !places.isEmpty else {
            return Trouble(
                .wrongUse,
                Words(
                    "Which vault? This machine does not know any yet.",
                    de: "Welcher Tresor? Dieser Rechner kennt noch keinen."),
                advice: Words(
                    "Name it with --vault DIR, or make one with \"zwilling vault create DIR\".",
                    de: "Mit --vault VERZ nennen oder mit „zwilling vault create VERZ“ anlegen."))
        }
        let list = places.map { "\"\($0.shown)\"" }.sorted().joined(separator: ", ")
        return Trouble(
            .wrongUse,
            Words(
                "Which vault? This machine knows several: \(list).",
                de: "Welcher Tresor? Dieser Rechner kennt mehrere: \(list)."),
            advice: Words(
                "Name one with --vault DIR or in ZWILLING_VAULT.",
                de: "Einen mit --vault VERZ oder in ZWILLING_VAULT nennen."))
    }
}

/// Of which data set a snapshot is meant.
struct DataSetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say("A snapshot of this data set.", de: "Ein Stand dieses Datenbestands."),
            valueName: "id"))
    var data: String?
}

/// Where the passphrase comes from: a file or the terminal, never an argument or the environment,
/// which others can see.
struct PassphraseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say(
                "Read the passphrase from a file, - for standard input, instead of asking.",
                de: "Passphrase aus einer Datei lesen, - für die Standardeingabe, statt zu fragen."
            ), valueName: say("file", de: "datei")))
    var passphraseFile: PathArgument?
}

extension PassphraseOptions {
    static let bytesMin = 8
    private static let bytesMax = 4096

    /// From the file; nil where none is named.
    func fromFile() throws(Trouble) -> [UInt8]? {
        try passphraseFile.map { file throws(Trouble) in try Self.read(file) }
    }

    static func read(_ file: PathArgument) throws(Trouble) -> [UInt8] {
        let isInput = file.bytes == [UInt8(ascii: "-")]
        let path = isInput ? Array("/dev/stdin".utf8) : file.bytes
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Machine.readWhole(path, upTo: bytesMax)
        } catch {
            throw error.trouble(
                Words("Cannot read the passphrase from", de: "Passphrase nicht lesbar aus"))
        }
        // What every editor puts at the end is not meant.
        if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        return bytes
    }

    /// From the file, else from the person.
    func passphrase(of place: String) throws -> [UInt8] {
        if let known = try fromFile() { return known }
        return try ask(say("Passphrase of \(place): ", de: "Passphrase von \(place): "))
    }

    /// The passphrase of a new vault, typed twice, since a slip of the finger would be for ever.
    func newPassphrase() throws -> [UInt8] {
        let first = try ask(say("New passphrase: ", de: "Neue Passphrase: "))
        try Self.check(first)
        let second = try ask(say("Once more: ", de: "Noch einmal: "))
        guard first == second else {
            throw Trouble(
                .wrongUse,
                Words(
                    "The two passphrases differ.",
                    de: "Die beiden Passphrasen unterscheiden sich."),
                advice: Words(
                    "Nothing was changed. Try again.",
                    de: "Es wurde nichts geändert. Noch einmal versuchen."))
        }
        return first
    }

    static func check(_ passphrase: [UInt8]) throws(Trouble) {
        guard passphrase.count < bytesMin else { return }
        throw Trouble(
            .wrongUse,
            Words(
                "The passphrase is too short: at least \(bytesMin) characters.",
                de: "Die Passphrase ist zu kurz: mindestens \(bytesMin) Zeichen."),
            advice: Words(
                "Whoever has the vault can try passphrases at leisure. Six random words are good.",
                de: "Wer den Tresor hat, kann in Ruhe raten. Gut sind sechs zufällige Wörter."))
    }

    private func ask(_ prompt: String) throws -> [UInt8] {
        let answer: [UInt8]?
        do throws(SystemError) {
            answer = try Terminal.secret(prompt: prompt)
        } catch {
            throw Trouble(
                .wrongUse,
                Words(
                    "A passphrase is needed, and there is no terminal on which to ask for it.",
                    de: "Eine Passphrase ist nötig, und es gibt kein Terminal, um danach zu fragen."
                ),
                advice: Words(
                    "Put it into a file that only you can read, and name that with "
                        + "--passphrase-file FILE.",
                    de: "Sie in eine Datei schreiben, die nur Sie lesen können, und diese mit "
                        + "--passphrase-file DATEI nennen."),
                cause: error)
        }
        guard let answer else { throw ExitCode(130) }
        return answer
    }
}
