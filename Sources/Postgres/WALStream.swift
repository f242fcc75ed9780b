// SPDX-License-Identifier: EUPL-1.2
import CPostgres
import Ground

package enum WALMessage: Sendable {
    /// WAL without a gap after what came before; `end` is how far the server has come.
    case wal(start: LSN, end: LSN, sentAt: Moment, bytes: [UInt8])
    case keepalive(end: LSN, sentAt: Moment, wantsReply: Bool)
    /// The timeline went no further than `at`, and `next` goes on there. The connection can be
    /// used for the next stream.
    case timelineEnded(next: UInt32, at: LSN)
}

/// The write-ahead log as it is written, over a connection of its own.
///
/// Nothing is confirmed by itself: the server keeps WAL for the slot until it was `confirm`ed as
/// flushed, and a synchronous standby's commits wait for the same. Call `receive` more often than
/// the server's `wal_sender_timeout` (a minute), or it hangs up. A server that shuts down waits
/// until all of its WAL is confirmed, so go on confirming until the stream ends.
package final class WALStream {
    /// Where the next byte belongs.
    package private(set) var position: LSN
    /// What was confirmed last; 0 is nothing.
    package private(set) var written = LSN(0)
    package private(set) var flushed = LSN(0)
    package private(set) var applied = LSN(0)

    private let connection: Connection
    private let now: @Sendable () -> Moment
    /// The timeline went no further, or the stream was stopped.
    package private(set) var hasEnded = false
    /// When the server was last heard of, and when it was asked since; milliseconds.
    private var heardAt = Patience.clock
    private var askedAt: Int64?

    /// A server that says nothing for so long is asked whether it is there, and given up after
    /// twice that again.
    package static let silenceMillisecondsMax: Int64 = 15_000

    /// A message longer than any server sends (its limit is 128 KiB and a header).
    private static let messageBytesMax = 64 << 20

    init(
        _ connection: Connection, from start: LSN, now: @escaping @Sendable () -> Moment,
        _ patience: Patience
    ) throws(ServerError) {
        self.connection = connection
        self.now = now
        position = start
        guard let reply = try connection.nextReply(patience) else {
            throw .malformed("no answer to START_REPLICATION")
        }
        // Where the timeline ends just where it should start, the server sends the next at once.
        if reply.status == cpostgres_tuples_ok { pending = try Self.ended(reply.rows) }
        else if reply.status != cpostgres_copy_both { throw .malformed("no stream of WAL") }
    }

    private var pending: WALMessage?

    /// The next message; nil when the time is over. After `interrupted`, it can go on.
    package func receive(_ patience: Patience) throws(ServerError) -> WALMessage? {
        if let pending {
            self.pending = nil
            try finish(.seconds(Self.patienceSeconds))
            return pending
        }
        guard !hasEnded else { throw .lost(reason: "the stream has ended") }
        while true {
            do throws(ServerError) {
                guard let message = try connection.nextCopied(glance(patience)) else {
                    return try endTimeline()
                }
                (heardAt, askedAt) = (Patience.clock, nil)
                return try decode(message)
            } catch {
                guard case .late = error else { throw error }
                try checkSilence()
                if patience.millisecondsLeft == 0 { return nil }
            }
        }
    }

    /// Not so long that silence goes unnoticed.
    private func glance(_ patience: Patience) -> Patience {
        let most = Self.silenceMillisecondsMax / 3
        return .milliseconds(Int(min(patience.millisecondsLeft ?? most, most)), or: patience.wake)
    }

    /// Nothing waits to be read. That alone says little where the caller was away for long.
    private func checkSilence() throws(ServerError) {
        let clock = Patience.clock
        if let askedAt {
            guard clock - askedAt <= 2 * Self.silenceMillisecondsMax else {
                throw .lost(reason: "the server has said nothing for \((clock - heardAt) / 1000) s")
            }
        } else if clock - heardAt > Self.silenceMillisecondsMax {
            askedAt = clock
            try sendStatus(wantsReply: true)
        }
    }

    private func decode(_ message: borrowing CopyMessage) throws(ServerError) -> WALMessage {
        let position = position
        let decoded = try message.read { bytes throws(ServerError) -> WALMessage in
            try Self.decode(bytes, at: position)
        }
        switch decoded {
        case .wal(_, _, _, let bytes): self.position = position + bytes.count
        case .keepalive(_, _, let wantsReply): if wantsReply { try sendStatus() }
        case .timelineEnded: break
        }
        return decoded
    }

    /// `w`: start, end, time, WAL. `k`: end, time, whether an answer is wanted.
    static func decode(
        _ bytes: Span<UInt8>, at position: LSN
    ) throws(ServerError) -> WALMessage {
        guard bytes.count > 0, bytes.count <= messageBytesMax else {
            throw .malformed("a message of \(bytes.count) bytes")
        }
        switch bytes[0] {
        case UInt8(ascii: "w"):
            let start = LSN(try bigEndian64(bytes, at: 1))
            guard start == position else {
                throw .malformed("WAL from \(start) where \(position) follows")
            }
            let end = LSN(try bigEndian64(bytes, at: 9))
            let time = Int64(bitPattern: try bigEndian64(bytes, at: 17))
            return .wal(
                start: start, end: end, sentAt: Moment(postgresMicroseconds: time),
                bytes: array(bytes, 25..<bytes.count))
        case UInt8(ascii: "k"):
            let end = LSN(try bigEndian64(bytes, at: 1))
            let time = Int64(bitPattern: try bigEndian64(bytes, at: 9))
            guard bytes.count == 18 else { throw .malformed("a keepalive", at: 17) }
            return .keepalive(
                end: end, sentAt: Moment(postgresMicroseconds: time), wantsReply: bytes[17] != 0)
        case let kind: throw .malformed("a message of kind \(kind)")
        }
    }
}

