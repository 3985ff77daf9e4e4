import DeliveryCore
import Testing

@Suite struct ReadyHostsTests {
    @Test func `hosts come in turn, each once`() {
        var ready = ReadyHosts()
        for host in [3, 1, 3, 2, 1] as [HostID] { ready.insert(host, in: .normal) }
        #expect((0..<4).map { _ in ready.popFirst(.normal) } == [3, 1, 2, nil])
        #expect(ready.lanes == [])
    }

    @Test func `a host that comes back goes to the end`() {
        var ready = ReadyHosts()
        for host in [1, 2] as [HostID] { ready.insert(host, in: .bulk) }
        #expect(ready.popFirst(.bulk) == 1)
        ready.insert(1, in: .bulk)
        #expect((0..<2).map { _ in ready.popFirst(.bulk) } == [2, 1])
    }

    @Test func `the lanes do not see each other`() {
        var ready = ReadyHosts()
        ready.insert(1, in: .urgent)
        #expect(ready.lanes == [.urgent])
        #expect(ready.popFirst(.normal) == nil)
        ready.insert(1, in: .normal)
        #expect(ready.popFirst(.urgent) == 1)
        #expect(ready.lanes == [.normal])
        #expect(ready.popFirst(.normal) == 1)
    }
}
