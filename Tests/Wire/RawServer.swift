// SPDX-License-Identifier: EUPL-1.2
import NIOCore
import NIOPosix

/// A server that says what a test wants, whatever it is asked.
struct RawServer {
    enum Manner: Sendable {
        /// Says it and closes.
        case says(@Sendable (_ question: Int) -> [UInt8])
        /// Says it, then one byte again and again, at short intervals.
        case dribbles([UInt8])
        /// Says the first once and the second as long as somebody takes it.
        case floods([UInt8], [UInt8])
        /// Says nothing and does not close.
        case isSilent
    }

    static func says(_ text: String) -> Manner { .says { _ in Array(text.utf8) } }

    /// Serves while `body` runs, on a port that nobody else has.
    static func serving<Result>(
        _ manner: Manner, _ body: (_ port: Int) async throws -> Result
    ) async throws -> Result {
        // A thread of its own, so that a flood drowns nobody else's.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let count = Counter()
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Talker(manner, count))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        do {
            let result = try await body(server.localAddress?.port ?? 0)
            try await server.close()
            try await group.shutdownGracefully()
            return result
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }
}

private final class Talker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let manner: RawServer.Manner
    private let count: Counter
    private var hasBegun = false

    init(_ manner: RawServer.Manner, _ count: Counter) {
        (self.manner, self.count) = (manner, count)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasBegun else { return }
        hasBegun = true
        let channel = context.channel
        switch manner {
        case .says(let words):
            channel.writeAndFlush(ByteBuffer(bytes: words(count.next()))).whenComplete { _ in
                channel.close(promise: nil)
            }
        case .dribbles(let words):
            channel.writeAndFlush(ByteBuffer(bytes: words), promise: nil)
            let drops = context.eventLoop.scheduleRepeatedTask(
                initialDelay: .milliseconds(5), delay: .milliseconds(5)
            ) { _ in channel.writeAndFlush(ByteBuffer(bytes: [0x61]), promise: nil) }
            channel.closeFuture.whenComplete { _ in drops.cancel() }
        case .floods(let first, let again):
            channel.writeAndFlush(ByteBuffer(bytes: first), promise: nil)
            let wave = ByteBuffer(bytes: Array(repeatElement(again, count: 100).joined()))
            Self.flood(channel, wave)
        case .isSilent: break
        }
    }

    private static func flood(_ channel: any Channel, _ bytes: ByteBuffer) {
        channel.writeAndFlush(bytes).whenSuccess {
            // A write that is done at once would else call deeper and deeper.
            channel.eventLoop.execute { flood(channel, bytes) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
