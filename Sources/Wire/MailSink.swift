// SPDX-License-Identifier: EUPL-1.2
import Ground

/// Takes every mail, and passes none on: a twin in rehearsal must write to nobody. Of a message
/// only its envelope, subject and size are told, and nothing is kept.
package struct MailSink: Sendable {
    private let listener: Listener
    private let idle: Duration
    private let swallow: @Sendable (Mail) -> Void

    /// - Parameters:
    ///   - address: an IP address of this machine.
    ///   - port: 0 for any that is free.
    ///   - idle: how long a client may take for a line (RFC 5321, 4.5.3.2.7).
    ///   - swallow: called for each message before its sender is told that it was taken, on the
    ///     thread of all connections: it must not wait.
    package init(
        address: String, port: Int, connectionsMax: Int = 64, idle: Duration = .seconds(300),
        swallow: @escaping @Sendable (Mail) -> Void
    ) {
        listener = Listener(address: address, port: port, guestsMax: connectionsMax)
        self.idle = idle
        self.swallow = swallow
    }

    /// Takes mail until its task is cancelled.
    ///
    /// - Parameter listening: called once with the real port, when others may connect.
    package func run(
        listening: @Sendable (_ port: Int) -> Void = { _ in }
    ) async throws(Trouble) {
        let (swallow, idle) = (swallow, idle)
        try await listener.run(listening: listening) { channel in
            try channel.pipeline.syncOperations.addHandler(
                MailVisit(MailSession(swallow), idle: idle))
        }
    }
}
