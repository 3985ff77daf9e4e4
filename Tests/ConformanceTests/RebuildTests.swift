import Testing

@testable import DeliveryCore

extension Conformance {
    /// What Redis has lost is known, and comes back from PostgreSQL.
    @Suite struct RebuildTests {
        /// So many hosts that each partition has some.
        private let everywhere = Array(1...12)

        /// Owns it, looks, and rebuilds what is lost.
        private func begin(
            _ subject: any Subject, _ partition: Int = 0, by worker: Hand = .first
        ) throws -> OwnedLease {
            let lease = try subject.own(partition, by: worker)
            switch try subject.examine(lease, by: worker) {
            case .whole: break
            case .rolledBack(let activity):
                try subject.rebuild(lease, after: activity, by: worker)
            case .lost: try subject.rebuild(lease, by: worker)
            }
            return lease
        }

        /// What stands in the log, entry by entry.
        private func owed(_ subject: any Subject, _ partition: Int) throws -> [Delivery] {
            try subject.contents(partition).flatMap { content -> [Delivery] in
                guard case .fanout(let fanout) = content else { return [] }
                #expect(fanout.again)
                return fanout.inboxes.map { Delivery(activity: fanout.activity, inbox: $0) }
            }
        }

        private struct Delivery: Hashable {
            var activity: ActivityID
            var inbox: InboxID
        }

        private func entries(
            _ stored: [ExpansionResult.Stored], in partition: Int
        ) -> Set<Delivery> {
            Set(
                stored.flatMap(\.entries).filter { $0.0.rawValue == partition }.flatMap {
                    _, fanout in
                    fanout.inboxes.map { Delivery(activity: fanout.activity, inbox: $0) }
                })
        }

        @Test(arguments: Subjects.allCases)
        func `a partition is lost until it was rebuilt, and then whole`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            #expect(try subject.examine(lease) == .lost)
            let through = try subject.rebuild(lease)
            #expect(try subject.examine(lease) == .whole(through: through))
            #expect(try subject.examine(subject.own(1)) == .lost)
            try subject.giveBack([lease])
            let next = try subject.own(0, by: .second)
            #expect(try subject.examine(next, by: .second) == .whole(through: through))
            // It has not seen what its successor found whole.
            #expect(throws: Fenced.self) { try subject.examine(lease) }
        }

        @Test(arguments: Subjects.allCases)
        func `after a flush the log has what is owed, each once, flagged`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let before = try begin(subject)
            let stored = try subject.stored(
                Posting(1, to: everywhere), Posting(2, to: everywhere), Posting(3, to: everywhere))
            try subject.route(stored.flatMap(\.entries).map { ($0.0.rawValue, $0.1) })
            try subject.flushRedis()
            #expect(try subject.examine(before) == .lost)
            #expect(try subject.log(0).isEmpty)

            let lease = try begin(subject)
            let owed = try owed(subject, 0)
            #expect(Set(owed) == entries(stored, in: 0))
            #expect(owed.count == Set(owed).count)
            // And again, as after a rebuild that stopped halfway.
            try subject.rebuild(lease)
            #expect(try self.owed(subject, 0).count == owed.count)
        }

        @Test(arguments: Subjects.allCases)
        func `what has ended, and what stood there before, does not come back`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try begin(subject)
            let stored = try subject.stored(Posting(1, to: everywhere), Posting(2, to: everywhere))
            let mine = stored.flatMap(\.entries).filter { $0.0.rawValue == 0 }
            let (_, first) = try #require(mine.first)
            try subject.flush(
                1,
                FlushBatch(fences: [lease]) { $0.end(stored[0], [first.inboxes[0]]) })
            // The remains of another life: nothing in PostgreSQL owes them.
            _ = try subject.entry(0, .sample(4_711))
            let held = try subject.entry(0, .sample(4_712))
            try subject.resolve(lease, [.holding(held, pointers(1...2, of: 4_712))])

            try subject.rebuild(lease)
            var expected = entries(stored, in: 0)
            expected.remove(Delivery(activity: first.activity, inbox: first.inboxes[0]))
            #expect(Set(try owed(subject, 0)) == expected)
            #expect(try subject.hosts(0).isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `of another process only what came after the mark is brought back`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let before = try subject.stored(Posting(1, to: everywhere))
            let lease = try begin(subject)
            let early = try subject.log(0)
            let after = try subject.stored(Posting(2, to: everywhere))
            try subject.replaceRedis()
            let condition = try subject.examine(lease)
            #expect(condition == .rolledBack(after: before[0].activity))
            try subject.rebuild(lease, after: before[0].activity)
            // What stood there stays, and what may be missing is added.
            let log = try subject.log(0)
            #expect(Array(log.prefix(early.count)) == early)
            let added = log.dropFirst(early.count).compactMap { entry -> ActivityID? in
                if case .fanout(let fanout) = entry.content { fanout.activity } else { nil }
            }
            #expect(Set(added) == [after[0].activity])
            #expect(try subject.examine(lease) == .whole(through: after[0].activity))
        }

        @Test(arguments: Subjects.allCases)
        func `whoever lost the lease rebuilds nothing`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let frozen = try subject.own(0)
            _ = try subject.examine(frozen)
            try subject.elapse(.seconds(16))
            _ = try begin(subject, by: .second)
            let before = try subject.log(0)
            #expect(throws: Fenced(leases: [frozen])) { try subject.rebuild(frozen) }
            #expect(try subject.log(0) == before)
        }
    }
}
