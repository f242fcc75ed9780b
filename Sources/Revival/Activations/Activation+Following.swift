// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Capture
import Files
import Ground
import Postgres
import Vault

// While somebody else still has the work: the data come, and keep up with what is written there, until
// the work is taken over. Clusters read the log as standbys do, so that little is left to read then.
extension Activation {
    /// Brings everything once, and lets the servers follow.
    package func prepare() async throws(Trouble) {
        let members = setting.plan.members
        try await setting.platform.prepare(members.map(\.id))
        for data in members.flatMap(\.data) {
            if StopRequest.wait(milliseconds: 0) { throw .wasStopped }
            if case .postgres(let postgres) = data.source { try await follow(data, postgres) } else { try await bring(data) }
        }
        try await bringImages()
        for member in members {
            guard case .server(let data, _) = member.role, journal.has(.follows, data.id.value) else { continue }
            report(.starts(member: member.id))
            try await setting.platform.start(setting.builder.launch(member, isFollowing: true))
        }
    }

    /// A base becomes a standby that finds its log in its own directory.
    private func follow(_ data: DataSet, _ postgres: DataSet.Postgres) async throws(Trouble) {
        let id = data.id.value
        guard !journal.has(.brought, id), !journal.has(.follows, id) else { return }
        guard let part = journal.part(id), let base = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot }),
            let span = base.body.postgres
        else { throw .noPart(id) }
        let begun = Terminal.seconds()
        let target = setting.place.part(.data, id)
        try await Tree.remove(target)
        var options = RestoreOptions()
        options.mindsOwners = Machine.isRoot
        let report = report
        let restored = try await Restore(vault, base, options: options).run(to: target) { report(.brings(dataSet: id, $0)) }
        if let missing = restored.notRestored.first { throw missing.trouble }
        let copy = PostgresCopy(at: target, span)
        try await withNewest { (vault, units) throws(Trouble) in try await play(id, into: copy, vault, units) }
        try copy.settle(isFollowing: true)
        try copy.openUp()
        try await prepareServer(data)
        let seconds = Terminal.seconds() - begun
        // Should it ever be brought back anew: as far as it leads, and not to the moment of the beginning.
        try journal.change { $0.renew(base) }
        try journal.note(.follows, id, seconds: seconds, bytes: restored.counts.bytes)
        report(.back(dataSet: id, bytes: restored.counts.bytes, seconds: seconds))
    }

    /// With what is in the vault by now: units are merged, and go, while they are read.
    private func withNewest(_ body: (OpenVault, Units) async throws(Trouble) -> Void) async throws(Trouble) {
        var attempt = 1
        while true {
            let (vault, units) = try await renewing()
            do throws(Trouble) { return try await body(vault, units) } catch {
                guard error.kind == .missing, attempt < Self.attemptsMax else { throw error }
                attempt += 1
            }
        }
    }

    private static let attemptsMax = 5

    /// What was written since the last time.
    package func catchUp() async throws(Trouble) {
        try await withNewest { (vault, units) throws(Trouble) in try await catchUp(vault, units) }
    }

    private func catchUp(_ vault: OpenVault, _ units: Units) async throws(Trouble) {
        for data in setting.plan.members.flatMap(\.data) {
            let id = data.id.value
            switch data.source {
            case .postgres:
                guard journal.has(.follows, id), let part = journal.part(id),
                    let span = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot })?.body.postgres
                else { continue }
                try await play(id, into: PostgresCopy(at: setting.place.part(.data, id), span), vault, units)
            case .files, .secret, .command: try await renew(data, vault)
            }
        }
    }

    private func play(_ id: String, into copy: PostgresCopy, _ vault: OpenVault, _ units: Units) async throws(Trouble) {
        guard let part = journal.part(id) else { throw .noPart(id) }
        // The one that was brought: another base would be another server.
        let all = try Recovery.candidates(of: id, to: .latest, among: vault.observed, units)
        guard let found = all.first(where: { $0.base.id.hex == part.snapshot }) else { throw .snapshotIsGone(id, part.snapshot) }
        let playback = LogPlayback(vault, found, after: played.withLock { $0[id] })
        let reach = try await playback.play(into: copy.directory)
        if let trouble = reach.troubles.first { throw trouble }
        played.withLock { $0[id] = playback.played }
    }

    /// Files as they were captured last: only what differs from what lies here.
    private func renew(_ data: DataSet, _ vault: OpenVault) async throws(Trouble) {
        let id = data.id.value
        guard let part = journal.part(id) else { throw .noPart(id) }
        let all = vault.observed.snapshots.filter { $0.body.dataSet == id }
        guard let old = all.first(where: { $0.id.hex == part.snapshot }) else { throw .snapshotIsGone(id, part.snapshot) }
        guard let new = all.filter({ $0.writer.id == old.writer.id }).max(by: { $0.sequence < $1.sequence }), new.id != old.id else { return }
        let target = data.kind == .secret ? setting.place.part(.secrets) : setting.place.part(.data, id)
        let left: [LeftOut]
        if journal.state.updating?.contains(id) == true {
            // A run was killed in the middle, so what lies here is neither the one nor the other.
            if data.kind != .secret { try await Tree.remove(target) }
            var options = RestoreOptions()
            options.overwrites = data.kind == .secret
            options.mindsOwners = Machine.isRoot
            left = try await Restore(vault, new, options: options).run(to: target) { _ in }.notRestored
        } else {
            try journal.change { $0.updating = ($0.updating ?? []).union([id]) }
            left = try await FolderUpdate(vault, from: old, to: new).run(at: target)
        }
        for one in left { report(.incomplete(dataSet: id, one)) }
        if data.kind == .secret { try await hand(over: id) } else { try Tree.letThrough(target) }
        try journal.change { state in
            state.renew(new)
            state.updating?.remove(id)
            state.leftOut[id] = left.isEmpty ? state.leftOut[id] : left.count
        }
    }

    /// Everything that was given is here. Servers that cannot be asked read the rest when they start.
    ///
    /// - Throws: `.stale` where what was given is of another than what came here.
    package func finish(_ cuts: [Promotion.Cut]) async throws(Trouble) {
        let begun = Terminal.seconds()
        var isAllHere = false
        while true {
            try await withNewest { (vault, units) throws(Trouble) in
                isAllHere = vault.observed.reaches(cuts, units)
                guard isAllHere else { return }
                try await catchUp(vault, units)
                try check(cuts, vault, units)
            }
            if isAllHere { break }
            // What a site shows may be older than what was put.
            guard Terminal.seconds() - begun < Self.serverSeconds else { throw .notAllIsThere }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { throw .wasStopped }
        }
        await awaitReplay()
    }

    /// That all of it came from who gives, and that no log is missing.
    private func check(_ cuts: [Promotion.Cut], _ vault: OpenVault, _ units: Units) throws(Trouble) {
        let givers = Set(cuts.map(\.writer))
        // What a command dumps is dumped by the original only.
        for data in setting.plan.members.flatMap(\.data) where data.kind != .command {
            let id = data.id.value
            guard let part = journal.part(id), let fact = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot }) else {
                throw .noPart(id)
            }
            guard givers.contains(fact.writer.id) else { throw .comesFromAnother(id) }
            guard journal.has(.follows, id), let span = fact.body.postgres else { continue }
            let ranges = vault.observed.kept.filter { $0.writer.id == fact.writer.id && $0.body.dataSet == id }.compactMap(\.body.postgres)
            let log = units.facts.filter { $0.writer.id == fact.writer.id && $0.facts.dataSet == id }.map(\.facts.span)
            let last = (ranges + log).filter { $0.system == span.system }.map { ($0.timeline, $0.end) }.max { $0 < $1 }
            let here = played.withLock { $0[id] }.map { ($0.timeline, $0.lsn.value) } ?? (span.timeline, span.end)
            if let last, here < last { throw .logIsMissing(id) }
        }
    }

    private func awaitReplay() async {
        let begun = Terminal.seconds()
        for member in setting.plan.members {
            guard case .server(let data, let postgres) = member.role, let goal = played.withLock({ $0[data.id.value] }) else { continue }
            while Terminal.seconds() - begun < Self.replaySeconds {
                do {
                    let rows = try setting.questions.ask(data, postgres, "postgres", "SELECT pg_last_wal_replay_lsn() - '0/0'")
                    // Behind the last record there is the unused rest of what was sent.
                    if let place = rows[0, 0].flatMap({ UInt64($0) }), place + 512 >= goal.lsn.value { break }
                    try await Task.sleep(for: .milliseconds(20))
                } catch { break }
            }
        }
    }

    /// The work is ours: standbys become servers, and then all of it is raised as ever.
    package func takeOver() async throws(Trouble) {
        let members = setting.plan.members
        // Side by side, since people wait.
        let settled = await gathered(members, width: max(members.count, 1)) { member -> Trouble? in
            do throws(Trouble) {
                try await self.settle(member)
                return nil
            } catch { return error }
        }
        for case let trouble? in settled { throw trouble }
        try await run()
    }

    private func settle(_ member: RevivalPlan.Member) async throws(Trouble) {
        guard case .server(let data, _) = member.role, journal.has(.follows, data.id.value) else { return }
        guard let part = journal.part(data.id.value),
            let span = vault.observed.snapshots.first(where: { $0.id.hex == part.snapshot })?.body.postgres
        else { throw .noPart(data.id.value) }
        try await setting.platform.stop(member.id)
        try PostgresCopy(at: setting.place.part(.data, data.id.value), span).settle(on: played.withLock { $0[data.id.value]?.timeline })
        try await prepareServer(data)
        // In this order: without either it would be brought back once more.
        try journal.note(.brought, data.id.value)
        try journal.change { state in
            state.steps.removeAll { $0.kind == .follows && $0.what == data.id.value }
        }
    }
}

