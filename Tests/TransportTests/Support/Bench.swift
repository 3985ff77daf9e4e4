import DeliveryCore
import EventLoop
import Testing

@testable import Transport

/// A loop and a transport that may connect to loopback, with short limits.
final class Bench {
    static let accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    static let headers = [
        "Date: Wed, 02 Sep 2026 09:05:07 GMT", "Digest: SHA-256=abc",
        "Content-Type: application/activity+json", "Signature: keyId=\"https://a/b\"",
    ]

    let loop = EventLoop()
    let transport: Transport
    /// Answers of the scripted resolver, by name; the last one stays.
    var answers: [String: [NameLookup.Outcome]] = [:]

    private final class Script {
        weak var bench: Bench?
    }

    /// - Parameter adjust: changes the configuration; the authorities it names must be there.
    init(_ adjust: (inout TransportConfiguration) -> Void = { _ in }) {
        var configuration = TransportConfiguration(instanceDomain: "us.example", version: "1.0")
        configuration.allowedAddresses = ["127.0.0.0/8"]
        configuration.connectTimeout = .milliseconds(1_500)
        configuration.totalTimeout = .seconds(20)
        configuration.shardCount = 8
        adjust(&configuration)
        let script = Script()
        transport = try! Transport(
            loop: loop, configuration: configuration, random: SystemRandomNumberGenerator(),
            lookup: { [loop] name, handler in
                guard let bench = script.bench, var outcomes = bench.answers[name] else {
                    loop.resolve(name, handler: handler)
                    return
                }
                let outcome = outcomes.removeFirst()
                if !outcomes.isEmpty { bench.answers[name] = outcomes }
                var timer: LoopTimer?
                timer = loop.startTimer(after: .zero) {
                    timer?.cancel()
                    timer = nil
                    handler(outcome)
                }
            },
            onFlaw: { Issue.record("\($0)") })
        script.bench = self
    }

    /// One that offers HTTP/2 and trusts the certificates of the test servers.
    convenience init(http2: HTTP2Use, _ adjust: (inout TransportConfiguration) -> Void = { _ in }) {
        self.init {
            $0.caFile = TLSServers.shared.authority
            $0.connectTimeout = .seconds(10)
            $0.http2 = http2
            adjust(&$0)
        }
    }

    /// Sends so many requests at once, and waits for their reports.
    func reports(
        _ url: String, count: Int, location: SourceLocation = #_sourceLocation
    ) -> [TransferReport] {
        var reports: [TransferReport] = []
        for _ in 0..<count { transport.send(request(url)) { reports.append($0) } }
        turn(until: { reports.count == count }, location: location)
        return reports
    }

    /// Turns the loop until the condition holds; `limit` is a test failure, not a wait.
    func turn(
        limit: Duration = .seconds(30), until condition: () -> Bool,
        location: SourceLocation = #_sourceLocation
    ) {
        let deadline = loop.now + limit
        while !condition() {
            guard loop.now < deadline else {
                Issue.record("the condition did not come true", sourceLocation: location)
                return
            }
            loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    func request(
        _ url: String, token: UInt64 = 0, headers: [String] = Bench.headers,
        body: RequestBody = RequestBody("{}".utf8)
    ) -> TransferRequest {
        let rest = url.split(separator: "/", omittingEmptySubsequences: false)
        return TransferRequest(
            token: token, url: url, host: String(rest[2]), headers: HeaderLines(headers),
            body: body)
    }

    /// Sends one request and waits for its report.
    func report(
        _ url: String, headers: [String] = Bench.headers,
        body: RequestBody = RequestBody("{}".utf8), location: SourceLocation = #_sourceLocation
    ) throws -> TransferReport {
        var report: TransferReport?
        transport.send(request(url, headers: headers, body: body)) { report = $0 }
        turn(until: { report != nil }, location: location)
        return try #require(report, sourceLocation: location)
    }
}

extension TransferReport {
    var status: Int? {
        if case .answered(let answer) = exchange { answer.status } else { nil }
    }

    var answer: Answer? {
        if case .answered(let answer) = exchange { answer } else { nil }
    }

    var failure: TransportFailure? {
        if case .failed(let failure, _) = exchange { failure } else { nil }
    }

    var detail: String? {
        if case .failed(_, let detail) = exchange { detail } else { nil }
    }
}
