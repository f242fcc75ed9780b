// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Sites
import Vault

/// Finds a vault at whichever of its sites answers, and opens it at all of them.
struct VaultSites {
    private let states: StateDirectory

    init(_ states: StateDirectory) { self.states = states }

    /// - Returns: the vault, and what this machine remembers of it from earlier runs.
    func open(_ place: VaultPlace) async throws(Trouble) -> (Vault, Memory?) {
        let first: Trouble
        var opened: [String: any Site] = [:]
        do throws(Trouble) {
            let (site, asked) = try sites(at: place)
            let memory = try await known(asked, at: place)?.memory()
            let vault = try await Vault(at: asked, remembering: memory)
            guard !vault.keyring.plan.sites.isEmpty else { return (vault, memory) }
            return (try await judged(vault.keyring, memory, asked: (place, site)), memory)
        } catch {
            // Another vault in its place is no matter of a site that is gone.
            if error.kind == .wrongKey { throw error }
            first = error
            // Not asked again where it does not answer.
            if error.kind == .system { opened[place.address] = ClosedSite(place.shown, error) }
        }
        guard let state = try remembered(place), let memory = try state.memory() else { throw first }
        let plan = try state.plan()
        guard !plan.sites.isEmpty else { throw first }
        let spread = try spread(plan, of: state.vault, opened: opened)
        spread.judge { name, bytes in
            guard name.text.hasPrefix("keyring") else { return nil }
            do {
                let one = try Keyring(decoding: bytes)
                return one.root.fingerprint == memory.root && one.vault == memory.vault
                    && [Keyring.name(one.number), Keyring.name(one.number, in: Keyring.folders[1])].contains(name)
            } catch { return false }
        }
        do throws(Trouble) {
            return (try await judged(try await Vault(at: spread, remembering: memory).keyring, memory, opened: opened), memory)
        } catch {
            // One reason is enough where no other site has another.
            throw error.kind == .stale ? error : first
        }
    }

    /// At the sites of the newest plan that any of them shows: one may still show an older one.
    private func judged(
        _ first: Keyring, _ memory: Memory?, asked: (place: VaultPlace, site: any Site)? = nil, opened: [String: any Site] = [:]
    ) async throws(Trouble) -> Vault {
        var keyring = first
        while true {
            let spread = try spread(
                keyring.plan, of: keyring.vault, asked: asked, opened: asked.map { [$0.place.address: $0.site] } ?? opened)
            let judge = keyring
            spread.judge { judge.isRight($0, $1) }
            let vault = try await Vault(at: spread, remembering: memory)
            let newest = vault.keyring
            spread.judge { newest.isRight($0, $1) }
            if newest.number <= keyring.number || newest.plan == keyring.plan { return vault }
            keyring = newest
        }
    }

    /// Of all that this machine knows, the vault that lies there.
    func remembered(_ place: VaultPlace) throws(Trouble) -> VaultState? {
        for state in try states.vaults() {
            if try state.place() == place { return state }
            let addresses = try state.plan().sites.map(\.address)
            if addresses.contains(place.address) { return state }
        }
        return nil
    }

    /// All sites of a plan. What cannot be opened says so when it is asked.
    ///
    /// - Parameter asked: where somebody looks, which is read too where it is none of them: a copy on
    ///   another disk.
    /// - Parameter opened: sites that are open already, by their address.
    func spread(
        _ plan: SitePlan, of vault: Identifier, asked: (place: VaultPlace, site: any Site)? = nil,
        opened: [String: any Site] = [:]
    ) throws(Trouble) -> SpreadSite {
        let spool = states.state(of: vault).path(.spool)
        var members: [SpreadSite.Member] = []
        for facts in plan.sites {
            members.append(
                SpreadSite.Member(
                    opened[facts.address] ?? site(facts), name: facts.name, isRemovable: facts.isRemovable,
                    spool: spool + Array("/\(Sealing.hash(Array(facts.address.utf8)).short)".utf8)))
        }
        if let asked, !plan.sites.contains(where: { $0.address == asked.place.address }) {
            members.append(SpreadSite.Member(asked.site, name: asked.place.shown, isRemovable: true))
        }
        return SpreadSite(members, required: plan.rules.replicas)
    }

