import DeliveryCore
import EventLoop
import Testing

@testable import Transport

/// HTTP/2 with servers that break off, refuse, or do their worst.
struct HostileStreamTests {
    private func bench(_ adjust: (inout TransportConfiguration) -> Void = { _ in }) -> Bench {
        Bench(http2: .always, adjust)
    }

    @Test func `what a GOAWAY has left out is sent on another connection, once`() {
        let bench = bench()
        var first: ObjectIdentifier?
        var waiting = 0
        var answered = 0
        let server = StreamServer(bench.loop) { connection, stream in
            let isFirst = first == nil || first == ObjectIdentifier(connection)
            first = first ?? ObjectIdentifier(connection)
            guard isFirst else {
                answered += 1
                return connection.answer(stream)
            }
            waiting += 1
            guard waiting == 4 else { return }
            connection.goAway(last: 1)
            answered += 1
            connection.answer(1)
            connection.end()
        }
        let reports = bench.reports(server.url, count: 4)
        #expect(reports.map(\.status) == Array(repeating: 202, count: 4), "\(reports)")
        #expect(answered == 4)
    }

    @Test func `a connection that is cut fails what was under way, or sends it again`() {
        let bench = bench()
        let server = StreamServer(bench.loop) { connection, _ in
            if connection.open.count == 3 { connection.cut() }
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.allSatisfy { $0.failure == .connectionLost }, "\(reports)")
        #expect(server.streams <= 3 * Transfer.tryLimit, "libcurl would try five times more")
        // Over HTTP/1.1, which this server can do.
        let after = bench.reports(server.url, count: 3)
        #expect(after.map(\.status) == [202, 202, 202])
        #expect(server.others == 3)
    }

    @Test func `a connection over which nothing comes any more is given up`() {
        let bench = bench { $0.totalTimeout = .seconds(1) }
        var isGone = false
        let server = StreamServer(bench.loop) { connection, stream in
            if !isGone { connection.answer(stream) }
        }
        #expect(bench.reports(server.url, count: 2).allSatisfy { $0.status == 202 && $0.isHTTP2 })
        isGone = true
        let lost = bench.reports(server.url, count: 2)
        #expect(lost.allSatisfy { $0.failure == .timedOut }, "\(lost)")
        let after = bench.reports(server.url, count: 2)
        #expect(after.map(\.status) == [202, 202], "\(after)")
    }

    @Test func `a server that refuses streams beside a slow one holds up no other for long`() {
        let bench = bench { $0.totalTimeout = .seconds(8) }
        var slow: UInt32?
        let server = StreamServer(bench.loop) { connection, stream in
            if slow == nil { slow = stream } else { connection.reset(stream, 7) }
        }
        var reports: [TransferReport] = []
        for _ in 0..<4 { bench.transport.send(bench.request(server.url)) { reports.append($0) } }
        bench.turn(until: { reports.count == 4 })
        #expect(reports.count { $0.status == 202 } == 3, "\(reports)")
        #expect(reports.compactMap(\.failure) == [.timedOut])
        #expect(server.others == 3)
    }

    @Test(arguments: [
        (2 as UInt32, TransportFailure.connectionLost),  // INTERNAL_ERROR
        (8, .connectionLost),  // CANCEL
        (11, .connectionLost),  // ENHANCE_YOUR_CALM
        (1, .malformedAnswer),  // PROTOCOL_ERROR
        (0, .malformedAnswer),  // NO_ERROR, and no answer
    ])
    func `a stream that is reset fails alone`(error: UInt32, failure: TransportFailure) {
        let bench = bench()
        let server = StreamServer(bench.loop) { connection, stream in
            if stream == 3 { connection.reset(stream, error) } else { connection.answer(stream) }
        }
        let reports = bench.reports(server.url, count: 4)
        #expect(reports.compactMap(\.failure) == [failure], "\(reports)")
        #expect(reports.compactMap(\.status) == [202, 202, 202])
        #expect(server.accepted == 1)
    }

    @Test func `a refused stream is sent again`() {
        let bench = bench()
        var refusals = 0
        let server = StreamServer(bench.loop) { connection, stream in
            if refusals < 2 {
                refusals += 1
                connection.reset(stream, 7)
            } else {
                connection.answer(stream)
            }
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.map(\.status) == [202, 202, 202], "\(reports)")
    }

    @Test func `a server that wants HTTP 1_1 after all gets it`() {
        let bench = bench()
        let server = StreamServer(bench.loop) { connection, stream in
            connection.reset(stream, 13)
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.map(\.status) == [202, 202, 202], "\(reports)")
    }

    @Test func `a server with one stream at a time gets the others beside`() {
        let bench = bench()
        let server = StreamServer(bench.loop, settings: [(3, 1)])
        let reports = bench.reports(server.url, count: 12)
        #expect(reports.map(\.status) == Array(repeating: 202, count: 12))
        #expect(server.streams + server.others == 12)
    }

