// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Files
import Ground
import Postgres
import Revival
import Vault

/// The work of a twin that runs here, for whoever takes it over.
struct TwinWork: GivenWork {
    private let twin: LocalActivations.One
    private let known: KnownVault
    private let keys: WriterKeys
    private let plan: RevivalPlan
    private let live: any LivePlatform
    private let builder: LaunchBuilder
    private let questions: Questions

    private static let standSeconds = 60.0

    init(_ twin: LocalActivations.One, _ known: KnownVault, _ keys: WriterKeys) throws(Trouble) {
        (self.twin, self.known, self.keys) = (twin, known, keys)
        guard let institution = try twin.blueprint() else {
            throw Trouble(.missing, Words("The blueprint of the activation cannot be read.", de: "Der Bauplan der Aktivierung ist nicht lesbar."))
        }
        plan = try RevivalPlan(of: institution, for: twin.state.wanted)
        live = try twin.live()
        let platform = institution.platforms.first { $0.id.value == twin.state.platform }
        builder = LaunchBuilder(plan.institution, twin.place, live, mail: platform?.mail?.value ?? "")
        questions = Questions(live, builder, program: try PlatformChoice.ownProgram())
    }

    private var applications: [RevivalPlan.Member] { plan.members.filter { $0.application != nil } }
    private var servers: [RevivalPlan.Member] { plan.members.filter { $0.application == nil } }

    var isWhole: Bool {
        get throws(Trouble) { try ActivationState(at: twin.place)?.standsSinceSeconds != nil }
    }

    func stop() async throws(Trouble) {
        // What is written to disk before need not be written while people wait.
        await together(servers) { (server) throws(Trouble) in
            if case .server(let data, let postgres) = server.role { _ = try questions.ask(data, postgres, "postgres", "CHECKPOINT") }
        }
        if let leave = twin.state.leave { await LocalActivations.lead(leave) }
        for trouble in await together(applications, { (one) throws(Trouble) in try await live.stop(one.id) }) { throw trouble }
    }

    /// Side by side.
    ///
    /// - Returns: what went wrong.
    @discardableResult
    private func together(
        _ members: [RevivalPlan.Member], _ body: @escaping @Sendable (RevivalPlan.Member) async throws(Trouble) -> Void
    ) async -> [Trouble] {
        await gathered(members, width: max(members.count, 1)) { member -> Trouble? in
            do throws(Trouble) {
                try await body(member)
                return nil
            } catch { return error }
        }.compactMap(\.self)
    }

    /// Files once more; and of the clusters all, since a server that ends in order waits until its log has
    /// been confirmed, which it is when it lies in the vault.
    func capture() async throws(Trouble) -> [Promotion.Cut] {
        let standing = try await live.standing()
        var ends: [String: UInt64] = [:]
        for case .server(let data, let postgres) in servers.map(\.role) {
            let name = plan.institution.serverName(of: data.id.value)
            // How far its log goes, nobody can say; it is begun again, and asked again.
            guard standing[name] == .runs else { throw LastCapture.doesNotRun(name) }
            let rows = try questions.ask(data, postgres, "postgres", LastCapture.question)
            ends[data.id.value] = rows[0, 0].flatMap { UInt64($0) }
        }
        let files = plan.institution.data.filter { $0.kind == .files && twin.state.has(.brought, $0.id.value) }
        let last = LastCapture(known, keys)
        try last.ask(for: files.map(\.id.value))
        for trouble in await together(servers, { (one) throws(Trouble) in try await live.stop(one.id) }) { throw trouble }
        return try await last.cuts(of: plan.institution.data.map(\.id.value), to: ends)
    }

    /// All that can stand: one that was ill before keeps nobody else up.
    func resume() async throws(Trouble) {
        var fault: Trouble?
        for member in plan.members {
            do throws(Trouble) { try await raise(member) } catch { fault = fault ?? error }
        }
        if let fault { throw fault }
        let platform = plan.institution.platforms.first { $0.id.value == twin.state.platform }
        if let serve = platform?.serve?.value { await LocalActivations.lead(serve) }
    }

    private func raise(_ member: RevivalPlan.Member) async throws(Trouble) {
        if try await live.standing()[member.id] != .runs { try await live.start(builder.launch(member)) }
        let begun = Terminal.seconds()
        while true {
            do throws(Trouble) { return try await questions.stands(member) } catch {
                guard Terminal.seconds() - begun < Self.standSeconds else { throw error }
                Machine.pause(milliseconds: 100)
            }
        }
    }

    func leave(wasGiven: Bool) async throws(Trouble) {
        try twin.noteLeft(wasGiven: wasGiven)
        var fault: Trouble?
        for member in plan.members.reversed() {
            do throws(Trouble) { try await live.stop(member.id) } catch { fault = fault ?? error }
        }
        if let fault { throw fault }
        if live.hasOwnFiles { try await live.clear() }
        // What is Zwilling's own. This program is one of them, so it does not wait for its own end.
        try await twin.keeper().askAllToStop()
    }
}
