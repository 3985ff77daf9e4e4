import Bench

/// A scenario of a few hosts, and its world.
enum Example {
    static let text = """
        {"summary": "An example.", "seed": 7, "hosts": 5, "followers": 20, "zipf": 1,
         "sharedInboxes": true, "senders": 3, "rate": 50, "warmUp": 2, "duration": 8,
         "mix": [{"to": "followers", "lane": "bulk", "weight": 1},
                 {"to": "list", "recipients": 3, "lane": "normal", "weight": 2},
                 {"to": "single", "lane": "urgent", "weight": 7}],
         "bodies": [{"bytes": 1500, "weight": 3}, {"bytes": 4000}],
         "rules": [{"delay": [5, 20]}]}
        """

    static func scenario(
        replacing old: String = "", with new: String = "", seed: UInt64? = nil
    ) throws(ScenarioMistake) -> Scenario {
        var text = text
        if let range = text.firstRange(of: old), !old.isEmpty {
            text.replaceSubrange(range, with: new)
        }
        return try Scenario(json: Array(text.utf8), file: "dir/example.json", seed: seed)
    }

    static func plan(seed: UInt64? = nil) throws -> LoadPlan {
        let scenario = try scenario(seed: seed)
        return LoadPlan(scenario, world: World(scenario, port: 8_443))
    }
}
