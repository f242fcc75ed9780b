// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What must lie in a restored data directory so that the server recovers to a point and goes on
/// from there by itself: names and contents only.
package struct RecoverySettings: Sendable {
    package enum Target: Hashable, Sendable {
        /// All WAL that is there.
        case latest
        /// After the last transaction that ended at this time or before, to the microsecond. There
        /// must be a later one in the WAL (`WALSearch.goesBeyond`).
        case time(Moment)
        /// Everything before it.
        case lsn(LSN)
        case restorePoint(String)
    }

    package let target: Target
    /// Its history file must lie in pg_wal, unless it is the first.
    package let timeline: UInt32

    /// Whether it waits for more log where that ends, which somebody brings into pg_wal, instead of going
    /// on by itself.
    package let isFollowing: Bool

    package init(to target: Target, on timeline: UInt32, isFollowing: Bool = false) {
        (self.target, self.timeline, self.isFollowing) = (target, timeline, isFollowing)
    }

    /// Empty; its presence makes the server recover.
    package var signalFile: String { isFollowing ? "standby.signal" : "recovery.signal" }

    /// What a copy of another server may bring, and what must go: it would make this one follow
    /// the original, or take it for running.
    package static let filesToRemove = ["standby.signal", "recovery.signal", "postmaster.pid", "postmaster.opts"]

    /// What is to be appended to postgresql.auto.conf, which is read last and so outweighs all.
    package var appendix: String {
        var lines = [
            "",
            "# By Zwilling, for the recovery of this copy.",
            "# All WAL lies in pg_wal already. Recovery wants a command that fetches more, so this",
            "# is one that has nothing to fetch.",
            "restore_command = '\(isFollowing ? "" : "false")'",
            "recovery_target_timeline = '\(timeline)'",
            "recovery_target_action = 'promote'",
            "# Nobody but Zwilling sees it half recovered, and limits need not equal the original's.",
            "hot_standby = '\(isFollowing ? "on" : "off")'",
            "wal_retrieve_retry_interval = '\(isFollowing ? "100ms" : "5s")'",
            "# A copy neither follows what the original followed, nor waits for its standbys, nor",
            "# writes into its archive.",
        ]
        lines += [
            "primary_conninfo", "primary_slot_name", "synchronous_standby_names",
            "archive_command", "archive_cleanup_command", "recovery_end_command",
        ].map { "\($0) = ''" }
        lines.append("archive_mode = 'off'")
        if let (name, value) = setting { lines.append("\(name) = '\(Self.escaped(value))'") }
        // A place is where the next record begins, as pg_current_wal_lsn() says it.
        if case .lsn = target { lines.append("recovery_target_inclusive = 'off'") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Only the one: PostgreSQL 15 takes an empty second one for a contradiction. Those of the
    /// original are commented by `ForeignSettings`.
    private var setting: (String, String)? {
        switch target {
        case .latest: nil
        case .time(let moment): ("recovery_target_time", Self.text(of: moment))
        case .lsn(let lsn): ("recovery_target_lsn", "\(lsn)")
        case .restorePoint(let name): ("recovery_target_name", name)
        }
    }

    /// Within quotes of a configuration file.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "'": result += "''"
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `2026-11-24 03:37:45.123456+00`, rounded down as PostgreSQL's own times are.
    package static func text(of moment: Moment) -> String {
        func padded(_ number: Int64, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(width - text.count, 0)) + text
        }
        // Days into year, month and day: Howard Hinnant, "chrono-Compatible Low-Level Date
        // Algorithms", civil_from_days. Confined to the years that PostgreSQL has.
        let seconds = min(max(moment.seconds, -62_135_596_800), 9_000_000_000_000)
        let second = (seconds % 86_400 + 86_400) % 86_400
        let days = (seconds - second) / 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * part + 2) / 5 + 1
        let date = [padded(year, 4), padded(month, 2), padded(day, 2)]
        let time = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }
        return date.joined(separator: "-") + " " + time.joined(separator: ":")
            + "." + padded(Int64(moment.nanoseconds / 1000), 6) + "+00"
    }
}

extension RecoverySettings {
    /// The file `tablespace_map`, from which a server that recovers makes the symlinks of its
    /// tablespaces, and then removes it. Written anew where they shall lie elsewhere.
    package static func tablespaceMap(_ tablespaces: [BaseBackup.Tablespace]) -> [UInt8] {
        var text: [UInt8] = []
        for tablespace in tablespaces {
            text += Array("\(tablespace.oid) ".utf8)
            for byte in tablespace.location.utf8 {
                if [10, 13, 92].contains(byte) { text.append(92) }
                text.append(byte)
            }
            text.append(10)
        }
        return text
    }
}
