// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground

extension Trouble {
    static func strangeAnswer(_ address: SFTPAddress) -> Trouble {
        Trouble(
            .system,
            Words("\"\(address.host)\" answers otherwise than SFTP has it.", de: "„\(address.host)“ antwortet anders, als SFTP es vorsieht."))
    }

    static func lacking(_ address: SFTPAddress, _ what: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The SFTP server of \"\(address.host)\" does not know \(what), without which two writers could take one place.",
                de: "Der SFTP-Server von „\(address.host)“ kennt \(what) nicht; ohne das könnten zwei Schreiber denselben Platz belegen."),
            advice: Words("OpenSSH's own server does.", de: "Der von OpenSSH selbst kennt es."))
    }

    static func noFolder(_ address: SFTPAddress) -> Trouble {
        Trouble(
            .missing,
            Words("There is no directory \"\(address.text)\".", de: "Das Verzeichnis „\(address.text)“ gibt es nicht."),
            advice: Words("Check the path, and whether its disk is mounted there.", de: "Den Pfad prüfen, und ob seine Platte dort eingehängt ist."))
    }

    static func refusedByHost(
        _ address: SFTPAddress, _ name: ObjectName?, _ said: String, isDenied: Bool
    ) -> Trouble {
        let (english, german) = (name.map { " for the object \($0)" } ?? "", name.map { " beim Objekt \($0)" } ?? "")
        let quoted = printable(Array(said.utf8.prefix(200)))
        return Trouble(
            isDenied ? .denied : .system,
            Words("\"\(address.text)\" says \"\(quoted)\"\(english).", de: "„\(address.text)“ meldet „\(quoted)“\(german)."),
            advice: isDenied
                ? Words("Check who may write there.", de: "Prüfen, wer dort schreiben darf.")
                : Words("Check space and state of the disk there.", de: "Platz und Zustand der Platte dort prüfen."))
    }
}
