// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

// The sentences in which the vault speaks of what is wrong with it.
extension Trouble {
    private static let verifyAdvice = Words(
        "Run \"zwilling verify --read-data\" to see all that is affected, and bring the object back from another copy of the vault; what does not need it stays readable.",
        de: "„zwilling verify --read-data“ zeigt alles, was betroffen ist; das Objekt aus einer anderen Kopie des Tresors zurückholen. Was es nicht braucht, bleibt lesbar."
    )

    package static func damaged(
        _ object: String, at site: String, _ why: Words, cause: (any Error)? = nil
    ) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "\(object) at site \"\(site)\" is damaged: \(why.english).",
                de: "\(object) am Standort „\(site)“ ist beschädigt: \(why.german)."),
            advice: verifyAdvice, cause: cause)
    }

    package static func missing(
        _ object: String, at site: String, cause: (any Error)? = nil
    ) -> Trouble {
        Trouble(
            .missing,
            Words(
                "\(object) is missing at site \"\(site)\".",
                de: "\(object) fehlt am Standort „\(site)“."),
            advice: verifyAdvice, cause: cause)
    }

    /// Bytes without the shape they should have, or in a format of tomorrow.
    package static func malformed(
        _ object: String, at site: String, _ reason: Malformed
    ) -> Trouble {
        if reason.what.hasPrefix(Magic.newer) {
            return Trouble(
                .newerFormat,
                Words(
                    "\(object) at site \"\(site)\" was written by a newer Zwilling.",
                    de: "\(object) am Standort „\(site)“ stammt von einem neueren Zwilling."),
                advice: Words(
                    "Use a newer version; one lies in the vault under program/.",
                    de: "Eine neuere Version verwenden; eine liegt im Tresor unter program/."),
                cause: reason)
        }
        return damaged(
            object, at: site,
            Words("\(reason)", de: "unerwartete Bytes (\(reason))"), cause: reason)
    }

    static func stale(
        _ writer: Writer, last: UInt64, remembered: UInt64, site: String
    ) -> Trouble {
        Trouble(
            .stale,
            Words(
                "Site \"\(site)\" shows \(last) records of writer \"\(writer.name)\", but this machine has seen \(remembered): \(Record.name(writer.id, last + 1)) and what follows is missing.",
                de: "Standort „\(site)“ zeigt \(last) Einträge des Schreibers „\(writer.name)“, dieser Rechner kennt aber \(remembered): \(Record.name(writer.id, last + 1)) und alles danach fehlt."
            ),
            advice: Words(
                "Somebody removed them or put back an old copy of the vault. Bring them back from another copy; or accept the loss: start a new writer with \"zwilling keys add --replace\" and retire this one with \"zwilling keys retire --accept-loss\".",
                de: "Jemand hat sie entfernt oder eine alte Kopie des Tresors eingespielt. Aus einer anderen Kopie zurückholen; oder den Verlust annehmen: mit „zwilling keys add --replace“ einen neuen Schreiber beginnen und diesen mit „zwilling keys retire --accept-loss“ stilllegen."
            ))
    }

    package static func wrongPassphrase(_ site: String) -> Trouble {
        Trouble(
            .wrongKey,
            Words(
                "This passphrase does not open the vault at \"\(site)\".",
                de: "Diese Passphrase öffnet den Tresor „\(site)“ nicht."),
            advice: Words(
                "Check capitals, keyboard layout and spaces; a newline at the end of a passphrase file does not count.",
                de: "Großschreibung, Tastaturbelegung und Leerzeichen prüfen; ein Zeilenende am Schluss der Datei zählt nicht."
            ))
    }

    static func tooLarge(_ what: String, _ bytes: Int, _ most: Int) -> Trouble {
        Trouble(
            .system,
            Words(
                "\(what) would take \(bytes) bytes, more than the \(most) that any reader accepts.",
                de: "\(what): \(bytes) Bytes, mehr als die \(most), die ein Leser annimmt."),
            advice: Words(
                "Nothing of it was put. See docs/limits.md, and protect in smaller parts.",
                de: "Nichts davon wurde abgelegt. Siehe docs/limits.md; in kleineren Teilen sichern."))
    }

    /// A cryptographic operation that cannot fail did: only a defect or hostile keys do that.
    static func impossible(_ what: String) -> Trouble {
        Trouble(
            .system,
            Words(
                "The cryptographic library refused \(what).",
                de: "Die Kryptobibliothek verweigerte: \(what)."))
    }

    /// A writer has obeyed a statement that the site no longer shows.
    static func forgottenStatement(_ number: UInt64, at site: String) -> Trouble {
        Trouble(
            .stale,
            Words(
                "Site \"\(site)\" does not show \(Statement.name(number)), which this writer has obeyed.",
                de: "Standort „\(site)“ zeigt \(Statement.name(number)) nicht, das dieser Schreiber befolgt hat."),
            advice: Words(
                "Bring it back from another copy of the vault; \"zwilling verify\" says what is missing.",
                de: "Aus einer anderen Kopie des Tresors zurückholen; „zwilling verify“ sagt, was fehlt."))
    }
}
