// SPDX-License-Identifier: EUPL-1.2
import ArgumentParser
import Ground
import Sites
import Vault

struct SitesAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: say(
            "Add a site to a vault and fill it, or say more of one.",
            de: "Einem Tresor einen Standort hinzufügen und ihn füllen, oder über einen mehr sagen."),
        discussion: say(
            """
            Tries the site out, notes it in the keyring, and copies there what it lacks, while the
            vault is in use. If it is interrupted, "zwilling sites catch-up" goes on. For a site that
            the vault has already, it changes what is said of it; --anew makes one again that is gone.
              zwilling sites add s3://s3.example.eu/town-vault --operator 'Example GmbH' --country DE --jurisdiction EU
              zwilling sites add /mnt/second/vault
              zwilling sites add /media/disk/vault --removable --name safe
            """,
            de: """
                Prüft den Standort, trägt ihn in den Schlüsselring ein und kopiert dorthin, was ihm
                fehlt, während der Tresor benutzt wird. Nach einer Unterbrechung macht „zwilling sites
                catch-up“ weiter. Bei einem Standort, den der Tresor schon hat, ändert es, was über
                ihn gesagt ist; --anew legt einen neu an, der weg ist.
                  zwilling sites add s3://s3.example.eu/stadt-tresor --operator 'Beispiel GmbH' --country DE --jurisdiction EU
                  zwilling sites add /mnt/zweiter/tresor
                  zwilling sites add /media/platte/tresor --removable --name panzerschrank
                """))

    @Argument(
        help: ArgumentHelp(
            say(
                "A directory, s3://HOST/BUCKET/PREFIX or sftp://HOST/PATH.",
                de: "Ein Verzeichnis, s3://HOST/BUCKET/PRÄFIX oder sftp://RECHNER/PFAD."),
            valueName: say("site", de: "standort")))
    var site: PathArgument

    @Flag(
        help: ArgumentHelp(
            say(
                "Make a directory of the vault anew that somebody has deleted.",
                de: "Ein Verzeichnis des Tresors neu anlegen, das jemand gelöscht hat.")))
    var anew = false

    @OptionGroup var facts: SiteFactsOptions
    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        let place = try VaultPlace(site)
        guard place.shown == place.address else { throw Trouble.option("SITE", Words("an address of plain text", de: "eine Adresse aus einfachem Text")) }
        var plan = known.vault.keyring.plan
        if plan.sites.isEmpty {
            plan.sites = [SiteFacts(address: known.place.address, name: SiteFactsOptions.name(for: known.place, among: []))]
        }
        if case .directory(let path) = place { try Self.refuseNested(path, place.shown, among: plan.sites) }
        let states = try StateDirectory()
        var opened: [String: any Site] = [:]
        let name: String
        let isNew: Bool
        if let index = plan.sites.firstIndex(where: { $0.address == place.address }) {
            plan.sites[index] = try facts.amended(plan.sites[index])
            name = plan.sites[index].name
            guard plan.sites.count(where: { $0.name == name }) == 1 else { throw Trouble.takenSiteName(name) }
            isNew = false
        } else {
            guard !anew else { throw Trouble.notOne(place.shown) }
            let new = try facts.amended(
                SiteFacts(address: place.address, name: SiteFactsOptions.name(for: place, among: plan.sites)))
            guard !plan.sites.contains(where: { $0.name == new.name }) else { throw Trouble.takenSiteName(new.name) }
            plan.sites.append(new)
            name = new.name
            isNew = true
        }
        if let index = plan.sites.firstIndex(where: { $0.name == name }) {
            plan.sites[index].lockDays = try await Self.lockDays(plan.sites[index], place, isGiven: facts.lockDays != nil, in: states)
        }
        // A rule that does not hold is told before anything is asked or put.
        let breaches = plan.rules.breaches(plan.sites)
        guard breaches.isEmpty else { throw Trouble.breached(breaches) }
        // Who has not got the passphrase leaves nothing behind.
        let unlocked = try known.unlocked(passphrase)
        if try await anew ? Self.isGone(place, in: states) : isNew {
            let new = try await Self.openNew(place, for: known.vault.keyring.vault, in: states)
            try await Self.refuseTwin(new, of: known.vault.site)
            opened[place.address] = new
        }
        let vaultId = known.vault.keyring.vault
        let spread = try VaultSites(states).spread(plan, of: vaultId, opened: opened)
        let keyring = known.vault.keyring
        spread.judge { keyring.isRight($0, $1) }
        if let new = opened[place.address], plan.sites.contains(where: { $0.name == name && $0.isRemovable }) {
            // Nothing but catching up writes there, and a site without a keyring is none.
            try await known.vault.introduce(to: new)
        }
        let changed = try await known.vault.planning(plan, at: spread, with: unlocked, world: .real)
        known.remember(of: changed)
        let progress = ProgressLine(output)
        var options = Copies.Options()
        (options.repairs, options.only) = (true, name)
        let copies = try await changed.copies(at: spread, options, report: progress.report)
        progress.end()
        tell(say("Print the recovery sheet again: \"zwilling vault sheet\".", de: "Das Wiederherstellungsblatt neu drucken: „zwilling vault sheet“."))
        try CopiesReport(copies, plan: plan).show(output, filling: name)
    }

    /// A directory in another would be taken for a part of it.
    private static func refuseNested(_ path: [UInt8], _ shown: String, among sites: [SiteFacts]) throws(Trouble) {
        for site in sites {
            let other = Array(site.address.utf8)
            guard other != path, other.starts(with: path + [UInt8(ascii: "/")]) || path.starts(with: other + [UInt8(ascii: "/")]) else { continue }
            throw Trouble(
                .wrongUse,
                Words(
                    "\"\(shown)\" and the site \"\(plain(site.name))\" lie one in the other.",
                    de: "„\(shown)“ und der Standort „\(plain(site.name))“ liegen ineinander."),
                advice: Words("Choose another place.", de: "Einen anderen Ort wählen."))
        }
    }

    private static func isGone(_ place: VaultPlace, in states: StateDirectory) async throws -> Bool {
        guard case .host = place else { return place.hasNoKeyring }
        return try await place.open(in: states).list("keyring/").isEmpty
    }

    /// What a bucket does by itself, where nobody has said less; nothing can be tried elsewhere.
    private static func lockDays(
        _ facts: SiteFacts, _ place: VaultPlace, isGiven: Bool, in states: StateDirectory
    ) async throws -> UInt16 {
        guard case .bucket(let address) = place else {
            if isGiven, facts.lockDays > 0 { throw Trouble.noLock(place.shown) }
            return facts.lockDays
        }
        guard isGiven || facts.lockDays == 0 else { return facts.lockDays }
        let rule: (mode: SiteLock.Mode, days: Int)?
        do throws(Trouble) { rule = try await SiteAccess(to: address, in: states).site(at: address).lockRule() } catch {
            // Nobody may know, so that what is said has to do.
            guard error.kind == .denied else { throw error }
            return facts.lockDays
        }
        guard isGiven else { return UInt16(clamping: rule?.days ?? 0) }
        if facts.lockDays > 0 {
            guard let rule else { throw Trouble.locksNothing(place.address, noted: facts.lockDays) }
            guard rule.days >= Int(facts.lockDays) else { throw Trouble.locksLess(place.address, rule.days, noted: facts.lockDays) }
        }
        return facts.lockDays
    }

    /// The same place by another address would count as a second copy.
    private static func refuseTwin(_ new: any Site, of vault: any Site) async throws {
        guard let name = ObjectName("probe/\(World.real.random(8).hex)/twin") else { preconditionFailure("a plain name") }
        try await new.put(name, [1], existing: .replace)
        let isThere: Bool
        do throws(Trouble) {
            _ = try await vault.get(name, in: nil)
            isThere = true
        } catch { isThere = false }
        do throws(Trouble) { try await new.remove(name) } catch {}  // Where nothing may be removed, it stays.
        if isThere { throw Trouble.samePlace(new.label) }
    }

    /// One that is empty, or holds a part of this vault from an earlier attempt.
    private static func openNew(
        _ place: VaultPlace, for vault: Identifier, in states: StateDirectory
    ) async throws -> any Site {
        if case .directory = place {
            do throws(Trouble) { return try await place.create(in: states) } catch {
                guard error.kind == .exists else { throw error }
                let site = try place.open(in: states)
                guard try await holdsPart(site, of: vault) else { throw error }
                return site
            }
        }
        let site = try await place.create(in: states)
        let isEmpty = try await site.list("keyring").isEmpty
        if isEmpty { return site }
        guard try await holdsPart(site, of: vault) else { throw Trouble.foreignSite(place.shown) }
        return site
    }

    private static func holdsPart(_ site: any Site, of vault: Identifier) async throws(Trouble) -> Bool {
        guard let some = try await site.list("keyring").first else { return false }
        do { return try Keyring(decoding: try await site.get(some.name, in: nil)).vault == vault } catch { return false }
    }
}

