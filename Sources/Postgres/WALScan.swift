// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Reads the write-ahead log as it comes, in pieces of any length, and says what in it matters for
/// going back to a moment. It checks every record as PostgreSQL does when it recovers, so that
/// where the scan ends a recovery ends too. Keeps a few hundred bytes, and trusts nothing.
package struct WALScan: Sendable {
    /// Why the WAL goes no further.
    package enum End: Hashable, Sendable {
        /// A page that is not the next one of this log.
        case page
        /// A record that was never written whole, or is damaged. Also where unused space begins.
        case record
        /// A version of PostgreSQL that this program does not know, or of other page sizes.
        case unknownVersion
    }

    private enum Step {
        case pageHeader
        /// Over what is left of a record whose beginning lies before the scan, up to a record.
        case skipping(left: UInt64)
        /// Over the gap behind a record, or the rest of a page or segment, up to a place.
        case passing(until: LSN)
        case recordHeader
        case recordBody(left: UInt64)
        case ended(End)
    }

    /// The end of the last whole record; where there was none yet, where the scan began.
    package private(set) var position: LSN
    /// The beginning of the first whole record.
    package private(set) var first: LSN?
    /// The major version of the server that wrote the WAL, once a page was seen.
    package private(set) var major: Int?
    /// The timeline of the last page.
    package private(set) var timeline: UInt32 = 0

    private let segmentBytes: UInt64
    private var step: Step
    /// What a page border broke off.
    private var interrupted = Step.recordHeader
    /// The place of the next byte.
    private var at: LSN
    private var header: [UInt8] = []
    private var record: [UInt8] = []
    private var recordStart = LSN(0)
    private var previous: LSN?
    private var crc = CRC32C()

    /// - Parameters:
    ///   - start: where the first byte to be fed lies.
    ///   - isRecordStart: that a record begins there. Else the scan begins with the first record
    ///     of the first page that begins in what it is fed.
    ///   - segmentBytes: as the server says; must be a size that PostgreSQL has.
    package init(from start: LSN, segmentBytes: UInt64, isRecordStart: Bool = false) {
        precondition(WALSegment.isSize(segmentBytes), "no size of a WAL segment")
        self.segmentBytes = segmentBytes
        position = start
        at = start
        let over = start.value % UInt64(WALLayout.pageBytes)
        if over == 0 || isRecordStart && start.value % 8 == 0 {
            step = .recordHeader
        } else {
            step = .passing(until: LSN(start.value &- over) + WALLayout.pageBytes)
        }
        header.reserveCapacity(WALLayout.longHeaderBytes)
        record.reserveCapacity(WALLayout.keptBytes)
    }

    package var end: End? { if case .ended(let end) = step { end } else { nil } }

    /// Takes the bytes that follow, and names the facts in them in their order.
    package mutating func feed(_ bytes: Span<UInt8>, _ found: (WALFact) -> Void) {
        var offset = 0
        while offset < bytes.count {
            if case .ended = step { return }
            if header.isEmpty, isAtPage { (interrupted, step) = (step, .pageHeader) }
            offset += advance(bytes, offset, found)
        }
    }

    /// Whether a page begins here. What is passed over need not have pages: the server fills an
    /// unused rest of a segment with zeros.
    private var isAtPage: Bool {
        if case .passing = step { return false }
        return at.value % UInt64(WALLayout.pageBytes) == 0
    }

    /// Bytes of this page from here on.
    private var pageLeft: Int {
        WALLayout.pageBytes - Int(at.value % UInt64(WALLayout.pageBytes))
    }

    private mutating func advance(
        _ bytes: Span<UInt8>, _ offset: Int, _ found: (WALFact) -> Void
    ) -> Int {
        let most = min(bytes.count - offset, pageLeft)
        let used: Int
        switch step {
        case .pageHeader:
            return takePageHeader(bytes, offset)
        case .skipping(let left):
            used = Int(min(left, UInt64(most)))
            move(used)
            if UInt64(used) < left { step = .skipping(left: left - UInt64(used)) }
            else { align() }
        case .passing(let goal):
            used = Int(min(goal.bytes(since: at), UInt64(most)))
            move(used)
            if at >= goal { step = .recordHeader }
        case .recordHeader:
            used = min(most, WALLayout.recordHeaderBytes - record.count)
            if record.isEmpty { recordStart = at }
            for index in offset..<offset + used { record.append(bytes[index]) }
            move(used)
            checkRecordHeader(found)
        case .recordBody(let left):
            used = Int(min(left, UInt64(most)))
            let piece = bytes.extracting(offset..<offset + used)
            crc.update(piece)
            keep(piece)
            move(used)
            step = .recordBody(left: left - UInt64(used))
            if UInt64(used) == left { endRecord(found) }
        case .ended:
            used = most
        }
        return used
    }

    private mutating func move(_ count: Int) { at = at + count }

    private mutating func keep(_ piece: Span<UInt8>) {
        guard WALRecord.isOfInterest(manager: record[17]) else { return }
        for index in 0..<min(piece.count, WALLayout.keptBytes - record.count) {
            record.append(piece[index])
        }
    }

    /// Records begin at multiples of eight.
    private mutating func align() {
        let over = at.value % 8
        step = over == 0 ? .recordHeader : .passing(until: LSN(at.value &+ (8 - over)))
    }
}

