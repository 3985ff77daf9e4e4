import DeliveryCore
import EventLoop
import Testing

@testable import Transport

struct GuardedConnectionTests {
    @Test(arguments: [
        "127.0.0.1", "h1.fedi.localhost", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]",
        "rebound.example",
    ])
    func `loopback is refused before a connection is made`(host: String) throws {
        let bench = Bench { $0.allowedAddresses = [] }
        bench.answers["rebound.example"] = [.success(["127.0.0.1"])]
        let server = LoopServer(bench.loop) { _ in }
        let report = try bench.report("http://\(host):\(server.port)/inbox")
        #expect(report.failure == .forbiddenAddress, "\(report.exchange)")
        #expect(server.accepted == 0)
    }

    @Test(arguments: ["127.0.0.1", "h1.fedi.localhost", "localhost", "0x7f.1"])
    func `what the operator allows is connected to`(host: String) throws {
        let bench = Bench { $0.allowedAddresses = ["127.0.0.1/32"] }
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        #expect(try bench.report("http://\(host):\(server.port)/inbox").status == 202)
    }

    @Test(arguments: ["169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254", "127.0.0.2"])
    func `a name that was good and turns to a forbidden address is refused there`(
        address: String
    ) throws {
        let bench = Bench {
            $0.allowedAddresses = ["127.0.0.1/32"]
            $0.names.positiveLifetime = .milliseconds(1)
        }
        bench.answers["rebound.example"] = [.success(["127.0.0.1"]), .success([address])]
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send(Bench.accepted)
            connection.end()
        }
        let url = "http://rebound.example:\(server.port)/inbox"
        #expect(try bench.report(url).status == 202)
        let lookups = bench.transport.statistics.lookups
        var last: TransferReport?
        bench.turn(until: {
            last = try? bench.report(url)
            return bench.transport.statistics.lookups > lookups && last?.status == nil
        })
        #expect(last?.failure == .forbiddenAddress, "\(String(describing: last?.exchange))")
        #expect(last?.connectCount == 0)
    }

    @Test func `cloud metadata cannot be reached by an address that DNS gives`() throws {
        let bench = Bench()
        bench.answers["metadata.example"] = [.success(["169.254.169.254", "fd00:ec2::254"])]
        let report = try bench.report("http://metadata.example/latest/meta-data")
        #expect(report.failure == .forbiddenAddress)
    }

    @Test func `a redirect to a forbidden place is an answer, and nobody goes there`() throws {
        let bench = Bench()
        let trap = LoopServer(bench.loop) { _ in }
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            connection.send(
                "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:\(trap.port)/\r\n"
                    + "Content-Length: 0\r\n\r\n")
        }
        let report = try bench.report("http://h1.fedi.localhost:\(server.port)/inbox")
        #expect(report.status == 307)
        #expect(trap.accepted == 0)
    }

    @Test func `one permitted address among forbidden ones is used`() throws {
        let bench = Bench()
        bench.answers["mixed.example"] = [.success(["10.0.0.1", "192.168.0.1", "127.0.0.1"])]
        let server = LoopServer(bench.loop) { connection in
            if connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        #expect(try bench.report("http://mixed.example:\(server.port)/inbox").status == 202)
    }
}
