// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

/// What people get to read when a directory does not do as it should.
extension DirectorySite {
    func unstored(_ name: ObjectName, _ error: SystemError) -> Trouble {
        switch error.kind {
        case .exists: return .existingObject(name, at: label)
        case .full: return .fullSite(name, at: label, cause: error)
        case .readOnly: return .readOnlySite(name, at: label, cause: error)
        default: break
        }
        if case .obstacle(let obstacle) = look(for: name) {
            return .planted(obstacle, at: label, kind: .system, cause: error)
        }
        let refusal = refusal(
            Words("Cannot store the object", de: "Objekt lässt sich nicht speichern:"), name, error)
        // A put has nothing to miss: the directory went away underneath it.
        return refusal.kind == .missing
            ? Trouble(.system, refusal.message, advice: refusal.advice, cause: error) : refusal
    }

    /// - Parameter error: nil where the object could be opened, but is no file.
    func unread(_ name: ObjectName, _ error: SystemError?) -> Trouble {
        if case .obstacle(let obstacle) = look(for: name), !obstacle.isOrdinary {
            return .planted(obstacle, at: label, cause: error)
        }
        guard let error, error.kind != .missing, !error.isNoDirectory else {
            return .missingObject(name, at: label)
        }
        if error.isUnreadable { return .unreadable(name, at: label, cause: error) }
        return refusal(
            Words("Cannot read the object", de: "Objekt lässt sich nicht lesen:"), name, error)
    }

    /// nil where there is nothing to remove: some systems refuse before they look.
    func unremoved(_ name: ObjectName, _ error: SystemError) -> Trouble? {
        switch look(for: name) {
        case .nothing: return nil
        case .obstacle(let obstacle):
            return obstacle.isOrdinary ? nil : .planted(obstacle, at: label, cause: error)
        case .object, .unknown:
            if error.kind == .readOnly { return .readOnlySite(name, at: label, cause: error) }
            return refusal(
                Words("Cannot remove the object", de: "Objekt lässt sich nicht entfernen:"), name,
                error)
        }
    }

    /// - Parameter error: Its path is the one below the root.
    func unlisted(_ error: SystemError) -> Trouble {
        error.at(full(error.path)).trouble(
            Words("Cannot list the objects in", de: "Objekte lassen sich nicht auflisten in"))
    }

    private func refusal(_ act: Words, _ name: ObjectName, _ error: SystemError) -> Trouble {
        error.at(full(Array(name.text.utf8))).trouble(act)
    }

    private func full(_ below: [UInt8]) -> [UInt8] { path + [UInt8(ascii: "/")] + below }
}

extension Trouble {
    static func relativePath(_ label: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "\"\(label)\" is not an absolute path.", de: "„\(label)“ ist kein absoluter Pfad."),
            advice: Words(
                "Name the directory from / on.", de: "Das Verzeichnis von / an nennen."))
    }

    static func unopened(_ label: String, _ error: SystemError) -> Trouble {
        if error.kind == .missing {
            return Trouble(
                .missing,
                Words(
                    "There is no directory \"\(label)\".",
                    de: "Ein Verzeichnis „\(label)“ gibt es nicht."),
                advice: Words(
                    "Correct the path, or mount the disk. \"zwilling vault create\" makes a new "
                        + "vault, in a directory that exists.",
                    de: "Den Pfad berichtigen oder den Datenträger einhängen. Einen neuen Tresor "
                        + "legt „zwilling vault create“ an, in einem Verzeichnis, das es gibt."),
                cause: error)
        }
        if error.isNoDirectory {
            return Trouble(
                .wrongUse,
                Words(
                    "\"\(label)\" is not a directory.", de: "„\(label)“ ist kein Verzeichnis."),
                advice: Words(
                    "Name the directory in which the objects lie.",
                    de: "Das Verzeichnis nennen, in dem die Objekte liegen."),
                cause: error)
        }
        return error.trouble(
            Words("Cannot open the directory", de: "Verzeichnis lässt sich nicht öffnen:"))
    }

    static func occupied(_ label: String, by other: String) -> Trouble {
        Trouble(
            .exists,
            Words(
                "The directory \"\(label)\" is not empty: it holds \"\(other)\".",
                de: "Das Verzeichnis „\(label)“ ist nicht leer: es enthält „\(other)“."),
            advice: Words(
                "Name a directory that is empty or does not exist yet.",
                de: "Ein Verzeichnis nennen, das leer ist oder noch nicht existiert."))
    }

    static func planted(
        _ obstacle: Obstacle, at site: String, kind: Kind = .damaged, cause: SystemError?
    ) -> Trouble {
        let path = "\(site)/\(obstacle.path)"
        let what = obstacle.words
        return Trouble(
            kind,
            Words(
                "\"\(path)\" is \(what.english), which Zwilling does not keep there.",
                de: "„\(path)“ ist \(what.german); so etwas legt Zwilling dort nicht ab."),
            advice: Words(
                "Find out who put it there, and remove it.",
                de: "Klären, wer das dort angelegt hat, und es entfernen."),
            cause: cause)
    }
}

extension Obstacle {
    fileprivate var words: Words {
        switch kind {
        case .file: Words("a file", de: "eine Datei")
        case .directory: Words("a directory", de: "ein Verzeichnis")
        case .symlink: Words("a symbolic link", de: "ein symbolischer Verweis")
        case .fifo: Words("a pipe", de: "eine Pipe")
        case .socket: Words("a socket", de: "ein Socket")
        case .characterDevice, .blockDevice: Words("a device", de: "ein Gerät")
        }
    }
}
