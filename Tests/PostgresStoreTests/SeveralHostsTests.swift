import DeliveryCore
import EventLoop
import Glibc
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
        let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(silent) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(silent, $0, size) | listen(silent, 16) | getsockname(silent, $0, &size)
            }
        }
        try #require(status == 0)
        let port = UInt16(bigEndian: address.sin_port)
        let good = try PostgresServer.shared.makeDatabase()
        let words = good.split(separator: " ").filter { !$0.hasPrefix("host=") }
        let directory = try #require(good.split(separator: " ").first).dropFirst("host=".count)
        let text =
            words.joined(separator: " ")
            + " host=127.0.0.1,\(directory) port=\(port),5432 connect_timeout=1"
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
