// SPDX-License-Identifier: EUPL-1.2
import NIOCore
import NIOHTTP1

/// One connection to the page server: one question, one reply, and the end.
final class PageVisit: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let page: PageServer.Page
    private var alarm: Alarm
    private var head: HTTPRequestHead?
    private var bodyBytes = 0
    private var hasReplied = false

    init(_ page: @escaping PageServer.Page, idle: Duration) {
        self.page = page
        alarm = Alarm(after: idle)
    }

    /// The alarm is wound before the question and not while it comes, so that one who dribbles
    /// gains nothing by it.
    func handlerAdded(context: ChannelHandlerContext) { wind(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { alarm.stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasReplied else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if bodyBytes > Limits.questionBytesMax { reply(PageReply(.payloadTooLarge), context) }
        case .end:
            guard let head else { return }
            reply(PageReply(to: head, page), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            reply(PageReply(.requestHeaderFieldsTooLarge), context)
        case is HTTPParserError, is NIOHTTPDecoderError: reply(PageReply(.badRequest), context)
        default: context.close(promise: nil)
        }
    }

    private func reply(_ reply: PageReply, _ context: ChannelHandlerContext) {
        guard !hasReplied else { return }
        hasReplied = true
        wind(context.channel)
        context.write(wrapOutboundOut(.head(reply.head)), promise: nil)
        if head?.method != .HEAD { write(reply.body, context) }
        // The other direction stays open until the guest goes or the alarm rings: closed with
        // something unread, the connection would be reset, and the reply be lost.
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenSuccess {
            let (visit, context) = here.value
            visit.wind(context.channel)
            context.close(mode: .output, promise: nil)
        }
    }

    /// In parts, each of which winds the alarm when the guest has taken it.
    private func write(_ body: [UInt8], _ context: ChannelHandlerContext) {
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        var rest = ByteBuffer(bytes: body)
        while let part = rest.readSlice(length: min(rest.readableBytes, 16 << 10)),
            part.readableBytes > 0
        {
            context.write(wrapOutboundOut(.body(.byteBuffer(part)))).whenSuccess {
                let (visit, context) = here.value
                visit.wind(context.channel)
            }
        }
    }

    private func wind(_ channel: any Channel) {
        alarm.wind(on: channel.eventLoop) { channel.close(promise: nil) }
    }
}
