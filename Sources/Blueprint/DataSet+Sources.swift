// SPDX-License-Identifier: EUPL-1.2
import Ground

extension DataSet {
    package struct Files: Hashable, Sendable {
        package let paths: [Written<String>]
        package let exclude: [Written<String>]
        package let staysOnFileSystem: Bool
        /// A drop folder counts only while this file is in it.
        package let completeMarker: Written<String>?

        /// - Parameter isWanted: false only tells the form which keys there are.
        init?(_ form: Form, isWanted: Bool) {
            guard form.isFor("files", isWanted, ["paths", "exclude", "one-file-system", "complete-marker"])
            else { return nil }
            let paths = form.texts(
                "paths", Words("what is captured, from / on", de: "was gesichert wird, von / an"),
                required: true, pattern: "^/")
            exclude = form.texts("exclude", Words("patterns as in .gitignore", de: "Muster wie in .gitignore"))
            staysOnFileSystem =
                form.flag("one-file-system", Words("leave out what is mounted below", de: "Eingehängtes auslassen"))?
                .value ?? false
            completeMarker = form.path(
                "complete-marker",
                Words(
                    "file without which nothing is captured: it says that all is there",
                    de: "Datei, ohne die nicht gesichert wird: Sie sagt, dass alles da ist"))
            let bad = paths.filter { !$0.value.hasPrefix("/") }
            for path in bad {
                form.wrong("paths", at: path.place, .paths)
            }
            Self.check(exclude, form.findings)
            guard bad.isEmpty, !paths.isEmpty || form.isDescribing else { return nil }
            self.paths = paths
        }

        /// What is excluded by mistake in writing would be captured, and nobody would know.
        private static func check(_ patterns: [Written<String>], _ findings: Findings) {
            for written in patterns {
                let text = written.value
                do throws(PatternFault) {
                    if try Pattern(line: Array(text.utf8)) != nil { continue }
                    findings.error(
                        .noPattern, at: written.place,
                        Words("\"\(text)\" is no pattern.", de: "„\(text)“ ist kein Muster."),
                        remedy: Words(
                            "Take it out; a # at the start needs a \\ before it.",
                            de: "Entfernen; ein # am Anfang braucht ein \\ davor."))
                } catch {
                    findings.error(
                        .noPattern, at: written.place, error.reason.message(on: text),
                        remedy: error.reason.advice)
                }
            }
        }
    }

    package struct Command: Hashable, Sendable {
        package let dump: Written<String>
        package let load: Written<String>?
        package let timeout: Span

        init?(_ form: Form, isWanted: Bool) {
            guard form.isFor("command", isWanted, ["dump", "load"]) else { return nil }
            let dump = form.text(
                "dump",
                Words(
                    "shell command whose output is captured; anything but exit code 0 means no snapshot",
                    de: "Shell-Befehl, dessen Ausgabe gesichert wird; nur Rückgabewert 0 ergibt einen Stand"),
                required: true)
            load = form.text(
                "load", Words("shell command that takes it back in", de: "Shell-Befehl, der sie wieder einliest"))
            timeout = Self.timeout(form)
            guard let dump else { return nil }
            self.dump = dump
        }

        static func timeout(_ form: Form) -> Span {
            form.span(
                "timeout", Words("how long the command may take (else 1 h)", de: "wie lange der Befehl brauchen darf (sonst 1 h)"))?
                .value ?? Span(seconds: 3600)
        }
    }

    package struct Postgres: Hashable, Sendable {
        /// Keywords or a URI as libpq takes them, without a password.
        package let connection: Written<String>
        /// How often it is copied whole while its log is followed.
        package let baseEvery: Written<Span>?
        /// The server that serves it when it has been brought back.
        package let server: Server?

        init?(_ form: Form, isWanted: Bool) {
            guard form.isFor("postgres", isWanted, ["connection", "base-every", "server"]) else { return nil }
            baseEvery = form.span(
                "base-every",
                Words(
                    "how often it is copied whole while its log is followed (else 1 d)",
                    de: "wie oft er ganz gesichert wird, während sein Protokoll verfolgt wird (sonst 1 d)"))
            server = form.one(
                "server",
                Words("the server that serves it elsewhere", de: "der Server, der ihn anderswo bedient"),
                of: Server.self)
            let connection = form.text(
                "connection",
                Words(
                    "where the server is, as libpq takes it, without a password",
                    de: "wo der Server ist, wie libpq es nimmt, ohne Passwort"), required: true)
            guard let connection else { return nil }
            guard !Self.hasPassword(connection.value) else {
                Self.refusePassword(at: connection.place, form.findings)
                return nil
            }
            self.connection = connection
        }

        static func refusePassword(at place: Place, _ findings: Findings) {
            findings.error(
                .passwordInBlueprint, at: place,
                Words("A password does not belong here.", de: "Ein Passwort gehört nicht hierher."),
                remedy: Words(
                    "Put it into ~/.pgpass of the user that protects, or name another file with \"passfile=FILE\".",
                    de: "Es in ~/.pgpass des sichernden Benutzers schreiben oder mit „passfile=DATEI“ eine andere Datei nennen."))
        }

        /// `password=…` in keywords or a URI, or `user:password@` in a URI.
        static func hasPassword(_ text: String) -> Bool {
            let lower = text.lowercased()
            let keyword = lower.split { " ?&".contains($0) }.contains {
                $0.hasPrefix("password=") || $0 == "password"
            }
            guard !keyword, lower.hasPrefix("postgres"), lower.contains("://") else { return keyword }
            let authority = lower.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
            let user = authority.first?.split(separator: "@", omittingEmptySubsequences: false) ?? []
            return user.count > 1 && user[0].contains(":")
        }
    }

    package struct Secret: Hashable, Sendable {
        package enum Origin: Hashable, Sendable {
            case file(Written<String>)
            case command(Written<String>)
        }

        package let origin: Origin
        package let timeout: Span

        init?(_ form: Form, isWanted: Bool) {
            guard form.isFor("secret", isWanted, ["file", "command"]) else { return nil }
            let file = form.path("file", Words("file that holds it", de: "Datei, die es enthält"))
            let command = form.text(
                "command", Words("shell command that says it", de: "Shell-Befehl, der es ausgibt"))
            timeout = Command.timeout(form)
            switch (file, command) {
            case (let file?, nil): origin = .file(file)
            case (nil, let command?): origin = .command(command)
            default:
                form.findings.error(
                    .secretFromOne, at: form.place,
                    Words(
                        "A secret comes from a \"file\" or from a \"command\".",
                        de: "Ein Geheimnis kommt aus „file“ oder aus „command“."),
                    remedy: Words("Name exactly one of them.", de: "Genau eines davon nennen."))
                return nil
            }
        }
    }
}
