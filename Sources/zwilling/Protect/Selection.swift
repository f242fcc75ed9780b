// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Capture
import Files
import Ground
import Vault

enum CompressionOption: String, ExpressibleByArgument, CaseIterable {
    case fast, `default`, best

    /// zstd's level.
    var level: Int32 {
        switch self {
        case .fast: -1
        case .default: 2
        case .best: 15
        }
    }
}

/// What goes into a snapshot and what does not.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            say(
                "Leave out what matches; several are possible.",
                de: "Auslassen, was passt; mehrfach möglich."),
            valueName: say("pattern", de: "muster")))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp(
            say(
                "Leave out what matches a line of this file.",
                de: "Auslassen, was zu einer Zeile dieser Datei passt."),
            valueName: say("file", de: "datei")))
    var excludeFile: [PathArgument] = []

    @Flag(
        help: ArgumentHelp(
            say(
                "Leave out what is in directories with a CACHEDIR.TAG.",
                de: "Auslassen, was in Verzeichnissen mit CACHEDIR.TAG liegt.")))
    var excludeCaches = false

    @Flag(
        help: ArgumentHelp(
            say(
                "Do not go into other file systems mounted below.",
                de: "Nicht in darunter eingehängte Dateisysteme gehen.")))
    var oneFileSystem = false

    @Option(
        help: ArgumentHelp(
            say(
                "How hard to compress; else default.",
                de: "Wie stark komprimiert wird; sonst default."),
            valueName: say("how", de: "wie")))
    var compression: CompressionOption?

    /// Whether anything of it was asked for.
    var isGiven: Bool {
        !exclude.isEmpty || !excludeFile.isEmpty || excludeCaches || oneFileSystem
            || compression != nil
    }

    /// - Parameter place: the vault itself, which is never part of what it protects.
    func options(
        leavingOut place: VaultPlace, of protected: ProtectedPaths
    ) throws(Trouble) -> CaptureOptions {
        var patterns: [Pattern] = []
        for file in excludeFile { patterns += try Self.patterns(in: file) }
        patterns += try zwilling.patterns(exclude)
        var options = CaptureOptions()
        options.exclusion = Exclusion(patterns)
        options.leavesOut = try protected.leavingOut(place)
        options.excludesCaches = excludeCaches
        options.staysOnFileSystem = oneFileSystem
        options.level = (compression ?? .default).level
        return options
    }

    private static func patterns(in file: PathArgument) throws(Trouble) -> [Pattern] {
        let text: [UInt8]
        do throws(SystemError) {
            text = try Machine.readWhole(file.bytes, upTo: 16 << 20)
        } catch {
            throw Trouble(
                .wrongUse,
                error.trouble(Words("Cannot read patterns from", de: "Muster nicht lesbar:"))
                    .message, cause: error)
        }
        do throws(PatternFault) { return try Pattern.all(in: text) } catch {
            throw error.trouble("\(printable(file.bytes)):\(error.number): ")
        }
    }
}

/// Patterns as they stand on the command line, where a blank or a comment is a mistake.
func patterns(_ texts: [String]) throws(Trouble) -> [Pattern] {
    try texts.map { text throws(Trouble) in
        do throws(PatternFault) {
            if let pattern = try Pattern(line: Terminal.bytes(of: text)) { return pattern }
        } catch { throw error.trouble() }
        throw Trouble(
            .wrongUse,
            Words("\"\(plain(text))\" is no pattern.", de: "„\(plain(text))“ ist kein Muster."),
            advice: Words(
                "Patterns are those of .gitignore; a # at the start needs a \\ before it.",
                de: "Muster gelten wie in .gitignore; ein # am Anfang braucht ein \\ davor."))
    }
}

extension PatternFault {
    /// - Parameter place: where the line stands, unless it was typed.
    fileprivate func trouble(_ place: String = "") -> Trouble {
        let message = reason.message(on: printable(line))
        return Trouble(
            .wrongUse, Words(place + message.english, de: place + message.german),
            advice: reason.advice, cause: self)
    }
}

/// The paths on the command line, as the file system knows them.
struct ProtectedPaths {
    let paths: [TreePath]

    init(_ arguments: [PathArgument]) throws(Trouble) {
        var paths: [TreePath] = []
        for argument in arguments {
            do throws(SystemError) {
                guard let path = treePath(try Machine.realPath(argument.bytes)) else { continue }
                paths.append(path)
            } catch {
                let why = error.at(argument.bytes)
                    .trouble(Words("Cannot protect", de: "Kann nicht sichern:"))
                throw Trouble(
                    error.kind == .missing ? .wrongUse : why.kind, why.message,
                    advice: why.advice, cause: error)
            }
        }
        self.paths = paths.sorted(by: treePrecedes)
    }

    /// What people call them together.
    var name: String { paths.map(shown).joined(separator: ", ") }

    /// Those that would be lost together with the vault.
    func onSameDisk(as place: VaultPlace) -> [TreePath] {
        guard let vault = place.tree, let disk = Self.device(slashed(vault)) else { return [] }
        return paths.filter { Self.device(slashed($0)) == disk }
    }

    /// nil where it cannot be told: then there is nothing to warn of.
    private static func device(_ path: [UInt8]) -> UInt64? {
        do throws(SystemError) {
            // A file has its directory's disk, unless it is a mount point itself.
            let cut = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
            let folder = try Descriptor.directory(Array(path[...cut]))
            let name = Array(path[(cut + 1)...])
            return name.isEmpty ? try folder.status().device : try folder.status(name).device
        } catch { return nil }
    }

    /// The vault's own directory, where it lies below a protected path: it is left out, and this
    /// says so.
    func leavingOut(_ place: VaultPlace) throws(Trouble) -> Set<TreePath> {
        guard let vault = place.tree else { return [] }
        if let inside = paths.first(where: { $0.starts(with: vault) }) {
            throw Trouble(
                .wrongUse,
                Words(
                    "\(shown(inside)) is the vault itself, or lies in it.",
                    de: "\(shown(inside)) ist der Tresor selbst oder liegt darin."),
                advice: Words(
                    "Protect something else; to keep a vault twice, copy its directory.",
                    de: "Etwas anderes sichern; wer den Tresor doppelt will, kopiert sein "
                        + "Verzeichnis."))
        }
        guard paths.contains(where: { vault.starts(with: $0) }) else { return [] }
        tell(
            say(
                "The vault's own directory \(place.shown) is left out.",
                de: "Das Verzeichnis des Tresors, \(place.shown), bleibt außen vor."))
        return [vault]
    }
}
