import DeliveryCore
import EventLoop
import Testing

@testable import Transport

struct TimeoutTests {
    /// libcurl 7.88 takes what is due within the coming millisecond for done when it looks at a
    /// transfer: a byte that comes then, and nothing after it, and libcurl never looks again.
    @Test func `a byte just before the timeout does not put it off for ever`() throws {
        let timeout = Duration.milliseconds(400)
        let bench = Bench {
            $0.connectTimeout = timeout / 2
            $0.totalTimeout = timeout
        }
        var starting: Instant?
        var waiting: [(connection: ServerConnection, due: Instant)] = []
        var early = Duration.microseconds(1_000)
        let server = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil, let started = starting else { return }
            waiting.append((connection, started + (timeout - early)))
            early -= .microseconds(25)
            starting = nil
        }
        var reports: [TransferReport] = []
        var count = 0
        while count < 64 || !waiting.isEmpty {
            let now = bench.loop.now
            waiting.removeAll {
                if $0.due <= now { $0.connection.send("H") }
                return $0.due <= now
            }
            // On a busy machine one may time out before it has connected.
            if count < 64, starting == nil || reports.count == count {
                starting = now
                bench.transport.send(
                    bench.request("http://h\(count).fedi.localhost:\(server.port)/inbox")
                ) { reports.append($0) }
                count += 1
            }
            bench.loop.turn(waitingAtMost: .zero)
        }
        bench.turn(until: { reports.count == count })
        let ends: [TransportFailure?] = [.timedOut, .connectTimedOut]
        #expect(reports.allSatisfy { ends.contains($0.failure) })
        #expect(reports.contains { $0.failure == .timedOut })
        #expect(bench.transport.inFlight == 0)
    }
}
