import DeliveryCore
import EventLoop
import Testing

@testable import Transport

/// HTTP/2 with servers that keep to it.
struct StreamTests {
    private func bench(
        _ use: HTTP2Use = .always, _ adjust: (inout TransportConfiguration) -> Void = { _ in }
    ) -> Bench { Bench(http2: use, adjust) }

    @Test func `transfers to one host share a connection`() throws {
        let bench = bench()
        let server = StreamServer(bench.loop)
        let reports = bench.reports(server.url, count: 10)
        #expect(reports.map(\.status) == Array(repeating: 202, count: 10))
        #expect(reports.allSatisfy { $0.isHTTP2 && $0.answer?.excerpt == Array("ok".utf8) })
        #expect(reports.reduce(0) { $0 + $1.connectCount } == 1)
        #expect(server.accepted == 1)
        #expect(server.streams == 10)
        let statistics = bench.transport.statistics
        #expect(statistics.http2 == 10)
        #expect(statistics.newConnections == 1)
        #expect(statistics.reused == 9)
        #expect(statistics.idleConnections == 1)
        #expect(statistics.idleConnectionBytes == ConnectionBudget.sharedBytes)
    }

    @Test func `a body of many frames is sent to its end`() throws {
        let bench = bench()
        // So much that the window of flow control need not be opened.
        let body = RequestBody([UInt8](repeating: 0x7B, count: 60_000))
        let server = StreamServer(bench.loop)
        #expect(try bench.report(server.url, body: body).status == 202)
    }

    @Test func `the first transfer has a connection for itself, the next ones share one`() {
        let bench = bench(.auto)
        let server = StreamServer(bench.loop)
        let reports = bench.reports(server.url, count: 8)
        #expect(reports.allSatisfy { $0.status == 202 })
        #expect(reports.count(where: \.isHTTP2) == 7)
        #expect(server.accepted == 2)
        #expect(server.others == 1)
        let after = bench.reports(server.url, count: 1)
        #expect(after.allSatisfy { !$0.isHTTP2 && $0.reused })
    }

    @Test func `HTTP 2 that is off is not offered`() {
        let bench = bench(.off)
        let server = StreamServer(bench.loop)
        let reports = bench.reports(server.url, count: 4)
        #expect(reports.allSatisfy { $0.status == 202 && !$0.isHTTP2 })
        #expect(server.accepted == 4)
    }

    @Test func `a server without it is spoken to as before, and asked once`() {
        let bench = bench()
        let url = "https://h1.fedi.localhost:\(TLSServers.shared.port("good"))/inbox"
        for _ in 0..<2 {
            let reports = bench.reports(url, count: 6)
            #expect(reports.allSatisfy { $0.status == 202 && !$0.isHTTP2 })
        }
        #expect(bench.transport.statistics.http2 == 0)
        #expect(bench.transport.statistics.newConnections <= 7)
    }

    @Test func `a request that wants a fresh connection shares none`() throws {
        let bench = bench()
        let server = StreamServer(bench.loop)
        #expect(bench.reports(server.url, count: 1).allSatisfy { $0.isHTTP2 })
        var request = bench.request(server.url)
        request.onFreshConnection = true
        var report: TransferReport?
        bench.transport.send(request) { report = $0 }
        bench.turn(until: { report != nil })
        #expect(report?.status == 202)
        #expect(report?.isHTTP2 == false)
    }

    @Test func `a connection that the server has closed is replaced, and nothing sent twice`() {
        let bench = bench()
        let server = StreamServer(bench.loop)
        _ = bench.reports(server.url, count: 2)
        // A frame and close_notify, which libcurl would take for life.
        server.all.forEach {
            $0.send(.ping, 0, on: 0, [0, 0, 0, 0, 0, 0, 0, 0])
            $0.end()
        }
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.allSatisfy { $0.status == 202 && $0.isHTTP2 })
        #expect(server.streams == 5)
        #expect(server.accepted == 2)
    }

    @Test func `a handshake that takes its time is waited for by all`() {
        let bench = bench(.always) { $0.connectTimeout = .seconds(10) }
        // Longer than what has no connection may wait for one.
        let server = StreamServer(bench.loop, wire: .drip(.milliseconds(3)))
        let start = bench.loop.now
        let reports = bench.reports(server.url, count: 3)
        #expect(bench.loop.now - start > .seconds(2))
        #expect(reports.allSatisfy { $0.status == 202 && $0.isHTTP2 }, "\(reports)")
        #expect(server.accepted == 1)
    }

    @Test func `connections of both kinds resume the session of one for HTTP 1_1`() {
        let bench = bench(.auto)
        let server = StreamServer(bench.loop)
        for round in 0..<3 {
            #expect(bench.reports(server.url, count: 3).allSatisfy { $0.status == 202 })
            let made = server.secure.suffix(2)
            #expect(server.secure.count == 2 * (round + 1))
            #expect(Set(made.map(\.isHTTP2)) == [true, false])
            if round > 0 { #expect(made.allSatisfy { $0.isResumed }, "round \(round)") }
            server.secure.forEach { $0.end() }
            bench.loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    @Test func `what cannot be connected to fails for all that waited for it`() {
        let bench = bench()
        let server = StreamServer(bench.loop, certificate: "misnamed")
        let reports = bench.reports(server.url, count: 4)
        #expect(reports.map(\.failure) == Array(repeating: .certificateInvalid, count: 4))
        #expect(server.streams == 0)
    }

    @Test func `no private address is connected to by a stream`() {
        let bench = bench(.always) { $0.allowedAddresses = [] }
        let server = StreamServer(bench.loop)
        let reports = bench.reports(server.url, count: 3)
        #expect(reports.map(\.failure) == Array(repeating: .forbiddenAddress, count: 3))
        #expect(server.accepted == 0)
    }

    @Test func `what was cancelled is not reported, and the host served later`() {
        let bench = bench()
        let server = StreamServer(bench.loop)
        for _ in 0..<5 {
            bench.transport.send(bench.request(server.url)) { _ in
                Issue.record("reported after it was cancelled")
            }
        }
        bench.transport.cancelAll()
        #expect(bench.transport.inFlight == 0)
        #expect(bench.reports(server.url, count: 3).allSatisfy { $0.status == 202 })
    }

    @Test func `idle connections of HTTP 2 are closed when there are too many`() {
        let bench = bench(.always) {
            $0.shardCount = 1
            $0.idleConnectionBytes = 3 * ConnectionBudget.sharedBytes
        }
        let servers = (0..<8).map { _ in StreamServer(bench.loop) }
        for server in servers { #expect(bench.reports(server.url, count: 2).count == 2) }
        #expect(bench.transport.statistics.idleConnections <= 4)
        #expect(bench.reports(servers[7].url, count: 1).allSatisfy { $0.reused })
    }
}
