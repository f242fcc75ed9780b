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
        for fact in observed.kept where fact.body.kind == .range {
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
        package struct Step: Sendable {
            package let piece: LogPiece
            /// What lies at or behind it belongs to no way: the timeline was left there.
            package let until: UInt64?
        }

        /// In order; each brings something that the ones before have not.
        package fileprivate(set) var steps: [Step] = []
        /// The last timeline and the place on it that are reached.
        package fileprivate(set) var timeline: UInt32
        package fileprivate(set) var end: UInt64
        /// By then the server had written nothing beyond.
        package fileprivate(set) var received: Moment
        /// Where log follows that cannot be reached, since some before it is missing.
        package fileprivate(set) var gapUntil: UInt64?
    }

    /// The way to the highest timeline that is reached.
    ///
    /// - Parameter histories: of a timeline, where each of its ancestors was left. One that is not
    ///   in it is taken to have followed all others, each left where the log of the next begins.
    package func way(histories: [UInt32: [UInt32: UInt64]] = [:]) -> Way {
        let timelines = Set(all.map(\.span.timeline)).filter { $0 > base.timeline }.sorted()
        var missed: UInt64?
        for goal in timelines.reversed() {
            for line in lines(to: goal, timelines, histories) {
                if let way = way(along: line) { return way }
            }
            // An abandoned timeline is no gap; one that this base should lead to is.
            if histories[goal].map({ ($0[base.timeline] ?? 0) >= base.end }) ?? true {
                missed = missed ?? first(of: goal)
            }
        }
        var way = way(along: [(base.timeline, nil)]) ?? beginning(at: base.end)
        way.gapUntil = way.gapUntil ?? missed.flatMap { $0 > way.end ? $0 : nil }
        return way
    }

    private func first(of timeline: UInt32) -> UInt64? {
        all.first { $0.span.timeline == timeline }?.span.start
    }

    private typealias Line = [(timeline: UInt32, until: UInt64?)]

    private func lines(
        to goal: UInt32, _ timelines: [UInt32], _ histories: [UInt32: [UInt32: UInt64]]
    ) -> [Line] {
        if let history = histories[goal] {
            let line = history.filter { $0.key >= base.timeline }.sorted { $0.key < $1.key }
                .map { (timeline: $0.key, until: Optional($0.value)) }
            return line.first?.timeline == base.timeline ? [line + [(goal, nil)]] : []
        }
        let between = timelines.filter { $0 < goal }
        return (between.isEmpty ? [between] : [between, []]).map { between in
            let all = [base.timeline] + between + [goal]
            return zip(all, all.dropFirst()).map { ($0, first(of: $1)) } + [(goal, nil)]
        }
    }

    private func beginning(at lsn: UInt64) -> Way {
        Way(timeline: base.timeline, end: lsn, received: base.received)
    }

    /// nil where it does not lead to the last timeline of the line.
    private func way(along line: Line) -> Way? {
        // The base must have ended before its timeline was left.
        guard (line[0].until ?? .max) >= base.end else { return nil }
        // From its start the base could do without the log that it brought itself, and every
        // record can be read; where the log began later, it continues what the base brought.
        for start in [base.start, base.end] {
            var way = beginning(at: start)
            var isWhole = true
            for (timeline, until) in line {
                way.timeline = timeline
                walk(all.filter { $0.span.timeline == timeline }, until: until, &way)
                isWhole = until.map { way.end >= $0 } ?? true
                if !isWhole { break }
            }
            if isWhole, way.end >= base.end { return way }
        }
        return nil
    }

    private func walk(_ pieces: [LogPiece], until: UInt64?, _ way: inout Way) {
        for piece in pieces where piece.span.end >= way.end {
            if let until, way.end >= until { return }
            guard piece.span.start <= way.end else {
                way.gapUntil = piece.span.start
                return
            }
            if piece.span.end > way.end { way.steps.append(.init(piece: piece, until: until)) }
            way.end = min(piece.span.end, until ?? .max)
            way.received = max(way.received, piece.span.received)
        }
    }
}
