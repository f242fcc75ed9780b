// SPDX-License-Identifier: EUPL-1.2
import Ground
import Synchronization

/// One vault over several sites: each holds all of it, and none is believed.
///
/// A put is done when the required number of sites has it; the others get it meanwhile, or later
/// from a spool on this machine. A get goes on with another copy where one site lies, stalls or is
/// gone. A listing is the union of all: what one site does not show is never proof that it does not
/// exist. With N sites of which W must have a record, any N−W+1 show the newest one.
package final class SpreadSite: Site {
    package struct Member: Sendable {
        let site: any Site
        let name: String
        let isRemovable: Bool
        /// Where on this machine is kept what it has to get later.
        let spool: [UInt8]?

        package init(_ site: any Site, name: String, isRemovable: Bool = false, spool: [UInt8]? = nil) {
            (self.site, self.name, self.isRemovable, self.spool) = (site, name, isRemovable, spool)
        }
    }

    /// What was seen of one site since this value was made.
    package struct Standing: Sendable {
        /// Why it is not asked now.
        package internal(set) var trouble: Trouble?
        /// What it has given that was not what had been put there.
        package internal(set) var lies: Set<ObjectName> = []
        /// Objects that it will get from this machine.
        package internal(set) var spooled = 0
        /// Objects that it lacks and will not get by itself.
        package internal(set) var lost = 0

        package var isWell: Bool { trouble == nil && lies.isEmpty && spooled == 0 && lost == 0 }
    }

    /// Whether these are the bytes of the object of that name; nil where nobody can tell.
    package typealias Judge = @Sendable (ObjectName, [UInt8]) -> Bool?

    package let label: String
    package var isFar: Bool { fixed.contains { $0.site.isFar } }
    let lanes: [Lane]
    /// How many sites must have an object before it counts as stored.
    let required: Int
    let patience: SpreadPatience
    private let state = Mutex(State())

    private struct State {
        var judge: Judge?
        /// A listing that fewer answered than it takes to know what is newest.
        var mayBeStale = false
    }

    /// - Parameter required: at least 1, at most the number of members that are not removable.
    package init(_ members: [Member], required: Int, patience: SpreadPatience = SpreadPatience()) {
        let fixed = members.count { !$0.isRemovable }
        precondition((1...max(fixed, 1)).contains(required), "no more copies than sites")
        lanes = members.map { Lane($0, rest: patience.rest) }
        label = members.map(\.site.label).joined(separator: ", ")
        (self.required, self.patience) = (required, patience)
    }

    /// From now on copies are judged before they are handed out.
    package func judge(by judge: @escaping Judge) { state.withLock { $0.judge = judge } }

    package var mayBeStale: Bool { state.withLock { $0.mayBeStale } }

    private var fixed: [Lane] { lanes.filter { !$0.isRemovable } }

    // MARK: Reading

    package func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        let judge = state.withLock { $0.judge }
        return try await get(name, in: range) { bytes in
            // Of a part nobody can tell by itself.
            let isWhole = range.map { $0.lowerBound == 0 && bytes.count < $0.count } ?? true
            return isWhole ? judge?(name, bytes) ?? true : true
        }
    }

    /// - Returns: a copy that `accepting` takes; where there is none, the first that was given, so
    ///   that whoever asked says what is wrong with it.
    package func get(
        _ name: ObjectName, in range: Range<Int>?, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8] {
        let order = readingOrder
        let round = Round<[UInt8]>()
        let begun = ContinuousClock.now
        var (next, running) = (0, 0)
        var open: Set<Int> = []
        var refused: [UInt8]?
        var troubles: [Trouble] = []
        func askNext() {
            guard next < order.count else { return }
            round.ask(order[next], number: next) { site throws(Trouble) in try await site.get(name, in: range) }
            open.insert(next)
            next += 1
            running += 1
            round.ring(after: patience.copy)
        }
        askNext()
        for await event in round.events {
            switch event {
            case .bell:
                if next < order.count { askNext() } else if ContinuousClock.now - begun < patience.answer { round.ring(after: patience.copy) } else {
                    for number in open { order[number].noteSilence() }
                    troubles += open.map { .silent(order[$0].site.label) }
                    running = 0
                }
            case .answer(let number, .success(let bytes)):
                running -= 1
                open.remove(number)
                if accepting(bytes) { return bytes }
                order[number].noteLie(about: name)
                refused = refused ?? bytes
                askNext()
            case .answer(let number, .failure(let trouble)):
                running -= 1
                open.remove(number)
                troubles.append(trouble)
                askNext()
            }
            if running == 0, next == order.count { break }
        }
        if refused != nil || troubles.contains(where: { [.denied, .damaged].contains($0.kind) }),
            let right = await earlier(name, in: range, accepting)
        {
            return right
        }
        if let refused { return refused }
        // That it is nowhere is only known where all have said so.
        throw troubles.first { $0.kind != .missing } ?? troubles.first ?? .missingObject(name, at: label)
    }

    /// Those that answer first.
    private var readingOrder: [Lane] {
        fixed.filter { !$0.isResting } + fixed.filter(\.isResting) + lanes.filter(\.isRemovable)
    }

    package func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await counted(prefix).found.keys.sorted { ($0.name, $0.size) < ($1.name, $1.size) }
    }

    package func listStored(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        let (found, denied) = try await counted(prefix)
        // Where nobody may look, what was put is taken to be there.
        return found.filter { $0.value >= max(required - denied, 1) }.keys.sorted { ($0.name, $0.size) < ($1.name, $1.size) }
    }

    /// At how many sites that are not removable each object lies.
    private func counted(_ prefix: String) async throws(Trouble) -> (found: [ObjectEntry: Int], denied: Int) {
        let round = Round<[ObjectEntry]>()
        let enough = fixed.count - required + 1
        // One that rests has just shown that it does not answer.
        let awake = lanes.filter { !$0.isResting }
        let asked = awake.contains { !$0.isRemovable } ? awake : lanes
        for (number, lane) in asked.enumerated() {
            round.ask(lane, number: number) { site throws(Trouble) in try await site.list(prefix) }
        }
        var entries: [ObjectEntry: Int] = [:]
        var silent = Set(asked.indices)
        var (fresh, answered) = (0, 0)
        var troubles: [Trouble] = []
        let begun = ContinuousClock.now
        round.ring(after: patience.listing)
        for await event in round.events {
            switch event {
            case .bell:
                let waited = ContinuousClock.now - begun
                // Without any answer there is nothing to go on with.
                if (answered + troubles.count(where: { $0.kind == .denied }) == 0 && waited < patience.answer) || (fresh < enough && waited < patience.freshness) { round.ring(after: patience.listing) } else {
                    for number in silent where !asked[number].isRemovable { asked[number].noteSilence() }
                    silent = []
                }
            case .answer(let number, let result):
                guard silent.remove(number) != nil else { continue }
                switch result {
                case .success(let listed):
                    for entry in listed { entries[entry, default: 0] += asked[number].isRemovable ? 0 : 1 }
                    answered += 1
                    if !asked[number].isRemovable { fresh += 1 }
                case .failure(let trouble): troubles.append(trouble)
                }
            }
            if silent.isEmpty { break }
        }
        guard answered > 0, silent.isEmpty else {
            throw troubles.first { $0.kind == .denied } ?? troubles.first ?? .silent(label)
        }
        let denied = troubles.count { $0.kind == .denied }
        // No moment is told from its packs.
        if prefix != "packs/" { state.withLock { $0.mayBeStale = fresh < enough } }
        return (entries, denied)
    }

    // MARK: Writing

    package func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing
    ) async throws(Trouble) {
        try await put(name, bytes, existing: existing, isDecidedByFirst: false)
    }

    /// Two that ask two halves of a cut network must not both win: so the first of the plan decides, or
    /// nobody.
    package func putDecided(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) {
        try await put(name, bytes, existing: .refuse, isDecidedByFirst: true)
    }

    private func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing, isDecidedByFirst: Bool
    ) async throws(Trouble) {
        let isNamedByContent = name.text.hasPrefix("packs/")
        let coming = Lane.Coming(
            name: name, bytes: bytes, existing: existing, fate: Lane.Fate(isStored: isNamedByContent || existing == .replace))
        // Those that have been asked already.
        var (asked, has): (Range<Int>, Int) = (0..<0, 0)
        if existing == .refuse, !isNamedByContent {
            asked = 0..<(try await decide(coming, byFirst: isDecidedByFirst) + 1)
            has = 1
        }
        var troubles: [Trouble] = []
        var waiting = 0
        let round = Round<Void>()
        let lanes = fixed
        let awake = lanes.count { !$0.isResting && $0.hasRoom }
        for (number, lane) in lanes.enumerated() where !asked.contains(number) {
            // What need not be waited for comes later.
            if awake >= required, lane.isResting || !lane.hasRoom {
                lane.keepIfStored(coming)
                continue
            }
            waiting += 1
            round.put(coming, to: lane, number: number)
        }
        var (isRung, isHurried) = (false, false)
        var conflict: Trouble?
        round.ring(after: patience.put)
        let begun = ContinuousClock.now
        while waiting > 0, !(has >= required && (isNamedByContent || isHurried)) {
            // The slower sites may still come to have it before anybody looks.
            if has >= required, !isRung {
                round.ring(after: patience.record)
                isRung = true
            }
            guard let event = await round.next() else { break }
            switch event {
            case .bell:
                isHurried = has >= required
                // One that hangs for so long, where it is needed, is as good as gone.
                if !isHurried, ContinuousClock.now - begun >= patience.put {
                    troubles.append(.silent(label))
                    waiting = 0
                }
            case .answer(let number, let result):
                waiting -= 1
                do throws(Trouble) {
                    try result.get()
                    has += 1
                } catch {
                    troubles.append(error)
                    guard error.kind == .exists else { break }
                    switch await held(coming, lanes[number]) {
                    case .same: has += 1
                    case .other: conflict = error
                    case .wrong, .unknown: break
                    }
                }
            }
        }
        if let conflict, !isNamedByContent { throw conflict }
        guard has < required else {
            for lane in coming.fate.store() { lane.keep(coming) }
            return
        }
        // A race lost is told as one.
        throw troubles.first { $0.kind == .exists } ?? tooFew(name, has, troubles)
    }

    /// The first site that answers decides who wins a name.
    private func decide(_ coming: Lane.Coming, byFirst: Bool) async throws(Trouble) -> Int {
        var troubles: [Trouble] = []
        for (number, lane) in fixed.prefix(byFirst ? 1 : .max).enumerated() {
            let round = Round<Void>()
            round.put(coming, to: lane, number: number)
            round.ring(after: lane.isResting ? patience.record : patience.decision)
            switch await round.next() {
            case .answer(_, .success): return number
            case .answer(_, .failure(let trouble)):
                if trouble.kind == .exists {
                    switch await held(coming, lane) {
                    case .same: return number
                    case .other, .unknown: throw trouble
                    // What nobody signed decides nothing.
                    case .wrong: break
                    }
                }
                troubles.append(trouble)
            case .bell, nil: lane.noteSilence()
            }
        }
        throw byFirst ? .undecided(fixed[0].name, troubles.first) : tooFew(coming.name, 0, troubles)
    }

    private enum Held { case same, other, wrong, unknown }

    /// What lies under that name already. Who may not look takes a name made of the content for it.
    private func held(_ coming: Lane.Coming, _ lane: Lane) async -> Held {
        let round = Round<[UInt8]>()
        round.ask(lane, number: 0) { site throws(Trouble) in try await site.get(coming.name, in: nil) }
        round.ring(after: patience.decision)
        guard case .answer(_, let result)? = await round.next() else { return .unknown }
        switch result {
        case .success(let bytes):
            if bytes[...] == coming.bytes { return .same }
            guard state.withLock({ $0.judge })?(coming.name, bytes) == false else { return .other }
            lane.noteLie(about: coming.name)
            return .wrong
        case .failure(let trouble):
            return trouble.kind == .denied && coming.name.text.hasPrefix("packs/") ? .same : .unknown
        }
    }

    /// Where a site cannot be reached, it is noted there for later.
    package func remove(_ name: ObjectName) async throws(Trouble) {
        let round = Round<Void>()
        let lanes = fixed
        for (number, lane) in lanes.enumerated() {
            round.ask(lane, number: number) { site throws(Trouble) in try await site.remove(name) }
        }
        round.ring(after: patience.decision)
        var silent = Set(lanes.indices)
        while !silent.isEmpty, let event = await round.next() {
            guard case .answer(let number, let result) = event else { break }
            silent.remove(number)
            do throws(Trouble) { try result.get() } catch {
                guard error.kind == .system, lanes[number].keepRemoval(of: name) else { throw error }
            }
        }
        for number in silent where !lanes[number].keepRemoval(of: name) {
            lanes[number].noteSilence()
            throw .untold(name, lanes[number].site.label)
        }
    }

    /// Returns when all sites have what was put, or when it is kept on this machine for those that
    /// take too long.
    package func settle() async {
        let begun = ContinuousClock.now
        func mustWait() -> Bool {
            let waited = ContinuousClock.now - begun
            return (waited < patience.end && !lanes.allSatisfy(\.isIdle))
                || (waited < patience.spool && lanes.contains(where: \.isEmptyingSpool))
        }
        while mustWait() {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        for lane in lanes { lane.keepComing(olderThan: patience.end) }
    }

    private func tooFew(_ name: ObjectName, _ has: Int, _ troubles: [Trouble]) -> Trouble {
        // With one site missing the reason is its own; where several are, each is named.
        let english = troubles.map(\.message.english).joined(separator: " ")
        let german = troubles.map(\.message.german).joined(separator: " ")
        return Trouble(
            troubles.first?.kind ?? .system,
            Words(
                "The object \(name) lies at \(has) sites, and must lie at \(required). \(english)",
                de: "Das Objekt \(name) liegt an \(has) Standorten und muss an \(required) liegen. \(german)"),
            advice: Words(
                "Run the same command again when they can be reached; what is stored stays stored. \"zwilling sites list\" shows how each stands.",
                de: "Den Befehl wiederholen, wenn sie erreichbar sind; was schon gespeichert ist, bleibt es. „zwilling sites list“ zeigt, wie jeder steht."),
            cause: troubles.first?.cause)
    }
}

extension Trouble {
    fileprivate static func untold(_ name: ObjectName, _ site: String) -> Trouble {
        Trouble(
            .system,
            Words(
                "Site \"\(site)\" does not answer, and still holds the object \(name).",
                de: "Der Standort „\(site)“ antwortet nicht und enthält noch das Objekt \(name)."),
            advice: Words("Run the same command again when it can be reached.", de: "Den Befehl wiederholen, wenn er erreichbar ist."))
    }
}
