// SPDX-License-Identifier: EUPL-1.2
import Ground

extension ServerFacts {
    /// A base backup and the stream of WAL at the same time.
    private static let sendersNeeded = 2

    /// Why the server cannot be captured as it is, each with its remedy.
    ///
    /// - Parameter hasSlot: whether the slot exists already, and need not be made.
    package func obstacles(hasSlot: Bool) -> [Trouble] {
        var obstacles: [Trouble] = []
        if !roleMayReplicate {
            obstacles.append(
                Trouble(
                    .denied,
                    Words(
                        "The role \"\(role)\" may not replicate.",
                        de: "Die Rolle \"\(role)\" darf nicht replizieren."),
                    advice: Refusal.roleAdvice))
        }
        if settings["wal_level"] == "minimal" {
            obstacles.append(setting("wal_level", is: "minimal", needs: "replica"))
        }
        if let most = number("max_wal_senders"), most - sendersUsed < Self.sendersNeeded {
            let needed = sendersUsed + Self.sendersNeeded
            obstacles.append(setting("max_wal_senders", is: "\(most)", needs: "\(needed)"))
        }
        if !hasSlot, let most = number("max_replication_slots"), most <= slotsUsed {
            obstacles.append(
                setting("max_replication_slots", is: "\(most)", needs: "\(slotsUsed + 1)"))
        }
        return obstacles
    }

    private func setting(_ name: String, is value: String, needs needed: String) -> Trouble {
        Trouble(
            .wrongUse,
            Words(
                "The server's \(name) is \(value), and \(needed) is needed.",
                de: "\(name) des Servers ist \(value); nötig ist \(needed)."),
            advice: Words(
                "ALTER SYSTEM SET \(name) = '\(needed)'; then restart the server.",
                de: "ALTER SYSTEM SET \(name) = '\(needed)'; danach den Server neu starten."))
    }

    /// What works, but deserves a word.
    package var warnings: [Words] {
        var warnings = [version.warning].compactMap(\.self)
        if roleIsSuperuser {
            warnings.append(
                Words(
                    "The role \"\(role)\" may do everything; tools/postgres-role.sql makes one"
                        + " that may do only what is needed.",
                    de: "Die Rolle \"\(role)\" darf alles; tools/postgres-role.sql legt eine an,"
                        + " die nur das Nötige darf."))
        }
        if dataDirectory == nil {
            warnings.append(
                Words(
                    "The role \"\(role)\" cannot see all settings; GRANT pg_read_all_settings.",
                    de: "Die Rolle \"\(role)\" sieht nicht alle Einstellungen; GRANT"
                        + " pg_read_all_settings."))
        }
        if hasDataChecksums == false {
            warnings.append(
                Words(
                    "The cluster has no data checksums: damage to its pages goes unnoticed."
                        + " pg_checksums --enable while it is stopped.",
                    de: "Der Cluster hat keine Prüfsummen: Schäden an seinen Seiten bleiben"
                        + " unbemerkt. pg_checksums --enable, während er steht."))
        }
        if settings["fsync"] == "off" {
            warnings.append(
                Words(
                    "The server runs with fsync = off: a loss of power destroys it.",
                    de: "Der Server läuft mit fsync = off: ein Stromausfall zerstört ihn."))
        }
        if number("max_slot_wal_keep_size") == -1 {
            warnings.append(
                Words(
                    "max_slot_wal_keep_size has no bound: if capturing stops, WAL fills the disk.",
                    de: "max_slot_wal_keep_size ist unbegrenzt: Steht die Erfassung, füllt WAL"
                        + " die Platte."))
        }
        return warnings
    }
}
