import Bench
import Testing

@Suite struct VerificationTests {
    /// A line as the sink writes it.
    private func line(
        _ number: Int, _ url: String, accepted: Int = 1, at milliseconds: Int = 1_000
    ) throws -> PairLine {
        let text = """
            {"accepted":\(accepted),"activity":"\(LoadNames.alone.id(number))","firstMilliseconds":1,\
            "inbox":"\(url)","lastMilliseconds":\(milliseconds),"place":3,"requests":2}
            """
        return try #require(PairLine(text.utf8))
    }

    private func complete(_ plan: LoadPlan) throws -> Tally {
        var tally = Tally(plan)
        for number in plan.activities.indices {
            for inbox in plan.inboxes(of: number) {
                tally.add(try line(number, plan.world.url(inbox)))
            }
        }
        return tally
    }

    @Test func `a line of the sink is read as it is written`() throws {
        let read = try line(12, "https://h1.fedi.localhost:8443/inbox", at: 1_700_000_000_123)
        #expect(read.activity == LoadNames.alone.id(12))
        #expect(read.inbox == "https://h1.fedi.localhost:8443/inbox")
        #expect((read.accepted, read.requests) == (1, 2))
        #expect(read.lastMilliseconds == 1_700_000_000_123)
        for cut in [0, 1, 20, 60] {
            #expect(
                PairLine("{\"accepted\":1,\"activity\":\"x\",\"inbox\":\"y\"}".utf8.prefix(cut))
                    == nil)
        }
    }

    @Test func `all there is all right`() throws {
        let plan = try Example.plan()
        let tally = try complete(plan)
        #expect(tally.missing == 0)
        #expect(tally.deliveries.count == plan.expectedDeliveries)
        #expect((tally.duplicates, tally.strangers) == (0, 0))
        #expect(tally.examplesOfMissing().isEmpty)
    }

    @Test func `what did not come is named`() throws {
        let plan = try Example.plan()
        let number = try #require(plan.activities.indices.first { plan.isToAudience($0) })
        var tally = Tally(plan)
        for other in plan.activities.indices {
            for inbox in plan.inboxes(of: other) where other != number || inbox != 22 {
                tally.add(try line(other, plan.world.url(inbox)))
            }
        }
        // A refusal is no delivery.
        tally.add(try line(number, plan.world.url(22), accepted: 0))
        #expect(tally.missing == 1)
        #expect(
            tally.examplesOfMissing() == ["\(LoadNames.alone.id(number)) at \(plan.world.url(22))"])
    }

    @Test func `what came twice, or to whom it was not meant for, is counted`() throws {
        let plan = try Example.plan()
        var tally = try complete(plan)
        let single = try #require(plan.activities.indices.first { plan.activities[$0].kind == 2 })
        let other = (plan.inboxes(of: single)[0] + 1) % 20
        tally.add(try line(single, plan.world.url(other)))
        tally.add(try line(single, "https://elsewhere.example/inbox"))
        tally.add(try line(plan.activities.count, plan.world.url(20)))
        #expect(tally.strangers == 3)
        #expect(tally.missing == 0)
        var again = Tally(plan)
        again.add(try line(single, plan.world.url(plan.inboxes(of: single)[0]), accepted: 3))
        #expect(again.duplicates == 2)
        #expect(again.deliveries.count == 1)
    }

    @Test func `the sink's report tells what no pair can`() throws {
        let report = """
            {"requests": 12, "accepted": 9, "badSignatures": {"digest": 2, "unknownKey": 1},
             "withoutID": 1, "unrecorded": 2, "malformed": 4, "rules": 1}
            """
        let account = try #require(SinkAccount(report: Array(report.utf8)))
        #expect(account.badSignatures == 3)
        #expect(account.unaccounted == 7)
        #expect(SinkAccount(report: Array("{}".utf8)) == nil)
    }
}
