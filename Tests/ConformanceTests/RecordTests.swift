import Simulation
import Testing

@testable import DeliveryCore

extension Conformance {
    /// PostgreSQL: what is stored, who may write, what has ended.
    @Suite struct ExpansionTests {
        @Test(arguments: Subjects.allCases)
        func `every inbox of an activity is routed once, by its host`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1, to: [1, 2, 2, 3, 4, 5]))[0]
            #expect(!stored.again)
            #expect(Set(stored.inboxes).count == 6 && stored.inboxes.count == 6)
            var places: [HostID: Set<PartitionNumber>] = [:]
            for (partition, fanout) in stored.entries {
                #expect(fanout.activity == stored.activity && fanout.lane == .normal)
                for inbox in fanout.inboxes {
                    places[try subject.facts(of: inbox).host, default: []].insert(partition)
                }
            }
            #expect(places.count == 5 && places.values.allSatisfy { $0.count == 1 })
        }

        @Test(arguments: Subjects.allCases)
        func `a second entry of one key is the first one's activity`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let first = try subject.stored(Posting(1, to: [1, 2]))[0]
            let again = try subject.stored(Posting(1, to: [1, 2]), Posting(2, to: [1]))
            #expect(again.map(\.again) == [true, false])
            #expect(again[0].activity == first.activity && again[0].routes == first.routes)
            #expect(again[1].activity > first.activity)
        }

        @Test(arguments: Subjects.allCases)
        func `two entries of one key in one expansion are one activity`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1), Posting(2), Posting(1))
            #expect(stored.map(\.again) == [false, false, true])
            #expect(stored[2].activity == stored[0].activity)
            #expect(stored[1].activity != stored[0].activity)
        }

        @Test(arguments: Subjects.allCases)
        func `what the machine decides by is read back`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let hour = WallTime(milliseconds: subject.wall.milliseconds / 1_000 * 1_000)
            let expires = hour + .seconds(3_600)
            let stored = try subject.stored(
                Posting(1) {
                    $0.lane = .urgent
                    $0.expires = expires
                }, Posting(2))
            let facts = try subject.facts(of: stored[0])
            #expect(facts.lane == .urgent && facts.expires == expires && facts.kind == .other)
            #expect(facts.size > 0 && !facts.isSuperseded)
            #expect((subject.wall - facts.stored).wholeMilliseconds.magnitude < 60_000)
            #expect(try subject.facts(of: stored[1]).expires == nil)
            let inbox = try subject.facts(of: stored[0].inboxes[0])
            #expect(inbox.hostName == "h1.example")
            #expect(inbox.url == Posting(1).inboxes[0].url)
            #expect(!inbox.hasStrikes && inbox.hostCondition == HostCondition())
        }

        @Test(arguments: Subjects.allCases)
        func `order belongs to one sender and one object`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(
                Posting(1) { $0.object = 7 }, Posting(2) { $0.object = 7 },
                Posting(3) { $0.object = 8 },
                Posting(4) {
                    $0.object = 7
                    $0.sender = 2
                })
            let facts = try stored.map { try subject.facts(of: $0) }
            let order = facts.map(\.order)
            #expect(order[0] != nil && order[0] == order[1])
            #expect(order[2] != order[0] && order[3] != order[0] && order[3] != order[2])
            #expect(facts[0].sender == facts[2].sender && facts[3].sender != facts[0].sender)
        }

        @Test(arguments: Subjects.allCases)
        func `a Delete on record supersedes the revisions of its object`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            func posting(_ number: Int, _ kind: TrafficKind, sender: Int = 1) -> Posting {
                Posting(number) {
                    $0.kind = kind
                    $0.object = 7
                    $0.sender = sender
                }
            }
            let create = try subject.stored(posting(1, .create))[0]
            #expect(try !subject.facts(of: create).isSuperseded)
            let later = try subject.stored(
                posting(2, .delete), posting(3, .update), posting(4, .note),
                posting(5, .create, sender: 2))
            #expect(try subject.facts(of: create).isSuperseded)
            #expect(
                try later.map { try subject.facts(of: $0).kind }
                    == [.deletion, .revision, .other, .revision])
            #expect(
                try later.map { try subject.facts(of: $0).isSuperseded }
                    == [false, true, false, false])
        }

        @Test(arguments: Subjects.allCases)
        func `what three workers crashed with is set aside, and nothing else`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1), Posting(2))
            for crash in 1...4 {
                try subject.crash(with: .activity(stored[0].activity))
                let quarantine = try subject.facts(of: stored[0]).quarantine
                #expect((quarantine != nil) == (crash >= Quarantine.crashLimit))
            }
            #expect(try subject.facts(of: stored[0]).order != nil)
            #expect(try subject.facts(of: stored[1]).quarantine == nil)
        }

        @Test(arguments: Subjects.allCases)
        func `what was never stored is absent`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1))[0]
            let unknown = ActivityID(rawValue: stored.activity.rawValue + 1_000)
            let facts = try subject.prepare(
                PreparationRequest(
                    activities: [unknown, stored.activity],
                    inboxes: [InboxID(rawValue: 9_999)],
                    checks: [unknown: [stored.inboxes[0]]]))
            #expect(facts.activities.keys.map { $0 } == [stored.activity])
            #expect(facts.inboxes.isEmpty)
            #expect(facts.settled[unknown, default: []].isEmpty)
        }
    }

    @Suite struct FlushTests {
        @Test(arguments: Subjects.allCases)
        func `an end of any kind is an end`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let stored = try subject.stored(Posting(1, to: [1, 2, 3, 4, 5, 6]), Posting(2))
            let inboxes = stored[0].inboxes
            let ends: [OutcomeState] = [.delivered, .superseded, .expired, .dropped]
            try subject.flush(
                1,
                FlushBatch(fences: [lease]) { batch in
                    for (place, state) in ends.enumerated() {
                        batch.end(stored[0], [inboxes[place]], state)
                    }
                    batch.fail(stored[0], inboxes[4])
                })
            #expect(try subject.settled(stored[0]) == Set(inboxes[..<5]))
            #expect(try subject.settled(stored[1]).isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `whoever lost one of the fences writes nothing`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let kept = try subject.own(0)
            let lost = try subject.own(1)
            let epoch = try subject.takeEpoch(1, by: .second)
            let stored = try subject.stored(Posting(1))[0]
            var batch = FlushBatch(fences: [kept, lost]) { $0.end(stored, stored.inboxes) }
            #expect(throws: Fenced(leases: [lost])) { try subject.flush(1, batch) }
            #expect(try subject.settled(stored).isEmpty)

            batch.fences = [kept, OwnedLease(partition: lost.partition, epoch: epoch)]
            try subject.flush(1, batch)
            #expect(try subject.settled(stored) == Set(stored.inboxes))
        }

        @Test(arguments: Subjects.allCases)
        func `a flush that is repeated changes nothing, and is fenced like any other`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let stored = try subject.stored(Posting(1, to: [1, 2]))[0]
            let batch = FlushBatch(fences: [lease]) { $0.end(stored, [stored.inboxes[0]]) }
            try subject.flush(1, batch)
            try subject.flush(1, batch)
            #expect(try subject.settled(stored) == [stored.inboxes[0]])
            _ = try subject.takeEpoch(0, by: .second)
            #expect(throws: Fenced(leases: [lease])) { try subject.flush(1, batch) }
        }

        @Test(arguments: Subjects.allCases)
        func `flushes of two workers with one number are two`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1, to: [1, 2]))[0]
            for (worker, inbox) in zip(Hand.allCases, stored.inboxes) {
                try subject.flush(1, FlushBatch { $0.end(stored, [inbox]) }, by: worker)
            }
            #expect(try subject.settled(stored) == Set(stored.inboxes))
        }

        @Test(arguments: Subjects.allCases)
        func `what is known of a host outlives its owner`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let inbox = try subject.stored(Posting(1))[0].inboxes[0]
            let host = try subject.facts(of: inbox).host
            let now = subject.wall
            var known = HostCondition(
                suspendedUntil: now + .seconds(60), failingSince: now - .seconds(60),
                probeDue: now + .seconds(30), cause: "timeout", lastSuccess: now - .seconds(90))
            try subject.flush(1, FlushBatch { $0.report(host, known) })
            #expect(try subject.facts(of: inbox).hostCondition == known)
            // Without a success of its own, a report leaves the one on record.
            let healed = HostCondition()
            try subject.flush(2, FlushBatch { $0.report(host, healed) })
            known = HostCondition(lastSuccess: known.lastSuccess)
            #expect(try subject.facts(of: inbox).hostCondition == known)
        }

        @Test(arguments: Subjects.allCases)
        func `an inbox that was gone is marked until it takes a delivery`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            let stored = try subject.stored(Posting(1, to: [1, 2]))[0]
            let (gone, other) = (stored.inboxes[0], stored.inboxes[1])
            try subject.flush(
                1,
                FlushBatch {
                    $0.fail(stored, gone)
                    $0.fail(stored, other, "refused")
                })
            #expect(try subject.facts(of: gone).hasStrikes)
            #expect(try !subject.facts(of: other).hasStrikes)
            try subject.flush(2, FlushBatch { $0.revivedInboxes = [gone] })
            #expect(try !subject.facts(of: gone).hasStrikes)
        }
    }
}
