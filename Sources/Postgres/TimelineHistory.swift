// SPDX-License-Identifier: EUPL-1.2
import Ground

/// How a timeline came about: from which others, each left at which place.
package struct TimelineHistory: Hashable, Sendable {
    package struct Ancestor: Hashable, Sendable {
        package let timeline: UInt32
        /// Where the next one branched off; WAL of this timeline counts up to here.
        package let end: LSN

        package init(timeline: UInt32, end: LSN) {
            self.timeline = timeline
            self.end = end
        }
    }

    package let timeline: UInt32
    /// Oldest first.
    package let ancestors: [Ancestor]

    /// A timeline without a past.
    package init(timeline: UInt32) {
        self.timeline = timeline
        ancestors = []
    }

    /// Reads the file of that kind: lines of timeline, LSN and reason, separated by blanks; see
    /// timeline.c.
    package init(timeline: UInt32, content: [UInt8]) throws(Malformed) {
        var ancestors: [Ancestor] = []
        var offset = 0
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            defer { offset += line.count + 1 }
            let fields = line.split(maxSplits: 2) { $0 == 9 || $0 == 32 || $0 == 13 }
            guard let first = fields.first, first.first != UInt8(ascii: "#") else { continue }
            guard fields.count >= 2,
                let number = UInt32(String(decoding: first, as: UTF8.self)),
                let end = LSN(String(decoding: fields[1], as: UTF8.self)),
                number > ancestors.last?.timeline ?? 0, number < timeline,
                end >= ancestors.last?.end ?? LSN(0)
            else { throw Malformed("a line of a timeline's history", at: offset) }
            ancestors.append(Ancestor(timeline: number, end: end))
        }
        self.timeline = timeline
        self.ancestors = ancestors
    }

    package var fileName: String { digits(timeline) + ".history" }

    /// Where a timeline ends in this history; nil for the present one, and for strangers.
    package func end(of timeline: UInt32) -> LSN? {
        ancestors.first { $0.timeline == timeline }?.end
    }

    /// The timeline that wrote the byte at a place, if all of this history has been.
    package func timeline(holding lsn: LSN) -> UInt32 {
        ancestors.first { lsn < $0.end }?.timeline ?? timeline
    }
}
