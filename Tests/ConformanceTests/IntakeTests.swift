import Simulation
import Testing

@testable import DeliveryCore

extension Conformance {
    /// The intake: an entry has one reader, and comes again until it is finished or set aside.
    @Suite struct IntakeTests {
        @Test(arguments: Subjects.allCases)
        func `urgent entries come first, so many of each lane`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            for number in 1...3 { try subject.produce(Posting(number) { $0.lane = .bulk }) }
            for number in 4...6 { try subject.produce(Posting(number) { $0.lane = .urgent }) }
            try subject.produce(Posting(7))
            let first = try subject.readIntake(count: 2)
            #expect(first.map(\.lane) == [.urgent, .urgent, .normal, .bulk, .bulk])
            #expect(first.map(\.id)[0] < first.map(\.id)[1])
            #expect(try subject.readIntake().map(\.lane) == [.urgent, .bulk])
            #expect(try subject.readIntake().isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `an entry goes to one reader`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1))
            #expect(try subject.readIntake().count == 1)
            #expect(try subject.readIntake(by: .second).isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `a waiting read is answered by what a producer adds`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.ask(.readIntake(Lane.intake, count: 8), by: .first)
            try subject.produce(Posting(1) { $0.lane = .bulk })
            #expect(try subject.intakeRead().map(\.lane) == [.bulk])
        }

