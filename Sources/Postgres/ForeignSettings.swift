// SPDX-License-Identifier: EUPL-1.2

/// The configuration files of an original, made fit for a copy of it somewhere else.
package enum ForeignSettings {
    /// Names of settings, in small letters, that belong to the place or the part of the original:
    /// where its files are, whom it listens to, whom it follows, where it archives.
    private static let foreign: Set<String> = [
        "data_directory", "config_file", "hba_file", "ident_file", "external_pid_file",
        "listen_addresses", "port", "unix_socket_directories", "unix_socket_group",
        "stats_temp_directory", "log_directory", "krb_server_keyfile", "restore_command",
        "promote_trigger_file", "trigger_file", "primary_conninfo", "primary_slot_name",
        "synchronous_standby_names", "standby_slot_names", "synchronized_standby_slots",
        "standby_mode", "hot_standby", "ssl",
    ]
    private static let foreignPrefixes = ["ssl_", "archive_", "recovery_"]

    private static let mark = Array("#zwilling# ".utf8)

    /// The same file with every line that sets something foreign as a comment. Other lines stay
    /// as they are, byte for byte.
    package static func commented(_ file: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var start = file.startIndex
        while start < file.endIndex {
            let end = file[start...].firstIndex(of: 10).map { $0 + 1 } ?? file.endIndex
            let line = file[start..<end]
            if isForeign(line) { result += mark }
            result += line
            start = end
        }
        return result
    }

    /// Names count in letters of either case, before a `=` or a blank (guc-file.l).
    private static func isForeign(_ line: ArraySlice<UInt8>) -> Bool {
        let text = line.drop { $0 == 32 || $0 == 9 || $0 == 12 || $0 == 13 }
        let name = text.prefix {
            (97...122).contains($0 | 0x20) || (48...57).contains($0) || $0 == 95
        }
        let word = String(decoding: name, as: UTF8.self).lowercased()
        if word.hasPrefix("include") {
            // What lies in the data directory came along; apply the same to it.
            let value = text.dropFirst(name.count).drop { [32, 9, 61, 39].contains($0) }
            return value.first == UInt8(ascii: "/") || value.starts(with: Array("..".utf8))
        }
        return foreign.contains(word) || foreignPrefixes.contains { word.hasPrefix($0) }
    }
}
