import DeliveryCore
import EventLoop
import Testing

@testable import Transport

struct LoadTests {
    @Test func `a thousand transfers to two hundred hosts are under way at once`() throws {
        let bench = Bench()
        var waiting: [ServerConnection] = []
        var served = 0
        let server = LoopServer(bench.loop) { connection in
            while connection.takeRequest() != nil {
                waiting.append(connection)
                served += 1
            }
            // Nobody is answered before all have asked.
            guard waiting.count == 1_000 else { return }
            for connection in waiting { connection.send(Bench.accepted) }
            waiting.removeAll()
        }
        let body = RequestBody([UInt8](repeating: 0x7B, count: 3_072))
        for round in 1...2 {
            var tokens: [UInt64: Int?] = [:]
            for number in 0..<1_000 {
                let url = "http://h\(number % 200).fedi.localhost:\(server.port)/inbox"
                bench.transport.send(bench.request(url, token: UInt64(number), body: body)) {
                    tokens[$0.token] = $0.status
                }
            }
            #expect(bench.transport.inFlight == 1_000)
            bench.turn(until: { tokens.count == 1_000 })
            #expect(tokens.values.allSatisfy { $0 == 202 })
            #expect(served == 1_000 * round)
        }
        #expect(bench.transport.inFlight == 0)
        #expect(bench.transport.statistics.reused > 900, "the second round found its connections")
        #expect(bench.transport.statistics.failures.isEmpty)
    }

    @Test func `a transfer does not wait for the end of a long turn`() throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        var reports: [TransferReport] = []
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        bench.transport.send(bench.request(url)) { reports.append($0) }
        bench.transport.send(bench.request(url, headers: ["bad"])) { reports.append($0) }
        // A worker with nothing else to do waits this long for events.
        while reports.count < 2 { bench.loop.turn(waitingAtMost: .seconds(5)) }
        #expect(reports.allSatisfy { $0.duration < .seconds(2) }, "\(reports.map(\.duration))")
    }

    @Test func `what is cancelled is never reported, and the transport goes on`() throws {
        let bench = Bench()
        bench.answers["late.example"] = [.success(["127.0.0.1"])]
        var isSilent = true
        let server = LoopServer(bench.loop) { connection in
            while connection.takeRequest() != nil {
                if !isSilent { connection.send(Bench.accepted) }
            }
        }
        var reports = 0
        let names = ["h1.fedi.localhost", "h2.fedi.localhost", "127.0.0.1", "late.example"]
        for name in names {
            bench.transport.send(bench.request("http://\(name):\(server.port)/inbox")) { _ in
                reports += 1
            }
        }
        bench.transport.send(bench.request("http://bad.host", headers: ["bad"])) { _ in
            reports += 1
        }
        bench.turn(until: { server.connections.filter { $0.requests > 0 }.count >= 3 })
        bench.transport.cancelAll()
        #expect(bench.transport.inFlight == 0)
        bench.turn(until: { server.connections.allSatisfy(\.isClosed) })
        isSilent = false
        #expect(try bench.report("http://h1.fedi.localhost:\(server.port)/inbox").status == 202)
        #expect(try bench.report("http://late.example:\(server.port)/inbox").status == 202)
        #expect(reports == 1, "only the request that was never sent was reported, before")
    }

    @Test func `a completion may send and cancel`() throws {
        let bench = Bench { $0.shardCount = 1 }
        let server = LoopServer(bench.loop) { connection in
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        let url = "http://h1.fedi.localhost:\(server.port)/inbox"
        var hops = 0
        func hop(_ report: TransferReport) {
            hops += 1
            if hops < 50 { bench.transport.send(bench.request(url), completion: hop) }
        }
        bench.transport.send(bench.request(url), completion: hop)
        bench.turn(until: { hops == 50 })

        var reports = 0
        for _ in 0..<20 {
            bench.transport.send(bench.request(url)) { _ in
                reports += 1
                bench.transport.cancelAll()
            }
        }
        bench.turn(until: { bench.transport.inFlight == 0 })
        #expect(reports == 1)
        #expect(try bench.report(url).status == 202)
    }

    @Test func `two thousand hostile answers leave no descriptor behind`() async {
        // A process of its own: other tests have sockets open.
        await #expect(processExitsWith: .success) {
            // The loop's own descriptors, and those of the first look at /proc.
            provoke(transfers: 8)
            let before = openDescriptors()
            provoke(transfers: 2_000)
            let after = openDescriptors()
            precondition(after == before, "\(before) descriptors before, \(after) after")
        }
    }
}

/// Sends to a server that breaks every rule in turn, and takes everything down again.
private func provoke(transfers: Int) {
    let bench = Bench {
        $0.totalTimeout = .milliseconds(500)
        $0.idleConnectionBytes = 8 * 4 * ConnectionBudget.secureBytes
    }
    bench.answers["two.example"] = [.success(["127.0.0.3", "127.0.0.1"])]
    var count = 0
    let server = LoopServer(bench.loop) { connection in
        guard connection.takeRequest() != nil else { return }
        count += 1
        misbehave(connection, count)
    }
    var reports = 0
    for number in 0..<transfers {
        let host = number % 50 == 0 ? "two.example" : "h\(number % 50).fedi.localhost"
        let url = "http://\(host):\(server.port)/inbox"
        bench.transport.send(bench.request(url)) { _ in reports += 1 }
        bench.turn(until: { bench.transport.inFlight < 32 })
    }
    bench.turn(until: { reports == transfers })
    precondition(count >= transfers, "\(count) requests arrived")
}
