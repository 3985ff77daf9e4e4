import Bench
import Testing

@Suite struct LoadTests {
    @Test func `followers are spread by rank, and all of them`() {
        let counts = Zipf.counts(total: 1_010, over: 10, exponent: 1)
        #expect(counts.reduce(0, +) == 1_010)
        #expect(counts == counts.sorted(by: >))
        // 1,000 beyond one each; the first has 1/H(10) of them, H(10) = 2.929.
        #expect(counts[0] == 342)
        #expect(counts[9] == 35)
    }

    @Test(arguments: [(10, 10, 2.0), (17, 10, 0.0), (30_000, 3_000, 1.0), (1, 1, 3.0)])
    func `every host has a follower, none is lost`(total: Int, hosts: Int, exponent: Double) {
        let counts = Zipf.counts(total: total, over: hosts, exponent: exponent)
        #expect(counts.count == hosts)
        #expect(counts.reduce(0, +) == total)
        #expect(counts.allSatisfy { $0 >= 1 })
        if exponent == 0 { #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1) }
    }

    @Test func `one seed is one plan, another another`() throws {
        #expect(try Example.plan().activities == Example.plan().activities)
        #expect(try Example.plan().activities != Example.plan(seed: 8).activities)
    }

    @Test func `arrivals come at Poisson distances over the whole time`() throws {
        let long = try Example.scenario(replacing: #""duration": 8"#, with: #""duration": 398"#)
        let times = LoadPlan(long, world: World(long, port: 1)).activities.map(\.microseconds)
        #expect(times == times.sorted())
        // 20,000 on average, with a deviation of 141: five of them either way.
        #expect((19_290...20_710).contains(times.count), "\(times.count)")
        let gaps = zip(times, times.dropFirst()).map { Double($1 - $0) / 20_000 }
        // Exponential: as much deviation as mean, and 1/e of all gaps longer than it.
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean - 1) < 0.04)
        #expect(abs(variance - 1) < 0.1)
        let longer = Double(gaps.count { $0 > 1 }) / Double(gaps.count)
        #expect(abs(longer - 0.368) < 0.02)
    }

    @Test func `kinds, bodies and senders come as often as they weigh`() throws {
        let long = try Example.scenario(replacing: #""duration": 8"#, with: #""duration": 398"#)
        let plan = LoadPlan(long, world: World(long, port: 1))
        let all = Double(plan.activities.count)
        func share(_ matches: (LoadPlan.Planned) -> Bool) -> Double {
            Double(plan.activities.count(where: matches)) / all
        }
        #expect(abs(share { $0.kind == 0 } - 0.1) < 0.01)
        #expect(abs(share { $0.kind == 1 } - 0.2) < 0.015)
        #expect(abs(share { $0.bodyBytes == 1_500 } - 0.75) < 0.016)
        #expect(abs(share { $0.sender == 2 } - 1 / 3) < 0.017)
    }

    @Test func `an activity is owed at its inboxes, and nowhere else`() throws {
        let plan = try Example.plan()
        var owed = 0
        for number in plan.activities.indices {
            let inboxes = plan.inboxes(of: number)
            #expect(Set(inboxes).count == plan.expected(of: number))
            #expect(inboxes.allSatisfy { plan.expects(number, at: $0) })
            #expect((0..<25).count { plan.expects(number, at: $0) } == inboxes.count)
            owed += inboxes.count
        }
        #expect(owed == plan.expectedDeliveries)
        let kinds = Set(plan.activities.map(\.kind))
        #expect(kinds == [0, 1, 2])
    }

    @Test func `a list of all inboxes ends, too`() throws {
        let scenario = try Example.scenario(
            replacing: #""recipients": 3"#, with: #""recipients": 5"#)
        let plan = LoadPlan(scenario, world: World(scenario, port: 1))
        let lists = plan.activities.indices.filter { plan.activities[$0].kind == 1 }
        #expect(!lists.isEmpty)
        #expect(lists.allSatisfy { Set(plan.inboxes(of: $0)) == Set(20..<25) })
    }

    @Test(arguments: [true, false])
    func `the number of an inbox and its URL are one`(shared: Bool) throws {
        let scenario = try Example.scenario(
            replacing: #""sharedInboxes": true"#, with: #""sharedInboxes": \#(shared)"#)
        let world = World(scenario, port: 8_443)
        #expect(world.audienceSize == (shared ? 5 : 20))
        #expect((0..<25).allSatisfy { world.inbox(url: world.url($0)) == $0 })
        #expect(world.url(20) == "https://h0.fedi.localhost:8443/inbox")
        for wrong in [
            "https://h5.fedi.localhost:8443/inbox", "https://h0.fedi.localhost:443/inbox",
            "https://h4.fedi.localhost:8443/users/u0/inbox", "https://h0.fedi.localhost:8443/",
            "http://h0.fedi.localhost:8443/inbox",
        ] {
            #expect(world.inbox(url: wrong) == nil, "\(wrong)")
        }
    }

    @Test(arguments: [1_024, 3_072, 100_000])
    func `a body has the size that was asked for, and is JSON`(bytes: Int) throws {
        let names = LoadNames(run: 7)
        let body = ActivityBody.bytes(names, number: 999_999, sender: 99, count: bytes)
        #expect(body.count == bytes)
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.contains("\"id\":\"\(names.id(999_999))\""))
        #expect(text.hasPrefix("{\"@context\"") && text.hasSuffix("\"}}"))
    }

    @Test func `names of a run are no other's, and nobody's in the world`() throws {
        let scenario = try Example.scenario()
        let plans = [LoadNames.alone, LoadNames(run: 1), LoadNames(run: .max)].map {
            LoadPlan(scenario, world: World(scenario, port: 8_443, names: $0))
        }
        for plan in plans {
            let names = plan.world.names
            #expect(plan.number(ofID: names.id(3)) == 3)
            #expect(plan.number(ofID: names.id(999_999)) == nil)
            #expect(plan.number(ofID: names.id(0) + "/probe") == nil)
            #expect(names.key(0).hasPrefix("https://\(names.domain)/"))
            // One label under the sink's certificate, and no inbox is at home there.
            #expect(names.domain.wholeMatch(of: /[a-z0-9-]{1,63}\.fedi\.localhost/) != nil)
            #expect(plan.world.inbox(url: "https://\(names.domain):8443/inbox") == nil)
            for inbox in 0..<25 {
                let url = plan.world.url(inbox)
                #expect(plan.world.inbox(url: url) == inbox)
                #expect(
                    url.wholeMatch(of: /https:\/\/[a-z0-9-]{1,63}\.fedi\.localhost:8443\/.*inbox/)
                        != nil)
            }
            // Nothing of a plan but its names depends on them.
            #expect(plan.activities == plans[0].activities)
        }
        #expect(Set(plans.map(\.world.names.domain)).count == 3)
        #expect(Set(plans.map(\.world.names.audience)).count == 3)
        // Nor has a run another one's hosts: what became of them may be remembered.
        #expect(Set(plans.map { $0.world.url(20) }).count == 3)
        #expect(plans[1].world.inbox(url: plans[2].world.url(20)) == nil)
        #expect(plans[1].number(ofID: plans[2].world.names.id(3)) == nil)
    }
}
