// SPDX-License-Identifier: EUPL-1.2
import Ground
import NIOCore

/// Whether somebody takes connections there. Nothing is said on it.
package struct ConnectionQuestion: Sendable {
    private let peer: Peer

    package init(host: String, port: Int) { peer = Peer(host: host, port: port) }

    /// - Throws: why there is no connection after this time.
    package func ask(within time: Duration) async throws(Trouble) {
        try peer.check()
        do {
            try await peer.conversation(within: time) { (_, answer: EventLoopPromise<Void>) in
                answer.succeed(())
            }
        } catch {
            let act = Words(
                "\(peer.name) takes no connection", de: "\(peer.name) nimmt keine Verbindung an")
            throw peer.trouble(act, error, within: time)
        }
    }
}
