// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Blueprint
import Files
import Ground

/// Which blueprint is meant.
struct BlueprintOptions: ParsableArguments {
    static let usualName = "institution.yaml"

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp(
            say(
                "The blueprint; else institution.yaml in the working directory.",
                de: "Der Bauplan; sonst institution.yaml im Arbeitsverzeichnis."),
            valueName: say("file", de: "datei")))
    var file: PathArgument?

    /// The blueprint and what was found in it.
    func read() throws(Trouble) -> (blueprint: Blueprint?, findings: [Finding]) {
        let path = try path()
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Machine.readWhole(path, upTo: Blueprint.bytesMax)
        } catch { throw Self.unreadable(error) }
        return Blueprint.read(bytes, name: printable(name(of: path))) { beside($0, path) }
    }

    /// The blueprint, if it has no errors; else they are told.
    func blueprint() throws -> Blueprint {
        let (blueprint, findings) = try read()
        guard let blueprint else {
            for finding in findings where finding.severity == .error { tell(finding.text) }
            throw Trouble(
                .wrongUse,
                Words("The blueprint has errors.", de: "Der Bauplan hat Fehler."),
                advice: Words(
                    "Mend them; \"zwilling check\" shows all that can be said about it.",
                    de: "Sie beheben; „zwilling check“ zeigt alles, was dazu zu sagen ist."))
        }
        return blueprint
    }

    /// The blueprint, or nil where it has errors or is being written.
    func readQuietly() throws(Trouble) -> Blueprint? { try read().blueprint }

    /// Every file of a blueprint, as it lies there.
    func files(of blueprint: Blueprint) throws(Trouble) -> [(name: String, bytes: [UInt8])] {
        let path = try path()
        return try blueprint.files.enumerated().map { place, name throws(Trouble) in
            let whole = place == 0 ? path : folder(of: path) + Array(name.utf8)
            do throws(SystemError) {
                return (name, try Machine.readWhole(whole, upTo: Blueprint.bytesMax))
            } catch { throw Self.unreadable(error) }
        }
    }

    private func path() throws(Trouble) -> [UInt8] {
        guard let argument = file ?? PathArgument(argument: Self.usualName) else {
            preconditionFailure("the usual name is not empty")
        }
        return try argument.absolute()
    }

    private func folder(of path: [UInt8]) -> [UInt8] {
        Array(path[...(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
    }

    private func name(of path: [UInt8]) -> [UInt8] {
        Array(path.dropFirst(folder(of: path).count))
    }

    /// nil where there is none that can be read: the blueprint's own findings say where it is named.
    private func beside(_ name: String, _ path: [UInt8]) -> [UInt8]? {
        do throws(SystemError) {
            return try Machine.readWhole(
                folder(of: path) + Array(name.utf8), upTo: Blueprint.bytesMax)
        } catch { return nil }
    }

    private static func unreadable(_ error: SystemError) -> Trouble {
        let trouble = error.trouble(Words("Cannot read the blueprint", de: "Bauplan nicht lesbar:"))
        return Trouble(
            error.kind == .missing ? .wrongUse : trouble.kind, trouble.message,
            advice: Words(
                "Write one with \"zwilling init\", or name it with -f FILE.",
                de: "Mit „zwilling init“ einen schreiben oder ihn mit -f DATEI nennen."),
            cause: error)
    }
}

extension Finding {
    /// As compilers write it, so that editors jump to the place.
    var text: String {
        "\(plain(place.description)): \(say(severity.words)): \(plain(say(message)))\n  \(plain(say(remedy)))"
    }
}
