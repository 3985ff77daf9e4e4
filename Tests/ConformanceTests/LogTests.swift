import Testing

@testable import DeliveryCore

extension Conformance {
    /// A partition's log: what is routed is read once around, by cursor.
    @Suite struct LogTests {
        @Test(arguments: Subjects.allCases)
        func `entries come in the order in which they were routed`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let fanouts = [Fanout.sample(5), .sample(3, inboxes: 4...6), .sample(9)]
            try subject.route(fanouts.map { (0, $0) })
            #expect(try subject.contents(0) == fanouts.map { .fanout($0) })
            let ids = try subject.log(0).map(\.id)
            #expect(ids == ids.sorted() && Set(ids).count == 3)
        }

        @Test(arguments: Subjects.allCases)
        func `a read goes on after its cursor and brings so many of each log`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            try subject.route((1...5).map { (0, .sample($0)) } + (6...7).map { (1, .sample($0)) })
            let all = try subject.log(0)
            #expect(try subject.log(0, after: all[1].id) == Array(all[2...]))
            #expect(try subject.log(0, after: all[4].id).isEmpty)
            let found = try subject.read(
                [subject.cursor(1), subject.cursor(2), subject.cursor(0, after: all[0].id)],
                count: 2)
            // A log with nothing new is left out; the others come in the order of the question.
            #expect(found.map(\.0.rawValue) == [1, 0])
            #expect(found.map { $0.1.count } == [2, 2])
            #expect(found[1].1 == Array(all[1...2]))
        }

        @Test(arguments: Subjects.allCases)
        func `what is ended in the middle is gone, and its neighbours stay`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            try subject.route((1...3).map { (0, .sample($0)) })
            let all = try subject.log(0)
            try subject.resolve(lease, [Resolution(entry: all[1].id)])
            #expect(try subject.log(0) == [all[0], all[2]])
            #expect(try subject.log(0, after: all[0].id) == [all[2]])
        }

        @Test(arguments: Subjects.allCases)
        func `a waiting read is answered by what somebody routes`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.ask(
                .readLogs([subject.cursor(0), subject.cursor(1)], count: 4), by: .first)
            try subject.route([(1, .sample())], by: .second)
            let found = try subject.logRead()
            #expect(found.map(\.0.rawValue) == [1])
            #expect(found.flatMap(\.1).map(\.content) == [.fanout(.sample())])
        }

        @Test(arguments: Subjects.allCases)
        func `a waiting read is answered by what is released`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let entry = try subject.entry(0)
            try subject.resolve(lease, [.holding(entry, pointers(1...2))])
            try subject.ask(.readLogs([subject.cursor(0, after: entry)], count: 4), by: .first)
            let released = try subject.release(lease, .sample).entry
            let found = try subject.logRead().flatMap(\.1)
            #expect(found.map(\.id) == [released])
            #expect(found.map(\.content) == [.pointers(pointers(1...2))])
        }

        @Test(arguments: Subjects.allCases)
        func `a read that finds nothing ends when it is interrupted`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            #expect(try subject.read([subject.cursor(0)]).isEmpty)
        }
    }
}