// MARK: - Feedback

extension WALStream {
    /// How long the server may take to read what it is told.
    private static let patienceSeconds = 30

    /// Says how far WAL has come: into memory, to safety, into a running copy. None goes back, and
    /// none beyond what was received.
    package func confirm(
        written: LSN, flushed: LSN, applied: LSN = LSN(0)
    ) throws(ServerError) {
        self.written = max(self.written, min(written, position))
        self.flushed = max(self.flushed, min(flushed, position))
        self.applied = max(self.applied, min(applied, position))
        try sendStatus()
    }

    private func sendStatus(wantsReply: Bool = false) throws(ServerError) {
        var message = [UInt8(ascii: "r")]
        for place in [written, flushed, applied] { appendBigEndian(place.value, to: &message) }
        appendBigEndian(UInt64(bitPattern: now().postgresMicroseconds), to: &message)
        message.append(wantsReply ? 1 : 0)
        try connection.copy(message, .seconds(Self.patienceSeconds))
    }
}

// MARK: - Ending

extension WALStream {
    /// Ends the stream in order, so that the connection can be used again. What still was under way
    /// is dropped: it comes again with the next stream.
    package func stop(_ patience: Patience = .seconds(30)) throws(ServerError) {
        guard !hasEnded else { return }
        if pending == nil {
            try connection.endCopy(patience)
            while try connection.nextCopied(patience) != nil {}
        }
        try finish(patience)
    }

    private func finish(_ patience: Patience) throws(ServerError) {
        while try connection.nextReply(patience) != nil {}
        hasEnded = true
    }

    /// Not to be interrupted: half of it could not be taken up again.
    private func endTimeline() throws(ServerError) -> WALMessage {
        let patience = Patience.seconds(Self.patienceSeconds)
        defer { hasEnded = true }
        guard var reply = try connection.nextReply(patience) else {
            throw .lost(reason: "the server ended the stream")
        }
        if reply.status == cpostgres_copy_in {
            try connection.endCopy(patience)
            guard let next = try connection.nextReply(patience) else {
                throw .lost(reason: "the server ended the stream")
            }
            reply = next
        }
        // A server that shuts down says nothing but that the command is over.
        guard reply.status == cpostgres_tuples_ok else {
            throw .lost(reason: "the server ended the stream; it shuts down")
        }
        let message = try Self.ended(reply.rows)
        try finish(patience)
        return message
    }

    private static func ended(_ rows: Rows) throws(ServerError) -> WALMessage {
        guard let next = rows[0, 0].flatMap({ UInt32($0) }), next > 0,
            let start = rows[0, 1].flatMap({ LSN($0) })
        else { throw .malformed("the end of a timeline") }
        return .timelineEnded(next: next, at: start)
    }
}
