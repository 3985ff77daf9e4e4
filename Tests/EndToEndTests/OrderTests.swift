import DeliveryCore
import FaultHarness
import Glibc
import RedisQueue
import Testing

extension EndToEnd {
    /// What concerns one object comes to each host in the order in which it was enqueued.
    @Suite(.serialized) struct OrderTests {
        /// Of each kind of life so many objects are made in each act of the play.
        static let count = 20

        /// While three workers read one intake, one is killed, one is asked to go, and a host
        /// refuses for a while.
        ///
        /// Allowed is: that a host gets once more what it has had (a killed worker had not recorded
        /// it), whenever; and that of an object with a Delete it never gets what came before. So
        /// first acceptances are compared.
        @Test func `back to back is one after the other at every host, whatever happens`() throws {
            try Federation.run(workers: 3) { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(Self.slow)
                var lives = try enqueue("calm", federation)
                try Poll.until("some have come", within: .seconds(60)) {
                    try sink.report().accepted > 100
                }
                let workers = try pool.workers().sorted { $0.key < $1.key }
                try #require(workers.count == 3)

                try sink.follow(#"{"host": "o1.*", "status": 503},"# + Self.slow)
                lives += try enqueue("refused", federation)
                kill(workers[0].value, SIGKILL)
                lives += try enqueue("killed", federation)
                try Poll.until("it was refused", within: .seconds(60)) {
                    try sink.report().refused["503", default: 0] > 3
                }
                kill(workers[1].value, SIGTERM)
                lives += try enqueue("rolled", federation)
                try Poll.until("both have a successor", within: .seconds(60)) {
                    let now = try pool.workers().keys
                    return now.count == 3 && !now.contains(workers[0].key)
                        && !now.contains(workers[1].key)
                }
                try sink.follow(Self.slow)
                lives += try enqueue("well", federation)

                let pairs = lives.flatMap(\.pairs)
                try Poll.until("none waits", within: .seconds(180)) {
                    let states = try pool.states(of: Set(pairs))
                    return states["waiting"] == nil && states.values.reduce(0, +) == pairs.count
                }
                try expectOrder(lives, federation)
                try Poll.until("intake and logs are empty", within: .seconds(10)) {
                    try pool.openEntries() == 0
                }
            }
        }

        private static let slow = #"{"host": "*", "delay": [1, 20]}"#

        private func enqueue(_ act: String, _ federation: Federation) throws -> [Life] {
            let redis = try federation.pool.redis()
            var lives: [Life] = []
            for number in 0..<Self.count {
                for (kind, types) in Life.kinds.enumerated() {
                    let hosts = (0..<3).map { federation.sink.inbox("o\((number + $0 * 2) % 7)") }
                    let life = Life("\(act)-\(kind)-\(number)", types: types, inboxes: hosts)
                    for entry in life.entries(key: federation.sender.keyID) {
                        try redis.command(
                            ["XADD", "trunkline:{intake}:normal", "*"]
                                + entry.flatMap { [$0, $1] })
                    }
                    lives.append(life)
                }
            }
            return lives
        }

        private func expectOrder(_ lives: [Life], _ federation: Federation) throws {
            let (pool, sink) = (federation.pool, federation.sink)
            let lines = Dictionary(
                uniqueKeysWithValues: try sink.pairs().map { ($0.pair, $0) })
            var wrong: [String] = []
            var missing: [String] = []
            for life in lives {
                for inbox in life.inboxes {
                    let places = life.activities.map {
                        lines[Pair(activity: $0, inbox: inbox)]?.place ?? 0
                    }
                    let came = places.filter { $0 > 0 }
                    if came != came.sorted() { wrong.append("\(life.object) \(inbox): \(places)") }
                    // What a Delete has made pointless may be missing, and nothing else.
                    let owed = life.types.last == "Delete" ? places.suffix(1) : places[...]
                    if owed.contains(0) { missing.append("\(life.object) \(inbox): \(places)") }
                }
            }
            #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5))")
            #expect(missing.isEmpty, "\(missing.count): \(missing.prefix(5))")
            #expect(try sink.report().orderViolations == 0)
            let pairs = Set(lives.flatMap(\.pairs))
            let states = try pool.states(of: pairs)
            #expect(Set(states.keys).isSubset(of: ["delivered", "superseded"]), "\(states)")
            let tally = try Tally.of(pairs, at: sink)
            #expect(tally.unexpected.isEmpty)
            #expect(tally.duplicates <= EndToEnd.inHandOfWorker)
            print("\(lives.count) objects: \(states), \(tally.duplicates) came twice")
        }
    }
}

/// What happens to one object, in the words of ActivityPub.
private struct Life {
    static let kinds = [
        ["Create", "Update", "Update", "Delete"], ["Create", "Update", "Update"],
        ["Like", "Undo"],
    ]

    let object: String
    let types: [String]
    let inboxes: [String]

    init(_ name: String, types: [String], inboxes: [String]) {
        object = "https://our.example/objects/\(name)"
        self.types = types
        self.inboxes = inboxes
    }

    var activities: [String] { types.indices.map { "\(object)#\($0)" } }
    var pairs: [Pair] {
        activities.flatMap { activity in inboxes.map { Pair(activity: activity, inbox: $0) } }
    }

    func entries(key: String) -> [[(String, String)]] {
        types.indices.map { place in
            // An Undo is about the Like before it.
            let about = types[place] == "Undo" ? activities[place - 1] : object
            let body = """
                {"@context":"https://www.w3.org/ns/activitystreams","id":"\(activities[place])",\
                "type":"\(types[place])","actor":"https://our.example/users/alice",\
                "object":{"id":"\(about)","content":"number \(place)"}}
                """
            return [("activity", body), ("key", key), ("to", jsonArray(inboxes))]
        }
    }
}
