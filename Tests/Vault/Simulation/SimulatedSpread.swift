// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// Several sites as one, by the rules of `SpreadSite`, which needs real time and threads: a put counts once
/// as many have it as must, the rest comes later, from a spool on the machine where it has to; a name that
/// one may win is decided by the first that answers, and what must never exist twice by the first of all;
/// listings are the union of those that answer; a get goes on with another copy.
final class SimulatedSpread: Site, @unchecked Sendable {
    final class Lane: @unchecked Sendable {
        let (number, port): (Int, SimulatedPort)
        var (restsUntil, rests, coming, isEmptyingSpool) = (0.0, 0, 0, false)

        init(_ number: Int, _ port: SimulatedPort) { (self.number, self.port) = (number, port) }
    }

    private final class Coming: @unchecked Sendable {
        let (name, bytes, existing): (ObjectName, [UInt8], Existing)
        var isStored: Bool
        /// That lack it, until it is known to count.
        var behind: [Lane] = []

        init(_ name: ObjectName, _ bytes: [UInt8], _ existing: Existing, isStored: Bool) {
            (self.name, self.bytes, self.existing, self.isStored) = (name, bytes, existing, isStored)
        }
    }

    typealias Judge = @Sendable (ObjectName, [UInt8]) -> Bool?
    private typealias Question<Value> = @Sendable (SimulatedPort) async throws(Trouble) -> Value

    let label = "the sites"
    let lanes: [Lane]
    private let (process, required, judge): (SimulatedProcess, Int, Judge)
    private var time: VirtualTime { process.town.time }

    init(_ process: SimulatedProcess, _ sites: [SimulatedSite], required: Int, judge: @escaping Judge) {
        (self.process, self.required, self.judge) = (process, required, judge)
        lanes = sites.enumerated().map { Lane($0, SimulatedPort(process: process, site: $1)) }
    }

    private func rests(_ lane: Lane) -> Bool { lane.restsUntil > time.now }

    private func noteSilence(_ lane: Lane) {
        guard !rests(lane) else { return }
        lane.restsUntil = time.now + 20 * Double(1 << min(lane.rests, 4))
        lane.rests += 1
    }

    /// Goes on after its caller has gone.
    private func ask<Value: Sendable>(_ lane: Lane, _ box: Mailbox<Value>, _ question: @escaping Question<Value>) {
        time.begin { [self] in
            do throws(Trouble) {
                let value = try await question(lane.port)
                (lane.restsUntil, lane.rests) = (0, 0)
                emptySpool(lane)
                box.post(.answer(lane.number, .success(value)))
            } catch {
                if ![.missing, .exists, .wrongUse, .damaged].contains(error.kind) { noteSilence(lane) }
                box.post(.answer(lane.number, .failure(error)))
            }
        }
    }

    private func ring(_ box: Mailbox<some Sendable>, after seconds: Double) { time.after(seconds) { box.post(.bell) } }

    // MARK: Reading

    func get(_ name: ObjectName, in range: Range<Int>?) async throws(Trouble) -> [UInt8] {
        try await get(name, in: range) { [judge] bytes in
            let isWhole = range.map { $0.lowerBound == 0 && bytes.count < $0.count } ?? true
            return isWhole ? judge(name, bytes) ?? true : true
        }
    }

    func get(
        _ name: ObjectName, in range: Range<Int>?, accepting: @Sendable ([UInt8]) -> Bool
    ) async throws(Trouble) -> [UInt8] {
        let order = lanes.filter { !rests($0) } + lanes.filter(rests)
        let (box, begun) = (Mailbox<[UInt8]>(), time.now)
        var (next, running) = (0, 0)
        var refused: [UInt8]?
        var troubles: [Trouble] = []
        func askNext() {
            guard next < order.count else { return }
            ask(order[next], box) { port throws(Trouble) in try await port.get(name, in: range) }
            (next, running) = (next + 1, running + 1)
            ring(box, after: 2)
        }
        askNext()
        while running > 0 || next < order.count {
            switch await box.next() {
            case .bell:
                if next < order.count { askNext() } else if time.now - begun < 120 { ring(box, after: 2) } else { running = 0 }
            case .answer(_, .success(let bytes)):
                if accepting(bytes) { return bytes }
                running -= 1
                refused = refused ?? bytes
                askNext()
            case .answer(_, .failure(let trouble)):
                running -= 1
                troubles.append(trouble)
                askNext()
            }
        }
        if let refused { return refused }
        throw troubles.first { $0.kind != .missing } ?? troubles.first ?? .silent(lanes[0].port.site)
    }

