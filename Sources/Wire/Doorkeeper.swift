// SPDX-License-Identifier: EUPL-1.2
import NIOCore

/// Lets in no more guests than there is room for. The others wait in the system's queue until one
/// goes, which is soon, since none may stay idle. When the door is shut, all have to go.
final class Doorkeeper: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let guestsMax: Int
    private let empty: EventLoopPromise<Void>
    private var guests: [ObjectIdentifier: any Channel] = [:]
    private var isHeldBack = false
    private var isShut = false

    /// - Parameter empty: kept when the door is shut and the last guest has gone.
    init(guestsMax: Int, _ empty: EventLoopPromise<Void>) {
        (self.guestsMax, self.empty) = (guestsMax, empty)
    }

    func read(context: ChannelHandlerContext) {
        isHeldBack = guests.count >= guestsMax
        if !isHeldBack { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let guest = unwrapInboundIn(data)
        let identity = ObjectIdentifier(guest)
        guests[identity] = guest
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        guest.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (keeper, context) = here.value
            keeper.guests[identity] = nil
            keeper.goOn(context)
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isShut = true
        for guest in guests.values { guest.close(promise: nil) }
        goOn(context)
        context.fireChannelInactive()
    }

    private func goOn(_ context: ChannelHandlerContext) {
        if isShut {
            if guests.isEmpty { empty.succeed(()) }
        } else if isHeldBack {
            read(context: context)
        }
    }

    /// Such as too many open files: the guest is lost, the door stays open.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
