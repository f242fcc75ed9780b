// SPDX-License-Identifier: EUPL-1.2
import Ground
import Postgres

/// A stream of log and what of it is not in the vault yet. For one thread.
final class FollowedLog {
    let wal: WALStream
    /// Where what is not in the vault yet begins.
    private(set) var place: LogPlace
    private var buffer: [UInt8] = []
    /// The wait for more ends here, so that what came first does not grow old.
    private var patience: Patience?
    /// How far the server had come, and when, by its own clock.
    private var server: (end: LSN, at: Moment)
    /// All that the server had written by then is in the vault.
    private(set) var completeAt: Moment
    private var lastUnit: Moment

    /// A glance every so often, to see whether to stop.
    private static let idleMilliseconds = 1000

    /// - Parameter completeAt: of the log before.
    init(_ wal: WALStream, place: LogPlace, completeAt: Moment, now: Moment) {
        (self.wal, self.place, lastUnit) = (wal, place, now)
        (self.completeAt, server) = (completeAt, (place.lsn, completeAt))
    }

    /// Whether everything that the server has said it has is in the vault.
    private var isComplete: Bool { place.lsn >= server.end }

    /// What `completeAt` will be when so many bytes more are in the vault. While the log catches
    /// up, the time of receiving says nothing about what is still to come.
    func completeAt(with count: Int) -> Moment {
        place.lsn + count >= server.end ? max(completeAt, server.at) : completeAt
    }

    /// - Parameter eager: that commits wait for it, so that it goes as soon as no more is there.
    func isDue(_ cadenceMilliseconds: Int, eager: Bool) -> Bool {
        guard !buffer.isEmpty else { return false }
        return buffer.count >= Self.bytesAtOnce || isOver || eager && hasPaused
    }

    private var isOver: Bool { patience.map(\.isOver) ?? false }
    private var hasPaused = false
    private static let bytesAtOnce = 4 << 20

    /// Whether there was nothing for so long that a copy should say that it lives.
    func beats(_ seconds: Int64, _ now: Moment) -> Bool {
        isComplete && now.seconds - lastUnit.seconds >= seconds
    }

    /// Receives one message; nil where none came in time.
    func next(_ cadenceMilliseconds: Int, eager: Bool) throws(ServerError) -> WALMessage? {
        let wait: Patience
        if buffer.isEmpty {
            wait = .milliseconds(Self.idleMilliseconds)
        } else if eager {
            wait = .milliseconds(0)
        } else {
            wait = patience ?? .milliseconds(cadenceMilliseconds)
        }
        let message = try wal.receive(wait)
        hasPaused = message == nil
        switch message {
        case .wal(_, let end, let sentAt, let bytes)?:
            if buffer.isEmpty { patience = .milliseconds(cadenceMilliseconds) }
            buffer += bytes
            server = (max(server.end, end), sentAt)
        case .keepalive(let end, let sentAt, _)?: server = (max(server.end, end), sentAt)
        case .timelineEnded?, nil: break
        }
        return message
    }

    /// What should become the next unit.
    func take(upTo count: Int) -> ArraySlice<UInt8> { buffer.prefix(count) }

    /// So many bytes of it are in the vault.
    func kept(_ count: Int, at now: Moment) {
        completeAt = completeAt(with: count)
        buffer.removeFirst(count)
        place = place.moved(to: place.lsn + count)
        lastUnit = now
        if buffer.isEmpty { patience = nil }
    }
}