    @Test func `a server with one stream that never ends holds up no other for long`() {
        let bench = bench { $0.totalTimeout = .seconds(8) }
        var held = false
        let server = StreamServer(bench.loop, settings: [(3, 1)]) { connection, stream in
            if held { connection.answer(stream) }
            held = true
        }
        // The server's SETTINGS are there before the others join.
        var reports: [TransferReport] = []
        bench.transport.send(bench.request(server.url)) { reports.append($0) }
        bench.turn(until: { held })
        for _ in 0..<4 { bench.transport.send(bench.request(server.url)) { reports.append($0) } }
        bench.turn(until: { reports.count == 5 })
        #expect(reports.count { $0.status == 202 } == 4, "\(reports)")
        #expect(reports.compactMap(\.failure) == [.timedOut])
        #expect(server.others == 4)
    }

    @Test func `silence after SETTINGS ends in time`() {
        let bench = bench { $0.totalTimeout = .seconds(1) }
        let server = StreamServer(bench.loop) { _, _ in }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.map(\.failure) == [.timedOut, .timedOut, .timedOut])
        #expect(server.streams == 3)
    }

    @Test func `what is no HTTP 2 is no answer`() {
        let bench = bench()
        let server = StreamServer(bench.loop) { connection, _ in
            connection.sendRaw("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        }
        let reports = bench.reports(server.url, count: 3)
        let ends: [TransportFailure?] = [.malformedAnswer, .connectionLost]
        #expect(reports.allSatisfy { ends.contains($0.failure) }, "\(reports)")
    }

    @Test func `header fields without end are given up`() {
        let bench = bench { $0.totalTimeout = .seconds(5) }
        let line = StreamConnection.field(
            "x-filler", String(repeating: "x", count: 100))
        let server = StreamServer(bench.loop) { connection, stream in
            connection.send(.headers, 0, on: stream, [8, 3] + Array("202".utf8))
            for _ in 0..<2_000 where !connection.isClosed {
                connection.send(.continuation, 0, on: stream, line)
            }
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.allSatisfy { $0.failure != nil }, "\(reports)")
        #expect(server.streams <= 3 * Transfer.tryLimit)
    }

    @Test func `more header fields than the limit are a malformed answer`() {
        let bench = bench()
        let line = StreamConnection.field("x-filler", String(repeating: "x", count: 100))
        let server = StreamServer(bench.loop) { connection, stream in
            let block =
                [8, 3] + Array("202".utf8) + Array(repeatElement(line, count: 300).joined())
            // In frames of 16 kB.
            var rest = block[...]
            connection.send(.headers, 0, on: stream, Array(rest.prefix(16_384)))
            rest = rest.dropFirst(16_384)
            while !rest.isEmpty {
                let part = Array(rest.prefix(16_384))
                rest = rest.dropFirst(16_384)
                let flag = rest.isEmpty ? StreamConnection.Flag.endHeaders : 0
                connection.send(.continuation, flag, on: stream, part)
            }
            connection.send(.data, StreamConnection.Flag.endStream, on: stream, [])
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.allSatisfy { $0.failure == .malformedAnswer }, "\(reports)")
    }

    @Test func `an answer without end is enough of one`() {
        let bench = bench { $0.totalTimeout = .seconds(10) }
        let chunk = [UInt8](repeating: 0x78, count: 16_384)
        let server = StreamServer(bench.loop) { connection, stream in
            connection.head(stream)
            for _ in 0..<40 { connection.send(.data, 0, on: stream, chunk) }
        }
        let reports = bench.reports(server.url, count: 4)
        #expect(reports.map(\.status) == [202, 202, 202, 202], "\(reports)")
        #expect(reports.allSatisfy { $0.answer?.excerpt.count == Answer.excerptLimit })
    }

    @Test func `frames without end are given up, and their connection`() {
        let bench = bench { $0.totalTimeout = .seconds(5) }
        let filler = [UInt8](repeating: 0, count: 16_384)
        var isAnswering = false
        let server = StreamServer(bench.loop) { connection, stream in
            guard !isAnswering else { return connection.answer(stream) }
            // More than as many connections may bring as there are streams to a host.
            for _ in 0..<1_100 where !connection.isClosed {
                connection.send(.unknown, 0, on: 0, filler)
            }
        }
        let reports = bench.reports(server.url, count: 1)
        #expect(reports.allSatisfy { $0.failure != nil }, "\(reports)")
        isAnswering = true
        let after = bench.reports(server.url, count: 2)
        #expect(after.map(\.status) == [202, 202], "\(after)")
        #expect(server.accepted > 1)
    }
}
