import Bench
import Foundation
import Testing

@Suite struct ScenarioTests {
    @Test func `a scenario is what its file says, named for it`() throws {
        let scenario = try Example.scenario()
        #expect(scenario.name == "example")
        #expect(scenario.seed == 7)
        #expect(scenario.mix.map(\.lane) == [.bulk, .normal, .urgent])
        #expect(scenario.mix[1].audience == .list(recipients: 3))
        #expect(scenario.bodies.map(\.bytes) == [1_500, 4_000])
        #expect(scenario.bodies.map(\.weight) == [3, 1])
        #expect(scenario.patienceSeconds == 60)
        #expect(try Example.scenario(seed: 9).seed == 9)
    }

    @Test func `the sink gets its rules as they stand, whole numbers whole`() throws {
        let scenario = try Example.scenario()
        let file = String(decoding: try scenario.rulesFile(), as: UTF8.self)
        #expect(file == #"{"rules":[{"delay":[5,20]}]}"#)
    }

    @Test func `rules hold for the hosts of a run, and spare those that are tried before`() throws {
        let scenario = try Example.scenario(
            replacing: #"[{"delay": [5, 20]}]"#,
            with: #"[{"host": "h7.fedi.localhost"}, {"host": "h?*.fedi.localhost"}, {"host": "*"}]"#
        )
        func hosts(_ names: LoadNames) throws -> [String] {
            let file = try JSONSerialization.jsonObject(with: Data(scenario.rulesFile(for: names)))
            let rules = try #require((file as? [String: [[String: Any]]])?["rules"])
            return rules.compactMap { $0["host"] as? String }
        }
        #expect(try hosts(.alone) == ["h7.fedi.localhost", "h?*.fedi.localhost", "*"])
        let ending = "-bench-00000000000000ff.fedi.localhost"
        #expect(
            try hosts(LoadNames(run: 255))
                == ["p*\(ending)", "h7\(ending)", "h?*\(ending)", "*"])
        #expect(LoadNames(run: 255).host(7) == "h7\(ending)")
        #expect(LoadNames(run: 255).probeHost(3) == "p3\(ending)")
    }

    @Test(arguments: [
        (#""hosts": 5"#, #""host": 5"#, "host"),
        (#""hosts": 5,"#, "", "hosts"),
        (#""hosts": 5"#, #""hosts": 21"#, "followers"),
        (#""hosts": 5"#, #""hosts": 5.5"#, "hosts"),
        (#""rate": 50"#, #""rate": "50""#, "rate"),
        (#""rate": 50"#, #""rate": 1e5, "patience": 0"#, "patience"),
        (#""lane": "normal""#, #""lane": "backfill""#, "mix[1].lane"),
        (#""recipients": 3"#, #""recipients": 6"#, "mix[1].recipients"),
        (#""recipients": 3, "#, "", "mix[1].recipients"),
        (#""to": "single""#, #""to": "single", "recipients": 1"#, "mix[2].recipients"),
        (#""to": "single""#, #""to": "one""#, "mix[2].to"),
        (#""bytes": 4000"#, #""bytes": 400"#, "bodies[1].bytes"),
        (#""bytes": 4000"#, #""bytes": 4000, "wait": 1"#, "bodies[1].wait"),
        (#"[{"delay": [5, 20]}]"#, #"{"delay": 5}"#, "rules"),
        (#""summary": "An example.","#, #""summary": "An example""#, ""),
    ])
    func `a mistake is told with its key, the file and the mend`(
        old: String, new: String, key: String
    ) throws {
        let mistake = try #require(throws: ScenarioMistake.self) {
            try Example.scenario(replacing: old, with: new)
        }
        #expect(mistake.key == key, "\(mistake)")
        #expect(mistake.description.hasPrefix("dir/example.json: \(key)"))
        #expect(mistake.mend.count > 10)
    }

    @Test(arguments: ["fediverse", "fan-out", "singles", "small"])
    func `what is shipped can be run, and offers what a pool can take`(name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../benchmarks/Scenarios/\(name).json")
        let scenario = try Scenario(json: [UInt8](try Data(contentsOf: file)), file: file.path)
        #expect(scenario.name == name)
        let plan = LoadPlan(scenario, world: World(scenario, port: 443))
        let rate = Double(plan.expectedDeliveries) / scenario.totalSeconds
        #expect((20...2_000).contains(rate), "\(rate) a second")
    }
}
