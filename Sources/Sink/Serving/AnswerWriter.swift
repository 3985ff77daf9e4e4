import NIOCore
import NIOHTTP1

/// Writes one answer: its head at once, its body as fast as the client reads or the drip allows.
///
/// Lives as long as its exchange, on the connection's event loop.
final class AnswerWriter {
    /// Written in one go before other connections get their turn.
    private static let bytesPerTurn = 1 << 20
    private static let chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 16)
    private static let fillerLine = String(repeating: "x", count: 1_000)

    /// What the channel is that an answer is written to.
    enum Framing {
        /// HTTP/1.1: the answer may end it.
        case connection(keepsAlive: Bool)
        /// HTTP/2: it ends with the answer.
        case stream(of: any Channel)
    }

    private let answer: Answer
    /// The connection of the stream; nil: the channel is the connection.
    private let shared: (any Channel)?
    private let closes: Bool
    private let ending: () -> Void
    /// Bytes of filler still to write; nil: no end.
    private var fillerLeft: Int? = 0
    private var dripping = ByteBuffer()
    private var isPumping = false
    private var isDone = false

    /// `ending` is called once, just before the end is written: with that the pipelining handler
    /// hands on the next request, in the same call. Never for an endless body.
    init(_ answer: Answer, framing: Framing, ending: @escaping () -> Void) {
        self.answer = answer
        self.ending = ending
        switch framing {
        case .connection(let keepsAlive):
            shared = nil
            closes = !keepsAlive || answer.closesAfter || answer.manner == .refuseAfterHeaders
        case .stream(let connection):
            shared = connection
            closes = false
        }
    }

    func start(_ context: ChannelHandlerContext, nowMilliseconds now: Int64) {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers(nowMilliseconds: now))
        write(.head(head), context)
        guard answer.status != 204, answer.status != 304 else { return finish(context) }
        switch answer.body {
        case .bytes(let bytes) where answer.dripMilliseconds != nil:
            dripping = ByteBuffer(bytes: bytes)
            drip(context)
        case .bytes(let bytes):
            if !bytes.isEmpty { write(.body(.byteBuffer(ByteBuffer(bytes: bytes))), context) }
            finish(context)
        case .filler(let count) where answer.dripMilliseconds != nil:
            dripping = ByteBuffer(repeating: UInt8(ascii: "x"), count: count)
            drip(context)
        case .filler(let count):
            fillerLeft = count
            pump(context)
        case .endless:
            fillerLeft = nil
            pump(context)
        }
    }

    /// The socket took what was written: more.
    func pump(_ context: ChannelHandlerContext) {
        guard !isPumping, !isDone, answer.dripMilliseconds == nil, answer.body.isFiller else {
            return
        }
        isPumping = true
        var budget = Self.bytesPerTurn
        while context.channel.isActive, context.channel.isWritable, budget > 0, fillerLeft != 0 {
            var chunk = Self.chunk
            if let left = fillerLeft {
                let count = min(left, chunk.readableBytes)
                chunk.moveWriterIndex(to: count)
                fillerLeft = left - count
            }
            budget -= chunk.readableBytes
            context.writeAndFlush(Self.part(.body(.byteBuffer(chunk))), promise: nil)
        }
        isPumping = false
        if fillerLeft == 0 {
            finish(context)
        } else if budget <= 0, context.channel.isActive {
            context.eventLoop.assumeIsolated().execute { self.pump(context) }
        }
    }

    private func drip(_ context: ChannelHandlerContext) {
        guard let byte = dripping.readSlice(length: 1) else { return finish(context) }
        context.writeAndFlush(Self.part(.body(.byteBuffer(byte))), promise: nil)
        let pause = TimeAmount.milliseconds(answer.dripMilliseconds ?? 0)
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            if context.channel.isActive { self.drip(context) }
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        isDone = true
        ending()
        context.writeAndFlush(Self.part(.end(nil)), promise: nil)
        // A sender that is still sending would lose the answer to a reset: who refused it waits.
        if closes, answer.manner != .refuseAfterHeaders { context.close(promise: nil) }
        if let shared, answer.closesAfter {
            shared.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    private func headers(nowMilliseconds now: Int64) -> HTTPHeaders {
        var headers = HTTPHeaders()
        switch answer.body {
        case _ where answer.status == 204: break
        case .bytes(let bytes): headers.add(name: "content-length", value: "\(bytes.count)")
        case .filler(let count): headers.add(name: "content-length", value: "\(count)")
        case .endless: headers.add(name: "transfer-encoding", value: "chunked")
        }
        switch answer.retryAfter {
        case .seconds(let seconds): headers.add(name: "retry-after", value: "\(seconds)")
        case .dateIn(let seconds):
            headers.add(
                name: "retry-after", value: HTTPDate.text(for: now / 1_000 + Int64(seconds)))
        case .verbatim(let text): headers.add(name: "retry-after", value: text)
        case nil: break
        }
        for (name, value) in answer.headers { headers.add(name: name, value: value) }
        for number in 0..<answer.fillerHeaders {
            headers.add(name: "x-filler-\(number)", value: Self.fillerLine)
        }
        if closes { headers.add(name: "connection", value: "close") }
        return headers
    }

    private func write(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
        context.write(Self.part(part), promise: nil)
    }

    private static func part(_ part: HTTPServerResponsePart) -> NIOAny { NIOAny(part) }
}

extension Answer.Body {
    fileprivate var isFiller: Bool {
        switch self {
        case .bytes: false
        case .filler, .endless: true
        }
    }
}
