import FoundationEssentials
import NIOCore
import NIOHTTP1
import Synchronization

/// The sink's own resources, under `/.sink/` of the plain port at loopback's names.
final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let hosts: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

    private let sink: SinkState
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var bodyIsTooBig = false
    private var pairs: PairStream?

    init(sink: SinkState) { self.sink = sink }

    /// Whether a request is meant for the sink itself and not for an inbox.
    static func takes(_ head: HTTPRequestHead) -> Bool {
        head.uri.hasPrefix("/.sink/")
            && hosts.contains(Exchange.name(head.headers.first(name: "host") ?? ""))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            bodyIsTooBig = false
        case .body(let bytes):
            if body.readableBytes + bytes.readableBytes > RulesFile.maximumBytes {
                bodyIsTooBig = true
            } else {
                body.writeImmutableBuffer(bytes)
            }
        case .end: perform(context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pairs?.pump(context)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        pairs = nil
        context.fireChannelInactive()
    }

    private func perform(_ context: ChannelHandlerContext) {
        guard let head else { return }
        switch (head.method, String(Exchange.path(head.uri))) {
        case (.GET, "/.sink/healthz"): answer(200, "ok\n", context)
        case (.GET, "/.sink/report"): answer(200, sink.report.json, context, isJSON: true)
        case (.GET, "/.sink/pairs"): startPairs(head, context)
        case (.POST, "/.sink/reset"):
            sink.reset()
            answer(200, "reset\n", context)
        case (.POST, "/.sink/hang-up"):
            sink.connections.hangUp()
            answer(200, "hung up\n", context)
        case (.PUT, "/.sink/rules"): takeRules(context)
        default:
            answer(
                404,
                """
                GET  /.sink/healthz
                GET  /.sink/report
                GET  /.sink/pairs[?activity=ID]
                POST /.sink/reset
                POST /.sink/hang-up
                PUT  /.sink/rules

                """, context)
        }
    }

    private func takeRules(_ context: ChannelHandlerContext) {
        guard !bodyIsTooBig else {
            return answer(413, "more than \(RulesFile.maximumBytes) bytes\n", context)
        }
        do throws(SinkError) {
            let rules = try RuleDocument.rules(in: Array(body.readableBytesView))
            sink.rules.withLock { $0.replace(with: rules) }
            answer(200, "\(rules.count) rules\n", context)
        } catch {
            answer(400, "\(error)\n", context)
        }
    }

    private func startPairs(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let activity = Self.parameter("activity", of: head.uri)
        let cursor = sink.ledger.withLock { $0.cursor(activity: activity) }
        var headers = HTTPHeaders([
            ("content-type", "application/x-ndjson"), ("transfer-encoding", "chunked"),
        ])
        if !head.isKeepAlive { headers.add(name: "connection", value: "close") }
        let answer = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        pairs = PairStream(sink: sink, cursor: cursor) { [self] in
            pairs = nil
            end(context)
        }
        pairs?.pump(context)
    }

    private func answer(
        _ status: Int, _ text: String, _ context: ChannelHandlerContext, isJSON: Bool = false
    ) {
        let body = ByteBuffer(string: text)
        var headers = HTTPHeaders([
            ("content-length", "\(body.readableBytes)"),
            ("content-type", isJSON ? "application/json" : "text/plain; charset=utf-8"),
        ])
        if head?.isKeepAlive == false { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        end(context)
    }

    private func end(_ context: ChannelHandlerContext) {
        let keepsAlive = head?.isKeepAlive ?? false
        head = nil
        let written = context.eventLoop.makePromise(of: Void.self)
        if !keepsAlive {
            // Not before a slow reader has all of it: closing drops what is still to be written.
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    /// A query parameter, percent-decoded; nil when it is not there.
    private static func parameter(_ name: String, of target: String) -> String? {
        guard let query = target.firstIndex(of: "?") else { return nil }
        for pair in target[target.index(after: query)...].split(separator: "&") {
            guard pair.hasPrefix("\(name)=") else { continue }
            return percentDecoded(pair.dropFirst(name.count + 1))
        }
        return nil
    }

    /// Takes `%` without two digits as it stands: ids are looked up, not judged.
    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension SinkReport {
    /// As it is served and written: members in order, indented.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(self)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
