// SPDX-License-Identifier: EUPL-1.2
import Ground
import Postgres

extension LogCapture {
    /// Slots of the same data set that another writer has left at the server: nobody fetches what
    /// they keep, and their log fills its disk.
    static func abandoned(_ slot: SlotName, at connection: borrowing Connection) throws(ServerError) -> [Words] {
        try connection.idleSlots(like: slot).map { name in
            Words(
                "slot \(name) belongs to another writer and is not in use, but keeps log at the server. If that writer is no more: SELECT pg_drop_replication_slot('\(name)');",
                de: "Slot \(name) gehört einem anderen Schreiber und ist nicht in Gebrauch, hält am Server aber Protokoll zurück. Gibt es den Schreiber nicht mehr: SELECT pg_drop_replication_slot('\(name)');")
        }
    }
}
