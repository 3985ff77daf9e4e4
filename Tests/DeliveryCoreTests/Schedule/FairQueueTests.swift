import DeliveryCore
import Testing

extension SenderID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(rawValue: value) }
}

/// Whose turn it is.
@Suite struct FairQueueTests {
    /// Takes turns until nothing is left; the senders in their order.
    private func drain(_ queue: inout FairQueue, turns: Int = .max) -> [SenderID] {
        var order: [SenderID] = []
        while order.count < turns, let turn = queue.popFirst() {
            order.append(turn.sender)
            queue.endTurn(of: turn.sender, isUsed: true)
        }
        return order
    }

    @Test func `senders take turns, however much each has`() {
        var queue = FairQueue()
        for host in 1...5 { queue.insert(HostID(rawValue: Int32(host)), for: 1) }
        for host in 1...2 { queue.insert(HostID(rawValue: Int32(host)), for: 2) }
        #expect(drain(&queue) == [1, 2, 1, 2, 1, 1, 1])
        #expect(queue.isEmpty)
    }

    @Test func `of a sender the hosts come in turn, each once`() {
        var queue = FairQueue()
        for host in [3, 1, 3, 2, 1] as [HostID] { queue.insert(host, for: 1) }
        var hosts: [HostID] = []
        while let turn = queue.popFirst() {
            hosts.append(turn.host)
            queue.endTurn(of: 1, isUsed: true)
        }
        #expect(hosts == [3, 1, 2])
    }

    @Test func `one who comes late is served next, and is owed nothing for the past`() {
        var queue = FairQueue()
        for host in 1...100 { queue.insert(HostID(rawValue: Int32(host)), for: 1) }
        _ = drain(&queue, turns: 50)
        for host in 1...10 { queue.insert(HostID(rawValue: Int32(host)), for: 2) }
        let order = drain(&queue, turns: 6)
        #expect(order.prefix(2).contains(2))
        #expect(order.count { $0 == 2 } == 3)
    }

    @Test func `a turn that was not used costs nothing`() {
        var queue = FairQueue()
        for host in 1...4 { queue.insert(HostID(rawValue: Int32(host)), for: 1) }
        for _ in 0..<2 {
            _ = queue.popFirst()
            queue.endTurn(of: 1, isUsed: false)
        }
        queue.insert(1, for: 2)
        #expect(drain(&queue) == [1, 2, 1])
    }

    @Test func `a sender who leaves and returns in its turn has no advantage`() {
        var queue = FairQueue()
        queue.insert(1, for: 1)
        queue.insert(1, for: 2)
        var order: [SenderID] = []
        for _ in 0..<8 {
            guard let turn = queue.popFirst() else { break }
            order.append(turn.sender)
            // Its next delivery for the host is there at once.
            queue.insert(turn.host, for: turn.sender)
            queue.endTurn(of: turn.sender, isUsed: true)
        }
        #expect(order == [1, 2, 1, 2, 1, 2, 1, 2])
    }
}
