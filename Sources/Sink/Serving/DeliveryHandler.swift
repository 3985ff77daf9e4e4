import NIOCore
import NIOHTTP1
import Synchronization

/// One connection's inboxes: reads a POST, judges it, answers as the rules say.
///
/// The pipelining handler before it lets one request through at a time. On the plain port requests
/// for `/.sink/` go on to the handler behind. Over HTTP/2 each request has a channel and a handler
/// of its own: there `reset` is RST_STREAM, for this request alone, `refuseAfterHeaders` too, after
/// the answer; `close` is the end of the whole connection, and `closeAfter` a GOAWAY and its end
/// once all that is under way is answered.
final class DeliveryHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Bigger bodies are answered 413.
    static let maximumBodyBytes = 8 << 20
    /// How long a refused sender may go on sending before its connection is closed.
    static let lingering = TimeAmount.seconds(1)

    private let sink: SinkState
    private let origin: Origin
    private var exchange: Exchange?
    private var writer: AnswerWriter?
    private var delayed: Scheduled<Void>?
    private var phase = Phase.reading

    private enum Phase {
        /// Of an inbox request, or waiting for one.
        case reading
        /// The request is the control handler's.
        case passing
        /// Answered before its body came: this is thrown away, then the connection closed.
        case discarding
    }

    init(sink: SinkState, origin: Origin) {
        self.sink = sink
        self.origin = origin
    }

    // MARK: reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch (phase, part) {
        case (.reading, .head(let head)):
            if origin.scheme == .http, ControlHandler.takes(head) {
                phase = .passing
                context.fireChannelRead(data)
            } else {
                begin(head, context)
            }
        case (.reading, .body(let bytes)): collect(bytes)
        case (.reading, .end): requestEnded(context)
        case (.passing, .end):
            phase = .reading
            context.fireChannelRead(data)
        case (.passing, _): context.fireChannelRead(data)
        case (.discarding, .end): context.close(promise: nil)
        case (.discarding, _): break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let authority = head.headers.first(name: "host") ?? ""
        let decision = sink.rules.withLock {
            $0.decide(
                host: Exchange.name(authority), path: Exchange.path(head.uri),
                nowMilliseconds: SinkClock.steadyMilliseconds)
        }
        let now = SinkClock.wallMilliseconds
        exchange = Exchange(
            head: head, authority: authority, arrivedMilliseconds: now, decision: decision)
        guard decision.answer.manner == .refuseAfterHeaders, head.method == .POST else { return }
        enter(nil)
        phase = .discarding
        answer(decision.answer, context)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) {
            context.close(promise: nil)
        }
    }

    private func collect(_ bytes: ByteBuffer) {
        guard let received = exchange?.body.readableBytes,
            received + bytes.readableBytes <= Self.maximumBodyBytes
        else {
            exchange?.bodyIsTooBig = true
            return
        }
        if received == 0 {
            exchange?.body = bytes
        } else {
            exchange?.body.writeImmutableBuffer(bytes)
        }
    }

    // MARK: judging

    private func requestEnded(_ context: ChannelHandlerContext) {
        guard let exchange else { return }
        guard exchange.head.method == .POST else {
            var refusal = Answer.text(405, "an inbox takes POST")
            refusal.headers = ["allow": "POST"]
            return answer(refusal, context)
        }
        let refusal = refusal(of: exchange)
        enter(exchange.body.withUnsafeReadableBytes(ActivityScan.init))
        if let refusal, let ticket = self.exchange?.ticket {
            sink.ledger.withLock { $0.disbelieved(ticket, refusal.reason) }
        }
        perform(exchange.decision, refusal, context)
    }

    /// Why the request is not believed; nil when it is, or nothing is verified.
    private func refusal(of exchange: Exchange) -> Refusal? {
        guard let verifier = sink.verifier, !exchange.bodyIsTooBig else { return nil }
        let request = ReceivedRequest(
            origin: origin, target: exchange.head.uri, headers: exchange.head.headers,
            body: exchange.body, arrivedMilliseconds: exchange.arrivedMilliseconds)
        do {
            try verifier.verify(request)
            return nil
        } catch {
            return error
        }
    }

    /// What the host does comes first, then what is wrong with the request: a host that is down
    /// does not look at signatures.
    private func perform(
        _ decision: RuleBook.Decision, _ refusal: Refusal?, _ context: ChannelHandlerContext
    ) {
        switch decision.answer.manner {
        case .hang: settle(.hung)
        case .reset:
            settle(.reset)
            if connection(of: context) == nil {
                context.channel.pipeline.fireUserInboundEventTriggered(ConnectionDoor.Order.reset)
            } else {
                context.close(promise: nil)
            }
        case .close:
            settle(.closed)
            if let connection = connection(of: context) {
                connection.close(promise: nil)
            } else {
                context.close(promise: nil)
            }
        case .respond, .refuseAfterHeaders:
            var answer = decision.answer
            if exchange?.bodyIsTooBig == true {
                answer = .text(413, "more than \(Self.maximumBodyBytes) bytes")
            } else if answer.isAcceptance, let refusal {
                answer = .text(401, refusal.words)
            }
            guard decision.delayMilliseconds > 0 else { return self.answer(answer, context) }
            delayed = context.eventLoop.assumeIsolated().scheduleTask(
                in: .milliseconds(decision.delayMilliseconds)
            ) {
                self.delayed = nil
                self.answer(answer, context)
            }
        }
    }

    // MARK: answering

    private func answer(_ answer: Answer, _ context: ChannelHandlerContext) {
        guard let exchange else { return }
        let connection = connection(of: context)
        let writer = AnswerWriter(
            answer,
            framing: connection.map { .stream(of: $0) }
                ?? .connection(keepsAlive: exchange.head.isKeepAlive)
        ) {
            self.endExchange()
        }
        self.writer = writer
        if let ticket = exchange.ticket {
            sink.ledger.withLock { $0.answered(ticket, status: answer.status) }
            self.exchange?.isSettled = true
        }
        writer.start(context, nowMilliseconds: SinkClock.wallMilliseconds)
    }

    /// That of the streams; nil where the channel is the connection.
    private func connection(of context: ChannelHandlerContext) -> (any Channel)? {
        exchange?.isHTTP2 == true ? context.channel.parent : nil
    }

    private func endExchange() {
        if let permit = exchange?.decision.permit { sink.rules.withLock { $0.release(permit) } }
        exchange = nil
        writer = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writer?.pump(context)
        context.fireChannelWritabilityChanged()
    }

    // MARK: the end

    func channelInactive(context: ChannelHandlerContext) {
        delayed?.cancel()
        if exchange?.isSettled == false { settle(.abandoned) }
        endExchange()
        context.fireChannelInactive()
    }

    /// Parse errors were answered 400 by the handler before this one; of the rest (TLS alerts,
    /// resets) a client that goes away is the usual cause.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError { sink.ledger.withLock { $0.requestWasNoHTTP() } }
        context.close(promise: nil)
    }

    // MARK: the ledger

    private func enter(_ scan: ActivityScan?) {
        guard let exchange else { return }
        self.exchange?.ticket = sink.ledger.withLock {
            $0.requestCame(
                scan, scheme: origin.scheme.rawValue, authority: exchange.authority,
                target: exchange.head.uri, isHTTP2: exchange.isHTTP2,
                at: exchange.arrivedMilliseconds)
        }
    }

    private func settle(_ how: LedgerTotals.Unanswered) {
        guard let ticket = exchange?.ticket else { return }
        exchange?.isSettled = true
        sink.ledger.withLock { $0.notAnswered(ticket, how) }
    }
}
