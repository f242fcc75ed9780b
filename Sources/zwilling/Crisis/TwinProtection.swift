// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Revival
import Vault

/// A twin that runs is an original: it is protected from then on, by a keeper of its own.
extension LocalActivations.One {
    static let guardian = "protect"
    static let handover = "guard"

    /// What keeps the programs that are Zwilling's own.
    func keeper() throws(Trouble) -> ProcessPlatform {
        ProcessPlatform(at: place, keeper: try PlatformChoice.ownProgram(), isolation: nil)
    }

    /// From the first second on.
    func tellCitizens(on port: Int) async throws(Trouble) {
        var launch = Launch(id: "status-page")
        launch.arguments = [
            try PlatformChoice.ownProgram(), "status-page", "\(port)", String(decoding: place.path, as: UTF8.self),
        ]
        try await keeper().start(launch)
    }

    /// After its programs were raised: leads people there, and protects what stands already, with which they
    /// may work, also where the rest has failed.
    static func settleIn(
        _ journal: ActivationJournal, at place: ActivationPlace, on platform: Platform, _ known: KnownVault, _ unlocked: UnlockedKeyring,
        _ failure: Trouble?
    ) async throws(Trouble) {
        if failure == nil, let line = platform.serve?.value { await LocalActivations.lead(line) }
        if journal.state.steps.contains(where: { $0.kind == .stands }) {
            do throws(Trouble) {
                try await Self(place: place, state: journal.state).protect(known, unlocked)
                try journal.note(.protected, guardian)
            } catch {
                // Nobody was fenced off because nothing can be written there; people work all the same.
                guard journal.state.term == nil, error.kind == .readOnly || error.kind == .denied else { throw error }
                warn(
                    Words(
                        "the twin is not protected, since the vault can only be read: what is worked now is only here.",
                        de: "Der Zwilling wird nicht gesichert, denn der Tresor ist nur lesbar: Was jetzt gearbeitet wird, ist nur hier."))
            }
        }
        if let failure { throw failure }
        try journal.change { $0.standsSinceSeconds = World.real.now().seconds }
    }

    /// Begins a chain of its own in the vault: its timeline.
    func protect(_ known: KnownVault, _ unlocked: UnlockedKeyring) async throws(Trouble) {
        let vault = try await known.fresh()
        if try known.state.isReplaced(in: vault.keyring) {
            let (changed, keys) = try await vault.adding(
                writerNamed: try writerName(nil), with: unlocked.following(vault.keyring), companions: [], world: .real)
            try known.state.write(.writerKey, keys.encoded)
            known.remember(of: changed)
        }
        let keeper = try keeper()
        for (id, words) in [(Self.guardian, ["protect", "--continuous"]), (Self.handover, ["guard"])] {
            var launch = Launch(id: id)
            launch.arguments = [try PlatformChoice.ownProgram()] + words + ["--activation", state.id]
            launch.environment = [
                "ZWILLING_HOME": String(decoding: try StateDirectory().path, as: UTF8.self),
                "ZWILLING_VAULT": String(decoding: known.place.bytes, as: UTF8.self),
            ]
            try await keeper.start(launch)
        }
        Machine.pause(milliseconds: Self.settleMilliseconds)
        guard try await keeper.standing()[Self.guardian] != .runs else { return }
        let said = await keeper.log(of: Self.guardian).split(separator: "\n").suffix(2).joined(separator: " ")
        warn(
            Words(
                "the twin is not protected yet; it is tried again and again. \(plain(said))",
                de: "Der Zwilling wird noch nicht gesichert; es wird immer wieder versucht. \(plain(said))"))
    }

    /// One that cannot begin has ended by then.
    private static let settleMilliseconds = 700

    /// The hooks of the original are of no use here, and what a command dumped is dumped from where
    /// the blueprint says, which is not here.
    func groups(of institution: Institution) -> [ConsistencyGroup] {
        let there = institution.data.filter { $0.kind != .command }.map(\.id.value)
        // What did not come back must not stand for what is gone.
        let own = there.filter { state.has(.brought, $0) }
        return institution.allGroups.compactMap { $0.unheld.keeping(own) }
    }

    func whereabouts(of institution: Institution) throws(Trouble) -> Whereabouts {
        var found = Whereabouts.original
        let live = try live()
        let builder = LaunchBuilder(institution, place, live, mail: nil)
        for data in institution.data {
            let id = data.id.value
            switch data.source {
            case .files: found.roots[id] = place.part(.data, id)
            case .secret: found.secrets[id] = place.part(.secrets, id)
            case .postgres(let postgres):
                found.addresses[id] = try builder.address(of: data, postgres, database: "postgres")
            case .command: continue
            }
        }
        return found
    }
}
