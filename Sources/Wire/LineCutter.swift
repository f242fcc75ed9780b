// SPDX-License-Identifier: EUPL-1.2

/// Cuts what comes into lines that end in CR LF, and nowhere else: where a bare LF ends a line for
/// one program and not for the next, a message can hide in another (SMTP smuggling).
package struct LineCutter {
    package enum Line: Equatable {
        /// Without its end.
        case whole(ArraySlice<UInt8>)
        /// Longer than the limit, and not kept.
        case tooLong
    }

    private var kept: [UInt8] = []
    /// Up to here, what is kept is cut or searched.
    private var (cut, searched) = (0, 0)
    private var isTooLong = false

    package init() {}

    package mutating func add(_ bytes: some Collection<UInt8>) {
        kept.removeSubrange(..<cut)
        searched -= cut
        cut = 0
        kept += bytes
    }

    /// The next line that has come to its end; nil when more has to come first.
    package mutating func next() -> Line? {
        while let feed = kept[searched...].firstIndex(of: 0x0a) {
            searched = feed + 1
            guard feed > cut, kept[feed - 1] == 0x0d else { continue }
            let line = kept[cut..<feed - 1]
            cut = searched
            let wasTooLong = isTooLong || line.count + 2 > Limits.lineBytesMax
            isTooLong = false
            return wasTooLong ? .tooLong : .whole(line)
        }
        searched = kept.count
        if kept.count - cut > Limits.lineBytesMax {
            isTooLong = true
            // The last byte may be the CR before an LF.
            cut = kept.count - 1
        }
        return nil
    }
}
