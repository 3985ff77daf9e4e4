import Testing

@testable import DeliveryCore

extension Conformance {
    /// What is owed and old, and where it stands.
    @Suite struct StocktakingTests {
        private let everywhere = Array(1...12)

        private struct Pair: Hashable {
            var activity: ActivityID
            var inbox: InboxID
        }

        private func pairs(_ owed: [Owed]) -> [Pair] {
            owed.flatMap { one in one.inboxes.map { Pair(activity: one.activity, inbox: $0) } }
        }

        @Test(arguments: Subjects.allCases)
        func `what is owed and old is found, page by page, with its hosts`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(
                Posting(1, to: everywhere), Posting(2, to: everywhere), Posting(3, to: everywhere))
            #expect(try subject.findOwed(of: [0]).through == nil, "it is too young")
            let mine = stored.flatMap(\.entries).filter { $0.0.rawValue == 0 }
            let lease = try subject.own(0)
            let ended = try #require(mine.first?.1.inboxes.first)
            try subject.flush(1, FlushBatch(fences: [lease]) { $0.end(stored[0], [ended]) })
            try subject.park([stored[2].activity])
            try subject.elapse(.seconds(301))

            let page = try subject.findOwed(of: [0])
            #expect(page.through == stored[2].activity)
            var expected = Set(
                mine.flatMap { _, fanout in
                    fanout.inboxes.map { Pair(activity: fanout.activity, inbox: $0) }
                })
            expected.remove(Pair(activity: stored[0].activity, inbox: ended))
            expected = expected.filter { $0.activity != stored[2].activity }
            #expect(Set(pairs(page.owed)) == expected && pairs(page.owed).count == expected.count)
            for one in page.owed {
                #expect(one.partition == PartitionNumber(rawValue: 0) && one.lane == .normal)
                for (inbox, host) in zip(one.inboxes, one.hosts) {
                    #expect(try subject.facts(of: inbox).host == host)
                }
            }
            #expect(try subject.findOwed(of: [0], after: stored[2].activity).through == nil)
        }

        @Test(arguments: Subjects.allCases)
        func `what is in later, or in the log and not read, does not stand nowhere`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let read = try subject.entry(0, .sample(6))
            let delayed = try subject.entry(0, .sample(7))
            let due = subject.wall + .seconds(600)
            try subject.resolve(
                lease, [.delaying(delayed, pointers(1...1, of: 7).map { ($0, due: due) })])
            let held = try subject.entry(0, .sample(8))
            try subject.resolve(lease, [.holding(held, pointers(1...2, of: 8))])
            _ = try subject.release(lease, .sample, count: 1)
            _ = try subject.entry(0, .sample(9))

            let asked = (6...10 as ClosedRange<Int64>).flatMap { activity in
                [1, 2].map {
                    DeliveryPointer(
                        activity: ActivityID(rawValue: activity), inbox: InboxID(rawValue: $0),
                        attempts: 0)
                }
            }
            let nowhere = try subject.seek(lease, after: read, asked)
            #expect(
                Set(nowhere.map { "\($0.activity.rawValue)/\($0.inbox.rawValue)" })
                    == ["6/1", "6/2", "7/2", "8/2", "10/1", "10/2"])
        }

        @Test(arguments: Subjects.allCases)
        func `whoever lost the lease is told nothing, and gives nothing back`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let frozen = try subject.own(0)
            try subject.elapse(.seconds(16))
            let owner = try subject.own(0, by: .second)
            try subject.ask(.restore(frozen, [.sample(7)]), by: .first)
            try subject.ask(.restore(owner, [.sample(8)]), by: .second)
            #expect(
                try subject.next("fenced") { if case .fenced(frozen) = $0 { true } else { nil } })
            #expect(try subject.contents(0) == [.fanout(.sample(8))])
        }

        @Test(arguments: Subjects.allCases)
        func `what was woken before Redis came back with older data is brought back`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(
                Posting(1, to: everywhere), Posting(2, to: everywhere), Posting(3, to: everywhere))
            try subject.park([stored[0].activity, stored[1].activity])
            let lease = try subject.own(0)
            _ = try subject.examine(lease)
            try subject.finishUnparking([stored[0].activity])
            // The mark was as far as the newest.
            try subject.rebuild(lease, after: stored[2].activity)
            let back = try subject.contents(0).compactMap { content -> ActivityID? in
                if case .fanout(let fanout) = content { fanout.activity } else { nil }
            }
            #expect(Set(back) == [stored[0].activity])
        }
    }
}
