import DeliveryCore
import Testing

@Suite struct RoutesTests {
    static func routes(_ inboxes: [Int32], partitions: Int32 = 1) -> Routes {
        var routes = Routes()
        for inbox in inboxes {
            routes.add(
                InboxID(rawValue: inbox), to: PartitionNumber(rawValue: Int(inbox % partitions)))
        }
        return routes
    }

    @Test func `nobody to send to is no entry`() {
        #expect(Routes().isEmpty)
        #expect(Routes().entries(activity: 1, lane: .normal, again: false).isEmpty)
    }

    @Test func `ids ascend and stand once`() {
        let entries = Self.routes([9, 3, 9, 1, 3]).entries(activity: 7, lane: .bulk, again: true)
        #expect(entries.map(\.0) == [0])
        #expect(
            entries.map(\.1) == [
                Fanout(activity: 7, lane: .bulk, again: true, inboxes: [1, 3, 9])
            ])
    }

    @Test(
        arguments: [(512, [512]), (513, [512, 1]), (1_600, [512, 512, 512, 64])]
            as [(Int32, [Int])])
    func `an entry holds at most 512 inboxes`(count: Int32, sizes: [Int]) {
        let entries = Self.routes(Array((1...count).reversed()))
            .entries(activity: 7, lane: .normal, again: false)
        #expect(entries.map(\.1.inboxes.count) == sizes)
        #expect(entries.flatMap(\.1.inboxes) == (1...count).map(InboxID.init(rawValue:)))
    }

    @Test func `every inbox goes to its own partition, partitions ascend`() {
        let entries = Self.routes(Array(1...100), partitions: 4)
            .entries(activity: 7, lane: .normal, again: false)
        #expect(entries.map(\.0) == [0, 1, 2, 3])
        for (partition, fanout) in entries {
            #expect(fanout.inboxes.allSatisfy { Int($0.rawValue % 4) == partition.rawValue })
        }
        #expect(entries.reduce(0) { $0 + $1.1.inboxes.count } == 100)
    }
}
