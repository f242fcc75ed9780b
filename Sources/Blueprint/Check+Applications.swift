// SPDX-License-Identifier: EUPL-1.2
import Ground

extension Check {
    func applications() {
        for application in institution.applications {
            if application.data.isEmpty, !application.isStateless {
                warn(
                    .unprotectedApplication, at: application.id.place,
                    Words(
                        "Nothing of application \"\(application.id.value)\" is protected.",
                        de: "Von Anwendung „\(application.id.value)“ ist nichts gesichert."),
                    Words(
                        "Name its data sets under \"data\", or say \"stateless: true\".",
                        de: "Unter „data“ ihre Datenbestände nennen oder „stateless: true“ angeben."))
            }
            if let quiesce = application.quiesce, application.resume == nil {
                findings.error(
                    .quiesceWithoutResume, at: quiesce.place,
                    Words("What is made to hold still must be let go on.", de: "Was ruht, muss auch weiterlaufen können."),
                    remedy: Words("Add \"resume\".", de: "„resume“ ergänzen."))
            }
            for need in application.needs { check(need, of: application) }
            configuration(of: application)
            secrets(of: application)
            health(of: application)
            trials(of: application)
            placeholders(of: application)
        }
    }

    private func check(_ need: Need, of application: Application) {
        let isNamed = [Need.Kind.application, .register, .service].contains(need.kind.value)
        let kind = need.kind.value.rawValue
        let what = Words(
            need.name.map { "\(kind) \"\($0.value)\"" } ?? kind,
            de: need.name.map { "\(kind) „\($0.value)“" } ?? kind)
        if isNamed, need.name == nil {
            findings.error(
                .needWithoutName, at: need.place,
                Words(
                    "Which \(need.kind.value.rawValue) does \"\(application.id.value)\" need?",
                    de: "Was braucht „\(application.id.value)“ (\(need.kind.value.rawValue))?"),
                remedy: Words("Add \"name\".", de: "„name“ ergänzen."))
        }
        let isOwn = need.kind.value == .application && need.provider == nil
        guard !isOwn, need.standIn == nil else { return }
        warn(
            .needWithoutStandIn, at: need.place,
            Words(
                "\"\(application.id.value)\" needs \(what.english), and nothing takes its place when that is gone.",
                de: "„\(application.id.value)“ braucht \(what.german), und nichts tritt an seine Stelle, wenn es weg ist."),
            Words(
                "Add \"stand-in\": what people do or which program runs instead.",
                de: "„stand-in“ ergänzen: was Menschen stattdessen tun oder welches Programm läuft."))
    }
}
