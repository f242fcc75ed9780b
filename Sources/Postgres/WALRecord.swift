// SPDX-License-Identifier: EUPL-1.2
import Ground

/// What a piece of WAL says that matters for going back to a moment.
package enum WALFact: Hashable, Sendable {
    /// A transaction is kept, or undone; `end` is where its record ends. Prepared ones count when
    /// they are decided.
    case committed(Moment, end: LSN)
    case aborted(Moment, end: LSN)
    case restorePoint(name: String, Moment, end: LSN)
    /// From `end` on this is the WAL of another timeline.
    case timelineBegan(UInt32, after: UInt32, end: LSN)
    /// The server was stopped in order.
    case shutDown(timeline: UInt32, end: LSN)
}

/// The layouts of PostgreSQL 13 to 17 on machines that write numbers least significant byte first
/// (xlogrecord.h, xlog_internal.h, xact.h, pg_control.h): enough of them to find facts.
enum WALLayout {
    static let pageBytes = 8192
    static let shortHeaderBytes = 24
    static let longHeaderBytes = 40
    static let recordHeaderBytes = 24
    /// Of each record of interest so much is kept: the longest is a restore point, of a record
    /// header, two bytes, a time and a name of 64.
    static let keptBytes = 160

    /// Which version writes which magic number.
    static let majors: [UInt16: Int] = [
        0xd106: 13, 0xd10d: 14, 0xd110: 15, 0xd113: 16, 0xd116: 17,
    ]

    // Flags of a page.
    static let continues: UInt16 = 1
    static let hasLongHeader: UInt16 = 2
    static let overwrites: UInt16 = 8
    static let knownFlags: UInt16 = 15

    // Resource managers.
    static let xlog: UInt8 = 0
    static let transactions: UInt8 = 1
    static let builtInMax: UInt8 = 21
    static let customMin: UInt8 = 128

    // What a record of the log itself is about.
    static let shutDown: UInt8 = 0x00
    static let switchSegment: UInt8 = 0x40
    static let restorePoint: UInt8 = 0x70
    static let endOfRecovery: UInt8 = 0x90

    // What a record of a transaction is about.
    static let commit: UInt8 = 0x00
    static let abort: UInt8 = 0x20
    static let commitPrepared: UInt8 = 0x30
    static let abortPrepared: UInt8 = 0x40
}

/// The header of one record, and as much of its content as is kept.
struct WALRecord {
    /// At least a header.
    private let bytes: [UInt8]
    let byteCount: UInt32

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        byteCount = UInt32(truncatingIfNeeded: number(bytes, 0, 4))
    }

    var previous: LSN { LSN(number(bytes, 8, 8)) }
    var manager: UInt8 { bytes[17] }
    var checksum: UInt32 { UInt32(truncatingIfNeeded: number(bytes, 20, 4)) }
    /// The upper half is the manager's; the lower half is the log's own.
    var info: UInt8 { bytes[16] & 0xf0 }

    static func isOfInterest(manager: UInt8) -> Bool {
        manager == WALLayout.xlog || manager == WALLayout.transactions
    }

    var isSegmentSwitch: Bool {
        manager == WALLayout.xlog && info == WALLayout.switchSegment
    }

    /// What the record says, if it is of interest.
    func fact(end: LSN) -> WALFact? {
        switch manager {
        case WALLayout.transactions: transactionFact(end)
        case WALLayout.xlog: logFact(end)
        default: nil
        }
    }

    private func transactionFact(_ end: LSN) -> WALFact? {
        let operation = info & 0x70
        guard let start = content(8) else { return nil }
        return switch operation {
        case WALLayout.commit, WALLayout.commitPrepared: .committed(time(start), end: end)
        case WALLayout.abort, WALLayout.abortPrepared: .aborted(time(start), end: end)
        default: nil
        }
    }

    private func logFact(_ end: LSN) -> WALFact? {
        switch info {
        case WALLayout.restorePoint:
            guard let start = content(9) else { return nil }
            let name = bytes[(start + 8)...].prefix(64).prefix { $0 != 0 }
            return .restorePoint(
                name: String(decoding: name, as: UTF8.self), time(start), end: end)
        case WALLayout.endOfRecovery:
            guard let start = content(16) else { return nil }
            return .timelineBegan(word(start + 8), after: word(start + 12), end: end)
        case WALLayout.shutDown:
            guard let start = content(16) else { return nil }
            let (timeline, previous) = (word(start + 8), word(start + 12))
            return timeline == previous
                ? .shutDown(timeline: timeline, end: end)
                : .timelineBegan(timeline, after: previous, end: end)
        default: return nil
        }
    }

    private func word(_ start: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number(bytes, start, 4))
    }

    private func time(_ start: Int) -> Moment {
        Moment(postgresMicroseconds: Int64(bitPattern: number(bytes, start, 8)))
    }

    /// Where the record's own content begins, if `count` bytes of it were kept. What comes before
    /// may say from where the record was replicated and to which transaction it belongs; records
    /// of interest never bring pages.
    private func content(_ count: Int) -> Int? {
        var at = WALLayout.recordHeaderBytes
        while at < bytes.count {
            switch bytes[at] {
            case 253: at += 3
            case 252: at += 5
            case 254: at += 5; return at + count <= bytes.count ? at : nil
            case 255: at += 2; return at + count <= bytes.count ? at : nil
            default: return nil
            }
        }
        return nil
    }
}

/// A number, least significant byte first.
func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in (start..<start + count).reversed() { value = value << 8 | UInt64(bytes[index]) }
    return value
}
