import DeliveryCore
import EventLoop
import Testing

@testable import Transport

/// Answers that break the rules of HTTP/1.1, or bend them.
struct HostileFramingTests {
    private func report(
        to bench: Bench = Bench(), saying answer: [UInt8]
    ) throws -> TransferReport {
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send(answer)
            connection.end()
        }
        return try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
    }

    @Test(arguments: [
        // What is tolerated harms nobody: the answer is about this request, and its body is only
        // shown.
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200),
        ("HTTP/1.0 202 Accepted\r\n\r\n", 202),
        ("HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", 202),
        ("HTTP/1.1 200 OK\r\nX\u{1}: a\u{7F}b\r\nContent-Length: 0\r\n\r\n", 200),
        ("HTTP/2 200\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", 200),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno", 200),
    ])
    func `a small slip is overlooked`(text: String, status: Int) throws {
        let report = try report(saying: Array(text.utf8))
        #expect(report.status == status, "\(report.exchange)")
    }

    @Test(arguments: [
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
            TransportFailure.connectionLost
        ),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nok", .connectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx", .connectionLost),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
            .malformedAnswer
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx", .malformedAnswer),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", .malformedAnswer),
        ("HTTP/1.1 99 Low\r\n\r\n", .malformedAnswer),
        ("HTTP/1.1 1000 High\r\n\r\n", .malformedAnswer),
        ("HTTP/7.1 200 OK\r\n\r\n", .malformedAnswer),
        ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .malformedAnswer),
    ])
    func `what cannot be framed is a failure`(text: String, failure: TransportFailure) throws {
        let report = try report(saying: Array(text.utf8))
        #expect(report.failure == failure, "\(report.exchange)")
    }

    /// SETTINGS, GOAWAY, and a storm of RST_STREAM (RFC 9113).
    @Test(arguments: [
        ([0, 0, 0, 4, 0, 0, 0, 0, 0], 1), ([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 1),
        ([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8], 50_000),
    ])
    func `HTTP 2 in the clear is no answer`(frame: [UInt8], count: Int) throws {
        let report = try report(saying: Array(repeatElement(frame, count: count).joined()))
        #expect(report.failure == .malformedAnswer, "\(report.exchange)")
        #expect(report.duration < .seconds(3))
    }

    /// A whole answer, ended at every byte by the connection.
    ///
    /// A receiver that has said "202 Accepted" has accepted: what it would have said after that is
    /// no reason to send it all once more. A length that it promised is.
    @Test func `an answer that is cut short counts from its whole status line on`() throws {
        let (line, length) = ("HTTP/1.1 202 Accepted\r\n", "Content-Length: 2\r\n")
        let whole = Array((line + length + "\r\nok").utf8)
        let saidAll = line.utf8.count..<line.utf8.count + length.utf8.count
        let bench = Bench()
        for end in 0..<whole.count {
            let report = try report(to: bench, saying: Array(whole[..<end]))
            let expected: TransportFailure? = saidAll.contains(end) ? nil : .connectionLost
            #expect(report.failure == expected, "\(end): \(report.exchange)")
        }
        #expect(try report(to: bench, saying: whole).status == 202)
    }

    /// Nothing of it is body, so nothing of it was counted.
    @Test(arguments: [
        // An extension of a chunk, trailers, and chunks of one byte with long extensions.
        ("5;", "a", nil), ("", "1;\(String(repeating: "x", count: 4_000))\r\na\r\n", nil),
        ("0\r\n", "X-More: and more\r\n", TransportFailure.malformedAnswer),
        ("0\r\nX: ", "a", .malformedAnswer),
    ])
    func `what stands between the chunks has a limit`(
        start: String, more: String, failure: TransportFailure?
    ) throws {
        let bench = Bench { $0.totalTimeout = .seconds(10) }
        var sent = 0
        let piece = Array(String(repeating: more, count: 65_536 / more.utf8.count).utf8)
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send("HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + start)
            connection.source = {
                sent += piece.count
                return piece
            }
            connection.send("")
        }
        let report = try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.duration < .seconds(5), "\(report.exchange)")
        #expect(report.failure == failure, "\(report.exchange)")
        // What the kernel buffers on both sides is sent, too.
        #expect(sent < 16 << 20, "\(sent) bytes sent")
    }

    @Test func `an answer that nobody asked for is not taken for the next one's`() throws {
        let bench = Bench()
        var requests = 0
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            requests += 1
            if requests == 1 {
                connection.send(
                    "HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n"
                        + "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
            } else {
                connection.send(Bench.accepted)
            }
        }
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        for _ in 0..<4 { #expect(try bench.report(url).status == 202) }
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func `whatever is made of an answer, its request ends once and the next one is served`(
        seed: UInt64
    ) throws {
        let bench = Bench { $0.totalTimeout = .milliseconds(500) }
        var random = SeededGenerator(seed: seed)
        let whole = [
            "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nRetry-After: 120\r\n\r\nok",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2;x=y\r\nab\r\n0\r\nTrailer: x\r\n\r\n",
            "HTTP/1.0 503 X\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 60\r\n\r\nbody",
        ].map { Array($0.utf8) }
        var isHostile = true
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            guard isHostile else { return connection.send(Bench.accepted) }
            connection.send(damaged(whole.randomElement(using: &random)!, using: &random))
            if Bool.random(using: &random) { connection.end() }
        }
        var reports: [UInt64: Int] = [:]
        for number in 0..<400 {
            let url = "http://h\(number % 40).fedi.localhost:\(server.port)/inbox"
            bench.transport.send(bench.request(url, token: UInt64(number))) {
                reports[$0.token, default: 0] += 1
            }
            bench.turn(until: { bench.transport.inFlight < 64 })
        }
        bench.turn(until: { bench.transport.inFlight == 0 })
        #expect(reports.count == 400 && reports.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        isHostile = false
        for number in 0..<40 {
            let url = "http://h\(number).fedi.localhost:\(server.port)/inbox"
            #expect(try bench.report(url).status == 202, "seed \(seed)")
        }
    }

    private func damaged(_ answer: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var bytes = answer
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where place < bytes.count:
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes.removeSubrange(min(place, bytes.count)...)
            case 2: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
            default: bytes.insert(contentsOf: bytes[..<place], at: place)
            }
        }
        return bytes
    }
}