        @Test(arguments: Subjects.allCases)
        func `a lane that is not asked for keeps its entries`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1) { $0.lane = .bulk })
            try subject.produce(Posting(2))
            #expect(try subject.readIntake([.urgent, .normal]).map(\.lane) == [.normal])
            try subject.ask(.readIntake([.urgent, .normal], count: 8), by: .first)
            // It is not woken by what comes for another lane, and can be ended for that one's sake.
            try subject.produce(Posting(3) { $0.lane = .bulk })
            try subject.ask(.interruptIntakeRead, by: .first)
            #expect(try subject.intakeRead().isEmpty)
            #expect(try subject.readIntake(by: .second).map(\.lane) == [.bulk, .bulk])
        }

        @Test(arguments: Subjects.allCases)
        func `of a lane that is not asked for nothing is taken over`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1) { $0.lane = .bulk })
            try subject.produce(Posting(2))
            #expect(try subject.readIntake(by: .second).count == 2)
            try subject.elapse(.seconds(6))
            let some = try subject.recoverIntake([.urgent, .normal], alive: [.first])
            #expect(some.map(\.lane) == [.normal])
            #expect(try subject.recoverIntake(alive: [.first]).map(\.lane) == [.bulk])
        }

        @Test(arguments: Subjects.allCases)
        func `what one parses the other calls malformed, too`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1))
            try subject.produce(Posting(2) { $0.isMalformed = true })
            #expect(try subject.readIntake().map(\.isMalformed) == [false, true])
        }

        @Test(arguments: Subjects.allCases)
        func `what is finished or set aside never comes again`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            for number in 1...3 { try subject.produce(Posting(number)) }
            let entries = try subject.readIntake()
            try subject.finishIntake([entries[0]])
            try subject.reject([entries[1]])
            try subject.elapse(.seconds(31))
            let left = try subject.recoverIntake()
            #expect(left.map(\.reference) == [entries[2].reference])
            // Asked again it does no harm.
            try subject.finishIntake(entries)
            try subject.finishIntake(entries)
            try subject.elapse(.seconds(31))
            #expect(try subject.recoverIntake().isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `entries of an absent worker are taken over after five seconds`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            for number in 1...2 { try subject.produce(Posting(number)) }
            let entries = try subject.readIntake(by: .second)
            try subject.elapse(.seconds(4))
            #expect(try subject.recoverIntake(alive: [.first]).isEmpty)
            try subject.elapse(.seconds(2))
            #expect(try subject.recoverIntake(alive: Hand.allCases).isEmpty)
            let recovered = try subject.recoverIntake(alive: [.first])
            #expect(recovered.map(\.reference) == entries.map(\.reference))
            #expect(recovered.allSatisfy { !$0.isMalformed })
            // They are ours now, and fresh.
            #expect(try subject.recoverIntake(alive: [.first]).isEmpty)
        }

        @Test(arguments: Subjects.allCases)
        func `what three workers crashed with is refused when it is taken over, and nothing else`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            for number in 1...3 { try subject.produce(Posting(number)) }
            let entries = try subject.readIntake(by: .second)
            for _ in 0..<2 { try subject.crash(with: .entry(entries[0].reference)) }
            for _ in 0..<3 { try subject.crash(with: .entry(entries[1].reference)) }
            try subject.elapse(.seconds(6))
            let recovered = try subject.recoverIntake(alive: [.first])
            #expect(recovered.map(\.reference) == entries.map(\.reference))
            #expect(recovered.map(\.isMalformed) == [false, true, false])
            guard case .failure(let rejection) = recovered[1].content else { return }
            #expect(rejection.code == Quarantine.reason)
        }

        @Test(arguments: Subjects.allCases)
        func `own entries come back after thirty seconds`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            try subject.produce(Posting(1))
            let entries = try subject.readIntake()
            try subject.elapse(.seconds(29))
            #expect(try subject.recoverIntake().isEmpty)
            try subject.elapse(.seconds(2))
            #expect(try subject.recoverIntake().map(\.reference) == entries.map(\.reference))
        }

        @Test(arguments: Subjects.allCases)
        func `what stands before an entry is found until it is finished or set aside`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            for number in 1...3 {
                try subject.produce(.update(number, of: 700_001))
                try subject.produce(.update(number + 10, of: 800_002))
            }
            // In the hands of two workers, and of none.
            let mine = try subject.readIntake(count: 2)
            let others = try subject.readIntake(count: 3, by: .second)
            let found = try subject.predecessors(of: mine[0], mine[1], others[0], others[2])
            #expect(
                found == [
                    .these([]), .these([]), .these([mine[0].id]),
                    .these([mine[0].id, others[0].id]),
                ])
            try subject.finishIntake([mine[0]])
            try subject.reject([others[0]], by: .second)
            #expect(try subject.predecessors(of: others[2], by: .second) == [.these([])])
            #expect(try subject.predecessors(of: others[1]) == [.these([mine[1].id])])
        }

        @Test(arguments: Subjects.allCases)
        func `another lane stands before nothing`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            for (number, lane) in [Lane.urgent, .normal, .bulk].enumerated() {
                try subject.produce(.update(number, of: 700_001, in: lane))
            }
            for entry in try subject.readIntake() {
                #expect(try subject.predecessors(of: entry) == [.these([])])
            }
        }

        @Test(arguments: Subjects.allCases)
        func `what an absent worker had stands before what came later, whoever has it now`(
            _ subjects: Subjects
        ) throws {
            let subject = try subjects.make()
            for number in 1...2 {
                try subject.produce(.update(number, of: 700_001))
            }
            let lost = try subject.readIntake(count: 1, by: .second)
            let mine = try subject.readIntake(count: 1)
            #expect(try subject.predecessors(of: mine[0]) == [.these([lost[0].id])])
            try subject.elapse(.seconds(6))
            #expect(try subject.recoverIntake(alive: [.first]).map(\.id) == [lost[0].id])
            #expect(try subject.predecessors(of: mine[0]) == [.these([lost[0].id])])
            try subject.finishIntake(lost)
            #expect(try subject.predecessors(of: mine[0]) == [.these([])])
        }

        @Test(arguments: Subjects.allCases)
        func `a thousand entries are looked at, and no more`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            for number in 1...1_002 { try subject.produce(Posting(number) { $0.kind = .update }) }
            let entries = try subject.readIntake(count: 2_000)
            #expect(
                try subject.predecessors(of: entries[1], entries[1_001]).map { $0 == .tooMany }
                    == [false, true])
        }

        @Test(arguments: Subjects.allCases)
        func `a takeover brings a hundred at most, urgent ones first`(_ subjects: Subjects) throws {
            let subject = try subjects.make()
            for number in 1...70 { try subject.produce(Posting(number)) }
            for number in 71...140 { try subject.produce(Posting(number) { $0.lane = .urgent }) }
            #expect(try subject.readIntake(by: .second).count == 140)
            try subject.elapse(.seconds(6))
            let first = try subject.recoverIntake(alive: [.first])
            #expect(first.map(\.lane).prefix(70).allSatisfy { $0 == .urgent })
            #expect(first.count == 100)
            #expect(try subject.recoverIntake(alive: [.first]).count == 40)
        }
    }
}
