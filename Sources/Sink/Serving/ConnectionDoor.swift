import Glibc
import NIOCore

/// The handler next to the socket: shuts it past TLS, and keeps the count of connections.
///
/// A close from behind the TLS handler says goodbye first and waits; a reset must not. Whoever
/// wants one fires an `Order` into the pipeline, where this handler is the first to see it.
final class ConnectionDoor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Order: Sendable {
        /// RST: what was not read or sent yet is thrown away.
        case reset
        /// FIN, without TLS's close_notify.
        case close
    }

    private let table: ConnectionTable
    private let scheme: Origin.Scheme

    init(table: ConnectionTable, scheme: Origin.Scheme) {
        self.table = table
        self.scheme = scheme
    }

    func channelActive(context: ChannelHandlerContext) {
        table.opened(context.channel, scheme)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        table.closed(context.channel, scheme)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? Order {
        case .reset:
            // Lingering for no time makes close(2) send RST (socket(7)). On the channel's own loop
            // the option is set before the call returns.
            let socket = context.channel as? any SocketOptionProvider
            _ = socket?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.close(promise: nil)
        case .close: context.close(promise: nil)
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }
}
