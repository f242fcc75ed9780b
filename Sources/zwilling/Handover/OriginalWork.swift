// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Postgres
import Revival
import Vault

/// The work of the original, whose programs run under leases (`zwilling lease`).
struct OriginalWork: GivenWork {
    private let institution: Institution
    private let known: KnownVault
    private let keys: WriterKeys
    private let leases: Leases
    /// Of a lease.
    let seconds: Double

    /// With it, a word of the vault may be missed twice.
    private static let (secondsMin, farSecondsMin) = (10.0, 30.0)
    private static let stopSeconds = 40.0

    init(_ institution: Institution, _ known: KnownVault, _ keys: WriterKeys) throws(Trouble) {
        (self.institution, self.known, self.keys) = (institution, known, keys)
        leases = try Leases(StateDirectory())
        guard let lease = institution.lease?.value else {
            throw Trouble(
                .wrongUse,
                Words("The blueprint does not say how long a lease lasts.", de: "Der Bauplan sagt nicht, wie lange ein Lease gilt."),
                advice: Words(
                    "Add \"lease: 30 s\", and start the programs of the original with \"zwilling lease NAME -- COMMAND\".",
                    de: "„lease: 30 s“ ergänzen und die Programme des Originals mit „zwilling lease NAME -- BEFEHL“ starten."))
        }
        seconds = max(Double(lease.seconds), known.vault.site.isFar ? Self.farSecondsMin : Self.secondsMin)
    }

    func programs() throws(Trouble) -> [String] { try leases.names() }

    private var clusters: [(id: String, postgres: DataSet.Postgres)] {
        institution.data.compactMap { data in
            guard case .postgres(let postgres) = data.source else { return nil }
            return (data.id.value, postgres)
        }
    }

    /// One that cannot be renewed lapses.
    ///
    /// - Parameter asked: when, by `Machine.secondsSinceBoot`, the vault was asked.
    func renew(since asked: Double) {
        do throws(Trouble) {
            for name in try programs() { try leases.lease(name).renew(until: asked + seconds) }
        } catch { warn(error.message) }
    }

    private func end(_ names: [String]) async throws(Trouble) {
        for name in names { try leases.lease(name).revoke() }
        let begun = Terminal.seconds()
        for name in names {
            while try leases.isRunning(name) {
                guard Terminal.seconds() - begun < Self.stopSeconds else {
                    throw Trouble(.busy, Words("\"\(plain(name))\" does not end.", de: "„\(plain(name))“ endet nicht."))
                }
                do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
            }
        }
    }

    var isWhole: Bool { true }

    func stop() async throws(Trouble) {
        let servers = Set(clusters.map(\.id))
        try await end(programs().filter { !servers.contains($0) })
    }

    func capture() async throws(Trouble) -> [Promotion.Cut] {
        let names = Set(try programs())
        var ends: [String: UInt64] = [:]
        for (id, postgres) in clusters {
            if names.contains(id), try !leases.isRunning(id) { throw LastCapture.doesNotRun(id) }
            do throws(ServerError) {
                let connection = try Connection(to: ServerAddress(postgres.connection.value), for: .questions(database: "postgres"))
                ends[id] = try connection.ask(LastCapture.question, .seconds(30))[0, 0].flatMap { UInt64($0) }
            } catch { throw error.trouble }
        }
        let last = LastCapture(known, keys)
        let here = institution.groups(on: Machine.hostName()).flatMap(\.data).filter { $0.kind == .files }
        try last.ask(for: here.map(\.id.value))
        try await end(clusters.map(\.id).filter(names.contains))
        return try await last.cuts(of: institution.data.map(\.id.value), to: ends)
    }

    /// By the next word of the vault.
    func resume() async throws(Trouble) {}

    /// Databases stay, which nobody uses any more: what they alone have is for `return` to show.
    func leave(wasGiven: Bool) async throws(Trouble) { try await stop() }
}
