import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import Synchronization

/// What stands behind the socket of a connection: TLS, and the HTTP that the client chose by ALPN.
struct ConnectionPipeline: Sendable {
    let state: SinkState
    let scheme: Origin.Scheme
    /// nil: plain.
    let tls: NIOSSLContext?
    /// Else ALPN is not waited for: what was negotiated is HTTP/1.1.
    let offersHTTP2: Bool

    func configure(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ConnectionDoor(table: state.connections, scheme: scheme))
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            if tls == nil || !offersHTTP2 { try speakHTTP1(channel) }
        }.flatMap {
            guard tls != nil, offersHTTP2 else {
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            return channel.configureHTTP2SecureUpgrade(
                h2ChannelConfigurator: { channel in
                    channel.eventLoop.makeCompletedFuture { try speakHTTP2(channel) }
                },
                http1ChannelConfigurator: { channel in
                    channel.eventLoop.makeCompletedFuture { try speakHTTP1(channel) }
                })
        }
    }

    private func speakHTTP1(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
        try pipeline.addHandler(DeliveryHandler(sink: state, origin: origin(of: channel)))
        if scheme == .http { try pipeline.addHandler(ControlHandler(sink: state)) }
    }

    /// Each request is a stream, with a channel and a delivery handler of its own.
    private func speakHTTP2(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let origin = origin(of: channel)
        // It sends GOAWAY when it is told to, and closes when the last stream has ended.
        let keeper = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: nil, maxAge: nil, maxGraceTime: nil, keepalive: nil))
        // libcurl 7.88 resets each stream once it has ended; NIO takes 200 in 30 s for an attack.
        var streams = NIOHTTP2Handler.StreamConfiguration()
        streams.streamResetFrameRateLimit.maximumCount = .max
        _ = try pipeline.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: .init(), streamConfiguration: streams,
            streamDelegate: keeper.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers(
                    HTTP2FramePayloadToHTTP1ServerCodec(),
                    DeliveryHandler(sink: state, origin: origin))
            }
        }
        try pipeline.addHandler(keeper)
        try pipeline.addHandler(StreamErrors(sink: state))
        state.connections.chose2(channel)
    }

    private func origin(of channel: any Channel) -> Origin {
        Origin(scheme: scheme, port: channel.localAddress?.port ?? 0)
    }
}

/// The last handler of a connection of HTTP/2: what is no HTTP/2 ends it, and is counted.
private final class StreamErrors: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let sink: SinkState

    init(sink: SinkState) { self.sink = sink }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        // NIO answers it by itself.
        case is NIOHTTP2Errors.StreamError: return
        // What crossed the end that our side has made.
        case is NIOHTTP2Errors.IOOnClosedConnection, is NIOHTTP2Errors.CreatedStreamAfterGoaway:
            break
        // An answer whose header fields fill more than a frame (16 kB): NIO writes no CONTINUATION.
        case is NIOHTTP2Errors.UnableToSerializeFrame: break
        case is any NIOHTTP2Error: sink.ledger.withLock { $0.requestWasNoHTTP() }
        // TLS alerts, resets: a client that goes away is the usual cause.
        default: break
        }
        context.close(promise: nil)
    }
}