// MARK: - Records

extension WALScan {
    private mutating func checkRecordHeader(_ found: (WALFact) -> Void) {
        // The length stands in the first four bytes, and is zero where nothing was written yet.
        if record.count >= 4, number(record, 0, 4) < UInt64(WALLayout.recordHeaderBytes) {
            step = .ended(.record)
            return
        }
        guard record.count == WALLayout.recordHeaderBytes else { return }
        let head = WALRecord(record)
        let isKnown =
            head.manager <= WALLayout.builtInMax || head.manager >= WALLayout.customMin
        let isNext = previous.map { $0 == head.previous } ?? (head.previous < recordStart)
        guard isKnown, isNext else {
            step = .ended(.record)
            return
        }
        crc = CRC32C()
        let left = UInt64(head.byteCount) - UInt64(WALLayout.recordHeaderBytes)
        step = .recordBody(left: left)
        if left == 0 { endRecord(found) }
    }

    private mutating func endRecord(_ found: (WALFact) -> Void) {
        let head = WALRecord(record)
        var sum = crc
        sum.update(record.span.extracting(first: 20))
        guard sum.value == head.checksum else {
            step = .ended(.record)
            return
        }
        record.removeAll(keepingCapacity: true)
        previous = recordStart
        if first == nil { first = recordStart }
        if head.isSegmentSwitch {
            // The rest of the segment is unused; `position` is where the next one begins.
            let rest = segmentBytes &- at.value % segmentBytes
            let next = at.value % segmentBytes == 0 ? at : LSN(at.value &+ rest)
            position = next
            step = next == at ? .recordHeader : .passing(until: next)
        } else {
            position = LSN((at.value &+ 7) & ~7)
            align()
        }
        if let fact = head.fact(end: position) { found(fact) }
    }
}

// MARK: - Pages

extension WALScan {
    private mutating func takePageHeader(_ bytes: Span<UInt8>, _ offset: Int) -> Int {
        let isLong = header.count >= 4 && number(header, 2, 2) & 2 != 0
        let wanted = isLong ? WALLayout.longHeaderBytes : WALLayout.shortHeaderBytes
        let used = min(bytes.count - offset, wanted - header.count)
        for index in offset..<offset + used { header.append(bytes[index]) }
        move(used)
        guard header.count >= WALLayout.shortHeaderBytes else { return used }
        let flags = UInt16(truncatingIfNeeded: number(header, 2, 2))
        if flags & WALLayout.hasLongHeader != 0, header.count < WALLayout.longHeaderBytes {
            return used
        }
        defer { header.removeAll(keepingCapacity: true) }
        step = checkedPage(flags) ?? .ended(.page)
        return used
    }

    /// How to go on in a page that has its place in this log; nil for any other.
    private mutating func checkedPage(_ flags: UInt16) -> Step? {
        let start = LSN(at.value &- UInt64(header.count))
        let magic = UInt16(truncatingIfNeeded: number(header, 0, 2))
        guard let major = WALLayout.majors[magic] else {
            // Versions to come have larger numbers that begin the same.
            return magic >> 8 == 0xd1 ? .ended(.unknownVersion) : nil
        }
        let timeline = UInt32(truncatingIfNeeded: number(header, 4, 4))
        let isSegmentStart = start.value % segmentBytes == 0
        guard flags & ~WALLayout.knownFlags == 0, number(header, 8, 8) == start.value,
            timeline >= self.timeline, self.major == nil || self.major == major,
            !isSegmentStart || flags & WALLayout.hasLongHeader != 0
        else { return nil }
        if flags & WALLayout.hasLongHeader != 0 {
            guard number(header, 32, 4) == segmentBytes else { return nil }
            guard number(header, 36, 4) == UInt64(WALLayout.pageBytes) else {
                return .ended(.unknownVersion)
            }
        }
        (self.major, self.timeline) = (major, timeline)
        let left = number(header, 16, 4)
        return resumed(flags & WALLayout.continues != 0 ? left : nil, flags)
    }

    /// - Parameter left: bytes that a record from the page before still has.
    private mutating func resumed(_ left: UInt64?, _ flags: UInt16) -> Step? {
        // The server began anew here after a crash: what was begun before will never end.
        if flags & WALLayout.overwrites != 0 {
            record.removeAll(keepingCapacity: true)
            return .recordHeader
        }
        switch interrupted {
        case .recordBody(let wanted): return left == wanted ? interrupted : nil
        case .recordHeader where !record.isEmpty:
            return left == number(record, 0, 4) &- UInt64(record.count) ? interrupted : nil
        default:
            guard let left else { return .recordHeader }
            // A record that began before the scan did; or, within it, one that nobody began.
            return first == nil && left > 0 ? .skipping(left: left) : nil
        }
    }
}
