// SPDX-License-Identifier: EUPL-1.2
import AsyncHTTPClient
import Files
import Ground
import NIOCore
import NIOPosix
import NIOSSL

extension Trouble {
    /// Whether another attempt may go well: only of what `S3Client` throws.
    var isPassing: Bool { kind == .system && (cause as? Passing)?.isSo ?? false }

    private struct Passing: Error, CustomStringConvertible {
        let isSo: Bool
        let description: String
    }

    static func busyCloud(_ address: S3Address, _ answer: S3Client.Answer) -> Trouble {
        Trouble(
            .system,
            Words(
                "\"\(address.text)\" cannot answer now: \(said(answer)).",
                de: "„\(address.text)“ kann gerade nicht antworten: \(said(answer))."),
            advice: tryAgain, cause: Passing(isSo: true, description: "status \(answer.status)"))
    }

    /// A certificate that is not trusted will not be so in a minute.
    static func unreachableCloud(_ address: S3Address, _ error: any Error) -> Trouble {
        let detail = "\(error)"
        let isTrust = detail.contains("CERTIFICATE_VERIFY_FAILED") || detail.contains("unableToValidateCertificate")
            || error is NIOSSLExtraError
        guard !isTrust else {
            return Trouble(
                .denied,
                Words(
                    "The certificate of \"\(address.authority)\" is not trusted here.",
                    de: "Dem Zertifikat von „\(address.authority)“ wird hier nicht vertraut."),
                advice: Words(
                    "Check the address. Where your own authority has signed it, name that with --ca-file.",
                    de: "Adresse prüfen. Hat eine eigene Stelle es unterschrieben, diese mit --ca-file nennen."),
                cause: error)
        }
        return Trouble(
            .system,
            Words(
                "\"\(address.text)\" does not answer: \(reason(error)).",
                de: "„\(address.text)“ antwortet nicht: \(reason(error))."),
            advice: tryAgain, cause: Passing(isSo: true, description: detail))
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? HTTPClientError { return error.shortDescription }
        if let error = error as? IOError { return "\(error)" }
        if let error = error as? NIOConnectionError { return error.connectionErrors.first.map { "\($0.error)" } ?? "\(error.host)" }
        return printable(Array("\(error)".utf8.prefix(200)))
    }

    private static var tryAgain: Words {
        Words(
            "Check the line and the cloud's own state, then run the same command again; what is stored stays stored.",
            de: "Leitung und Zustand der Cloud prüfen, dann denselben Befehl wiederholen; was gespeichert ist, bleibt es.")
    }

    /// What the cloud gives as its reason, for people.
    private static func said(_ answer: S3Client.Answer) -> String {
        let words = [S3Text.first("Code", in: answer.body), S3Text.first("Message", in: answer.body)].compactMap(\.self)
        return printable(Array((["\(answer.status)"] + words).joined(separator: " ").utf8.prefix(300)))
    }

    static func refusedByCloud(
        _ address: S3Address, _ answer: S3Client.Answer, _ name: ObjectName?
    ) -> Trouble {
        let code = S3Text.first("Code", in: answer.body) ?? ""
        let what = name.map { " (\($0))" } ?? ""
        let kind: Kind =
            switch answer.status {
            case 401, 403: .denied
            case 404: .missing
            default: .system
            }
        return Trouble(
            kind,
            Words(
                "\"\(address.text)\" refuses\(what): \(said(answer)).", de: "„\(address.text)“ lehnt ab\(what): \(said(answer))."),
            advice: advice(code, answer))
    }

    private static func advice(_ code: String, _ answer: S3Client.Answer) -> Words? {
        switch code {
        case "RequestTimeTooSkewed":
            return Words("Set the clock of this machine.", de: "Die Uhr dieses Rechners stellen.")
        case "NoSuchBucket":
            return Words("Make the bucket at the cloud first.", de: "Den Bucket zuerst bei der Cloud anlegen.")
        case "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken":
            return Words(
                "Check the credentials, and give them anew with \"zwilling sites login\".",
                de: "Die Zugangsdaten prüfen und mit „zwilling sites login“ neu angeben.")
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect":
            let region = answer.headers.first(name: "x-amz-bucket-region") ?? S3Text.first("Region", in: answer.body)
            guard let region else { return nil }
            let shown = printable(Array(region.utf8.prefix(60)))
            return Words("Add ?region=\(shown) to the address.", de: "?region=\(shown) an die Adresse hängen.")
        default:
            guard answer.status == 403 else { return nil }
            return Words(
                "These credentials may not do that: see the policy in the operator's manual.",
                de: "Diese Zugangsdaten dürfen das nicht: siehe die Regel im Handbuch.")
        }
    }

    static func strangeAnswer(_ address: S3Address, _ what: String) -> Trouble {
        Trouble(
            .damaged,
            Words(
                "\"\(address.text)\" answers in a way that S3 does not have: \(what).",
                de: "„\(address.text)“ antwortet, wie S3 es nicht kennt: \(what)."),
            advice: Words(
                "Check that the address is that of an S3 server; \"zwilling sites test\" says what it can do.",
                de: "Prüfen, ob die Adresse die eines S3-Servers ist; „zwilling sites test“ sagt, was er kann."))
    }

    static func withoutCondition(_ name: ObjectName, at site: String) -> Trouble {
        Trouble(
            .system,
            Words(
                "The cloud of \"\(site)\" has no conditional put, so two writers could take one place: \(name) was not put.",
                de: "Die Cloud von „\(site)“ kennt kein bedingtes Schreiben, zwei Schreiber könnten einen Platz belegen: \(name) wurde nicht geschrieben."),
            advice: Words(
                "\"zwilling sites test\" says what it lacks. Choose another cloud.",
                de: "„zwilling sites test“ sagt, was ihr fehlt. Eine andere Cloud wählen."))
    }
}
