import DeliveryCore
import EventLoop
import Glibc
import Testing

@testable import Transport

struct KeepAliveTests {
    private func answering(_ bench: Bench, address: String = "127.0.0.1", port: Int = 0)
        -> LoopServer
    {
        LoopServer(bench.loop, address: address, port: port) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
    }

    @Test func `one host's requests share one connection`() throws {
        let bench = Bench()
        let server = answering(bench)
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        let first = try bench.report(url)
        #expect(first.connectCount == 1)
        #expect(!first.reused)
        #expect(first.remoteAddress == "127.0.0.1")
        for _ in 0..<20 { #expect(try bench.report(url).reused) }
        #expect(server.accepted == 1)
        #expect(bench.transport.statistics.newConnections == 1)
        #expect(bench.transport.statistics.reused == 20)
        #expect(bench.transport.statistics.answered == 21)
    }

    @Test func `a request that asks for a fresh connection gets one, and only that request`() throws
    {
        let bench = Bench()
        let server = answering(bench)
        var request = bench.request("http://h1.fedi.localhost:\(server.port)/inbox")
        var counts: [Int] = []
        for isFresh in [false, true, false] {
            request.onFreshConnection = isFresh
            let expected = counts.count + 1
            bench.transport.send(request) { counts.append($0.connectCount) }
            bench.turn(until: { counts.count == expected })
        }
        #expect(counts == [1, 1, 0])
        #expect(server.accepted == 2)
    }

    @Test func `two hosts at one address do not share a connection`() throws {
        let bench = Bench()
        let server = answering(bench)
        for host in ["h1", "h2"] {
            let url = "http://\(host).fedi.localhost:\(server.port)/inbox"
            #expect(try bench.report(url).connectCount == 1)
        }
        #expect(server.accepted == 2)
    }

    @Test func `a connection that died while idle is replaced without a failure`() throws {
        let bench = Bench()
        let server = answering(bench)
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        _ = try bench.report(url)
        server.connections[0].end()
        let second = try bench.report(url)
        #expect(second.status == 202)
        #expect(server.accepted == 2)
    }

    /// As servers do that have waited too long for the next request.
    @Test func `the last words of a connection are no answer to the next request`() throws {
        let bench = Bench()
        let server = answering(bench)
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        for number in 1...10 {
            let report = try bench.report(url)
            #expect(report.status == 202, "request \(number): \(report.exchange)")
            server.connections.last?.send("HTTP/1.1 408 Request Timeout\r\n\r\n")
            server.connections.last?.end()
            bench.loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    @Test func `a host may close all its connections at once`() throws {
        let bench = Bench { $0.caFile = TLSServers.shared.authority }
        var all: [SecureConnection] = []
        let server = SecureServer(bench.loop) { connection in
            if !all.contains(where: { $0 === connection }) { all.append(connection) }
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        for _ in 0..<3 {
            #expect(bench.reports(server.url, count: 8).allSatisfy { $0.status == 202 })
            all.forEach { $0.end() }
            bench.loop.turn(waitingAtMost: .milliseconds(20))
        }
        #expect(bench.transport.statistics.failures.isEmpty)
    }

    /// It goes on in the kernel's table, where the end of the connection would be told for ever.
    @Test func `the end of an idle connection wakes the loop once`() throws {
        let bench = Bench()
        let server = answering(bench)
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        _ = try bench.report(url)
        server.connections[0].end()
        var turns = 0
        let end = bench.loop.now + .milliseconds(300)
        while bench.loop.now < end {
            bench.loop.turn(waitingAtMost: .milliseconds(20))
            turns += 1
        }
        #expect(turns < 40)
        #expect(try bench.report(url).status == 202)
    }

    @Test func `a connection that dies under the request, before any answer, is retried once`()
        throws
    {
        let bench = Bench()
        var served = 0
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            served += 1
            // The second request reaches a server that closes instead of answering.
            if served == 2 { connection.end() } else { connection.send(Bench.accepted) }
        }
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        _ = try bench.report(url)
        let second = try bench.report(url)
        #expect(second.status == 202)
        #expect(second.connectCount == 1)
        #expect(served == 3, "the receiver saw the second request twice: at least once")
    }

    @Test func `the same death on a fresh connection is reported`() throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.end() }
        }
        let report = try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.failure == .connectionLost)
        #expect(server.accepted == 1)
    }

    @Test func `a host that moved is found, by new connections, when its name's life is over`()
        throws
    {
        let bench = Bench { $0.names.positiveLifetime = .milliseconds(200) }
        bench.answers["moving.example"] = [.success(["127.0.0.1"]), .success(["127.0.0.2"])]
        let old = answering(bench)
        let new = answering(bench, address: "127.0.0.2", port: old.port)
        let url = "http://moving.example:\(old.port)/inbox"

        #expect(try bench.report(url).remoteAddress == "127.0.0.1")
        let learned = bench.loop.now
        bench.turn(until: { bench.loop.now - learned > .milliseconds(250) })
        // The old connection stands and serves, whatever DNS says now.
        #expect(try bench.report(url).reused)
        old.connections[0].end()
        #expect(try bench.report(url).remoteAddress == "127.0.0.2")
        #expect(new.accepted == 1)
        #expect(old.accepted == 1)
    }

    @Test func `of several addresses the one that answers is used`() throws {
        let bench = Bench()
        bench.answers["two.example"] = [.success(["127.0.0.3", "127.0.0.1"])]
        let server = answering(bench)
        let report = try bench.report("http://two.example:\(server.port)/inbox")
        #expect(report.status == 202)
        #expect(report.remoteAddress == "127.0.0.1")
    }

    @Test func `an address that is a black hole is passed over within the connect timeout`() throws
    {
        let bench = Bench { $0.connectTimeout = .milliseconds(1_000) }
        bench.answers["two.example"] = [.success(["127.0.0.1", "127.0.0.2"])]
        let (listener, port) = listeningSocket("127.0.0.1", port: 0, backlog: 0)
        let fillers = (0..<8).map { _ in connectingSocket(port) }
        defer { ([listener] + fillers).forEach { close($0) } }
        let server = answering(bench, address: "127.0.0.2", port: port)
        let report = try bench.report("http://two.example:\(server.port)/inbox")
        #expect(report.status == 202, "\(report.exchange)")
        #expect(report.remoteAddress == "127.0.0.2")
        #expect(report.duration < .seconds(1))
    }

    @Test func `connections beyond the budget are closed, oldest idle first`() throws {
        let bench = Bench {
            $0.shardCount = 1
            $0.idleConnectionBytes = 4 * ConnectionBudget.plainBytes
        }
        let server = answering(bench)
        for number in 0..<10 {
            _ = try bench.report("http://h\(number).fedi.localhost:\(server.port)/inbox")
        }
        bench.turn(until: { server.connections.filter { !$0.isClosed }.count <= 4 })
        #expect(try bench.report("http://h9.fedi.localhost:\(server.port)/inbox").reused)
        #expect(try !bench.report("http://h0.fedi.localhost:\(server.port)/inbox").reused)
    }

    @Test func `the budget is one for all shards, however hosts fall on them`() throws {
        let bench = Bench { $0.idleConnectionBytes = 30 * ConnectionBudget.plainBytes }
        let server = answering(bench)
        func count(_ hosts: Range<Int>) throws -> Int {
            for number in hosts {
                _ = try bench.report("http://h\(number).fedi.localhost:\(server.port)/inbox")
            }
            let expected = bench.transport.statistics.idleConnections
            bench.turn(until: { server.connections.filter { !$0.isClosed }.count == expected })
            return expected
        }
        #expect(try count(0..<30) == 30)
        #expect(try count(0..<30) == 30)
        #expect(bench.transport.statistics.newConnections == 30)
        // A shard does not close its only connection: at most one each too many.
        #expect((30..<38).contains(try count(30..<200)))
        #expect(
            bench.transport.statistics.idleConnectionBytes
                == bench.transport.statistics.idleConnections * ConnectionBudget.plainBytes)
    }

    @Test func `as many connections stay open as there are descriptors for`() throws {
        let bench = Bench {
            $0.shardCount = 1
            $0.openConnectionLimit = 5
        }
        let server = answering(bench)
        for number in 0..<20 {
            _ = try bench.report("http://h\(number).fedi.localhost:\(server.port)/inbox")
        }
        bench.turn(until: { server.connections.filter { !$0.isClosed }.count <= 5 })
        #expect(try bench.report("http://h19.fedi.localhost:\(server.port)/inbox").reused)
    }

    @Test func `a connection that was closed without a word is counted once`() {
        var budget = ConnectionBudget(byteLimit: 100_000, openLimit: 10)
        budget.opened(7, .secure)
        budget.opened(7, .plain)
        #expect(budget.idle == 1)
        #expect(budget.idleBytes == ConnectionBudget.plainBytes)
        budget.closed(7)
        budget.closed(7)
        budget.closed(8)
        #expect(budget.open == 0)
        #expect(budget.idleBytes == 0)
    }

    @Test func `names that are taken out of libcurl's cache work again`() throws {
        let bench = Bench {
            $0.shardCount = 1
            $0.idleConnectionBytes = 8 * ConnectionBudget.plainBytes
        }
        let server = answering(bench)
        // More than Shard.seedLimit, twice.
        for round in 0..<2 {
            for number in 0..<1_100 {
                let report = try bench.report(
                    "http://h\(number).fedi.localhost:\(server.port)/inbox")
                guard report.status == 202 else {
                    Issue.record("round \(round), host \(number): \(report.exchange)")
                    return
                }
            }
        }
        #expect(bench.transport.statistics.failures.isEmpty)
    }
}
