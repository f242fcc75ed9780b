// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What must hold so that an application can be started elsewhere.
extension Check {
    func configuration(of application: Application) {
        for setting in application.configuration?.environment ?? [] where setting.looksSecret {
            findings.error(
                .secretInConfiguration, at: setting.value.place,
                Words(
                    "\"\(setting.name.value)\" looks like a secret, and everybody may read a blueprint.",
                    de: "„\(setting.name.value)“ sieht nach einem Geheimnis aus, und ein Bauplan ist für alle lesbar."),
                remedy: Words(
                    "Make it a data set of kind secret, and hand it over under \"secrets\" as \"environment \(setting.name.value)\".",
                    de: "Einen Datenbestand der Art secret daraus machen und unter „secrets“ als „environment \(setting.name.value)“ übergeben."))
        }
    }

    func secrets(of application: Application) {
        var taken = Set(
            (application.configuration?.environment ?? []).map { "environment \($0.name.value)" }
                + (application.configuration?.files ?? []).map { "file \($0.path.value)" })
        for secret in application.secrets {
            let data = institution.data.first { $0.id.value == secret.data.value }
            if let data, data.kind != .secret {
                findings.error(
                    .notASecret, at: secret.data.place,
                    Words(
                        "\"\(data.id.value)\" is of kind \(data.kind.rawValue).",
                        de: "„\(data.id.value)“ ist von der Art \(data.kind.rawValue)."),
                    remedy: Words("Name a data set of kind secret.", de: "Einen Datenbestand der Art secret nennen."))
            }
            let spot = secret.spot.value.description
            guard !taken.insert(spot).inserted else { continue }
            findings.error(
                .placedTwice, at: secret.spot.place,
                Words("Something else is put there already: \(spot).", de: "Dort liegt schon etwas anderes: \(spot)."),
                remedy: Words("Choose another place.", de: "Einen anderen Ort wählen."))
        }
    }

    func health(of application: Application) {
        guard let health = application.health, case .http(_, port: nil) = health.probe else { return }
        needsOnePort(application, at: health.place)
    }

    func trials(of application: Application) {
        for trial in application.trials {
            switch trial.question {
            case .http(_, port: nil, _): needsOnePort(application, at: trial.place)
            case .sql(_, let name, _):
                guard let data = institution.data.first(where: { $0.id.value == name.value }),
                    data.kind != .postgres
                else { continue }
                findings.error(
                    .queryOfNoCluster, at: name.place,
                    Words(
                        "\"\(name.value)\" is of kind \(data.kind.rawValue), which answers no query.",
                        de: "„\(name.value)“ ist von der Art \(data.kind.rawValue) und beantwortet keine Abfrage."),
                    remedy: Words(
                        "Name a data set of kind postgres.", de: "Einen Datenbestand der Art postgres nennen."))
            default: continue
            }
        }
    }

    private func needsOnePort(_ application: Application, at place: Place) {
        guard application.ports.count != 1 else { return }
        findings.error(
            .healthWithoutPort, at: place,
            Words(
                "On which port is \"\(application.id.value)\" to be asked? It has \(application.ports.count).",
                de: "Auf welchem Port ist „\(application.id.value)“ zu fragen? Sie hat \(application.ports.count)."),
            remedy: Words("Add \"port\".", de: "„port“ ergänzen."))
    }

    /// What stands for something that there is not would be taken as it stands.
    func placeholders(of application: Application) {
        let data = Set(institution.data.map(\.id.value))
        let known: [Placeholder.Kind: Set<String>] = [
            .host: data.union(institution.applications.map(\.id.value)).union([Placeholder.mail]), .data: data,
            .secret: data, .file: Set(application.configuration?.files.map(\.path.value) ?? []),
        ]
        let texts =
            [application.command, application.process].compactMap(\.self)
            + (application.configuration?.environment.map(\.value) ?? [])
        for text in texts {
            for one in Placeholder.all(in: text.value) where known[one.kind]?.contains(one.name) == false {
                let near = nearest(to: one.name, among: Array(known[one.kind] ?? []))
                findings.error(
                    .unknownPlaceholder, at: text.place,
                    Words(
                        "Nothing here is called {\(one.kind.rawValue):\(one.name)}.",
                        de: "{\(one.kind.rawValue):\(one.name)} steht hier für nichts."),
                    remedy: near.map {
                        Words(
                            "Did you mean {\(one.kind.rawValue):\($0)}?",
                            de: "Gemeint vielleicht {\(one.kind.rawValue):\($0)}?")
                    } ?? Words("Describe it, or take it out.", de: "Beschreiben oder entfernen."))
            }
        }
    }

    /// What is not said, and what that costs.
    func platforms() {
        let applications = institution.applications
        lacking(
            applications.filter { $0.image == nil && $0.process == nil }.map(\.id), .noImage,
            Words(
                "Without \"image\" nobody can start these elsewhere: ",
                de: "Ohne „image“ kann niemand diese anderswo starten: "),
            Words(
                "Name the container image, with its digest where it must be the same, or under \"process\" a command.",
                de: "Das Container-Abbild nennen, mit Prüfsumme, wo es dasselbe sein muss, oder unter „process“ einen Befehl."))
        lacking(
            institution.data.filter { $0.isCluster(servedBy: nil) }.map(\.id), .noServer,
            Words(
                "Without \"server\" nobody can start these in containers: ",
                de: "Ohne „server“ kann niemand diese in Containern starten: "),
            Words(
                "Name a container image with the same PostgreSQL, such as \"server: {image: …}\".",
                de: "Ein Container-Abbild mit demselben PostgreSQL nennen, etwa „server: {image: …}“."))
        lacking(
            applications.filter { $0.health == nil }.map(\.id), .noHealth,
            Words(
                "Without \"health\" nobody can tell whether these work again: ",
                de: "Ohne „health“ kann niemand sagen, ob diese wieder laufen: "),
            Words("Add for example \"health: {tcp: 8080}\".", de: "Zum Beispiel „health: {tcp: 8080}“ ergänzen."))
        let used = Set(applications.flatMap { $0.platforms.map(\.value) })
        lacking(
            institution.platforms.map(\.id).filter { !used.contains($0.value) }, .platformOfNobody,
            Words("No application is said to run on these: ", de: "Keine Anwendung läuft laut Bauplan auf diesen: "),
            Words("Name them under \"platforms\" of an application.", de: "Sie unter „platforms“ einer Anwendung nennen."))
    }
}

extension PlacedSecret.Spot: CustomStringConvertible {
    package var description: String {
        switch self {
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        }
    }
}

extension Trial {
    var data: Written<String>? {
        if case .sql(_, let data, _) = question { return data }
        return nil
    }
}

extension DataSet {
    fileprivate func isCluster(servedBy server: Postgres.Server?) -> Bool {
        if case .postgres(let postgres) = source { return postgres.server == server }
        return false
    }
}