    func copies(of name: ObjectName, upTo max: Int) async throws(Trouble) -> [[UInt8]] {
        let (box, asked) = (Mailbox<[UInt8]>(), lanes.filter { !rests($0) })
        for lane in asked { ask(lane, box) { port throws(Trouble) in try await port.get(name, in: 0..<max + 1) } }
        var found: [Int: [UInt8]] = [:]
        ring(box, after: 5)
        waiting: for _ in asked {
            switch await box.next() {
            case .answer(let number, .success(let bytes)): found[number] = bytes
            case .answer: continue
            case .bell: break waiting
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    func list(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await counted(prefix).keys.sorted { ($0.name, $0.size) < ($1.name, $1.size) }
    }

    func listStored(_ prefix: String) async throws(Trouble) -> [ObjectEntry] {
        try await counted(prefix).filter { $0.value >= required }.keys.sorted { ($0.name, $0.size) < ($1.name, $1.size) }
    }

    func listDecided(_ prefix: String) async throws(Trouble) -> [ObjectEntry] { try await lanes[0].port.list(prefix) }

    private func counted(_ prefix: String) async throws(Trouble) -> [ObjectEntry: Int] {
        let awake = lanes.filter { !rests($0) }
        let asked = awake.isEmpty ? lanes : awake
        let (box, begun, enough) = (Mailbox<[ObjectEntry]>(), time.now, lanes.count - required + 1)
        for lane in asked { ask(lane, box) { port throws(Trouble) in try await port.list(prefix) } }
        var entries: [ObjectEntry: Int] = [:]
        var (waiting, answered) = (Set(asked.map(\.number)), 0)
        var troubles: [Trouble] = []
        ring(box, after: 5)
        while !waiting.isEmpty {
            switch await box.next() {
            case .bell:
                let waited = time.now - begun
                if (answered == 0 && waited < 120) || (answered < enough && waited < 15) { ring(box, after: 5) } else {
                    for number in waiting.sorted() { noteSilence(lanes[number]) }
                    waiting = []
                }
            case .answer(let number, let result):
                guard waiting.remove(number) != nil else { continue }
                switch result {
                case .success(let listed):
                    for entry in listed { entries[entry, default: 0] += 1 }
                    answered += 1
                case .failure(let trouble): troubles.append(trouble)
                }
            }
        }
        guard answered > 0 else { throw troubles.first ?? .silent(lanes[0].port.site) }
        return entries
    }

    // MARK: Writing

    func put(_ name: ObjectName, _ bytes: ArraySlice<UInt8>, existing: Existing) async throws(Trouble) {
        try await put(name, bytes, existing, isDecidedByFirst: false)
    }

    func putDecided(_ name: ObjectName, _ bytes: ArraySlice<UInt8>) async throws(Trouble) {
        try await put(name, bytes, .refuse, isDecidedByFirst: true)
    }

    private func put(
        _ name: ObjectName, _ bytes: ArraySlice<UInt8>, _ existing: Existing, isDecidedByFirst: Bool
    ) async throws(Trouble) {
        let isNamedByContent = name.text.hasPrefix("packs/")
        let coming = Coming(name, Array(bytes), existing, isStored: isNamedByContent || existing == .replace)
        var (asked, has) = (0, 0)
        if existing == .refuse, !isNamedByContent {
            asked = try await decide(coming, byFirst: isDecidedByFirst) + 1
            has = 1
        }
        let (box, awake) = (Mailbox<Void>(), lanes.count { !rests($0) })
        var waiting = 0
        for lane in lanes[asked...] {
            if awake >= required, rests(lane) {
                keepIfStored(coming, lane)
                continue
            }
            waiting += 1
            put(coming, lane, box)
        }
        var (isRung, isHurried, begun) = (false, false, time.now)
        var troubles: [Trouble] = []
        var conflict: Trouble?
        ring(box, after: 900)
        while waiting > 0, !(has >= required && (isNamedByContent || isHurried)) {
            if has >= required, !isRung {
                ring(box, after: 1)
                isRung = true
            }
            switch await box.next() {
            case .bell:
                isHurried = has >= required
                if !isHurried, time.now - begun >= 900 { (waiting, begun) = (0, time.now) }
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
            coming.isStored = true
            for lane in coming.behind { keep(coming, lane) }
            return
        }
        throw troubles.first { $0.kind == .exists } ?? .simulated(.system, "\(name) lies at \(has) sites")
    }

    private func put(_ coming: Coming, _ lane: Lane, _ box: Mailbox<Void>) {
        lane.coming += 1
        ask(lane, box) { [self] port throws(Trouble) in
            defer { lane.coming -= 1 }
            do throws(Trouble) { try await port.put(coming.name, coming.bytes[...], existing: coming.existing) } catch {
                if error.kind != .exists { keepIfStored(coming, lane) }
                throw error
            }
        }
    }

    private func decide(_ coming: Coming, byFirst: Bool) async throws(Trouble) -> Int {
        var trouble: Trouble?
        for lane in lanes.prefix(byFirst ? 1 : .max) {
            let box = Mailbox<Void>()
            put(coming, lane, box)
            ring(box, after: rests(lane) ? 1 : 30)
            switch await box.next() {
            case .answer(_, .success): return lane.number
            case .answer(_, .failure(let error)):
                trouble = error
                guard error.kind == .exists else { continue }
                switch await held(coming, lane) {
                case .same: return lane.number
                case .other, .unknown: throw error
                case .wrong: continue
                }
            case .bell: noteSilence(lane)
            }
        }
        throw trouble ?? .silent(lanes[0].port.site)
    }

    private enum Held { case same, other, wrong, unknown }

    private func held(_ coming: Coming, _ lane: Lane) async -> Held {
        do throws(Trouble) {
            let bytes = try await lane.port.get(coming.name, in: nil)
            if bytes == coming.bytes { return .same }
            return judge(coming.name, bytes) == false ? .wrong : .other
        } catch { return .unknown }
    }

    func remove(_ name: ObjectName) async throws(Trouble) { try await erase(name) }

    func erase(_ name: ObjectName) async throws(Trouble) {
        let asked = lanes.filter { !rests($0) }
        let box = Mailbox<Void>()
        for lane in asked { ask(lane, box) { port throws(Trouble) in try await port.erase(name) } }
        var troubles: [Trouble] = []
        for _ in asked { if case .answer(_, .failure(let trouble)) = await box.next() { troubles.append(trouble) } }
        if troubles.count == asked.count, let trouble = troubles.first { throw trouble }
    }

    func settle() async {
        for _ in 0..<20 where lanes.contains(where: { $0.coming > 0 }) { await process.town.pass(process, 1) }
    }

    // MARK: What a site gets later

    private func keepIfStored(_ coming: Coming, _ lane: Lane) {
        if coming.isStored { keep(coming, lane) } else { coming.behind.append(lane) }
    }

    private func keep(_ coming: Coming, _ lane: Lane) {
        guard !process.isKilled else { return }
        process.machine.spool.append(.init(lane: lane.number, name: coming.name, bytes: coming.bytes, existing: coming.existing))
    }

    private func emptySpool(_ lane: Lane) {
        let machine = process.machine
        guard !lane.isEmptyingSpool, machine.spool.contains(where: { $0.lane == lane.number }) else { return }
        lane.isEmptyingSpool = true
        time.begin { [self] in
            defer { lane.isEmptyingSpool = false }
            while let kept = machine.spool.first(where: { $0.lane == lane.number }) {
                do throws(Trouble) { try await lane.port.put(kept.name, kept.bytes[...], existing: kept.existing) } catch {
                    guard error.kind == .exists else { return noteSilence(lane) }
                }
                machine.spool.removeAll { $0.lane == lane.number && $0.name == kept.name }
            }
        }
    }
}

/// Answers as they come, and a bell for whoever has waited.
final class Mailbox<Value: Sendable>: @unchecked Sendable {
    enum Event: Sendable {
        case answer(Int, Result<Value, Trouble>)
        case bell
    }

    private var events: [Event] = []
    private var waiting: CheckedContinuation<Event, Never>?

    func post(_ event: Event) {
        guard let waiting else { return events.append(event) }
        self.waiting = nil
        waiting.resume(returning: event)
    }

    func next() async -> Event {
        if !events.isEmpty { return events.removeFirst() }
        return await withCheckedContinuation { waiting = $0 }
    }
}
