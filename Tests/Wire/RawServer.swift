// SPDX-License-Identifier: EUPL-1.2
import NIOCore
import NIOPosix
import Synchronization

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
    private var question: [UInt8] = []

    /// Of what is put, all of it: closing a connection with something unread may lose the answer.
    private var isWhole: Bool {
        guard question.starts(with: Array("PUT ".utf8)) else { return true }
        let text = String(decoding: question, as: UTF8.self).lowercased()
        guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
        let length = text[..<end.lowerBound].split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).filter(\.isNumber)) } ?? 0
        return text[end.upperBound...].utf8.count >= length
    }

    init(_ manner: RawServer.Manner, _ count: Counter) {
        (self.manner, self.count) = (manner, count)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        question += unwrapInboundIn(data).readableBytesView
        guard !hasBegun, isWhole else { return }
        hasBegun = true
        let channel = context.channel
        switch manner {
        case .says(let words):
            // Whether it keeps versions is asked once, beside what the test is about: no.
            let none = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            let isAside = String(decoding: question.prefix { $0 != 0x0d }, as: UTF8.self).contains("?versioning=")
            channel.writeAndFlush(ByteBuffer(bytes: isAside ? Array(none.utf8) : words(count.next()))).whenComplete { _ in
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

/// Counts on several threads.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    /// 0, 1, 2 …
    func next() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
