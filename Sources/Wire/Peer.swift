// SPDX-License-Identifier: EUPL-1.2
import NIOCore
import NIOPosix

/// The other end of a connection that this program opens: nobody whom one could believe.
struct Peer: Sendable {
    let host: String
    let port: Int

    /// One connection from the look-up of its name to its end, which comes after `time` at the
    /// latest, whatever the other end does.
    ///
    /// - Parameter begin: called on the connection's thread before anything is read. The connection
    ///   is closed as soon as the promise has its answer.
    func conversation<Answer: Sendable>(
        within time: Duration,
        _ begin: @escaping @Sendable (any Channel, EventLoopPromise<Answer>) throws -> Void
    ) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: Answer.self)
        let alarm = loop.scheduleTask(in: TimeAmount(time)) { answer.fail(Silence.timeUp) }
        answer.futureResult.whenComplete { _ in alarm.cancel() }
        open(on: loop, within: time).whenComplete { opened in
            do {
                let channel = try opened.get()
                answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                channel.closeFuture.whenComplete { _ in answer.fail(Silence.closed) }
                try begin(channel, answer)
                channel.setOption(.autoRead, value: true).whenFailure { answer.fail($0) }
            } catch { answer.fail(error) }
        }
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            answer.fail(Silence.givenUp)
        }
    }

    /// A connection that does not read yet, so that nothing is lost before somebody listens.
    private func open(
        on loop: any EventLoop, within time: Duration
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .connectTimeout(TimeAmount(time))
        do {
            // Without the resolver, where a look-up that hangs would keep this one waiting.
            return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
        } catch { return bootstrap.connect(host: host, port: port) }
    }
}

/// Why there is no answer, where nothing beneath tells it.
enum Silence: Error {
    case timeUp
    case closed
    case givenUp
}
