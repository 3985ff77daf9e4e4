import DeliveryCore
import EventLoop
import Glibc
import Testing

@testable import Transport

struct HostileAnswerTests {
    /// A server that says this once a request is complete, and what is to come of it.
    private func report(
        _ bench: Bench = Bench(), _ misbehave: @escaping (ServerConnection) -> Void
    ) throws -> TransferReport {
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { misbehave(connection) }
        }
        let report = try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
        bench.turn(until: { bench.transport.inFlight == 0 })
        return report
    }

    @Test func `an answer is kept with its status, Retry-After and the start of its body`() throws {
        let body = String(repeating: "é", count: 1_000)
        let report = try report {
            $0.send(
                "HTTP/1.1 429 Slow down\r\nretry-after:  120 \r\nContent-Length: 2000\r\n\r\n"
                    + body)
        }
        let answer = try #require(report.answer)
        #expect(answer.status == 429)
        #expect(answer.retryAfter == "120")
        #expect(answer.excerpt == Array(body.utf8.prefix(1_024)))
    }

    @Test(arguments: [200, 202, 301, 308, 400, 401, 404, 410, 413, 500, 503, 599, 999])
    func `every final status is an answer`(status: Int) throws {
        let report = try report {
            $0.send("HTTP/1.1 \(status) X\r\nLocation: /other\r\nContent-Length: 2\r\n\r\nok")
        }
        #expect(report.answer == Answer(status: status, excerpt: Array("ok".utf8)))
    }

    @Test func `a Retry-After that is longer than any date is dropped`() throws {
        let value = String(repeating: "9", count: 65)
        let report = try report {
            $0.send("HTTP/1.1 503 X\r\nRetry-After: \(value)\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(report.answer == Answer(status: 503))
    }

    @Test(arguments: ["X-RateLimit-", "x-ratelimit-", "RateLimit-"])
    func `what is left of a rate limit is kept as it stands`(prefix: String) throws {
        let report = try report {
            $0.send(
                "HTTP/1.1 202 OK\r\n\(prefix)Remaining: 0\r\n\(prefix)Reset: 2026-11-21T12:00:00Z"
                    + "\r\nContent-Length: 0\r\n\r\n")
        }
        let fields = RateLimitFields(remaining: "0", reset: "2026-11-21T12:00:00Z")
        #expect(report.answer == Answer(status: 202, rateLimit: fields))
    }

    @Test func `a rate limit with a part too long, or without a reset, is none`() throws {
        let value = String(repeating: "9", count: 65)
        let report = try report {
            $0.send(
                "HTTP/1.1 202 OK\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: \(value)\r\n"
                    + "RateLimit-Remaining: 0\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(report.answer == Answer(status: 202))
    }

    @Test func `a body without length ends with the connection`() throws {
        let report = try report {
            $0.send("HTTP/1.1 200 OK\r\n\r\nbye")
            $0.end()
        }
        #expect(report.answer?.excerpt == Array("bye".utf8))
    }

    @Test func `chunks and interim answers are understood`() throws {
        let report = try report {
            $0.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 OK\r\n")
            $0.send("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        }
        #expect(report.answer == Answer(status: 202, excerpt: Array("abc".utf8)))
    }

    @Test func `an endless body counts as an answer after 64 KiB`() throws {
        var sent = 0
        let report = try report { connection in
            connection.send("HTTP/1.1 202 OK\r\n\r\n")
            connection.source = {
                sent += 65_536
                return [UInt8](repeating: 0x61, count: 65_536)
            }
            connection.send("")
        }
        let answer = try #require(report.answer)
        #expect(answer.status == 202)
        #expect(answer.excerpt == [UInt8](repeating: 0x61, count: 1_024))
        #expect(report.duration < .seconds(5))
    }

    @Test func `endless header lines end at their limit`() throws {
        let report = try report { connection in
            connection.send("HTTP/1.1 200 OK\r\n")
            connection.source = {
                Array(String(repeating: "X-More: and more\r\n", count: 100).utf8)
            }
            connection.send("")
        }
        #expect(report.failure == .malformedAnswer)
        #expect(report.detail == "header fields exceed their limit")
    }

    @Test func `one endless header line ends too`() throws {
        let report = try report { connection in
            connection.send("HTTP/1.1 200 OK\r\nX: ")
            connection.source = { [UInt8](repeating: 0x61, count: 8_192) }
            connection.send("")
        }
        #expect(report.failure == .malformedAnswer, "\(report.exchange)")
    }

    @Test func `endless interim answers end at the limit of header bytes`() throws {
        let report = try report { connection in
            connection.source = {
                Array(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 100).utf8)
            }
            connection.send("")
        }
        #expect(report.failure == .malformedAnswer, "\(report.exchange)")
    }

    @Test func `a byte now and then does not outlast the total timeout`() throws {
        let bench = Bench { $0.totalTimeout = .milliseconds(400) }
        var dripping: [LoopTimer] = []
        let report = try report(bench) { connection in
            connection.send("HTTP/1.1 200 OK\r\n\r\n")
            for step in 1...100 {
                dripping.append(
                    bench.loop.startTimer(after: .milliseconds(20 * step)) {
                        if !connection.isClosed { connection.send("x") }
                    })
            }
        }
        for timer in dripping { timer.cancel() }
        #expect(report.failure == .timedOut)
        #expect(report.duration >= .milliseconds(395))
        #expect(report.duration < .seconds(2))
    }

    @Test(arguments: [
        ("SSH-2.0-OpenSSH_9.2\r\n", TransportFailure.malformedAnswer),
        ("<html>hello</html>", .malformedAnswer),
        ("HTTP/1.1 OK\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive", .connectionLost),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", .connectionLost),
        ("HTTP/1.1 20", .connectionLost),
        ("", .connectionLost),
    ])
    func `what is not a whole HTTP answer is a failure`(
        text: String, failure: TransportFailure
    ) throws {
        let report = try report { connection in
            connection.send(text)
            connection.end()
        }
        #expect(report.failure == failure, "\(report.exchange)")
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive"])
    func `a reset is a lost connection`(before: String) throws {
        let report = try report { connection in
            connection.send(before)
            connection.reset()
        }
        #expect(report.failure == .connectionLost, "\(report.exchange)")
    }

    @Test func `a reset while the body is being sent is seen at once`() throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            if connection.received.count > 100_000 { connection.reset() }
        }
        let report = try bench.report(
            "http://h1.fedi.localhost:\(server.port)/inbox",
            body: RequestBody([UInt8](repeating: 0x61, count: 30_000_000)))
        #expect(report.failure == .connectionLost, "\(report.exchange)")
        #expect(report.duration < .seconds(5))
    }

    @Test func `an answer that a reset follows closely does not hang`() throws {
        let bench = Bench()
        let answer = [UInt8](repeating: 0x61, count: 60_000)
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            connection.send(answer)
            connection.reset()
        }
        let report = try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.status == 200 || report.failure == .connectionLost, "\(report.exchange)")
        #expect(report.duration < .seconds(5))
    }

    @Test func `silence after the request is a timeout of the answer`() throws {
        let bench = Bench { $0.totalTimeout = .milliseconds(300) }
        let report = try report(bench) { _ in }
        #expect(report.failure == .timedOut)
        #expect(report.duration >= .milliseconds(295))
    }

    @Test func `silence in the TLS handshake is a timeout of the connection`() throws {
        let bench = Bench { $0.connectTimeout = .milliseconds(300) }
        let server = LoopServer(bench.loop) { _ in }
        let report = try bench.report("https://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.failure == .connectTimedOut)
    }

    @Test func `plain HTTP where TLS was expected is a failure of TLS`() throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.end()
        }
        let report = try bench.report("https://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.failure == .tlsFailed, "\(report.exchange)")
    }

    @Test func `a port where nobody listens is a failed connection`() throws {
        let bench = Bench()
        let (listener, port) = listeningSocket("127.0.0.1", port: 0, backlog: 1)
        close(listener)
        let report = try bench.report("http://h1.fedi.localhost:\(port)/inbox")
        #expect(report.failure == .connectFailed)
        #expect(report.duration < .seconds(1))
    }

    @Test func `a black hole ends with the connect timeout`() throws {
        let bench = Bench { $0.connectTimeout = .milliseconds(300) }
        // A full backlog: the kernel drops every further SYN.
        let (listener, port) = listeningSocket("127.0.0.1", port: 0, backlog: 0)
        let fillers = (0..<8).map { _ in connectingSocket(port) }
        defer { ([listener] + fillers).forEach { close($0) } }
        let report = try bench.report("http://h1.fedi.localhost:\(port)/inbox")
        #expect(report.failure == .connectTimedOut, "\(report.exchange)")
        #expect(report.duration >= .milliseconds(295))
        #expect(report.duration < .seconds(3))
    }
}
