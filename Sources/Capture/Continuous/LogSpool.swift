// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import Postgres
import Synchronization
import Vault

/// The log of one data set that lies in the vault as units and is not merged yet, in a directory of
/// this machine: a writer cannot read back what it has put. It may be lost at any time; then the
/// units stay as they are.
///
/// One thread adds to it, another one merges.
package final class LogSpool: Sendable {
    private struct State {
        /// Oldest first; the last one is added to while `isOpen`.
        var runs: [LogRun] = []
        var isOpen = false
        /// Where the log in the vault ends, whether or not the spool could keep it.
        var place: LogPlace?
        var history: [UInt8] = []
        /// By the clock of whoever adds: when the open run began.
        var begun: Moment?
        var trouble: Trouble?
        /// Bytes of log that were added in the last seconds.
        var recent: [(second: Int64, bytes: Int)] = []
        /// Where the log began without continuing anything, and no base has reached it yet.
        var unreached: LogPlace?
    }

    private let folder: [UInt8]
    private let state: Mutex<State>

    // When a run is merged. Sizes are bytes of log.
    package static let bytesWanted = 16 << 20
    /// A quarter of an hour, with a unit every 400 ms.
    package static let unitsWanted = 2250
    package static let secondsMax: Int64 = 86_400
    /// Merging waits while as much comes within so short a time, so that it takes no processor from
    /// a server that has none to spare, such as right after a checkpoint; but only for so much.
    static let secondsInAHurry: Int64 = 10
    package static let bytesWaitingMax = bytesMax / 2
    /// What is kept at most while nobody merges; beyond, the oldest units stay units.
    package static let bytesMax = 1 << 30
    static let unitsMax = 1 << 18

    /// Reads what an earlier run of the program left.
    package init(in folder: [UInt8]) throws(Trouble) {
        self.folder = folder
        var state = State()
        do throws(SystemError) {
            try Machine.makeDirectories(folder)
            let directory = try Descriptor.directory(folder)
            let numbers = try directory.names()
                .compactMap { Int(String(decoding: $0, as: UTF8.self)) }.sorted()
            state.unreached = try Self.unreached(in: directory)
            for number in numbers {
                guard let run = try Self.read(number, in: directory) else { continue }
                state.runs.append(run)
            }
        } catch { throw error.at(folder).trouble(Self.act) }
        (state.place, state.history) = (state.runs.last?.end, state.runs.last?.history ?? [])
        self.state = Mutex(state)
    }

    private static let act = Words(
        "Cannot keep log until it is merged:", de: "Protokoll kann bis zum Zusammenfassen nicht gehalten werden:")

    /// Where the log in the vault ends, as far as this machine knows; nil where it never began.
    package var place: LogPlace? { state.withLock { $0.place } }

    /// By then the server had written nothing beyond the log in the vault, as far as this is known.
    var received: Moment? { state.withLock { $0.runs.last?.frames.last?.received } }

    /// Whether no base leads to the log that is received now.
    package var needsBase: Bool { state.withLock { $0.unreached != nil } }

    /// A base was taken that ends there.
    package func tookBase(_ span: PostgresSpan) {
        state.withLock { state in
            guard let place = state.unreached, span.system == place.system,
                span.timeline >= place.timeline, span.end >= place.lsn.value
            else { return }
            state.unreached = nil
            do throws(SystemError) {
                try Descriptor.directory(folder).discard(Self.unreachedName)
            } catch {
                // Another base will be taken after a restart.
            }
        }
    }

    /// What keeps it from keeping: nothing is lost by that.
    package var trouble: Trouble? { state.withLock { $0.trouble } }

    // MARK: Adding

    /// From here on log follows in another run than what came before.
    ///
    /// - Parameter isApart: that it continues nothing that the vault has.
    package func begin(
        _ place: LogPlace, history: [UInt8], now: Moment, isApart: Bool = false
    ) {
        state.withLock { state in
            if isApart { mark(place, &state) }
            (state.place, state.history, state.begun) = (place, history, now)
            state.isOpen = false
            open(&state)
        }
    }

    /// A unit that lies in the vault now.
    package func add(
        _ unit: UnitReference, _ span: PostgresSpan, _ content: ArraySlice<UInt8>, now: Moment
    ) {
        state.withLock { state in
            state.recent.removeAll { now.seconds - $0.second >= Self.secondsInAHurry }
            state.recent.append((now.seconds, content.count))
            guard let place = state.place else { return }
            // A timeline's history goes with its first run; what follows needs none.
            defer { (state.place, state.history) = (place.moved(to: LSN(span.end)), []) }
            if !state.isOpen {
                state.begun = span.received
                open(&state)
            }
            guard state.isOpen, var run = state.runs.last else { return }
            do throws(SystemError) {
                let directory = try Descriptor.directory(folder)
                let file = try directory.openForWriting(run.name)
                let head = LogRun.frameHead(unit, span)
                try file.write(head, at: run.fileBytes)
                try file.write(content, at: run.fileBytes + Int64(head.count))
                run.add(
                    LogRun.Frame(
                        session: unit.session, unit: unit.number, start: LSN(span.start),
                        end: LSN(span.end), received: span.received,
                        offset: run.fileBytes + Int64(head.count)))
                state.runs[state.runs.count - 1] = run
                state.trouble = nil
                bound(&state)
            } catch {
                // What was written of the frame does not fit its hash, so the run ends before it.
                state.isOpen = false
                state.trouble = error.at(folder).trouble(Self.act)
            }
        }
    }

    private static let unreachedName = Array("unreached".utf8)

    /// Durable, since a restart must not forget that a base is due.
    private func mark(_ place: LogPlace, _ state: inout State) {
        state.unreached = place
        do throws(SystemError) {
            try Machine.writeDurably(
                folder + [UInt8(ascii: "/")] + Self.unreachedName,
                LogRun.head(place, history: []))
        } catch { state.trouble = error.at(folder).trouble(Self.act) }
    }

    private static func unreached(
        in directory: borrowing Descriptor
    ) throws(SystemError) -> LogPlace? {
        do throws(SystemError) {
            let bytes = try directory.contents(unreachedName, upTo: LogRun.headBytesMax)
            do throws(Malformed) { return try LogRun(number: 0, head: bytes).start } catch {
                return nil
            }
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    private func open(_ state: inout State) {
        guard let place = state.place else { return }
        do throws(SystemError) {
            let number = (state.runs.last?.number ?? 0) + 1
            let head = LogRun.head(place, history: state.history)
            try Machine.writeDurably(folder + Array("/\(number)".utf8), head)
            do throws(Malformed) {
                state.runs.append(try LogRun(number: number, head: head))
            } catch {
                // A history longer than any server's; its units stay units.
                state.isOpen = false
                return
            }
            (state.isOpen, state.trouble) = (true, nil)
        } catch { state.trouble = error.at(folder).trouble(Self.act) }
    }

    private func bound(_ state: inout State) {
        while state.runs.count > 1,
            state.runs.reduce(0, { $0 + $1.bytes }) > Self.bytesMax
                || state.runs.reduce(0, { $0 + $1.frames.count }) > Self.unitsMax
        {
            discard(state.runs.removeFirst())
        }
        if let last = state.runs.last,
            last.bytes > Self.bytesWaitingMax || last.frames.count > Self.unitsMax / 16
        {
            state.isOpen = false
        }
    }

    // MARK: Merging

    /// Whether there is a run that should be merged now.
    package func isDue(_ now: Moment) -> Bool {
        state.withLock { state in
            guard let last = state.runs.last else { return false }
            if state.runs.count > 1 || !state.isOpen {
                return state.runs.contains { !$0.frames.isEmpty || !$0.history.isEmpty }
            }
            guard !last.frames.isEmpty else { return !last.history.isEmpty }
            let age = now.seconds - (state.begun ?? now).seconds
            if last.bytes >= Self.bytesWanted {
                let recent = state.recent.filter {
                    (0..<Self.secondsInAHurry).contains(now.seconds - $0.second)
                }
                if recent.reduce(0, { $0 + $1.bytes }) < Self.bytesWanted { return true }
            }
            return last.frames.count >= Self.unitsWanted || age >= Self.secondsMax || age < 0
        }
    }

    /// The oldest run with something in it, which nobody adds to any more; nil where there is none.
    package func take() -> LogRun? {
        state.withLock { state in
            state.isOpen = false
            while let first = state.runs.first {
                if !first.frames.isEmpty || !first.history.isEmpty { return first }
                // The last one tells a program that starts anew where the log ends.
                if state.runs.count == 1 { return nil }
                discard(state.runs.removeFirst())
            }
            return nil
        }
    }

    /// A run that the vault holds as a range now.
    package func drop(_ run: LogRun) {
        state.withLock { state in
            // Where the log ends must not go with its last run.
            if state.runs.last?.number == run.number, !state.isOpen {
                (state.begun, state.history) = (nil, [])
                open(&state)
            }
            state.runs.removeAll { $0.number == run.number }
            discard(run)
        }
    }

    private func discard(_ run: LogRun) {
        do throws(SystemError) { try Descriptor.directory(folder).discard(run.name) } catch {
            // It will be read and merged once more, which changes nothing.
        }
    }

    /// The content of a frame.
    package func content(of frame: LogRun.Frame, in run: LogRun) throws(Trouble) -> [UInt8] {
        do throws(SystemError) {
            let file = try Descriptor.directory(folder).file(run.name)
            var bytes = [UInt8](repeating: 0, count: frame.bytes)
            let got = try file.read(into: &bytes, at: 0, count: bytes.count, from: frame.offset)
            guard got == bytes.count else {
                throw SystemError(code: 5, operation: "pread", path: folder)
            }
            return bytes
        } catch { throw error.at(folder).trouble(Self.act) }
    }

    // MARK: Reading what is there

    /// nil where there is not even a whole beginning.
    private static func read(
        _ number: Int, in directory: borrowing Descriptor
    ) throws(SystemError) -> LogRun? {
        let file = try directory.file(Array("\(number)".utf8))
        func bytes(_ offset: Int64, _ count: Int) throws(SystemError) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: count)
            let got = try file.read(into: &buffer, at: 0, count: count, from: offset)
            return Array(buffer[..<got])
        }
        let size = try file.status().size
        let head = try bytes(0, min(LogRun.headBytesMax, Int(size)))
        do {
            var run = try LogRun(number: number, head: head)
            while true {
                let offset = run.fileBytes
                let frame = run.frame(head: try bytes(offset, LogRun.frameHeadBytes)) {
                    count throws(LogRun.SpoolEnd) in
                    do throws(SystemError) {
                        let content = try bytes(offset + Int64(LogRun.frameHeadBytes), count)
                        if content.count == count { return content[...] }
                    } catch {
                        // As if the file ended here.
                    }
                    throw LogRun.SpoolEnd()
                }
                guard let frame else { return run }
                run.add(frame)
            }
        } catch let error as SystemError {
            throw error
        } catch { return nil }
    }
}
