// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What shows that an application has come back right, beyond being up.
package struct Trial: Formed, Hashable, Sendable {
    package enum Question: Hashable, Sendable {
        /// The answer to a request for this path has a status below 400, and this text in it.
        case http(path: Written<String>, port: Written<Int>?, contains: String?)
        /// The first field of the first row is true, or a number above 0.
        case sql(Written<String>, data: Written<String>, database: String)
        /// Ends with exit code 0 where the application runs.
        case command(Written<String>)
    }

    package let place: Place
    package let name: Written<String>
    package let question: Question

    init?(_ form: Form) {
        place = form.place
        let name = form.text("name", Words("what it shows", de: "was sie zeigt"), required: true)
        let path = form.text(
            "http", Words("path that answers with a status below 400", de: "Pfad, der mit einem Status unter 400 antwortet"),
            pattern: "^/")
        let port = form.port(
            "port", Words("port for http; else the only one of the application", de: "Port für http; sonst der einzige der Anwendung"))
        let contains = form.text("contains", Words("text in the answer", de: "Text in der Antwort"))
        let sql = form.text(
            "sql",
            Words(
                "query whose first field is true or above 0",
                de: "Abfrage, deren erstes Feld wahr oder größer 0 ist"))
        if sql == nil { _ = form.text("data", Words("the data set of the query", de: "der Datenbestand der Abfrage")) }
        let database = form.text(
            "database", Words("the database in it (else postgres)", de: "die Datenbank darin (sonst postgres)"))
        let command = form.text("command", Words("shell command that ends with 0", de: "Shell-Befehl, der mit 0 endet"))
        guard let name else { return nil }
        self.name = name
        switch (path, sql, command) {
        case (let path?, nil, nil):
            guard path.value.hasPrefix("/") else {
                form.wrong("http", at: path.place, .webPath)
                return nil
            }
            question = .http(path: path, port: port, contains: contains?.value)
        case (nil, let sql?, nil):
            guard let data = form.text("data", Words("the data set of the query", de: "der Datenbestand der Abfrage"), required: true)
            else { return nil }
            question = .sql(sql, data: data, database: database?.value ?? "postgres")
        case (nil, nil, let command?): question = .command(command)
        default:
            form.findings.error(
                .trialFromOne, at: form.place,
                Words(
                    "A trial asks by \"http\", \"sql\" or \"command\".",
                    de: "Eine Probe fragt mit „http“, „sql“ oder „command“."),
                remedy: Words("Name exactly one of them.", de: "Genau eines davon nennen."))
            return nil
        }
    }
}

/// Where in a container a data set lies.
package struct Mount: Formed, Hashable, Sendable {
    package let data: Written<String>
    package let at: Written<String>

    init?(_ form: Form) {
        let data = form.text("data", Words("the data set", de: "der Datenbestand"), required: true)
        let at = form.path(
            "at", Words("where its first path lies in the container", de: "wo sein erster Pfad im Container liegt"),
            required: true)
        guard let data, let at else { return nil }
        (self.data, self.at) = (data, at)
    }
}

extension DataSet.Postgres {
    /// The server that serves a cluster when it has been brought back.
    package struct Server: Formed, Hashable, Sendable {
        package static let usualPort = 5432
        package static let usualUser = "postgres"

        /// With a PostgreSQL of the cluster's version; none where there are no containers.
        package let image: Written<String>?
        package let port: Written<Int>?
        /// As whom it runs, and who may ask it anything.
        package let user: String

        init?(_ form: Form) {
            image = form.text(
                "image",
                Words(
                    "container image with a PostgreSQL of the same version",
                    de: "Container-Abbild mit einem PostgreSQL derselben Version"))
            port = form.port("port", Words("on which it answers (else 5432)", de: "auf dem er antwortet (sonst 5432)"))
            user = form.text("user", Words("as whom it runs (else postgres)", de: "als wer er läuft (sonst postgres)"))?
                .value ?? Self.usualUser
        }
    }
}

/// A word such as `{host:register-db}` in a command, a setting or a configuration file, which
/// stands for what is known only where the application is started.
package struct Placeholder: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// The address of an application, or of the server of a data set.
        case host
        /// The directory, or first path, of a data set.
        case data
        /// The file that holds a secret.
        case secret
        /// A configuration file, by its path.
        case file
    }

    package let kind: Kind
    package let name: String

    /// Of the host that takes outgoing mail: the institution's, or in a drill one that keeps it.
    package static let mail = "mail"

    /// The same text with each of them replaced; those for which there is nothing stay.
    package static func replaced(in text: String, by value: (Placeholder) -> String?) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            rest = rest[open...]
            if let close = rest.firstIndex(of: "}"),
                let found = Placeholder(rest[rest.index(after: open)..<close]),
                let value = value(found)
            {
                result += value
                rest = rest[rest.index(after: close)...]
            } else {
                result += "{"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    package static func all(in text: String) -> [Placeholder] {
        var found: [Placeholder] = []
        _ = replaced(in: text) {
            found.append($0)
            return nil
        }
        return found
    }

    private init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])) else { return nil }
        (self.kind, name) = (kind, String(parts[1]))
    }
}
