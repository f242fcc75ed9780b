// SPDX-License-Identifier: EUPL-1.2
import Ground

/// How to tell that an application works.
package struct Health: Formed, Hashable, Sendable {
    package enum Probe: Hashable, Sendable {
        /// Answers a request to this path with a status below 400. Without a port, on the only one
        /// that the application has.
        case http(path: Written<String>, port: Written<Int>?)
        /// Takes connections.
        case tcp(port: Written<Int>)
        /// Ends with exit code 0.
        case command(Written<String>)
    }

    package let place: Place
    package let probe: Probe
    /// How long it may take to become so.
    package let within: Span

    private static let usual = Span(seconds: 300)

    init?(_ form: Form) {
        place = form.place
        let path = form.text(
            "http", Words("path that answers with a status below 400", de: "Pfad, der mit einem Status unter 400 antwortet"),
            pattern: "^/")
        let port = form.port(
            "port", Words("port for http; else the only one of the application", de: "Port für http; sonst der einzige der Anwendung"))
        let tcp = form.port("tcp", Words("port that takes connections", de: "Port, der Verbindungen annimmt"))
        let command = form.text("command", Words("shell command that ends with 0", de: "Shell-Befehl, der mit 0 endet"))
        within = form.span(
            "within", Words("how long it may take until then (else 5 min)", de: "wie lange es bis dahin dauern darf (sonst 5 min)"))?
            .value ?? Self.usual
        switch (path, tcp, command) {
        case (let path?, nil, nil):
            guard path.value.hasPrefix("/") else {
                form.wrong("http", at: path.place, .webPath)
                return nil
            }
            probe = .http(path: path, port: port)
        case (nil, let tcp?, nil): probe = .tcp(port: tcp)
        case (nil, nil, let command?): probe = .command(command)
        default:
            form.findings.error(
                .healthFromOne, at: form.place,
                Words(
                    "Health is asked for by \"http\", \"tcp\" or \"command\".",
                    de: "Ob sie läuft, sagt „http“, „tcp“ oder „command“."),
                remedy: Words("Name exactly one of them.", de: "Genau eines davon nennen."))
            return nil
        }
    }
}

/// How an application is set up.
package struct Configuration: Formed, Hashable, Sendable {
    package let environment: [Setting]
    package let files: [ConfigurationFile]

    init?(_ form: Form) {
        environment = form.settings(
            "environment", Words("variables with their values", de: "Variablen mit ihren Werten"))
        files = form.list(
            "files", Words("files that it reads", de: "Dateien, die sie liest"), of: ConfigurationFile.self)
    }
}

/// A file beside the blueprint, and where the application finds it.
package struct ConfigurationFile: Formed, Hashable, Sendable {
    package let path: Written<String>
    package let from: Written<String>

    init?(_ form: Form) {
        let path = form.path(
            "path", Words("where the application finds it", de: "wo die Anwendung sie findet"), required: true)
        let from = form.text(
            "from", Words("the file, beside the blueprint", de: "die Datei neben dem Bauplan"), required: true)
        guard let path, let from else { return nil }
        (self.path, self.from) = (path, from)
    }
}

/// A data set of kind secret, and where the application finds it.
package struct PlacedSecret: Formed, Hashable, Sendable {
    package enum Spot: Hashable, Sendable {
        case environment(String)
        case file(String)
    }

    package let data: Written<String>
    package let spot: Written<Spot>

    init?(_ form: Form) {
        let data = form.text(
            "data", Words("data set of kind secret", de: "Datenbestand der Art secret"), required: true)
        let text = form.text(
            "as", Words("\"environment NAME\" or \"file PATH\"", de: "„environment NAME“ oder „file PFAD“"),
            required: true, pattern: "^(environment [A-Za-z_][A-Za-z0-9_]*|file /.+)$")
        guard let data, let text else { return nil }
        guard let spot = Self.spot(text.value) else {
            form.wrong("as", at: text.place, .placeOfSecret)
            return nil
        }
        self.data = data
        self.spot = Written(spot, at: text.place)
    }

    private static func spot(_ text: String) -> Spot? {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        if parts[0] == "environment", Setting.isName(parts[1]) { return .environment(parts[1]) }
        if parts[0] == "file", parts[1].hasPrefix("/") { return .file(parts[1]) }
        return nil
    }
}
