// SPDX-License-Identifier: EUPL-1.2
import Ground

/// A stretch of the log of one cluster, and what in the vault holds it.
package struct LogPiece: Sendable {
    package enum Source: Sendable {
        case range(Observed.Fact)
        case unit(UnitFact)
    }

    package let source: Source
    package let span: PostgresSpan
}

/// The log that continues one base: what its own writer kept of the same data set and cluster.
/// Another writer's is not taken, since it could say anything.
package struct LogPieces: Sendable {
    /// By timeline and start, the longest first.
    package let all: [LogPiece]
    package let base: PostgresSpan

    /// - Parameter base: a snapshot of a cluster.
    package init?(of base: Observed.Fact, among observed: Observed, _ units: Units) {
        guard base.body.source == .postgresBase, let span = base.body.postgres else { return nil }
        self.base = span
        func isOurs(_ dataSet: String, _ writer: Writer, _ other: PostgresSpan) -> Bool {
            dataSet == base.body.dataSet && writer.id == base.writer.id
                && other.system == span.system && other.segmentBytes == span.segmentBytes
        }
        var pieces: [LogPiece] = []
        for fact in observed.facts where fact.body.kind == .range {
            guard let other = fact.body.postgres, isOurs(fact.body.dataSet, fact.writer, other)
            else { continue }
            pieces.append(LogPiece(source: .range(fact), span: other))
        }
        for fact in units.facts where isOurs(fact.facts.dataSet, fact.writer, fact.facts.span) {
            pieces.append(LogPiece(source: .unit(fact), span: fact.facts.span))
        }
        all = pieces.sorted { one, other in
            (one.span.timeline, one.span.start, other.span.end)
                < (other.span.timeline, other.span.start, one.span.end)
        }
    }

    /// How far the log leads from the base without a gap.
    package struct Way: Sendable {
        /// In order; each brings something that the ones before have not.
        package fileprivate(set) var pieces: [LogPiece] = []
        /// The last timeline and the place on it that are reached.
        package fileprivate(set) var timeline: UInt32
        package fileprivate(set) var end: UInt64
        /// When the last byte of it was received.
        package fileprivate(set) var received: Moment
        /// Where log follows that cannot be reached, since some before it is missing.
        package fileprivate(set) var gapUntil: UInt64?
    }

    /// - Parameter ends: of the timelines that later ones left, as their histories say; a timeline
    ///   that is not in it ends where the log of the next one begins.
    package func way(ends: [UInt32: UInt64] = [:]) -> Way {
        // From its start the base could do without the log that it brought itself, and every
        // record can be read; where the log began later, it continues what the base brought.
        let whole = way(from: base.start, ends)
        return whole.end >= base.end ? whole : way(from: base.end, ends)
    }

    private func way(from start: UInt64, _ ends: [UInt32: UInt64]) -> Way {
        var way = Way(timeline: base.timeline, end: start, received: base.received)
        let timelines = Set(all.map(\.span.timeline)).filter { $0 >= base.timeline }.sorted()
        for (index, timeline) in timelines.enumerated() {
            let own = all.filter { $0.span.timeline == timeline }
            if timeline > way.timeline {
                // It is a continuation only where it begins within what is reached.
                guard let first = own.first, first.span.start <= way.end else { continue }
                (way.timeline, way.end) = (timeline, first.span.start)
            }
            let next = index + 1 < timelines.count ? timelines[index + 1] : nil
            let last = ends[timeline] ?? next.flatMap { next in
                all.first { $0.span.timeline == next }?.span.start
            }.flatMap { $0 >= way.end ? $0 : nil }
            walk(own, until: last, &way)
        }
        return way
    }

    private func walk(_ pieces: [LogPiece], until last: UInt64?, _ way: inout Way) {
        way.gapUntil = nil
        for piece in pieces where piece.span.end >= way.end {
            if let last, piece.span.start >= last, piece.span.end > last { break }
            guard piece.span.start <= way.end else {
                way.gapUntil = piece.span.start
                break
            }
            if piece.span.end > way.end { way.pieces.append(piece) }
            way.end = piece.span.end
            way.received = max(way.received, piece.span.received)
        }
        if let last, way.end > last { way.end = last }
    }
}
