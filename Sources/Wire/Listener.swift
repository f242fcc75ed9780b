// SPDX-License-Identifier: EUPL-1.2
import Files
import Ground
import NIOCore
import NIOPosix

/// A place where others may connect.
struct Listener: Sendable {
    let address: String
    let port: Int
    let guestsMax: Int

    /// Listens until its task is cancelled, and comes back when the last guest has gone.
    ///
    /// - Parameters:
    ///   - listening: called once with the real port, from which on others may connect.
    ///   - welcome: called on a guest's thread, to give the connection its handlers.
    func run(
        listening: @Sendable (_ port: Int) -> Void,
        welcome: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(Trouble) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let empty = loop.makePromise(of: Void.self)
        let most = guestsMax
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that the doorkeeper's count is exact.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Doorkeeper(guestsMax: most, empty))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try welcome(channel) }
            }
        let server: any Channel
        do {
            let place = try SocketAddress(ipAddress: address, port: port)
            server = try await bootstrap.bind(to: place).get()
        } catch {
            empty.succeed(())
            throw notListening(error)
        }
        listening(server.localAddress?.port ?? port)
        do {
            try await withTaskCancellationHandler {
                try await empty.futureResult.get()
            } onCancel: {
                server.close(promise: nil)
            }
        } catch { throw notListening(error) }
        guard Task.isCancelled else { throw notListening(ChannelError.eof) }
    }

    private func notListening(_ error: any Error) -> Trouble {
        let place = "\(printable(Array(address.utf8))), port \(port)"
        guard let error = error as? IOError else {
            return Trouble(
                .wrongUse,
                Words("Cannot listen on \(place).", de: "Lauschen auf \(place) geht nicht."),
                advice: Words(
                    "Give an IP address of this machine, and a port from 0 to 65535.",
                    de: "Eine IP-Adresse dieses Rechners und einen Port von 0 bis 65535 angeben."),
                cause: error)
        }
        let reason = NetworkError.words(error)
        let message = Words(
            "Cannot listen on \(place): \(reason.english).",
            de: "Lauschen auf \(place) geht nicht: \(reason.german).")
        return Trouble(
            NetworkError(error)?.kind ?? .system, message, advice: NetworkError(error)?.advice,
            cause: error)
    }
}

extension NetworkError {
    fileprivate var kind: Trouble.Kind {
        switch self {
        case .denied: .denied
        case .addressTaken: .busy
        case .addressAbsent: .missing
        default: .system
        }
    }

    fileprivate var advice: Words? {
        switch self {
        case .denied:
            Words(
                "Choose a port from 1024 on, or allow this one (CAP_NET_BIND_SERVICE).",
                de: "Einen Port ab 1024 wählen oder diesen erlauben (CAP_NET_BIND_SERVICE).")
        case .addressTaken:
            Words(
                "Choose another port, or see with \"ss -ltnp\" who has it.",
                de: "Einen anderen Port wählen oder mit „ss -ltnp“ nachsehen, wer ihn hat.")
        case .addressAbsent:
            Words(
                "See with \"ip address\" which addresses it has.",
                de: "Mit „ip address“ nachsehen, welche Adressen er hat.")
        default: nil
        }
    }
}
