import Testing

@testable import DeliveryCore

extension Conformance {
    /// Between log, held and later: what is owed stands in one of them, whatever is asked twice.
    @Suite struct MoveTests {
        @Test(arguments: Subjects.allCases)
        func `what an entry still owes stands where its end says`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let entry = try subject.entry(0)
            let due = subject.wall + .seconds(3_600)
            let condition = HostCondition(
                suspendedUntil: due, failingSince: due - .seconds(9_000),
                probeDue: due - .seconds(60), cause: "connect-failed")
            var resolution = Resolution.holding(entry, pointers(1...2), condition)
            resolution.laters = [.init(pointer: pointers(3...3)[0], due: due)]
            try subject.resolve(lease, [resolution])

            #expect(try subject.log(0).isEmpty)
            #expect(
                try subject.hosts(0)
                    == [.sample: HeldHost(host: .sample, condition: condition, held: 2)])
            let later = try subject.releaseDue(lease)
            #expect(later.moved == 0 && later.next == due)
        }

        @Test(arguments: Subjects.allCases)
        func `an entry ends once, with all that it brings`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let past = subject.wall - .seconds(1)
            let first = try subject.entry(0)
            var ending = Resolution.holding(first, pointers(1...2))
            ending.laters = [.init(pointer: pointers(3...3)[0], due: past)]
            try subject.resolve(lease, [ending])
            // Another condition, too: what was written meanwhile is newer.
            ending.hostStates[0].condition.cause = "stale"
            let second = try subject.entry(0, .sample(8))
            try subject.resolve(lease, [ending, .holding(second, pointers(1...1, of: 8))])
            try subject.resolve(lease, [ending, ending])

            let host = try #require(try subject.hosts(0)[.sample])
            #expect(host.held == 3 && host.condition.cause == "timeout")
            #expect(try subject.releaseDue(lease).moved == 1)
        }

        @Test(arguments: Subjects.allCases)
        func `what failed waits before what waited, what is fresh behind it`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let first = try subject.entry(0)
            let second = try subject.entry(0, .sample(8))
            var mixed = Resolution.holding(second, pointers(1...3), atHead: true)
            mixed.holds.append(.init(host: .sample, atHead: false, pointers: pointers(7...8)))
            try subject.resolve(lease, [.holding(first, pointers(4...6)), mixed])

            let (entry, remaining) = try subject.release(lease, .sample)
            #expect(entry != nil && remaining == 0)
            #expect(try subject.contents(0) == [.pointers(pointers(1...8))])
        }

        @Test(arguments: Subjects.allCases)
        func `what returns to the head goes behind what is older there`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let (first, second) = (try subject.entry(0), try subject.entry(0, .sample(8)))
            let old = pointers(1...2) + pointers(3...3, of: 300)
            try subject.resolve(lease, [.holding(first, old)])
            let newer = pointers(4...4) + pointers(1...1, of: 200)
            try subject.resolve(lease, [.holding(second, newer, atHead: true)])

            _ = try subject.release(lease, .sample)
            let all = pointers(1...2) + pointers(4...4) + pointers(1...1, of: 200)
            #expect(try subject.contents(0) == [.pointers(all + pointers(3...3, of: 300))])
        }

        @Test(arguments: Subjects.allCases)
        func `what is fresh goes before what is newer at the tail, whose entry ended first`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let (first, second) = (try subject.entry(0), try subject.entry(0, .sample(8)))
            let newer = pointers(1...2, of: 50) + pointers(1...2, of: 300)
            try subject.resolve(lease, [.holding(second, newer)])
            let older = pointers(1...2, of: 7) + pointers(1...1, of: 200) + pointers(9...9, of: 400)
            try subject.resolve(lease, [.holding(first, older)])

            _ = try subject.release(lease, .sample)
            let all =
                pointers(1...2, of: 7) + pointers(1...2, of: 50) + pointers(1...1, of: 200)
                + pointers(1...2, of: 300) + pointers(9...9, of: 400)
            #expect(try subject.contents(0) == [.pointers(all)])
        }

        @Test(arguments: Subjects.allCases, [true, false])
        func `what belongs into the middle of a long backlog gets there, from either end`(
            _ subjects: Subjects, _ atHead: Bool
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let (old, new) = (pointers(1...700, of: 5), pointers(1...700, of: 300))
            try subject.resolve(lease, [.holding(try subject.entry(0), old + new)])
            // The first and the last two belong to an end, what is between to neither.
            let (first, last) = (pointers(0...0, of: 5), pointers(701...702, of: 300))
            let middle = pointers(1...2, of: 7) + pointers(1...1, of: 299)
            let late: [DeliveryPointer] = first + middle + last
            let second = try subject.entry(0, .sample(8))
            try subject.resolve(lease, [.holding(second, late, atHead: atHead)])

            while try subject.release(lease, .sample, count: 512).remaining > 0 {}
            let back = try subject.contents(0).flatMap { content -> [DeliveryPointer] in
                guard case .pointers(let pointers) = content else { return [] }
                return pointers
            }
            let all: [DeliveryPointer] = first + old + middle + new + last
            #expect(back == all)
        }

        @Test(arguments: Subjects.allCases)
        func `a backlog comes back from its head, part by part`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            try subject.resolve(lease, [.holding(try subject.entry(0), pointers(1...5))])

            let probe = try subject.release(lease, .sample, count: 1)
            #expect(probe.remaining == 4)
            #expect(try subject.log(0).map(\.id) == [probe.entry])
            #expect(try subject.hosts(0)[.sample]?.held == 4)
            let rest = try subject.release(lease, .sample, count: 100)
            #expect(rest.remaining == 0)
            #expect(
                try subject.contents(0) == [.pointers(pointers(1...1)), .pointers(pointers(2...5))])
            let none = try subject.release(lease, .sample)
            #expect(none.entry == nil && none.remaining == 0)
        }

        @Test(arguments: Subjects.allCases)
        func `the last of a backlog takes the host's record along`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let other = HostID(rawValue: 43)
            try subject.resolve(
                lease,
                [
                    .holding(try subject.entry(0), pointers(1...2)),
                    .holding(try subject.entry(0), pointers(3...4), for: other),
                ])
            _ = try subject.release(lease, .sample, count: 1)
            #expect(Set(try subject.hosts(0).keys) == [.sample, other])
            _ = try subject.release(lease, .sample, count: 1)
            #expect(Set(try subject.hosts(0).keys) == [other])
        }

        @Test(arguments: Subjects.allCases)
        func `a record without a backlog is found, and a release takes it away`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            var ending = Resolution.holding(try subject.entry(0), [])
            ending.holds = []
            try subject.resolve(lease, [ending])
            #expect(try subject.hosts(0)[.sample]?.held == 0)
            #expect(try subject.release(lease, .sample).entry == nil)
            #expect(try subject.hosts(0).isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `partitions keep apart what waits for one host`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let leases = [try subject.own(0), try subject.own(1)]
            for lease in leases {
                let number = lease.partition.rawValue
                let waiting = pointers(1...(2 + Int32(number)))
                try subject.resolve(lease, [.holding(try subject.entry(number), waiting)])
            }
            #expect(try subject.release(leases[0], .sample).remaining == 0)
            #expect(try subject.hosts(1)[.sample]?.held == 3)
        }

        @Test(arguments: Subjects.allCases)
        func `no entry becomes larger than can be read`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let past = subject.wall - .seconds(1)
            let many = pointers(1...600)
            try subject.resolve(lease, [.holding(try subject.entry(0), many)])
            try subject.resolve(
                lease, [.delaying(try subject.entry(0, .sample(8)), many.map { ($0, due: past) })])

            #expect(try subject.release(lease, .sample, count: 10_000).remaining == 88)
            let due = try subject.releaseDue(lease, count: 10_000)
            #expect(due.moved == 512 && due.next == past)
            #expect(
                try subject.contents(0) == [
                    .pointers(Array(many[..<512])), .pointers(Array(many[..<512])),
                ])
        }

        @Test(arguments: Subjects.allCases)
        func `what is due comes back by its time, and of one time by age`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let (early, past) = (subject.wall - .seconds(9), subject.wall - .seconds(5))
            let future = subject.wall + .seconds(3_600)
            let old = pointers(1...3, of: 6)
            let young = pointers(1...3, of: 70_000)
            try subject.resolve(
                lease,
                [
                    .delaying(
                        try subject.entry(0),
                        [
                            (young[1], past), (young[0], past), (old[2], future),
                            (young[2], early), (old[1], past), (old[0], past),
                        ])
                ])
            let some = try subject.releaseDue(lease, count: 2)
            #expect(some.moved == 2 && some.next == past)
            let rest = try subject.releaseDue(lease)
            #expect(rest.moved == 3 && rest.next == future)
            #expect(
                try subject.contents(0) == [
                    .pointers([young[2], old[0]]), .pointers([old[1], young[0], young[1]]),
                ])
            let none = try subject.releaseDue(lease)
            #expect(none.moved == 0 && none.next == future)
        }

        @Test(arguments: Subjects.allCases)
        func `a delivery stands in later once, at the time named last`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let (past, future) = (subject.wall - .seconds(5), subject.wall + .seconds(3_600))
            let delivery = pointers(1...1)[0]
            try subject.resolve(lease, [.delaying(try subject.entry(0), [(delivery, past)])])
            try subject.resolve(lease, [.delaying(try subject.entry(0), [(delivery, future)])])
            let due = try subject.releaseDue(lease)
            #expect(due.moved == 0 && due.next == future)
        }

        @Test(arguments: Subjects.allCases)
        func `a new owner finds what of later stands in a chain, by its time`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let due = subject.wall + .seconds(3_600)
            let chain = ChainKey(host: .sample, order: OrderKey(rawValue: .max - 1))
            let (old, young) = (pointers(1...2, of: 6), pointers(1...2, of: 70_000))
            let chained = [
                Resolution.Later(pointer: young[1], due: due - .seconds(1), chain: chain),
                Resolution.Later(pointer: old[0], due: due, chain: chain),
                Resolution.Later(pointer: young[0], due: due, chain: chain),
            ]
            var ending = Resolution(entry: try subject.entry(0))
            ending.laters = chained.reversed() + [Resolution.Later(pointer: old[1], due: due)]
            try subject.resolve(lease, [ending])
            #expect(try subject.backlog(0).later == chained)
            try subject.giveBack([lease])
            _ = try subject.own(0, by: .second)
            #expect(try subject.backlog(0, by: .second).later == chained)
        }
    }
}
