import Testing

@testable import DeliveryCore

extension Conformance {
    /// Every question has its answer, also when there is nobody to ask.
    @Suite struct OutageTests {
        @Test(arguments: Subjects.allCases)
        func `without Redis each action fails by its own event`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            let lease = try subject.own(0)
            let entry = try subject.entry(0)
            try subject.produce(Posting(1))
            let entries = try subject.readIntake()
            subject.loseRedis()
            #expect(throws: Failed.self) { try subject.takeLease(1) }
            #expect(throws: Failed.self) { try subject.seal(lease) }
            #expect(throws: Failed.self) { try subject.hosts(0) }
            #expect(throws: Failed.self) { try subject.examine(lease) }
            #expect(throws: Failed.self) { try subject.rebuild(lease) }
            #expect(throws: Failed.self) { try subject.readIntake() }
            #expect(throws: Failed.self) { try subject.predecessors(of: entries[0]) }
            #expect(throws: Failed.self) { try subject.finishIntake(entries) }
            #expect(throws: Failed.self) { try subject.route([(0, .sample())]) }
            #expect(throws: Failed.self) { try subject.log(0) }
            #expect(throws: Failed.self) { try subject.release(lease, .sample) }
            #expect(throws: Failed.self) { try subject.releaseDue(lease) }
            #expect(throws: Failed.self) {
                try subject.resolve(lease, [Resolution(entry: entry)])
            }
            // They run out by themselves: nobody is to wait for the answer.
            try subject.giveBack([lease])
        }

        @Test(arguments: Subjects.allCases)
        func `without PostgreSQL each action fails by its own event`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1))
            let entries = try subject.readIntake()
            let request = PreparationRequest(activities: [ActivityID(rawValue: 1)])
            let lease = try subject.own(1)
            _ = try subject.examine(lease)
            subject.losePostgres()
            #expect(throws: Failed.self) { try subject.takeEpoch(0) }
            #expect(throws: Failed.self) { try subject.examine(lease) }
            #expect(throws: Failed.self) { try subject.rebuild(lease) }
            #expect(throws: Failed.self) { try subject.expand(entries) }
            #expect(throws: Failed.self) { try subject.prepare(request) }
            #expect(throws: Failed.self) { try subject.flush(1, FlushBatch()) }
            // Redis is not concerned.
            #expect(try subject.takeLease(0))
        }
    }
}