struct SitesRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: say("Go on without one of the sites.", de: "Ohne einen der Standorte weitermachen."),
        discussion: say(
            """
            Only where each of the others has all of the vault, and the rules go on to hold. What lies
            at the site stays there; delete it with the means of the cloud.
              zwilling sites remove old-cloud
            """,
            de: """
                Nur wenn jeder der anderen den ganzen Tresor hat und die Regeln weiter gelten. Was am
                Standort liegt, bleibt dort; löschen lässt es sich mit den Mitteln der Cloud.
                  zwilling sites remove alte-cloud
                """))

    @Argument(help: ArgumentHelp(say("Its name or address.", de: "Sein Name oder seine Adresse."), valueName: say("site", de: "standort")))
    var site: String

    @OptionGroup var vault: VaultOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let known = try await KnownVault(vault)
        var plan = known.vault.keyring.plan
        let gone = try plan.find(site)
        plan.sites.removeAll { $0.name == gone.name }
        guard plan.sites.contains(where: { !$0.isRemovable }) else { throw Trouble.lastSite(gone.name) }
        let breaches = plan.rules.breaches(plan.sites)
        guard breaches.isEmpty else { throw Trouble.breached(breaches) }
        let unlocked = try known.unlocked(passphrase)
        if let spread = known.spread {
            let progress = ProgressLine(output)
            let copies = try await known.vault.copies(at: spread, Copies.Options(), report: progress.report)
            progress.end()
            let others = Set(plan.sites.filter { !$0.isRemovable }.map(\.name))
            if let unreached = copies.unreached.first(where: { others.contains($0.site) }) { throw unreached.trouble }
            if copies.unreached.contains(where: { $0.site == gone.name }) {
                warn(
                    Words(
                        "\"\(plain(gone.name))\" does not answer: what only it has is lost with it.",
                        de: "„\(plain(gone.name))“ antwortet nicht: Was nur er hat, geht mit ihm verloren."))
            }
            let lacks = copies.findings.filter { others.contains($0.site) }
            if let first = lacks.first { throw Trouble.incomplete(first.site, lacks.count { $0.site == first.site }) }
        }
        let spread = try VaultSites(try StateDirectory()).spread(plan, of: known.vault.keyring.vault)
        known.remember(of: try await known.vault.planning(plan, at: spread, with: unlocked, world: .real))
        try output.json
            ? showJSON(SiteFields(gone))
            : show([
                say(
                    "The vault goes on without \"\(plain(gone.name))\". What lies there stays there.",
                    de: "Der Tresor macht ohne „\(plain(gone.name))“ weiter. Was dort liegt, bleibt dort.")
            ])
    }
}

