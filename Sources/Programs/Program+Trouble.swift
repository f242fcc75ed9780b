// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Subprocess

extension Trouble {
    /// Nothing comes through the pipe to a program, or from it.
    static func pipe(_ cause: any Error) -> Trouble {
        Trouble(
            .system,
            Words(
                "The connection to a program broke off.",
                de: "Die Verbindung zu einem Programm riss ab."), cause: cause)
    }
}

extension Program {
    private var name: String { printable(Array((arguments.first ?? "").utf8)) }

    func notRun(_ cause: any Error) -> Trouble {
        Trouble(
            .missing,
            Words("Cannot run \"\(name)\".", de: "„\(name)“ lässt sich nicht ausführen."),
            advice: Words(
                "See whether the program is installed and may be run by this user.",
                de: "Prüfen, ob das Programm installiert ist und dieser Benutzer es ausführen darf."),
            cause: cause)
    }

    var tooSlow: Trouble {
        let seconds = timeout.components.seconds
        return Trouble(
            .system,
            Words(
                "\"\(name)\" had not ended after \(seconds) seconds and was stopped.",
                de: "„\(name)“ war nach \(seconds) Sekunden nicht fertig und wurde beendet."),
            advice: Words(
                "Find out what it waits for, or give it a longer timeout.",
                de: "Herausfinden, worauf es wartet, oder „timeout“ verlängern."))
    }

    func tooMuch(_ limit: Int) -> Trouble {
        Trouble(
            .system,
            Words(
                "\"\(name)\" says more than \(limit) bytes.",
                de: "„\(name)“ gibt mehr als \(limit) Bytes aus."))
    }

    func failed(_ status: TerminationStatus, _ complaint: [UInt8]) -> Trouble {
        let how: Words
        switch status {
        case .exited(let code):
            how = Words("ended with exit code \(code)", de: "endete mit Rückgabewert \(code)")
        case .signaled(let signal):
            how = Words("was ended by signal \(signal)", de: "wurde durch Signal \(signal) beendet")
        }
        let quoted = isQuoted ? quote(complaint) : ""
        return Trouble(
            .system,
            Words(
                "\"\(name)\" \(how.english)\(quoted).", de: "„\(name)“ \(how.german)\(quoted)."))
    }

    /// What it said at the end: of a pipe each program has its say, and the cause stands first.
    private func quote(_ complaint: [UInt8]) -> String {
        let lines = complaint.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        let last = lines.suffix(3).map { printable(Array($0.prefix(500))) }
        return last.isEmpty ? "" : ": " + last.joined(separator: "; ")
    }
}