extension Observed {
    /// Whether it shows everything up to there.
    fileprivate func reaches(_ cuts: [Promotion.Cut], _ units: Units) -> Bool {
        cuts.allSatisfy { cut in
            guard (heads[cut.writer]?.sequence ?? 0) >= cut.head.sequence else { return false }
            let merged = facts.filter { $0.writer.id == cut.writer }.flatMap(\.body.supersedes)
            return cut.units.allSatisfy { session, last in
                units.facts.contains { $0.writer.id == cut.writer && $0.session == session && $0.number >= last }
                    || merged.contains { $0.session == session && $0.last >= last }
            }
        }
    }
}

extension Trouble {
    fileprivate static func comesFromAnother(_ dataSet: String) -> Trouble {
        Trouble(
            .stale,
            Words(
                "\"\(dataSet)\" came here from another than who has the work now.",
                de: "„\(dataSet)“ kam von einem anderen als dem, der die Arbeit jetzt hat."),
            advice: Words(
                "People work on where they were. End this with \"zwilling stop --delete-data\", and begin anew.",
                de: "Die Menschen arbeiten weiter, wo sie waren. Dies mit „zwilling stop --delete-data“ beenden und neu beginnen."))
    }

    fileprivate static func logIsMissing(_ dataSet: String) -> Trouble {
        Trouble(
            .missing,
            Words(
                "The log of \"\(dataSet)\" does not lead to the end: there is a gap before it.",
                de: "Das Protokoll von „\(dataSet)“ führt nicht bis ans Ende: Davor ist eine Lücke."),
            advice: Words(
                "People work on where they were. End this with \"zwilling stop --delete-data\", and begin anew from a later base.",
                de: "Die Menschen arbeiten weiter, wo sie waren. Dies mit „zwilling stop --delete-data“ beenden und von einer späteren Grundsicherung neu beginnen."))
    }

    fileprivate static let notAllIsThere = Trouble(
        .stale,
        Words(
            "The vault does not show all that was given: some of its sites are behind.",
            de: "Der Tresor zeigt nicht alles, was übergeben wurde: Einige seiner Standorte liegen zurück."),
        advice: Words("\"zwilling sites list\" shows how each stands.", de: "„zwilling sites list“ zeigt, wie jeder steht."))
}
