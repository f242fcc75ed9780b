// SPDX-License-Identifier: EUPL-1.2
import NIOCore

/// What happens to a connection on which nothing comes forward.
struct Alarm {
    private let time: TimeAmount
    private var scheduled: Scheduled<Void>?

    init(after time: Duration) { self.time = TimeAmount(time) }

    /// From now on, anew.
    mutating func wind(on loop: any EventLoop, _ ring: @escaping @Sendable () -> Void) {
        stop()
        scheduled = loop.scheduleTask(in: time, ring)
    }

    mutating func stop() {
        scheduled?.cancel()
        scheduled = nil
    }
}
