// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Files
import Ground
import Sites

struct SitesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sites",
        abstract: say(
            "Where a vault lies: add, compare, fill and remove sites, try one out.",
            de: "Wo ein Tresor liegt: Standorte hinzufügen, vergleichen, auffüllen, entfernen, prüfen."),
        subcommands: [
            SitesListCommand.self, SitesAddCommand.self, SitesRemoveCommand.self, SitesRulesCommand.self,
            SitesCatchUpCommand.self, SitesRenewCommand.self, SitesTestCommand.self, SitesLoginCommand.self,
            SitesRightsCommand.self,
        ])
}

struct SitesLoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: say("Keep the credentials of a bucket on this machine.", de: "Die Zugangsdaten eines Buckets auf diesem Rechner ablegen."),
        discussion: say(
            """
            Asks for them, or reads them from a file as other programs write it. They are tried at
            once, and kept beside this machine's keys, where nobody else can read.
              zwilling sites login s3://s3.example.eu/town-vault
              zwilling sites login s3://s3.example.eu/town-vault --credentials-file ~/.aws/credentials
              zwilling sites login s3://ceph.town.example/vault --ca-file /etc/ssl/town-ca.pem
            """,
            de: """
                Fragt nach ihnen oder liest sie aus einer Datei, wie andere Programme sie schreiben.
                Sie werden sofort probiert und bei den Schlüsseln dieses Rechners abgelegt, wo niemand
                sonst lesen kann.
                  zwilling sites login s3://s3.example.eu/stadt-tresor
                  zwilling sites login s3://s3.example.eu/stadt-tresor --credentials-file ~/.aws/credentials
                  zwilling sites login s3://ceph.stadt.example/tresor --ca-file /etc/ssl/stadt-ca.pem
                """))

    @Argument(
        help: ArgumentHelp(
            say("Such as s3://HOST/BUCKET/PREFIX.", de: "Etwa s3://HOST/BUCKET/PRÄFIX."), valueName: say("site", de: "standort")))
    var site: PathArgument

    @Option(
        help: ArgumentHelp(
            say(
                "A file with aws_access_key_id and aws_secret_access_key, - for standard input.",
                de: "Datei mit aws_access_key_id und aws_secret_access_key, - für die Standardeingabe."),
            valueName: say("file", de: "datei")))
    var credentialsFile: PathArgument?

    @Option(
        help: ArgumentHelp(
            say(
                "Certificates (PEM) of an authority of your own, trusted beside the system's.",
                de: "Zertifikate (PEM) einer eigenen Stelle, denen außer denen des Systems vertraut wird."),
            valueName: say("file", de: "datei")))
    var caFile: PathArgument?

    mutating func run() async throws {
        guard case .bucket(let address) = try VaultPlace(site) else { throw Trouble.takesNone(site) }
        let states = try StateDirectory()
        try states.prepare()
        var authority: [UInt8]?
        if let caFile {
            do throws(SystemError) { authority = try Machine.readWhole(caFile.bytes, upTo: 1 << 20) } catch {
                throw error.trouble(Words("Cannot read", de: "Nicht lesbar:"))
            }
        }
        let access: SiteAccess
        if let credentialsFile {
            let isInput = credentialsFile.bytes == [UInt8(ascii: "-")]
            access = try SiteAccess(
                from: isInput ? Array("/dev/stdin".utf8) : credentialsFile.bytes, authority: authority)
        } else {
            access = SiteAccess(
                keyId: try Self.answer(to: say("Access key id: ", de: "Zugriffsschlüssel-Id: ")),
                secret: try Self.answer(to: say("Secret access key: ", de: "Geheimer Zugriffsschlüssel: ")), authority: authority)
        }
        _ = try await access.site(at: address).list("keyring/")
        try access.keep(for: address, in: states)
        try show([say("\(address.text) answers, and lets this machine in.", de: "\(address.text) antwortet und lässt diesen Rechner ein.")])
    }

    /// Neither shows on the screen.
    private static func answer(to prompt: String) throws -> String {
        let answer: [UInt8]?
        do throws(SystemError) { answer = try Terminal.secret(prompt: prompt) } catch {
            throw Trouble(
                .wrongUse,
                Words(
                    "Credentials are needed, and there is no terminal on which to ask for them.",
                    de: "Zugangsdaten sind nötig, und es gibt kein Terminal, um danach zu fragen."),
                advice: Words("Name a file with --credentials-file FILE.", de: "Mit --credentials-file DATEI eine Datei nennen."),
                cause: error)
        }
        guard let answer else { throw ExitCode(130) }
        return String(decoding: answer, as: UTF8.self)
    }
}

