// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Check {
    /// Below this a service counts as essential (BSI 200-4, the first of its classes).
    private static let essential = Span(seconds: 3 * 86_400)

    func services() {
        for service in institution.services {
            times(of: service)
            leika(of: service)
            if service.applications.isEmpty, service.process == nil {
                hint(
                    "service-without-means", at: service.id.place,
                    Words(
                        "Nothing says how service \"\(service.id.value)\" is produced, so nobody can tell whether it would go on.",
                        de: "Nichts sagt, wie Leistung „\(service.id.value)“ entsteht; so weiß niemand, ob sie weiterginge."),
                    Words("Add \"applications\" or \"process\".", de: "„applications“ oder „process“ ergänzen."))
            }
        }
    }

    private func times(of service: Service) {
        if let rto = service.rto, let mtpd = service.mtpd, rto.value > mtpd.value {
            findings.error(
                "rto-above-mtpd", at: rto.place,
                Words(
                    "The RTO of \(rto.value) is longer than the MTPD of \(mtpd.value).",
                    de: "Die RTO von \(rto.value) ist länger als die MTPD von \(mtpd.value)."),
                remedy: Words(
                    "It must go on before the damage is unbearable: shorten \"rto\", or reconsider \"mtpd\".",
                    de: "Es muss weitergehen, ehe der Schaden untragbar ist: „rto“ kürzen oder „mtpd“ überdenken."))
        }
        if let mtpd = service.mtpd, mtpd.value < Self.essential, service.rto == nil || service.rpo == nil {
            warn(
                "essential-without-times", at: service.id.place,
                Words(
                    "Service \"\(service.id.value)\" may be gone for \(mtpd.value) only, but nothing says in which time it must be back or how much may be lost.",
                    de: "Leistung „\(service.id.value)“ darf nur \(mtpd.value) ausfallen, doch nichts sagt, wann sie zurück sein muss oder wie viel verloren gehen darf."),
                Words("Add \"rto\" and \"rpo\".", de: "„rto“ und „rpo“ ergänzen."))
        }
        guard let rpo = service.rpo else { return }
        // No work is lost with a secret: it changes when somebody changes it.
        for data in dataSets(under: service) where data.kind != .secret {
            guard let own = data.rpo, own.value > rpo.value else { continue }
            warn(
                "rpo-too-long", at: own.place,
                Words(
                    "The copy of \"\(data.id.value)\" may be \(own.value) old, but service \"\(service.id.value)\" must not lose more than \(rpo.value).",
                    de: "Die Kopie von „\(data.id.value)“ darf \(own.value) alt sein, doch Leistung „\(service.id.value)“ darf nicht mehr als \(rpo.value) verlieren."),
                Words("Shorten the \"rpo\" of the data set.", de: "Die „rpo“ des Datenbestands kürzen."))
        }
    }

    private func dataSets(under service: Service) -> [DataSet] {
        let names = service.applications.flatMap { name in
            institution.applications.first { $0.id.value == name.value }?.data ?? []
        }
        return institution.data.filter { data in names.contains { $0.value == data.id.value } }
    }

    private func leika(of service: Service) {
        guard let key = service.leika else { return }
        guard Leika.isKey(key.value) else {
            findings.error(
                "leika-form", at: key.place,
                Words("\"\(key.value)\" is no LeiKa key.", de: "„\(key.value)“ ist kein LeiKa-Schlüssel."),
                remedy: Words(
                    "It has 14 digits and begins with 99; \"zwilling leika WORD\" finds it. Leave it out for what is no public service.",
                    de: "Er hat 14 Ziffern und beginnt mit 99; „zwilling leika WORT“ findet ihn. Bei anderem als öffentlichen Leistungen weglassen."))
            return
        }
        guard Leika.list[key.value] == nil else { return }
        let words = [service.name?.value ?? "", service.id.value]
        let near = words.flatMap { Leika.find($0).prefix(1) }.first
        warn(
            "leika-unknown", at: key.place,
            Words(
                "LeiKa key \(key.value) is not in the list of 2019 that Zwilling carries.",
                de: "LeiKa-Schlüssel \(key.value) steht nicht in der Liste von 2019, die Zwilling mitführt."),
            near.map {
                Words(
                    "It may be newer. Or did you mean \($0.key) (\($0.name))?",
                    de: "Er mag neuer sein. Oder ist \($0.key) gemeint (\($0.name))?")
            } ?? Words("It may be newer; compare it with fimportal.de.", de: "Er mag neuer sein; mit fimportal.de vergleichen."))
    }

    // MARK: Applications

    func applications() {
        for application in institution.applications {
            if application.data.isEmpty, !application.isStateless {
                warn(
                    "unprotected-application", at: application.id.place,
                    Words(
                        "Nothing of application \"\(application.id.value)\" is protected.",
                        de: "Von Anwendung „\(application.id.value)“ ist nichts gesichert."),
                    Words(
                        "Name its data sets under \"data\", or say \"stateless: true\".",
                        de: "Unter „data“ ihre Datenbestände nennen oder „stateless: true“ angeben."))
            }
            if let quiesce = application.quiesce, application.resume == nil {
                findings.error(
                    "quiesce-without-resume", at: quiesce.place,
                    Words("What is made to hold still must be let go on.", de: "Was ruht, muss auch weiterlaufen können."),
                    remedy: Words("Add \"resume\".", de: "„resume“ ergänzen."))
            }
            for need in application.needs { check(need, of: application) }
        }
    }

    private func check(_ need: Need, of application: Application) {
        let isNamed = [Need.Kind.application, .register, .service].contains(need.kind.value)
        let what = need.name.map { "\(need.kind.value.rawValue) „\($0.value)“" } ?? need.kind.value.rawValue
        if isNamed, need.name == nil {
            findings.error(
                "need-without-name", at: need.place,
                Words(
                    "Which \(need.kind.value.rawValue) does \"\(application.id.value)\" need?",
                    de: "Was braucht „\(application.id.value)“ (\(need.kind.value.rawValue))?"),
                remedy: Words("Add \"name\".", de: "„name“ ergänzen."))
        }
        let isOwn = need.kind.value == .application && need.provider == nil
        guard !isOwn, need.standIn == nil else { return }
        warn(
            "need-without-stand-in", at: need.place,
            Words(
                "\"\(application.id.value)\" needs \(what), and nothing takes its place when that is gone.",
                de: "„\(application.id.value)“ braucht \(what), und nichts tritt an seine Stelle, wenn es weg ist."),
            Words(
                "Add \"stand-in\": what people do or which program runs instead.",
                de: "„stand-in“ ergänzen: was Menschen stattdessen tun oder welches Programm läuft."))
    }
}
