// SPDX-License-Identifier: EUPL-1.2
import Blueprint
import Ground

/// When what is due: each data set so often that its copy never grows older than it may be. Times
/// of the wall clock decide nothing but the order of work.
package struct Schedule: Sendable {
    /// For data sets without an rpo, and between the bases of a log.
    package static let secondsUsual: Int64 = 86_400
    /// Even where nobody may lose a second: what is no log is copied whole.
    static let secondsMin: Int64 = 1
    private static let retrySecondsMin: Int64 = 10
    private static let retrySecondsMax: Int64 = 300

    private struct Entry {
        var begun: Moment?
        /// Of the last run, rounded up.
        var seconds: Int64 = 0
        var failures = 0
        var failed: Moment?
    }

    private var entries: [String: Entry] = [:]

    /// - Parameter newest: when the newest copy of each data set was begun.
    package init(newest: [String: Moment]) {
        for (id, begun) in newest { entries[id] = Entry(begun: begun) }
    }

    /// Whether a copy must be begun now so that it is there before the last one is too old.
    ///
    /// - Parameter isUrgent: that it is due whatever its age, but for the patience after a failure.
    package func isDue(
        _ id: String, every seconds: Int64?, isUrgent: Bool = false, now: Moment
    ) -> Bool {
        guard let entry = entries[id], let begun = entry.begun ?? entry.failed else { return true }
        if let failed = entry.failed {
            let wait = Self.retrySecondsMin << Int64(min(entry.failures - 1, 5))
            return now.seconds - failed.seconds >= min(wait, Self.retrySecondsMax)
                || now < failed
        }
        if isUrgent { return true }
        let period = max(seconds ?? Self.secondsUsual, Self.secondsMin)
        // Twice the time that the last one took is kept free, but no more than half.
        let early = min(2 * entry.seconds, period / 2)
        return now.seconds - begun.seconds >= period - early || now < begun
    }

    package mutating func succeeded(_ id: String, begun: Moment, ended: Moment) {
        entries[id] = Entry(begun: begun, seconds: max(0, ended.seconds - begun.seconds) + 1)
    }

    package mutating func failed(_ id: String, at now: Moment) {
        entries[id, default: Entry()].failures += 1
        entries[id]?.failed = now
    }
}
