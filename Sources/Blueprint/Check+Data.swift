// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Check {
    func data() {
        let used = Set(
            institution.applications.flatMap { ($0.data + $0.secrets.map(\.data)).map(\.value) })
        for data in institution.data {
            if !used.contains(data.id.value), !institution.applications.isEmpty {
                hint(
                    .dataOfNobody, at: data.id.place,
                    Words(
                        "No application uses \"\(data.id.value)\", so it counts for no service.",
                        de: "Keine Anwendung benutzt „\(data.id.value)“; so zählt er für keine Leistung."),
                    Words("Name it under \"data\" of an application.", de: "Ihn unter „data“ einer Anwendung nennen."))
            }
            if data.rpo == nil {
                hint(
                    .noRPO, at: data.id.place,
                    Words(
                        "Without \"rpo\" nobody is warned when the copy of \"\(data.id.value)\" gets old.",
                        de: "Ohne „rpo“ warnt niemand, wenn die Kopie von „\(data.id.value)“ veraltet."),
                    Words("Say how old it may be, for example \"rpo: 1 d\".", de: "Angeben, wie alt sie sein darf, etwa „rpo: 1 d“."))
            }
            protection(of: data)
            passwords(in: data)
            if case .files(let files) = data.source { excludes(of: files) }
        }
        hosts()
        let bare = institution.data.filter { $0.categories.isEmpty && $0.kind != .secret }
        lacking(
            bare.map(\.id), .noCategories,
            Words(
                "Without \"categories\" nobody can tell where these may lie: ",
                de: "Ohne „categories“ kann niemand sagen, wo diese liegen dürfen: "),
            Words("Add for example \"categories: [D2]\" (personal data).", de: "Zum Beispiel „categories: [D2]“ ergänzen (personenbezogene Daten)."))
    }

    /// With several hosts, each would capture something else under one name.
    private func hosts() {
        let bare = institution.data.filter { $0.host == nil }
        guard let first = bare.first, bare.count < institution.data.count else { return }
        let names = bare.map(\.id.value).joined(separator: ", ")
        warn(
            .hostMissing, at: first.id.place,
            Words(
                "Others say on which host they lie; these would be captured by every host that protects: \(names).",
                de: "Andere nennen den Rechner, auf dem sie liegen; diese sicherte jeder Rechner, der sichert: \(names)."),
            Words("Add \"host: NAME\" to each.", de: "Bei jedem „host: NAME“ ergänzen."))
    }

    /// One hint for all that lack the same, at the first of them.
    func lacking(_ ids: [Written<String>], _ code: Finding.Code, _ message: Words, _ remedy: Words) {
        guard let first = ids.first else { return }
        let names = ids.map(\.value).joined(separator: ", ")
        hint(
            code, at: first.place,
            Words(message.english + names + ".", de: message.german + names + "."), remedy)
    }

    /// Patterns begin below each path, so one that repeats it matches nothing.
    private func excludes(of files: DataSet.Files) {
        for pattern in files.exclude {
            let text = pattern.value.hasPrefix("!") ? String(pattern.value.dropFirst()) : pattern.value
            guard let path = files.paths.map(\.value).first(where: { text == $0 || text.hasPrefix($0 + "/") }) else { continue }
            let below = text.dropFirst(path.count)
            warn(
                .excludeRepeatsPath, at: pattern.place,
                Words(
                    "This pattern matches nothing: it begins below \"\(path)\".",
                    de: "Dieses Muster trifft nichts: Es beginnt unterhalb von „\(path)“."),
                Words(
                    "Write \"\(below.isEmpty ? "/" : below)\".", de: "„\(below.isEmpty ? "/" : below)“ schreiben."))
        }
    }

    /// Everybody who may read the blueprint, or the list of processes, would read it.
    private func passwords(in data: DataSet) {
        var lines: [Written<String>] = []
        switch data.source {
        case .command(let command): lines = [command.dump, command.load].compactMap(\.self)
        case .secret(let secret):
            if case .command(let line) = secret.origin { lines = [line] }
        case .files, .postgres: break
        }
        for line in lines where ShellLine.holdsPassword(line.value) {
            warn(
                .passwordInCommand, at: line.place,
                Words(
                    "This command looks as if it held a password.",
                    de: "Dieser Befehl sieht aus, als enthielte er ein Passwort."),
                Words(
                    "Let the tool read it from a file of its own, such as ~/.my.cnf or ~/.pgpass.",
                    de: "Das Werkzeug es aus einer eigenen Datei lesen lassen, etwa ~/.my.cnf oder ~/.pgpass."))
        }
    }

    private func protection(of data: DataSet) {
        let need = data.protection?.confidentiality
        guard let worst = data.categories.max(by: { $0.value < $1.value }), worst.value >= .special,
            (need?.value ?? .normal) < .high
        else { return }
        warn(
            .needTooLow, at: need?.place ?? worst.place,
            Words(
                "\"\(data.id.value)\" holds data of category \(worst.value.rawValue), whose need for confidentiality is at least high.",
                de: "„\(data.id.value)“ enthält Daten der Kategorie \(worst.value.rawValue); deren Schutzbedarf an Vertraulichkeit ist mindestens hoch."),
            Words("Add \"protection: {confidentiality: high}\".", de: "„protection: {confidentiality: high}“ ergänzen."))
    }

    /// What the blueprint does not say at all, and what that costs.
    func absences() {
        let start = Place(file: institution.name.place.file, line: 1, column: 1)
        func absent(_ isAbsent: Bool, _ code: Finding.Code, _ message: Words, _ remedy: Words) {
            if isAbsent { hint(code, at: start, message, remedy) }
        }
        absent(
            institution.data.isEmpty, .noData,
            Words("There is no data set: nothing will be protected.", de: "Es gibt keinen Datenbestand: Nichts wird gesichert."),
            Words("Describe one under \"data\".", de: "Unter „data“ einen beschreiben."))
        absent(
            institution.services.isEmpty, .noServices,
            Words(
                "There is no service: nobody can tell what would go on without the original.",
                de: "Es gibt keine Leistung: Niemand kann sagen, was ohne das Original weiterginge."),
            Words(
                "Describe what others get from you under \"services\".",
                de: "Unter „services“ beschreiben, was andere von Ihnen bekommen."))
        absent(
            !institution.roles.contains { $0.isEssential }, .noRoles,
            Words(
                "There is no essential role: in a crisis nobody is known to be in charge.",
                de: "Es gibt keine wesentliche Rolle: In der Krise steht nicht fest, wer zuständig ist."),
            Words("Describe at least one under \"roles\".", de: "Unter „roles“ mindestens eine beschreiben."))
        absent(
            institution.platforms.isEmpty && !institution.applications.isEmpty, .noPlatforms,
            Words(
                "There is no platform: when the original is gone, nobody knows where to start anything.",
                de: "Es gibt keine Plattform: Ist das Original weg, weiß niemand, wo etwas starten soll."),
            Words("Describe one under \"platforms\".", de: "Unter „platforms“ eine beschreiben."))
    }
}
