// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOCore
import NIOHTTP1
import NIOPosix

extension Peer {
    /// Host and port as they stand in an address, with an IPv6 address in brackets.
    var name: String {
        let host = printable(Array(host.utf8))
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Checked before anything is looked up.
    func check() throws(Trouble) {
        guard (1...65535).contains(port), !host.isEmpty, !host.utf8.contains(0) else {
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(name)\" is no host and port.",
                    de: "„\(name)“ ist kein Rechner mit Port."),
                advice: Words(
                    "Give a name or an IP address, and a port from 1 to 65535.",
                    de: "Einen Namen oder eine IP-Adresse und einen Port von 1 bis 65535 angeben."))
        }
    }

    /// `<act>: <reason>.` and what to do about it.
    func trouble(_ act: Words, _ error: any Error, within time: Duration) -> Trouble {
        let (kind, reason, advice) = told(error, within: time)
        return Trouble(
            kind,
            Words(
                "\(act.english): \(reason.english).", de: "\(act.german): \(reason.german)."),
            advice: advice, cause: error)
    }

    private func told(
        _ error: any Error, within time: Duration
    ) -> (Trouble.Kind, Words, advice: Words) {
        switch error {
        case let error as Silence: return told(error, within: time)
        case ChannelError.connectTimeout: return told(Silence.timeUp, within: time)
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.last {
                return told(failure.error, within: time)
            }
            return (
                .missing, Words("the name is not known", de: "der Name ist nicht bekannt"),
                Words(
                    "Check how the name is spelt, and \"getent hosts\" for it on this machine.",
                    de: "Schreibweise prüfen und auf diesem Rechner „getent hosts“ dafür aufrufen.")
            )
        case let error as IOError: return (.system, NetworkError.words(error), Self.seeIt)
        case is HTTPParserError, is NIOHTTPDecoderError:
            return (
                .system,
                Words("the answer is no HTTP", de: "die Antwort ist kein HTTP"),
                Words(
                    "See whether another service listens there, or one that wants TLS.",
                    de: "Prüfen, ob dort ein anderer Dienst lauscht oder einer, der TLS will.")
            )
        default:
            return (
                .system, Words("the connection failed", de: "die Verbindung misslang"), Self.seeIt)
        }
    }

    private func told(
        _ silence: Silence, within time: Duration
    ) -> (Trouble.Kind, Words, advice: Words) {
        switch silence {
        case .timeUp:
            let (seconds, rest) = time.components
            let tenths = rest / 100_000_000_000_000_000
            return (
                .system,
                Words(
                    "no whole answer within \(seconds).\(tenths) seconds",
                    de: "keine vollständige Antwort binnen \(seconds),\(tenths) Sekunden"),
                Words(
                    "See whether it is still starting or overloaded, or give it longer.",
                    de: "Prüfen, ob die Anwendung noch startet oder überlastet ist, oder ihr mehr "
                        + "Zeit geben.")
            )
        case .closed:
            return (
                .system,
                Words(
                    "the other end closed the connection before its answer was whole",
                    de: "die Gegenseite schloss die Verbindung, bevor die Antwort vollständig war"),
                Self.seeIt
            )
        case .givenUp:
            return (
                .system, Words("it was given up", de: "es wurde abgebrochen"),
                Words("Ask again.", de: "Noch einmal fragen.")
            )
        }
    }

    private static let seeIt = Words(
        "See on that machine whether the application runs, and what its log says.",
        de: "Auf jenem Rechner prüfen, ob die Anwendung läuft und was ihr Protokoll sagt.")
}
