// SPDX-License-Identifier: EUPL-1.2

/// Who has changed something since original and twin were one.
package enum Changer: String, Encodable, Sendable {
    case original, twin, both

    /// Each says whether that side is no longer as both were in the beginning; nil where neither is.
    package init?(originalMoved: Bool, twinMoved: Bool) {
        switch (originalMoved, twinMoved) {
        case (true, true): self = .both
        case (true, false): self = .original
        case (false, true): self = .twin
        case (false, false): return nil
        }
    }
}

/// What original and twin do not have in common, counted.
package struct DifferenceCounts: Encodable, Hashable, Sendable {
    package private(set) var onlyOriginal = 0
    package private(set) var onlyTwin = 0
    package private(set) var different = 0
    /// Of all these, where a base says who did it.
    package private(set) var byOriginal = 0
    package private(set) var byTwin = 0
    package private(set) var byBoth = 0

    package init() {}

    package var total: Int { onlyOriginal + onlyTwin + different }

    package mutating func add(inOriginal: Bool, inTwin: Bool, by changer: Changer?) {
        if !inTwin { onlyOriginal += 1 } else if !inOriginal { onlyTwin += 1 } else { different += 1 }
        switch changer {
        case .original: byOriginal += 1
        case .twin: byTwin += 1
        case .both: byBoth += 1
        case nil: break
        }
    }
}
