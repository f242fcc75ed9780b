// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Synchronization

/// One of the sites of a spread, with what is on its way there.
///
/// Whoever asks a lane need not wait for it: its work goes on after its caller has gone, because a
/// site that hangs must hold up nobody. It ends with the process at the latest.
final class Lane: Sendable {
    let site: any Site
    let name: String
    /// Plugged in now and then: only catching up writes to it, so that it is whole by itself.
    let isRemovable: Bool
    private let spool: Spool?
    private let rest: Duration
    /// A directory blocks whoever asks it, and a hung one for ever.
    private let crew = Crew(width: SpreadLimits.threads)
    private let state = Mutex(State())

    struct Coming: Sendable {
        let name: ObjectName
        let bytes: ArraySlice<UInt8>
        let existing: Existing
        let fate: Fate
        let since = ContinuousClock.now
    }

    /// Whether an object counts as stored. A name that somebody else may take instead is given to the
    /// slower sites only then: what was told as failed must not turn up later.
    final class Fate: Sendable {
        private let state: Mutex<(isStored: Bool, behind: [Lane])>

        init(isStored: Bool) { state = Mutex((isStored, [])) }

        /// - Returns: whether the object is to be kept for that lane at once; else it waits.
        func mustKeep(for lane: Lane) -> Bool {
            state.withLock { state in
                if !state.isStored { state.behind.append(lane) }
                return state.isStored
            }
        }

        /// - Returns: the lanes for which it has to be kept now.
        func store() -> [Lane] {
            state.withLock { state in
                defer { state = (true, []) }
                return state.behind
            }
        }
    }

    private struct State {
        var coming: [Int: Coming] = [:]
        var next = 0
        var restsUntil: ContinuousClock.Instant?
        var rests = 0
        var standing = SpreadSite.Standing()
        var isEmptyingSpool = false
    }

    init(_ member: SpreadSite.Member, rest: Duration) {
        (site, name, isRemovable, spool) = (member.site, member.name, member.isRemovable, member.spool.map(Spool.init))
        self.rest = rest
    }

    deinit { crew.stop() }

    var standing: SpreadSite.Standing { state.withLock { $0.standing } }

    var isResting: Bool { state.withLock { $0.restsUntil.map { $0 > .now } ?? false } }

    /// Asks the site, and tells `then` what it answered, whenever that is.
    func ask<Value: Sendable>(
        _ question: @escaping @Sendable (any Site) async throws(Trouble) -> Value,
        then: @escaping @Sendable (Result<Value, Trouble>) -> Void
    ) {
        Task(executorPreference: crew) { [self] in
            do throws(Trouble) {
                let answer = try await question(site)
                noteSuccess()
                then(.success(answer))
            } catch {
                note(error)
                then(.failure(error))
            }
        }
    }

    // MARK: Puts

    /// Whether more may be on its way there, where nobody needs to wait for it.
    var hasRoom: Bool {
        state.withLock { state in
            state.coming.values.reduce(0) { $0 + $1.bytes.count } <= SpreadLimits.backlogBytesMax
        }
    }

    func put(_ coming: Coming, then: @escaping @Sendable (Result<Void, Trouble>) -> Void) {
        let number = state.withLock { state in
            state.next += 1
            state.coming[state.next] = coming
            return state.next
        }
        ask { site throws(Trouble) in
            try await site.put(coming.name, coming.bytes, existing: coming.existing)
        } then: { [self] result in
            let isStillComing = state.withLock { $0.coming.removeValue(forKey: number) != nil }
            if case .failure(let trouble) = result, trouble.kind != .exists, isStillComing { keepIfStored(coming) }
            then(result)
        }
    }

    func keepIfStored(_ coming: Coming) {
        if coming.fate.mustKeep(for: self) { keep(coming) }
    }

    /// Keeps on this machine what the site has to get later.
    func keep(_ coming: Coming) {
        let isKept = spool?.keep(coming) ?? false
        state.withLock { state in
            if isKept { state.standing.spooled += 1 } else { state.standing.lost += 1 }
        }
    }

    /// Keeps what it has not taken for so long: whoever waited for it waits no longer.
    func keepComing(olderThan age: Duration) {
        let coming = state.withLock { state in
            let old = state.coming.filter { ContinuousClock.now - $0.value.since >= age }
            for number in old.keys { state.coming[number] = nil }
            return old.sorted { $0.key < $1.key }.map(\.value)
        }
        for one in coming { keepIfStored(one) }
        if !coming.isEmpty { noteSilence() }
    }

    func keepRemoval(of name: ObjectName) -> Bool { spool?.keepRemoval(of: name) ?? false }

    /// Whether nothing is on its way.
    var isIdle: Bool { state.withLock { $0.coming.isEmpty } }

    var isEmptyingSpool: Bool { state.withLock { $0.isEmptyingSpool } }

    // MARK: How it stands

    private func noteSuccess() {
        let mayEmpty = state.withLock { state in
            (state.restsUntil, state.rests) = (nil, 0)
            state.standing.trouble = nil
            guard !state.isEmptyingSpool, spool?.mayHoldSomething == true else { return false }
            state.isEmptyingSpool = true
            return true
        }
        if mayEmpty { emptySpool() }
    }

    private func note(_ trouble: Trouble) {
        switch trouble.kind {
        case .missing, .exists, .wrongUse, .damaged: return
        default: break
        }
        state.withLock { state in
            state.standing.trouble = trouble
            // It answers, if not in that.
            guard trouble.kind != .denied else { return }
            // Several requests that fail at once are one failure.
            if state.restsUntil.map({ $0 <= .now }) ?? true {
                state.restsUntil = .now + rest * (1 << min(state.rests, 4))
                state.rests += 1
            }
        }
    }

    /// It did not answer in time; that it may still do so is another matter.
    func noteSilence() {
        note(.silent(site.label))
    }

    func noteLie(about name: ObjectName) {
        state.withLock { _ = $0.standing.lies.insert(name) }
    }

    private func emptySpool() {
        guard let spool else { return }
        Task(executorPreference: crew) { [self] in
            do throws(Trouble) {
                let given = try await spool.empty(into: site)
                state.withLock { $0.standing.spooled = max($0.standing.spooled - given, 0) }
            } catch { note(error) }
            state.withLock { $0.isEmptyingSpool = false }
        }
    }
}
