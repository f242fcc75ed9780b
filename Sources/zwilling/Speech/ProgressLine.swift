// SPDX-License-Identifier: EUPL-1.2
import Files
import Synchronization

/// How far a command is, on one line of a terminal that is written anew at most ten times a
/// second and cleared at the end. Anywhere else it says nothing.
final class ProgressLine: Sendable {
    private struct State {
        var shown = 0.0
        var isOver = false
        var bytesDone: UInt64 = 0
    }

    private static let pauseSeconds = 0.1
    private let isWanted: Bool
    private let begun = Terminal.seconds()
    private let state = Mutex(State())

    init(_ output: OutputOptions) {
        isWanted =
            !output.json && Terminal.isTerminal(.talk)
            && (Terminal.environment("NO_COLOR") ?? "").isEmpty
            && Terminal.environment("TERM") != "dumb"
    }

    /// Since this line was made.
    var seconds: Double { Terminal.seconds() - begun }

    /// The most that was ever reported as done.
    var bytesDone: UInt64 { state.withLock { $0.bytesDone } }

    /// - Parameter items: what else there is to tell, such as how many files there are.
    func update(bytesDone: UInt64, of total: UInt64, _ items: @autoclosure () -> String) {
        let now = seconds
        let isDue = state.withLock { state in
            state.bytesDone = max(state.bytesDone, bytesDone)
            guard isWanted, !state.isOver, now - state.shown >= Self.pauseSeconds else {
                return false
            }
            state.shown = now
            return true
        }
        guard isDue else { return }
        put(line(bytesDone, total, items(), seconds: now))
    }

    /// Nothing is shown after this.
    func end() {
        let wasShown = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver && state.shown > 0
        }
        if wasShown { put("") }
    }

    private func line(
        _ done: UInt64, _ total: UInt64, _ items: String, seconds: Double
    ) -> String {
        guard total > 0 else { return items }
        let share = min(Double(done) / Double(total), 1)
        let filled = Int(share * 20)
        let bar =
            "[" + String(repeating: "#", count: filled)
            + String(repeating: ".", count: 20 - filled) + "]"
        var text = "\(bar) \(Int(share * 100)) %  \(size(done))"
            + say(" of ", de: " von ") + size(total) + "  \(rate(done, in: seconds))"
        if done > 0, total > done, seconds > 1 {
            let left = seconds * Double(total - done) / Double(done)
            text += "  " + duration(left) + say(" left", de: " übrig")
        }
        return text + "  " + items
    }

    private func put(_ line: String) {
        // The last column stays free: some terminals break the line there.
        let room = max((Terminal.width(of: .talk) ?? 80) - 1, 20)
        do throws(SystemError) {
            try Terminal.write(Array("\r\(line.prefix(room))\u{1b}[K".utf8), to: .talk)
        } catch {}
    }
}
