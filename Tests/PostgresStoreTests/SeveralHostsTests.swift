import DeliveryCore
import EventLoop
import TestSupport
import Testing

@testable import PostgresStore

struct SeveralHostsTests {
    @Test func `another host is the first when one has kept silent`() {
        let plan = ConnectionPlan("host=a,b,c port=1,2,3 connect_timeout=4 dbname=d")
        #expect(plan.hostCount == 3)
        #expect(plan.timeout == .seconds(4))
        #expect(plan.overrides(startingAt: 0).isEmpty)
        #expect(plan.overrides(startingAt: 1).map(\.value) == ["b,c,a", "2,3,1"])
        #expect(plan.overrides(startingAt: 5).map(\.value) == ["c,a,b", "3,1,2"])
        let address = ConnectionPlan("hostaddr=127.0.0.1,127.0.0.2 port=5433")
        #expect(address.overrides(startingAt: 1).map(\.keyword) == ["hostaddr"])
        #expect(
            ConnectionPlan("postgresql://a,b:2/d").overrides(startingAt: 1).map(\.value) == [
                "b,a", "2,",
            ])
        #expect(ConnectionPlan("host=a").overrides(startingAt: 1).isEmpty)
        #expect(ConnectionPlan("no string").hostCount == 1)
    }

    @Test func `a host that takes connections and says nothing is passed over`() throws {
        let silent = try LoopbackPort(isListening: true)
        let good = try PostgresServer.shared.makeDatabase()
        let words = good.split(separator: " ").filter { !$0.hasPrefix("host=") }
        let directory = try #require(good.split(separator: " ").first).dropFirst("host=".count)
        let text =
            words.joined(separator: " ")
            + " host=127.0.0.1,\(directory) port=\(silent.number),5432 connect_timeout=1"
        let loop = EventLoop()
        var reasons: [String] = []
        let store = PostgresStore(
            loop: loop, connectionString: text, random: SeededGenerator(seed: 1)
        ) { isUp, reason in reasons.append(isUp ? "up" : reason) }
        store.open()
        let deadline = loop.now + .seconds(20)
        while reasons.last != "up", loop.now < deadline {
            loop.turn(waitingAtMost: .milliseconds(20))
        }
        #expect(reasons.first?.contains("no connection within 1.0 seconds") == true)
        #expect(reasons.last == "up")
        store.close()
    }
}
