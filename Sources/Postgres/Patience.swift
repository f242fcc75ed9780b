// SPDX-License-Identifier: EUPL-1.2
import CPostgres

// The one place of this room where time passes: how long a server may keep somebody waiting.

/// How long to wait, counted from when it was made, and by whom the wait may be cut short.
package struct Patience: Sendable {
    /// Milliseconds of a clock that nobody sets; nil waits for ever.
    private let end: Int64?
    let wake: Wake?

    private init(end: Int64?, wake: Wake?) {
        self.end = end
        self.wake = wake
    }

    /// From now on.
    package static func milliseconds(_ count: Int, or wake: Wake? = nil) -> Patience {
        Patience(end: clock + Int64(min(max(count, 0), countMax)), wake: wake)
    }

    /// Some centuries: longer waits would only overflow.
    private static let countMax = 1 << 43

    package static func seconds(_ count: Int, or wake: Wake? = nil) -> Patience {
        milliseconds(min(count, countMax / 1000) * 1000, or: wake)
    }

    package static func endless(or wake: Wake? = nil) -> Patience {
        Patience(end: nil, wake: wake)
    }

    /// 0 when it is over.
    var millisecondsLeft: Int64? { end.map { max($0 - Self.clock, 0) } }

    package var isOver: Bool { millisecondsLeft == 0 }

    static var clock: Int64 { cpostgres_milliseconds() }
}

/// Interrupts a thread that waits for a server, from another one. Once raised, every wait with it
/// ends at once, until it is lowered.
package final class Wake: Sendable {
    let descriptor: Int32

    /// Nil where the machine has no more descriptors.
    package init?() {
        descriptor = cpostgres_wake_open()
        guard descriptor >= 0 else { return nil }
    }

    deinit { if descriptor >= 0 { cpostgres_wake_close(descriptor) } }

    package func raise() { cpostgres_wake_raise(descriptor) }
    package func lower() { cpostgres_wake_lower(descriptor) }
}