extension SitePlan {
    /// By name or address.
    func find(_ text: String) throws(Trouble) -> SiteFacts {
        if let found = sites.first(where: { $0.name == text || $0.address == text }) { return found }
        let names = sites.map { plain($0.name) }.joined(separator: ", ")
        throw Trouble(
            .wrongUse,
            Words("This vault has no site \"\(plain(text))\".", de: "Dieser Tresor hat keinen Standort „\(plain(text))“."),
            advice: sites.isEmpty
                ? Words("It lies at one site only.", de: "Er liegt nur an einem Standort.")
                : Words("It has these: \(names).", de: "Er hat diese: \(names)."))
    }
}

extension Trouble {
    fileprivate static func takenSiteName(_ name: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("Another site is called \"\(plain(name))\" already.", de: "Ein anderer Standort heißt schon „\(plain(name))“."),
            advice: Words("Choose another name with --name.", de: "Mit --name einen anderen Namen wählen."))
    }

    fileprivate static func foreignSite(_ site: String) -> Trouble {
        Trouble(
            .exists,
            Words("There is another vault at \"\(site)\".", de: "In „\(site)“ ist ein anderer Tresor."),
            advice: Words("Choose an empty place.", de: "Einen leeren Ort wählen."))
    }

    fileprivate static func samePlace(_ site: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("\"\(site)\" is a site of this vault already, by another address.", de: "„\(site)“ ist unter anderer Adresse schon ein Standort dieses Tresors."),
            advice: Words("Choose another place.", de: "Einen anderen Ort wählen."))
    }

    fileprivate static func noLock(_ site: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("\"\(site)\" has no lock of its own: only buckets have.", de: "„\(site)“ hat keine eigene Sperre: Nur Buckets haben eine."),
            advice: Words("Leave out --lock-days.", de: "--lock-days weglassen."))
    }

    fileprivate static func notOne(_ site: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words("\"\(site)\" is no site of this vault, so it cannot be made anew.", de: "„\(site)“ ist kein Standort dieses Tresors und lässt sich nicht neu anlegen."),
            advice: Words("See \"zwilling sites list\", or leave out --anew to add it.", de: "Siehe „zwilling sites list“, oder --anew weglassen, um ihn hinzuzufügen."))
    }

    fileprivate static func locksLess(_ address: String, _ days: Int, noted: UInt16) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The bucket of \"\(plain(address))\" locks what it gets for \(days) days, not \(noted).",
                de: "Der Bucket von „\(plain(address))“ sperrt, was er bekommt, für \(days) Tage, nicht \(noted)."),
            advice: Words("Change its default retention at the cloud, or say less.", de: "Die Vorgabe bei der Cloud ändern oder weniger angeben."))
    }

    fileprivate static func lastSite(_ name: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "\"\(plain(name))\" is the only site that is always there.", de: "„\(plain(name))“ ist der einzige Standort, der immer da ist."),
            advice: Words("Add another one first.", de: "Erst einen anderen hinzufügen."))
    }

    fileprivate static func incomplete(_ name: String, _ count: Int) -> Trouble {
        Trouble(
            .missing,
            Words(
                "Site \"\(plain(name))\" lacks \(count) objects, so that no other site can go.",
                de: "Dem Standort „\(plain(name))“ fehlen \(count) Objekte; deshalb kann kein anderer gehen."),
            advice: Words("Fill it first: \"zwilling sites catch-up\".", de: "Ihn erst auffüllen: „zwilling sites catch-up“."))
    }
}
