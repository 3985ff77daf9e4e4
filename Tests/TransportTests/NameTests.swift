import DeliveryCore
import EventLoop
import Testing

@testable import Transport

struct NameTests {
    @Test func `a name that does not exist and a resolver that fails are told apart`() throws {
        let bench = Bench()
        bench.answers["gone.example"] = [.failure(.notFound)]
        bench.answers["dark.example"] = [.failure(.unavailable("SERVFAIL"))]
        #expect(try bench.report("https://gone.example/inbox").failure == .nameNotFound)
        let dark = try bench.report("https://dark.example/inbox")
        #expect(dark.failure == .nameUnavailable)
        #expect(dark.detail == "SERVFAIL")
        #expect(bench.transport.statistics.failures == [.nameNotFound: 1, .nameUnavailable: 1])
    }

    @Test func `the system's resolver refuses an impossible name without asking anybody`() throws {
        let bench = Bench()
        let label = String(repeating: "a", count: 64)
        #expect(try bench.report("https://\(label).invalid/inbox").failure == .nameNotFound)
    }

    @Test func `a request is in hand when it is begun, also after a lookup`() throws {
        let bench = Bench()
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        bench.answers["far.example"] = [.success(["127.0.0.1"])]
        var begun = 0
        var request = bench.request("http://far.example:\(server.port)/inbox")
        request.holding = { body in
            body()
            begun += 1
        }
        var report: TransferReport?
        bench.transport.send(request) { report = $0 }
        #expect(begun == 0, "its name is not known yet")
        bench.turn(until: { report != nil })
        #expect(begun == 1)
        #expect(report?.status == 202)
    }

    @Test func `a hundred transfers to one name cost one lookup`() throws {
        let bench = Bench()
        bench.answers["one.example"] = [.success(["127.0.0.1"])]
        let server = LoopServer(bench.loop) { connection in
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        var statuses: [Int?] = []
        for _ in 0..<100 {
            bench.transport.send(bench.request("http://one.example:\(server.port)/inbox")) {
                statuses.append($0.status)
            }
        }
        bench.turn(until: { statuses.count == 100 })
        #expect(statuses.allSatisfy { $0 == 202 })
        #expect(bench.transport.statistics.lookups == 1)
    }

    @Test func `a lookup that takes too long is given up, and counts when it comes`() throws {
        var late: ((NameLookup.Outcome) -> Void)?
        var configuration = TransportConfiguration(instanceDomain: "us.example", version: "1")
        configuration.allowedAddresses = ["127.0.0.0/8"]
        configuration.names.lookupTimeout = .milliseconds(100)
        configuration.names.negativeLifetime = .milliseconds(1)
        let bench = Bench()
        let transport = try Transport(
            loop: bench.loop, configuration: configuration,
            random: SystemRandomNumberGenerator(), lookup: { late = $1 }, onFlaw: { _ in })
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        let request = bench.request("http://slow.example:\(server.port)/inbox")
        var reports: [TransferReport] = []
        transport.send(request) { reports.append($0) }
        bench.turn(until: { reports.count == 1 })
        #expect(reports[0].failure == .nameUnavailable)
        #expect(reports[0].duration >= .milliseconds(95))

        let answer = try #require(late)
        answer(.success(["127.0.0.1"]))
        transport.send(request) { reports.append($0) }
        bench.turn(until: { reports.count == 2 })
        #expect(reports[1].status == 202)
        #expect(transport.statistics.lookups == 1)
    }

    @Test func `who asks while a lookup that takes too long goes on does not wait for its end`()
        throws
    {
        var configuration = TransportConfiguration(instanceDomain: "us.example", version: "1")
        configuration.names.lookupTimeout = .milliseconds(100)
        configuration.names.negativeLifetime = .milliseconds(1)
        let bench = Bench()
        let transport = try Transport(
            loop: bench.loop, configuration: configuration,
            random: SystemRandomNumberGenerator(), lookup: { _, _ in }, onFlaw: { _ in })
        for count in 1...3 {
            var reports: [TransferReport] = []
            for _ in 0..<2 {
                transport.send(bench.request("http://dead.example/inbox")) { reports.append($0) }
            }
            bench.turn(until: { reports.count == 2 })
            #expect(reports.allSatisfy { $0.failure == .nameUnavailable })
            #expect(reports.allSatisfy { $0.duration >= .milliseconds(95) }, "round \(count)")
            let answered = bench.loop.now
            bench.turn(until: { bench.loop.now > answered + .milliseconds(2) })
        }
        #expect(transport.statistics.lookups == 1)
        #expect(transport.inFlight == 0)
    }

    @Test func `a link-local address with a zone is refused, not a puzzle`() throws {
        let bench = Bench()
        bench.answers["near.example"] = [.success(["fe80::1%lo"])]
        #expect(try bench.report("http://near.example/inbox").failure == .forbiddenAddress)
    }
}
