// SPDX-License-Identifier: EUPL-1.2
import Ground
import NIOCore
import NIOHTTP1

/// One page for citizens, for anybody who comes: as HTML at `/`, as JSON at `/status.json`. One
/// question a connection, and nothing on it leads to anything else.
package struct PageServer: Sendable {
    package typealias Page = @Sendable (_ wantsJSON: Bool, _ language: Language) -> [UInt8]

    private let listener: Listener
    private let idle: Duration
    private let page: Page

    /// - Parameters:
    ///   - address: an IP address of this machine.
    ///   - port: 0 for any that is free.
    ///   - idle: how long a question may take to come, and each part of the answer to go.
    ///   - page: called for each question, on the thread of all connections: it must not wait.
    package init(
        address: String, port: Int, connectionsMax: Int = 256, idle: Duration = .seconds(10),
        page: @escaping Page
    ) {
        listener = Listener(address: address, port: port, guestsMax: connectionsMax)
        self.idle = idle
        self.page = page
    }

    /// Serves until its task is cancelled.
    ///
    /// - Parameter listening: called once with the real port, when others may connect.
    package func run(
        listening: @Sendable (_ port: Int) -> Void = { _ in }
    ) async throws(Trouble) {
        let (page, idle) = (page, idle)
        try await listener.run(listening: listening) { channel in
            try channel.pipeline.syncOperations.addHandlers(
                HTTPResponseEncoder(),
                ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: Limits.questionHead)),
                PageVisit(page, idle: idle))
        }
    }
}
