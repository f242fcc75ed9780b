// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Something that citizens, patients, customers or firms get from the institution.
package struct Service: Formed, Hashable, Sendable {
    /// How far it goes on in an emergency (BSI 200-4, in the words of the design's section 7).
    package enum Level: String, CaseIterable, Sendable {
        case paper
        case readOnly = "read-only"
        case reduced
        case full
    }

    package let id: Written<String>
    package let name: Written<String>?
    /// 14 digits of the LeiKa; none for what is no public service.
    package let leika: Written<String>?
    /// Keys that it had before.
    package let leikaEarlier: [Written<String>]
    package let unit: Written<String>?
    /// After which the damage is no longer bearable (maximum tolerable period of disruption).
    package let mtpd: Written<Span>?
    /// In which it must go on again (recovery time objective).
    package let rto: Written<Span>?
    /// How much work may be lost (recovery point objective).
    package let rpo: Written<Span>?
    package let legalBasis: [Written<String>]
    /// Legal deadlines that would need extending.
    package let deadlines: [Written<String>]
    package let emergency: Written<Level>?
    /// A BPMN file beside the blueprint.
    package let process: Written<String>?
    package let applications: [Written<String>]

    init?(_ form: Form) {
        let id = form.id()
        name = form.text("name", Words("its name for people", de: "ihr Name für Menschen"))
        leika = form.text(
            "leika", Words("14 digits of the LeiKa", de: "14 Ziffern aus dem LeiKa"),
            pattern: "^99[0-9]{12}$")
        leikaEarlier = form.texts(
            "leika-earlier", Words("keys that it had before", de: "Schlüssel, die sie früher hatte"),
            pattern: "^99[0-9]{12}$")
        unit = form.text("unit", Words("the unit in charge", de: "die zuständige Einheit"))
        mtpd = form.span(
            "mtpd",
            Words(
                "how long it may be gone at most before the damage is unbearable",
                de: "wie lange sie höchstens ausfallen darf, ehe der Schaden untragbar ist"))
        rto = form.span(
            "rto", Words("in which time it must go on again", de: "in welcher Zeit sie weitergehen muss"))
        rpo = form.span(
            "rpo", Words("how much work may be lost", de: "wie viel Arbeit verloren gehen darf"))
        legalBasis = form.texts("legal-basis", Words("the laws behind it", de: "die Gesetze dahinter"))
        deadlines = form.texts(
            "deadlines", Words("legal deadlines that run on", de: "gesetzliche Fristen, die weiterlaufen"))
        emergency = form.choice(
            "emergency", Words("how it goes on in an emergency", de: "wie sie im Notbetrieb weitergeht"),
            of: Level.self)
        process = form.text(
            "process", Words("its BPMN file, beside the blueprint", de: "ihre BPMN-Datei neben dem Bauplan"))
        applications = form.texts(
            "applications", Words("applications on which it stands", de: "Anwendungen, auf denen sie beruht"))
        guard let id else { return nil }
        self.id = id
    }
}