    private func site(_ facts: SiteFacts) -> any Site {
        do throws(Trouble) {
            let place = try VaultPlace(noted: Array(facts.address.utf8))
            let isHost: Bool
            switch place {
            case .bucket: return try place.open(in: states)
            case .host: isHost = true
            case .directory: isHost = false
            }
            return LateSite(facts.address, isFar: isHost) { [states] () async throws(Trouble) in
                if place.hasNoKeyring { throw .notThere(facts) }
                let site = try place.open(in: states)
                // The mount point of a disk of that host.
                if isHost, try await site.list("keyring/").isEmpty { throw .notThere(facts) }
                return site
            }
        } catch { return ClosedSite(facts.address, error) }
    }

    /// The site at a place, and the same for whoever cannot wait for ever, where there are others.
    private func sites(at place: VaultPlace) throws(Trouble) -> (any Site, asked: any Site) {
        guard case .directory = place, try remembered(place)?.plan().sites.count ?? 0 > 1 else {
            let site = try place.open(in: states)
            return (site, site)
        }
        let site = LateSite(place.shown) { [states] () async throws(Trouble) in try place.open(in: states) }
        var patience = SpreadPatience()
        patience.answer = .seconds(10)
        return (site, SpreadSite([SpreadSite.Member(site, name: place.shown)], required: 1, patience: patience))
    }

    /// What is known of the vault that this site claims to be. Where another was at this place
    /// before, it may be another disk, or somebody has put up a forgery.
    private func known(_ site: any Site, at place: VaultPlace) async throws(Trouble) -> VaultState? {
        let all = try states.vaults()
        let claimed = await Self.claimedVault(site)
        if let known = all.first(where: { $0.vault == claimed }) { return known }
        let places = try all.map { state throws(Trouble) in try state.place() }
        guard let other = zip(all, places).first(where: { $0.1 == place })?.0 else { return nil }
        // One that cannot even be read is what the known vault has become.
        guard let claimed else { return other }
        let file = printable(other.path(.place))
        throw Trouble(
            .wrongKey,
            Words(
                "\"\(site.label)\" is not the vault that this machine knows there: it was "
                    + "\(short(other.vault)), now it is \(short(claimed)).",
                de: "„\(site.label)“ ist nicht der Tresor, den dieser Rechner dort kennt: bisher "
                    + "\(short(other.vault)), jetzt \(short(claimed))."),
            advice: Words(
                "Do not type a passphrase yet. If it is meant to be another vault, remove "
                    + "\"\(file)\", try again, and compare the fingerprint of its root with the "
                    + "recovery sheet.",
                de: "Noch keine Passphrase eingeben. Falls es ein anderer Tresor sein soll: "
                    + "„\(file)“ löschen, noch einmal versuchen und den Fingerabdruck der Wurzel "
                    + "mit dem Wiederherstellungsblatt vergleichen."))
    }

    /// nil where there is no first keyring, or none that can be read: opening will say why.
    static func claimedVault(_ site: any Site) async -> Identifier? {
        do {
            let bytes = try await site.get(Keyring.name(1), in: 0..<Limits.statementBytesMax)
            return try Keyring(decoding: bytes).vault
        } catch { return nil }
    }
}

extension Trouble {
    fileprivate static func notThere(_ site: SiteFacts) -> Trouble {
        Trouble(
            .system,
            Words(
                "No copy of the vault lies in \"\(plain(site.address))\".",
                de: "In „\(plain(site.address))“ liegt keine Kopie des Tresors."),
            advice: site.isRemovable
                ? Words("Plug it in and mount it.", de: "Ihn anschließen und einhängen.")
                : Words(
                    "See whether it is mounted. If it was deleted, \"zwilling sites add \(plain(site.address)) --anew\" makes it again.",
                    de: "Prüfen, ob er eingehängt ist. Wurde er gelöscht, legt „zwilling sites add \(plain(site.address)) --anew“ ihn wieder an."))
    }
}
