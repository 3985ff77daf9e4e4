import DeliveryCore
import EventLoop
import Testing

@testable import RedisQueue

struct RedisLinkTests {
    private func link(_ bench: Bench, random: Double = 0) -> RedisLink {
        RedisLink(
            loop: bench.loop, target: RedisTarget(address: .unix(path: bench.server.socket)),
            name: "test", patience: .seconds(10), nextTurn: NextTurn(loop: bench.loop),
            random: { random })
    }

    @Test func `what fails with a connection that is given up finds it gone`() throws {
        let bench = try Bench()
        let link = link(bench)
        var changes: [Bool] = []
        link.onChange = { isReady, _ in changes.append(isReady) }
        link.start()
        try bench.turn("connected") { link.isReady }
        var isStopped = false
        link.send(RedisCommand("BLPOP", "nothing", "0")) { _ in
            #expect(!link.isReady)
            isStopped = true
            link.stop()
        }
        link.reconnect(because: "a test")
        #expect(isStopped)
        // Nobody is told that a stopped link will come back.
        #expect(changes == [true])
    }
}
