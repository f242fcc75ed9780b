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
                    .serviceWithoutMeans, at: service.id.place,
                    Words(
                        "Nothing says how service \"\(service.id.value)\" is produced, so nobody can tell whether it would go on.",
                        de: "Nichts sagt, wie Leistung „\(service.id.value)“ entsteht; so weiß niemand, ob sie weiterginge."),
                    Words("Add \"applications\" or \"process\".", de: "„applications“ oder „process“ ergänzen."))
            }
        }
        lacking(
            institution.services.filter { $0.mtpd == nil }.map(\.id), .noMTPD,
            Words(
                "Without \"mtpd\" nobody can tell what must come back first: ",
                de: "Ohne „mtpd“ kann niemand sagen, was zuerst zurück sein muss: "),
            Words("Say how long they may be gone, for example \"mtpd: 3 d\".", de: "Angeben, wie lange sie ausfallen dürfen, etwa „mtpd: 3 d“."))
    }

    private func times(of service: Service) {
        if let rto = service.rto, let mtpd = service.mtpd, rto.value > mtpd.value {
            findings.error(
                .rtoAboveMTPD, at: rto.place,
                Words(
                    "The RTO of \(rto.value) is longer than the MTPD of \(mtpd.value).",
                    de: "Die RTO von \(rto.value) ist länger als die MTPD von \(mtpd.value)."),
                remedy: Words(
                    "It must go on before the damage is unbearable: shorten \"rto\", or reconsider \"mtpd\".",
                    de: "Es muss weitergehen, ehe der Schaden untragbar ist: „rto“ kürzen oder „mtpd“ überdenken."))
        }
        if let mtpd = service.mtpd, mtpd.value < Self.essential, service.rto == nil || service.rpo == nil {
            warn(
                .essentialWithoutTimes, at: service.id.place,
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
                .rpoTooLong, at: own.place,
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
                .leikaForm, at: key.place,
                Words("\"\(key.value)\" is no LeiKa key.", de: "„\(key.value)“ ist kein LeiKa-Schlüssel."),
                remedy: Words(
                    "It has 14 digits and begins with 99; \"zwilling leika WORD\" finds it. Leave it out for what is no public service.",
                    de: "Er hat 14 Ziffern und beginnt mit 99; „zwilling leika WORT“ findet ihn. Bei anderem als öffentlichen Leistungen weglassen."))
            return
        }
        // An earlier key of the same service will do: keys change with the law.
        let earlier = service.leikaEarlier.contains { Leika.list[$0.value] != nil }
        guard Leika.list[key.value] == nil, !earlier else { return }
        let words = [service.name?.value ?? "", service.id.value]
        let near = Leika.meant(by: key.value) ?? words.lazy.compactMap { Leika.find($0).first }.first
        let newer = Words(
            "It may be newer: compare it with fimportal.de, and give the key of 2019 as \"leika-earlier\".",
            de: "Er mag neuer sein: mit fimportal.de vergleichen und den von 2019 als „leika-earlier“ angeben.")
        warn(
            .leikaUnknown, at: key.place,
            Words(
                "LeiKa key \(key.value) is not in the list of 2019 that Zwilling carries.",
                de: "LeiKa-Schlüssel \(key.value) steht nicht in der Liste von 2019, die Zwilling mitführt."),
            near.map {
                Words(
                    "Did you mean \($0.key) (\($0.name))? \(newer.english)",
                    de: "Ist \($0.key) gemeint (\($0.name))? \(newer.german)")
            } ?? newer)
    }
}
