// SPDX-License-Identifier: EUPL-1.2
import NIOCore

/// One connection to the sink.
final class MailVisit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session: MailSession
    private var cutter = LineCutter()
    private var alarm: Alarm
    private var isOver = false

    init(_ session: MailSession, idle: Duration) {
        self.session = session
        alarm = Alarm(after: idle)
    }

    func channelActive(context: ChannelHandlerContext) {
        wind(context.channel)
        say(MailSession.greeting.text, context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { alarm.stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        cutter.add(unwrapInboundIn(data).readableBytesView)
        var replies = ""
        // Only a whole line counts as coming forward, not a byte.
        var hasLine = false
        while !isOver, let line = cutter.next() {
            hasLine = true
            guard let reply = session.take(line) else { continue }
            replies += reply.text
            isOver = reply.isLast
        }
        if hasLine { wind(context.channel) }
        if !replies.isEmpty { say(replies, context) }
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        let said = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)))
        if isOver {
            let channel = context.channel
            said.whenComplete { _ in channel.close(promise: nil) }
        }
    }

    /// Nothing is read from one who does not take the replies, so that they do not pile up.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func wind(_ channel: any Channel) {
        alarm.wind(on: channel.eventLoop) {
            channel.writeAndFlush(
                ByteBuffer(string: MailSession.farewell.text), promise: nil)
            channel.close(promise: nil)
        }
    }
}
