// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What one must know of a server before and while it is captured.
package struct ServerFacts: Sendable {
    package struct Database: Hashable, Sendable {
        package let name: String
        /// Nil where the role may not see it.
        package let byteCount: Int64?
    }

    package let version: ServerVersion
    package let databases: [Database]
    package let tablespaces: [BaseBackup.Tablespace]
    package let isStandby: Bool
    package let role: String
    package let roleMayReplicate: Bool
    package let roleIsSuperuser: Bool
    /// Settings by their names, in their base units; those that the role may not see are absent.
    package let settings: [String: String]
    /// Connections that send WAL to others, and slots, in use.
    package let sendersUsed: Int
    package let slotsUsed: Int

    private static let wanted = [
        "archive_mode", "config_file", "data_checksums", "data_directory", "fsync", "hba_file",
        "max_replication_slots", "max_slot_wal_keep_size", "max_wal_senders",
        "shared_preload_libraries", "synchronous_commit", "synchronous_standby_names",
        "wal_level", "wal_segment_size", "wal_sender_timeout",
    ]

    package init(
        _ connection: Connection, _ patience: Patience = .seconds(60)
    ) throws(ServerError) {
        version = connection.version
        let databases = try connection.ask(
            """
            SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT')
              OR pg_has_role('pg_read_all_stats', 'MEMBER') THEN pg_database_size(oid) END
            FROM pg_database WHERE datallowconn ORDER BY datname
            """, patience)
        self.databases = (0..<databases.count).map { row in
            Database(
                name: databases[row, 0] ?? "",
                byteCount: databases[row, 1].flatMap { Int64($0) })
        }
        let spaces = try connection.ask(
            """
            SELECT oid, pg_tablespace_location(oid) FROM pg_tablespace
            WHERE pg_tablespace_location(oid) <> '' ORDER BY oid
            """, patience)
        tablespaces = (0..<spaces.count).compactMap { row in
            spaces[row, 0].flatMap { UInt32($0) }.map {
                BaseBackup.Tablespace(oid: $0, location: spaces[row, 1] ?? "")
            }
        }
        let names = Self.wanted.map(literal).joined(separator: ", ")
        let found = try connection.ask(
            "SELECT name, setting FROM pg_settings WHERE name IN (\(names))", patience)
        var settings: [String: String] = [:]
        for row in 0..<found.count { settings[found[row, 0] ?? ""] = found[row, 1] }
        self.settings = settings
        let rest = try connection.ask(
            """
            SELECT pg_is_in_recovery(), current_user, rolreplication, rolsuper,
              (SELECT count(*) FROM pg_stat_replication
                WHERE application_name IS DISTINCT FROM 'zwilling'),
              (SELECT count(*) FROM pg_replication_slots)
            FROM pg_roles WHERE rolname = current_user
            """, patience)
        isStandby = rest[0, 0] == "t"
        role = rest[0, 1] ?? ""
        roleMayReplicate = rest[0, 2] == "t" || rest[0, 3] == "t"
        roleIsSuperuser = rest[0, 3] == "t"
        sendersUsed = rest[0, 4].flatMap { Int($0) } ?? 0
        slotsUsed = rest[0, 5].flatMap { Int($0) } ?? 0
    }

    package var hasDataChecksums: Bool? { settings["data_checksums"].map { $0 == "on" } }

    /// Nil where the role may not see it.
    package var dataDirectory: String? { settings["data_directory"] }

    func number(_ name: String) -> Int? { settings[name].flatMap { Int($0) } }
}

// MARK: - Slots

/// How a replication slot stands: it keeps WAL at the server until it is fetched, and may fill its
/// disk.
package struct SlotState: Hashable, Sendable {
    package enum Status: String, Sendable {
        case reserved, extended, unreserved, lost
    }

    package let isActive: Bool
    /// The oldest WAL kept; nil before the slot was used, and when it is lost.
    package let restart: LSN?
    /// Nil while the slot keeps nothing.
    package let status: Status?
    /// How far the server has come.
    package let current: LSN
    /// Bytes that may still be written before WAL that was not fetched is lost; nil without bound.
    package let safeBytes: Int64?

    /// WAL that waits to be fetched.
    package var heldBytes: UInt64 { restart.map { current.bytes(since: $0) } ?? 0 }
}

extension Connection {
    /// Nil where there is no such slot.
    package func slotState(
        _ name: SlotName, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> SlotState? {
        let rows = try ask(
            """
            SELECT active, restart_lsn, wal_status, safe_wal_size,
              CASE WHEN pg_is_in_recovery()
                THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                ELSE pg_current_wal_lsn() END
            FROM pg_replication_slots WHERE slot_name = \(literal(name.description))
            """, patience)
        guard rows.count > 0 else { return nil }
        return SlotState(
            isActive: rows[0, 0] == "t", restart: rows[0, 1].flatMap { LSN($0) },
            status: rows[0, 2].flatMap { SlotState.Status(rawValue: $0) },
            current: rows[0, 4].flatMap { LSN($0) } ?? LSN(0),
            safeBytes: rows[0, 3].flatMap { Int64($0) })
    }

    /// Slots that are named alike but for the last eight digits, and that nobody uses.
    package func idleSlots(
        like name: SlotName, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> [String] {
        let stem = String(name.description.dropLast(8))
        let rows = try ask(
            """
            SELECT slot_name FROM pg_replication_slots
            WHERE NOT active AND slot_name <> \(literal(name.description))
              AND left(slot_name, -8) = \(literal(stem)) AND right(slot_name, 8) ~ '^[0-9a-f]{8}$'
            ORDER BY slot_name
            """, patience)
        return (0..<rows.count).compactMap { rows[$0, 0] }
    }

    /// Marks the place in the WAL that is reached now, by a name of at most 63 bytes.
    package func makeRestorePoint(
        _ name: String, _ patience: Patience = .seconds(60)
    ) throws(ServerError) -> LSN {
        let rows = try ask("SELECT pg_create_restore_point(\(literal(name)))", patience)
        guard let lsn = rows[0, 0].flatMap({ LSN($0) }) else {
            throw .malformed("the place of a restore point")
        }
        return lsn
    }
}

extension Connection {
    /// Whether commits of the server wait for a copy that this program receives.
    package var isSynchronous: Bool {
        get throws(ServerError) {
            let rows = try ask(
                """
                SELECT count(*) FROM pg_stat_replication
                WHERE application_name = 'zwilling' AND sync_state IN ('sync', 'quorum')
                """, .seconds(60))
            return rows[0, 0] != "0"
        }
    }
}
