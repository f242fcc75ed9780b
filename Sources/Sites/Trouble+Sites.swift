// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What every site says in the same words.
extension Trouble {
    static func missingObject(_ name: ObjectName, at site: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The object \(name) does not exist at site \"\(site)\".",
                de: "Das Objekt \(name) gibt es am Standort „\(site)“ nicht."),
            advice: Words(
                "Check whether this is the right site and whether all of it is there.",
                de: "Prüfen, ob dies der richtige Standort ist und ob er vollständig ist."))
    }

    static func existingObject(_ name: ObjectName, at site: String) -> Trouble {
        Trouble(
            .exists,
            Words(
                "The object \(name) exists already at site \"\(site)\" and was left alone.",
                de: "Das Objekt \(name) gibt es am Standort „\(site)“ schon; es blieb unberührt."),
            advice: Words(
                "Somebody else may be writing here at the same time: try again.",
                de: "Vielleicht schreibt hier gerade noch jemand: noch einmal versuchen."))
    }

    static func fullSite(
        _ name: ObjectName, at site: String, cause: (any Error)? = nil
    ) -> Trouble {
        Trouble(
            .full,
            Words(
                "No space is left at site \"\(site)\" for the object \(name).",
                de: "Am Standort „\(site)“ ist kein Platz mehr für das Objekt \(name)."),
            advice: Words(
                "Make room there, then run the same command again; what is stored stays stored.",
                de: "Dort Platz schaffen und den Befehl wiederholen; was schon gespeichert ist, "
                    + "bleibt es."),
            cause: cause)
    }

    static func readOnlySite(
        _ name: ObjectName, at site: String, cause: (any Error)? = nil
    ) -> Trouble {
        Trouble(
            .readOnly,
            Words(
                "Site \"\(site)\" can only be read; the object \(name) was not changed.",
                de: "Der Standort „\(site)“ ist nur lesbar; das Objekt \(name) blieb, wie es war."),
            advice: Words(
                "Mount it so that it can be written, or name another site.",
                de: "Ihn beschreibbar einhängen oder einen anderen Standort nennen."),
            cause: cause)
    }

    static func oversized(_ name: ObjectName, at site: String) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "The object \(name) at site \"\(site)\" is larger than any object may be.",
                de: "Das Objekt \(name) am Standort „\(site)“ ist größer als erlaubt."),
            advice: verifyAdvice)
    }

    static func shortObject(
        _ name: ObjectName, at site: String, _ count: Int, of size: Int
    ) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "The object \(name) at site \"\(site)\" ends after \(count) of its \(size) bytes.",
                de: "Das Objekt \(name) am Standort „\(site)“ endet nach \(count) seiner \(size) "
                    + "Bytes."),
            advice: verifyAdvice)
    }

    static func unreadable(
        _ name: ObjectName, at site: String, cause: any Error
    ) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "Site \"\(site)\" cannot read the object \(name) back.",
                de: "Der Standort „\(site)“ kann das Objekt \(name) nicht zurücklesen."),
            advice: Words(
                "The disk may be failing. \(verifyAdvice.english)",
                de: "Der Datenträger ist vielleicht defekt. \(verifyAdvice.german)"),
            cause: cause)
    }

    private static var verifyAdvice: Words {
        Words(
            "\"zwilling verify\" shows what else is damaged.",
            de: "Was sonst noch beschädigt ist, zeigt „zwilling verify“.")
    }
}
