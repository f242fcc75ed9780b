// SPDX-License-Identifier: EUPL-1.2
import Ground
import Sites

/// Gives the content of units, fastest in their order: the secret of a session is opened once.
package final class UnitReader {
    private let open: OpenVault
    private let decompressor = Decompressor()
    private var session: (front: [UInt8], keys: UnitKeys)?

    package init(_ open: OpenVault) { self.open = open }

    /// - Throws: `.damaged` also where the object is no longer the one that the fact was read from,
    ///   or holds another number of bytes than it said.
    package nonisolated(nonsending) func content(
        of fact: UnitFact
    ) async throws(Trouble) -> [UInt8] {
        let site = open.vault.site.label
        let unit = try await open.vault.unit(of: fact.writer, fact.session, fact.number)
        guard unit.hash == fact.hash else { throw .changed(fact.name.text, at: site) }
        var keys = try keys(of: unit.front, fact.name)
        let content: [UInt8]
        do { content = try unit.content(&keys, decompressor) } catch {
            throw .unopenedUnit(fact.name, at: site, error)
        }
        session = (unit.front.bytes, keys)
        let span = fact.facts.span
        guard UInt64(content.count) == span.end - span.start else {
            throw .damaged(
                fact.name.text, at: site,
                Words(
                    "it holds \(content.count) bytes instead of \(span.end - span.start)",
                    de: "sie enthält \(content.count) statt \(span.end - span.start) Bytes"))
        }
        return content
    }

    private func keys(of front: UnitFront, _ name: ObjectName) throws(Trouble) -> UnitKeys {
        if let session, session.front == front.bytes { return session.keys }
        let site = open.vault.site.label
        guard let reader = open.readers[front.epoch] else {
            throw .damaged(
                name.text, at: site,
                Words("it is of an unknown epoch", de: "sie ist aus einer unbekannten Epoche"))
        }
        do { return try front.keys(.content, with: reader) } catch {
            throw .unopenedUnit(name, at: site, .unopened)
        }
    }
}

extension OpenVault {
    /// The bytes of one unit. For many, a `UnitReader` is faster.
    package func content(of fact: UnitFact) async throws(Trouble) -> [UInt8] {
        try await UnitReader(self).content(of: fact)
    }

    /// Opens every unit; the sessions side by side.
    func unitFindings(_ facts: [UnitFact], width: Int) async -> [Trouble] {
        let sessions = Dictionary(grouping: facts) { "\($0.writer.id)/\($0.session)" }
            .sorted { $0.key < $1.key }.map(\.value)
        return await gathered(sessions, width: width) { facts in
            let reader = UnitReader(self)
            var findings: [Trouble] = []
            for fact in facts {
                do throws(Trouble) { _ = try await reader.content(of: fact) } catch {
                    findings.append(error)
                }
            }
            return findings
        }.flatMap { $0 }
    }
}
