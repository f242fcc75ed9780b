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
        guard let health = application.health, case .http(_, port: nil) = health.probe,
            application.ports.count != 1
        else { return }
        findings.error(
            .healthWithoutPort, at: health.place,
            Words(
                "On which port is \"\(application.id.value)\" to be asked? It has \(application.ports.count).",
                de: "Auf welchem Port ist „\(application.id.value)“ zu fragen? Sie hat \(application.ports.count)."),
            remedy: Words("Add \"port\".", de: "„port“ ergänzen."))
    }

    /// What is not said, and what that costs.
    func platforms() {
        let applications = institution.applications
        lacking(
            applications.filter { $0.image == nil }.map(\.id), .noImage,
            Words(
                "Without \"image\" nobody can start these elsewhere: ",
                de: "Ohne „image“ kann niemand diese anderswo starten: "),
            Words(
                "Name the container image, with its digest where it must be the same.",
                de: "Das Container-Abbild nennen, mit Prüfsumme, wo es dasselbe sein muss."))
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
