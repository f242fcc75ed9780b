// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct SitesRenewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: say("Renew the locks of what a vault needs.", de: "Die Sperren dessen erneuern, was ein Tresor braucht."),
        discussion: say(
            """
            Where a bucket locks what it gets, each lock ends some day. This extends them, to the days
            that are noted for the site or else those of the bucket, counted from today; run it daily,
            with a keeper's credentials ("zwilling sites rights --role keeper"). It needs no key, never
            shortens a lock and deletes nothing.
              zwilling sites renew
              zwilling sites renew first-cloud
            """,
            de: """
                Wo ein Bucket sperrt, was er bekommt, endet jede Sperre einmal. Dies verlängert sie, auf
                so viele Tage ab heute, wie für den Standort notiert sind, sonst auf die des Buckets;
                täglich ausführen, mit den Zugangsdaten eines Hüters („zwilling sites rights --role
                keeper“). Es braucht keinen Schlüssel, verkürzt keine Sperre und löscht nichts.
                  zwilling sites renew
                  zwilling sites renew erste-cloud
                """))

    @Argument(help: ArgumentHelp(say("Its name or address; all where none is named.", de: "Sein Name oder seine Adresse; sonst alle."), valueName: say("site", de: "standort")))
    var site: String?

    @OptionGroup var vault: VaultOptions
    @OptionGroup var output: OutputOptions

    private struct Fields: Encodable {
        struct Failure: Encodable {
            let object, message: String
        }

        let site: String
        let days: Int?
        let versions, extended: Int
        let lockedUntil: Int64?
        let failures: [Failure]
    }

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let plan = known.vault.keyring.plan
        let single = SiteFacts(address: known.place.address, name: SiteFactsOptions.name(for: known.place, among: []))
        var all = plan.sites.isEmpty ? [single] : plan.sites
        if let site, !plan.sites.isEmpty { all = [try plan.find(site)] }
        let states = try StateDirectory()
        let spared = Set(try await known.vault.readableStatements().removed.map(packName))
        let progress = ProgressLine(output)
        var (fields, lines): ([Fields], [String]) = ([], [])
        var isAmiss = false
        for facts in all {
            guard case .bucket(let address) = try VaultPlace(noted: Array(facts.address.utf8)) else { continue }
            let (renewal, days): (LockRenewal, Int)
            do throws(Trouble) {
                let bucket = try SiteAccess(to: address, in: states).site(at: address)
                let noted = max(facts.lockDays, plan.rules.lockDays)
                guard let rule = try await bucket.lockRule() else { throw Trouble.locksNothing(facts.address, noted: noted) }
                // Somebody may have made the bucket's own days fewer.
                days = max(Int(noted), rule.days)
                renewal = try await bucket.renewLocks(days: days, mode: rule.mode, now: World.real.now(), sparing: spared) { done, all in
                    progress.update(bytesDone: 0, of: 0, "\(plain(facts.name)): \(figure(done)) / \(figure(all))")
                }
            } catch {
                // The locks of the others end all the same.
                tell("\(plain(facts.name)): \(say(error.message))")
                fields.append(
                    Fields(
                        site: facts.name, days: nil, versions: 0, extended: 0, lockedUntil: nil,
                        failures: [Fields.Failure(object: "", message: say(error.message))]))
                isAmiss = true
                continue
            }
            fields.append(
                Fields(
                    site: facts.name, days: days, versions: renewal.versions, extended: renewal.extended, lockedUntil: renewal.firstEnd,
                    failures: renewal.failures.map { Fields.Failure(object: $0.object.text, message: say($0.trouble.message)) }))
            let end = renewal.firstEnd.map { localTime(Moment(seconds: $0)) } ?? "–"
            lines.append(
                say(
                    "\(plain(facts.name)): \(figure(renewal.versions)) versions, \(figure(renewal.extended)) locks renewed for \(days) days; the first ends \(end)",
                    de: "\(plain(facts.name)): \(figure(renewal.versions)) Fassungen, \(figure(renewal.extended)) Sperren für \(days) Tage erneuert; die erste endet \(end)"))
            for (object, trouble) in renewal.failures.prefix(Self.told) { tell("\(plain(facts.name)): \(object.text): \(say(trouble.message))") }
            if renewal.failures.count > Self.told {
                tell(say("… and \(figure(renewal.failures.count - Self.told)) more", de: "… und \(figure(renewal.failures.count - Self.told)) weitere"))
            }
            isAmiss = isAmiss || !renewal.failures.isEmpty
        }
        progress.end()
        guard !fields.isEmpty else { throw Trouble.noBucket }
        try output.json ? showJSON(fields) : show(lines)
        if isAmiss { throw ExitCode(1) }
    }

    private static let told = 20
}

extension Trouble {
    /// - Parameter noted: days that somebody said the bucket does.
    static func locksNothing(_ address: String, noted: UInt16) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The bucket of \"\(plain(address))\" locks nothing of what it gets" + (noted > 0 ? ", though \(noted) days are noted for it." : "."),
                de: "Der Bucket von „\(plain(address))“ sperrt nichts von dem, was er bekommt" + (noted > 0 ? ", obwohl für ihn \(noted) Tage notiert sind." : ".")),
            advice: Words(
                "Switch on object lock with a default retention at the cloud, or note \"--lock-days 0\" with \"zwilling sites add\".",
                de: "Bei der Cloud Object Lock mit einer Vorgabe einschalten oder mit „zwilling sites add“ „--lock-days 0“ notieren."))
    }

    fileprivate static var noBucket: Trouble {
        Trouble(
            .wrongUse,
            Words("No site of this vault is a bucket, and only buckets have locks.", de: "Kein Standort dieses Tresors ist ein Bucket, und nur Buckets haben Sperren."),
            advice: nil)
    }
}