struct SitesTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: say("Find out by real writes what a site can do.", de: "Durch echtes Schreiben herausfinden, was ein Standort kann."),
        discussion: say(
            """
            Writes small objects below probe/, also several writers at once, reads, lists and removes
            them, and says what the site lacks and what that means. Exit code 1 if it cannot hold a
            vault.
              zwilling sites test s3://s3.example.eu/town-vault
              zwilling sites test /mnt/backup
            """,
            de: """
                Schreibt kleine Objekte unter probe/, auch mit mehreren Schreibern zugleich, liest,
                listet und entfernt sie und sagt, was dem Standort fehlt und was das heißt.
                Rückgabewert 1, wenn er keinen Tresor halten kann.
                  zwilling sites test s3://s3.example.eu/stadt-tresor
                  zwilling sites test /mnt/backup
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "A directory, s3://HOST/BUCKET/PREFIX or sftp://HOST/PATH.",
                de: "Ein Verzeichnis, s3://HOST/BUCKET/PRÄFIX oder sftp://RECHNER/PFAD."),
            valueName: say("site", de: "standort")))
    var site: PathArgument

    @OptionGroup var output: OutputOptions

    private struct Fields: Encodable {
        struct One: Encodable {
            let ability: SiteProbe.Ability
            let isThere: Bool
            let meaning: String?
        }

        let site: String
        let canHoldAVault: Bool
        let abilities: [One]
    }

    mutating func run() async throws {
        let place = try VaultPlace(site)
        let results = try await SiteProbe(place.open(in: StateDirectory())).run()
        let isLocking = results.contains { $0.ability == .locking && $0.isThere }
        let isEnough = results.allSatisfy { $0.isThere || !$0.ability.isNeeded }
        if output.json {
            try showJSON(
                Fields(
                    site: place.shown, canHoldAVault: isEnough,
                    abilities: results.map { Fields.One(ability: $0.ability, isThere: $0.isThere, meaning: Self.meaning($0, isLocking)) }))
        } else {
            var lines: [String] = []
            for result in results {
                lines.append("\(result.isThere ? say("yes ", de: "ja  ") : say("no  ", de: "nein")) \(say(result.ability.name))")
                if let meaning = Self.meaning(result, isLocking) { lines.append("     " + meaning) }
            }
            lines.append(
                isEnough
                    ? say("\(place.shown) can hold a vault.", de: "\(place.shown) kann einen Tresor halten.")
                    : say("\(place.shown) cannot hold a vault.", de: "\(place.shown) kann keinen Tresor halten."))
            try show(lines)
        }
        if !isEnough { throw ExitCode(1) }
    }

    /// - Parameter isLocking: whether what lies there is locked.
    private static func meaning(_ result: SiteProbe.Result, _ isLocking: Bool) -> String? {
        guard !result.isThere else {
            if let lock = result.lock {
                let note = lock.mode == .governance
                    ? say(" Who owns the cloud's account can lift it.", de: " Wem das Konto bei der Cloud gehört, kann sie aufheben.") : ""
                return say("\(lock.mode.rawValue), for \(lock.days) days.", de: "\(lock.mode.rawValue), für \(lock.days) Tage.") + note
            }
            guard result.ability == .removing else { return nil }
            return isLocking
                ? say("Only a mark: what is locked can still be read.", de: "Nur zum Schein: Was gesperrt ist, bleibt lesbar.")
                : say(
                    "Whoever steals these credentials can delete the vault, too.",
                    de: "Wer diese Zugangsdaten stiehlt, kann auch den Tresor löschen.")
        }
        return [say(result.ability.lack), result.trouble.map { say($0.message) }].compactMap(\.self).joined(separator: " ")
    }
}

extension Trouble {
    fileprivate static func takesNone(_ site: PathArgument) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "\"\(printable(site.bytes))\" takes no credentials.", de: "„\(printable(site.bytes))“ braucht keine Zugangsdaten."),
            advice: Words("Buckets do: s3://HOST/BUCKET/PREFIX.", de: "Buckets brauchen welche: s3://HOST/BUCKET/PRÄFIX."))
    }
}
