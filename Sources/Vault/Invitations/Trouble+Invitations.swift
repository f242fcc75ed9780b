// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

// Why somebody does not become a writer.
extension Trouble {
    private static let inviteAgain = Words(
        "Ask for a new token: \"zwilling agent invite\", on a machine on which the passphrase may be typed.",
        de: "Ein neues Token erbitten: „zwilling agent invite“ auf einem Rechner, auf dem die Passphrase eingegeben werden darf."
    )

    static func takenName(_ name: String) -> Trouble {
        Trouble(
            .exists,
            Words(
                "There is an active writer named \"\(name)\" already.",
                de: "Es gibt schon einen aktiven Schreiber namens „\(name)“."),
            advice: Words(
                "Choose another name, or retire that one first: \"zwilling keys retire\". \"zwilling agent list\" shows whether it was ever taken up.",
                de: "Einen anderen Namen wählen oder jenen zuerst stilllegen: „zwilling keys retire“. Ob er je eingelöst wurde, zeigt „zwilling agent list“."
            ))
    }

    static func halfInvited(_ name: String, _ trouble: Trouble) -> Trouble {
        Trouble(
            trouble.kind,
            Words(
                "Writer \"\(name)\" was added, but its invitation could not be left. \(trouble.message.english)",
                de: "Schreiber „\(name)“ wurde angemeldet, aber seine Einladung ließ sich nicht ablegen. \(trouble.message.german)"
            ),
            advice: Words(
                "Nobody has its keys. Retire it with \"zwilling keys retire\", then invite again.",
                de: "Seine Schlüssel hat niemand. Ihn mit „zwilling keys retire“ stilllegen und neu einladen."
            ), cause: trouble.cause)
    }

    static func foreignToken(_ site: String) -> Trouble {
        Trouble(
            .wrongKey,
            Words(
                "This token was made for another vault than the one at \"\(site)\".",
                de: "Dieses Token ist für einen anderen Tresor als den in „\(site)“."),
            advice: Words(
                "Check the path of the vault. If that is right, somebody may have put up a forgery: compare \"zwilling keys list\" with the recovery sheet.",
                de: "Den Pfad des Tresors prüfen. Stimmt er, hat vielleicht jemand eine Fälschung untergeschoben: „zwilling keys list“ mit dem Wiederherstellungsblatt vergleichen."
            ))
    }

    static func noInvitation(_ site: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The vault at \"\(site)\" has no invitation for this token.",
                de: "Der Tresor „\(site)“ hat keine Einladung zu diesem Token."),
            advice: Words(
                "It was withdrawn, or somebody removed it. \(inviteAgain.english)",
                de: "Sie wurde zurückgezogen, oder jemand hat sie entfernt. \(inviteAgain.german)"))
    }

    static func retiredInvitation(_ writer: Writer) -> Trouble {
        Trouble(
            .wrongKey,
            Words(
                "Writer \"\(writer.name)\", to which this token belongs, has been retired.",
                de: "Schreiber „\(writer.name)“, zu dem dieses Token gehört, wurde stillgelegt."),
            advice: inviteAgain)
    }

    static func expired(_ invitation: Invitation) -> Trouble {
        let until = clockText(invitation.expires)
        return Trouble(
            .wrongKey,
            Words(
                "This token was valid until \(until).", de: "Dieses Token galt bis \(until)."),
            advice: Words(
                "If the clock of this machine is right, retire its writer (\"zwilling agent list\" names it). \(inviteAgain.english)",
                de: "Geht die Uhr dieses Rechners richtig, den Schreiber stilllegen („zwilling agent list“ nennt ihn). \(inviteAgain.german)"
            ))
    }

    /// Says who, when, and what to do if that was a thief.
    static func claimed(_ claim: Claim, _ vault: Vault) -> Trouble {
        let host = printable(Array(claim.host.utf8))
        let name = vault.keyring.writer(claim.writer)?.name ?? "\(claim.writer)"
        let time = clockText(claim.made)
        return Trouble(
            .exists,
            Words(
                "This token has been used already: host \"\(host)\" became writer \"\(name)\" with it at \(time).",
                de: "Dieses Token ist verbraucht: Rechner „\(host)“ wurde damit am \(time) Schreiber „\(name)“."
            ),
            advice: Words(
                "If that was not you, retire that writer at once: \"zwilling keys retire \(name) --confirm \(name)\". For another machine, invite again.",
                de: "Waren das nicht Sie, diesen Schreiber sofort stilllegen: „zwilling keys retire \(name) --confirm \(name)“. Für einen anderen Rechner neu einladen."
            ))
    }

    /// To the minute, with the distance from UTC: the clocks are those of two machines.
    private static func clockText(_ moment: Moment) -> String {
        guard let time = LocalTime(moment) else { return "@\(moment.seconds)" }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = abs(time.offset) / 60
        return "\(time.year)-\(two(time.month))-\(two(time.day)) \(two(time.hour)):\(two(time.minute))"
            + " \(time.offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
