// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

extension VaultWriter {
    /// Removes from the site the units that a range of this writer's chain supersedes, and none
    /// that a reader would still read: the record is read back first.
    ///
    /// A site that does not allow it (a short lock, no right) is no trouble: what is superseded
    /// goes unread. Unit 0 of the newest session stays in any case, so that no number of a session
    /// comes twice.
    ///
    /// - Returns: how many were removed, and how many still lie there.
    @discardableResult
    package func removeSuperseded(
        by head: ChainHead
    ) async throws(Trouble) -> (removed: Int, left: Int) {
        let body = try await range(at: head)
        let site = vault.site
        let listed = try await site.list(SealedUnit.prefix(writer.id))
            .compactMap { SealedUnit.place($0.name, of: writer.id) }
        let newest = listed.map(\.session).max() ?? 0
        var superseded: [ObjectName] = []
        for session in Set(body.supersedes.map(\.session)).sorted() {
            let spans = body.supersedes.filter { $0.session == session }
            let numbers = listed.filter { place in
                place.session == session
                    && spans.contains { $0.first <= place.number && place.number <= $0.last }
            }.map(\.number).sorted()
            guard await isOlder(session, numbers, than: head, of: body.dataSet) else { continue }
            superseded += numbers.filter { session < newest || $0 > 0 }
                .map { SealedUnit.name(writer.id, session, $0) }
        }
        for (index, name) in superseded.enumerated() {
            do throws(Trouble) { try await site.remove(name) } catch {
                guard error.kind == .denied || error.kind == .readOnly else { throw error }
                return (index, superseded.count - index)
            }
        }
        return (superseded.count, 0)
    }

    private func range(at head: ChainHead) async throws(Trouble) -> RecordBody {
        let name = Record.name(writer.id, head.sequence)
        let bytes = try await vault.object(name, upTo: Limits.statementBytesMax)
        do {
            let record = try Record(decoding: bytes, writerKey: writer.publicKey)
            let body = try record.body(with: keys.observer)
            guard record.hash == head.hash, body.kind == .range else {
                throw Malformed("not the range that was committed", at: 0)
            }
            return body
        } catch {
            throw .damaged(
                name.text, at: vault.site.label,
                Words(
                    "it is not the range that was committed",
                    de: "es ist nicht der Bereich, der festgeschrieben wurde"), cause: error)
        }
    }

    /// Whether the session there is one that the record can mean: it began before it, and is of
    /// the same data set.
    private func isOlder(
        _ session: UInt64, _ numbers: [UInt32], than head: ChainHead, of dataSet: String
    ) async -> Bool {
        for number in numbers {
            do {
                let unit = try await vault.unit(of: writer, session, number)
                var facts = try unit.front.keys(.facts, with: keys.observer)
                let isSame = try unit.facts(&facts).dataSet == dataSet
                return isSame && unit.front.stands.sequence < head.sequence
            } catch { continue }
        }
        return false
    }
}
