import Testing

@testable import DeliveryCore

extension Conformance {
    /// One owner to a partition, and nobody else changes anything in it.
    @Suite struct LeaseTests {
        @Test(arguments: Subjects.allCases)
        func `a lease has one owner until it is given back`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            #expect(try !subject.takeLease(0, by: .second))
            #expect(try subject.takeLease(1, by: .second))
            try subject.giveBack([lease])
            #expect(try subject.takeLease(0, by: .second))
        }

        @Test(arguments: Subjects.allCases)
        func `a lease that was taken and not yet sealed can be asked for again`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            #expect(try subject.takeLease(0))
            #expect(try subject.takeLease(0))
            #expect(try !subject.takeLease(0, by: .second))
            // Sealed, somebody works under it: an earlier life of ours, or a late question.
            _ = try subject.own(0)
            #expect(try !subject.takeLease(0))
        }

        @Test(arguments: Subjects.allCases)
        func `epochs of a partition count up, whoever asks`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let first = try subject.takeEpoch(2).rawValue
            #expect(try subject.takeEpoch(2, by: .second).rawValue == first + 1)
            #expect(try subject.takeEpoch(3).rawValue == first)
            #expect(try subject.takeEpoch(2).rawValue == first + 2)
        }

        @Test(arguments: Subjects.allCases)
        func `only a lease that is ours can be sealed`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let epoch = Epoch(rawValue: 1)
            let partition = PartitionNumber(rawValue: 0)
            let lease = OwnedLease(partition: partition, epoch: epoch)
            #expect(try !subject.seal(lease))
            #expect(try subject.takeLease(0, by: .second))
            #expect(try !subject.seal(lease))
            #expect(try subject.seal(lease, by: .second))
            // What was answered and not heard is asked again.
            #expect(try subject.seal(lease, by: .second))
        }

        @Test(arguments: Subjects.allCases)
        func `renewed in time a lease is kept, and otherwise it is anybody's`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            try subject.elapse(.seconds(10))
            #expect(try subject.renew([lease]).kept == [lease])
            try subject.elapse(.seconds(10))
            #expect(try !subject.takeLease(0, by: .second))
            try subject.elapse(.seconds(6))
            #expect(try subject.renew([lease]).lost == [lease])
            #expect(try subject.takeLease(0, by: .second))
        }

        @Test(arguments: Subjects.allCases)
        func `a renewal tells the leases that are kept from those that are lost`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let ours = try subject.own(0)
            var former = try subject.own(1)
            former.epoch = Epoch(rawValue: former.epoch.rawValue + 1)
            let others = try subject.own(2, by: .second)
            let (kept, lost) = try subject.renew([others, ours, former])
            #expect(kept == [ours])
            #expect(lost == [others, former])
        }

        @Test(arguments: Subjects.allCases)
        func `what is not ours at this epoch cannot be given back`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let others = try subject.own(0, by: .second)
            try subject.giveBack([others])
            #expect(try subject.renew([others], by: .second).kept == [others])
            var former = others
            former.epoch = Epoch(rawValue: 0)
            try subject.giveBack([former], by: .second)
            #expect(try subject.renew([others], by: .second).kept == [others])
        }

        @Test(arguments: Subjects.allCases)
        func `whoever lost the lease changes nothing`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let frozen = try subject.own(0)
            let past = subject.wall - .seconds(1)
            try subject.resolve(
                frozen, [.holding(try subject.entry(0, .sample(8)), pointers(1...2, of: 8))])
            try subject.resolve(
                frozen,
                [.delaying(try subject.entry(0, .sample(9)), [(pointers(3...3, of: 9)[0], past)])])
            let entry = try subject.entry(0)
            try subject.elapse(.seconds(16))
            let owner = try subject.own(0, by: .second)

            let fenced = Fenced(leases: [frozen])
            #expect(throws: fenced) {
                try subject.resolve(frozen, [.holding(entry, pointers(1...3), atHead: true)])
            }
            #expect(throws: fenced) { try subject.release(frozen, .sample) }
            #expect(throws: fenced) { try subject.releaseDue(frozen) }

            #expect(try subject.log(0).map(\.id) == [entry])
            #expect(try subject.hosts(0)[.sample]?.held == 2)
            #expect(try subject.releaseDue(owner, by: .second).moved == 1)
        }

        @Test(arguments: Subjects.allCases)
        func `an earlier epoch of the same worker is fenced too`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let former = try subject.own(0)
            try subject.giveBack([former])
            let lease = try subject.own(0)
            let entry = try subject.entry(0)
            #expect(throws: Fenced(leases: [former])) {
                try subject.resolve(former, [Resolution(entry: entry)])
            }
            try subject.resolve(lease, [Resolution(entry: entry)])
            #expect(try subject.log(0).isEmpty)
        }
    }

    /// Who is there.
    @Suite struct MembershipTests {
        @Test(arguments: Subjects.allCases)
        func `a worker counts as alive for 15 seconds`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            #expect(try subject.heartbeat(.first) == [Hand.first.name])
            #expect(try subject.heartbeat(.second) == Set(Hand.allCases.map(\.name)))
            try subject.elapse(.seconds(14))
            #expect(try subject.heartbeat(.first) == Set(Hand.allCases.map(\.name)))
            try subject.elapse(.seconds(2))
            #expect(try subject.heartbeat(.first) == [Hand.first.name])
        }

        @Test(arguments: Subjects.allCases)
        func `one that has finished is gone at once`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            _ = try subject.heartbeat(.first)
            _ = try subject.heartbeat(.second)
            try subject.ask(.finish, by: .second)
            let start = subject.wall
            // Nothing answers it: it is the last thing that a worker does.
            while try subject.heartbeat(.first) != [Hand.first.name] {
                try #require(subject.wall - start < .seconds(5))
            }
        }
    }
}
