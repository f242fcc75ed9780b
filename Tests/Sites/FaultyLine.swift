// SPDX-License-Identifier: EUPL-1.2
import NIOCore
import NIOPosix
import Synchronization

/// A line to a server on this machine that does to each request what its turn says.
final class FaultyLine: Sendable {
    enum Fault: String, CaseIterable, Sendable {
        case none, delayed, cut, truncated, error, busy, slow, flipped
    }

    let port: Int
    private let turns = Counter()
    private let group: MultiThreadedEventLoopGroup

    /// That have been made.
    var requests: Int { turns.value }
    private let server: any Channel

    /// - Parameter faults: taken in turn, one for each request; after the last from the first.
    init(to upstream: Int, _ faults: [Fault]) async throws {
        let turns = turns
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        server = try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop).connect(host: "127.0.0.1", port: upstream).flatMapThrowing { far in
                    let line = Line(near: near, far: far) { faults[turns.next() % faults.count] }
                    try far.pipeline.syncOperations.addHandler(Line.End(line, isNear: false))
                    try near.pipeline.syncOperations.addHandler(Line.End(line, isNear: true))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        port = server.localAddress?.port ?? 0
    }

    func end() async throws {
        try await server.close()
        try await group.shutdownGracefully()
    }

    /// Both ends live on one event loop.
    private final class Line: @unchecked Sendable {
        private let near, far: any Channel
        private let turn: () -> Fault
        private var fault = Fault.none
        private var isAnswering = true
        private var waits: EventLoopFuture<Void>

        init(near: any Channel, far: any Channel, turn: @escaping () -> Fault) {
            (self.near, self.far, self.turn) = (near, far, turn)
            waits = near.eventLoop.makeSucceededVoidFuture()
        }

        func question(_ bytes: ByteBuffer) {
            if isAnswering {
                (fault, isAnswering) = (turn(), false)
                let begin = String(decoding: bytes.readableBytesView.prefix(4), as: UTF8.self)
                // Only what is read can be told by what it is.
                if fault == .flipped, begin != "GET " { fault = .none }
            }
            switch fault {
            case .cut: end()
            case .error: refuse("500 Internal Server Error")
            case .busy: refuse("503 Slow Down")
            case .delayed: after(.milliseconds(200)) { [far] in far.writeAndFlush(bytes, promise: nil) }
            default: after(.zero) { [far] in far.writeAndFlush(bytes, promise: nil) }
            }
        }

        func answer(_ bytes: ByteBuffer) {
            isAnswering = true
            var bytes = bytes
            switch fault {
            case .truncated:
                near.writeAndFlush(bytes.readSlice(length: bytes.readableBytes / 2) ?? bytes).whenComplete { [self] _ in end() }
            case .slow:
                while let some = bytes.readSlice(length: min(4096, bytes.readableBytes)), some.readableBytes > 0 {
                    after(.milliseconds(10)) { [near] in near.writeAndFlush(some, promise: nil) }
                }
            case .flipped:
                if let end = bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound, end < bytes.writerIndex,
                    let old = bytes.getInteger(at: bytes.writerIndex - 1, as: UInt8.self)
                {
                    bytes.setInteger(old ^ 1, at: bytes.writerIndex - 1)
                }
                near.writeAndFlush(bytes, promise: nil)
            default: near.writeAndFlush(bytes, promise: nil)
            }
        }

        private func refuse(_ status: String) {
            near.writeAndFlush(ByteBuffer(string: "HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
                .whenComplete { [self] _ in end() }
        }

        /// In order.
        private func after(_ time: TimeAmount, _ act: @escaping () -> Void) {
            let loop = near.eventLoop
            let next = waits.flatMap { loop.scheduleTask(in: time) {}.futureResult }
            next.whenSuccess(act)
            waits = next
        }

        func end() {
            near.close(promise: nil)
            far.close(promise: nil)
        }

        final class End: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let line: Line
            private let isNear: Bool

            init(_ line: Line, isNear: Bool) { (self.line, self.isNear) = (line, isNear) }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                isNear ? line.question(unwrapInboundIn(data)) : line.answer(unwrapInboundIn(data))
            }

            func channelInactive(context: ChannelHandlerContext) { line.end() }
            func errorCaught(context: ChannelHandlerContext, error: any Error) { line.end() }
        }
    }
}
