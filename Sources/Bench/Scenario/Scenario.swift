/// What one run offers a pool, and how long: read from a file, the same for everybody who has it.
package struct Scenario: Equatable, Sendable {
    /// The file's name without its ending.
    package var name: String
    package var summary: String
    package var seed: UInt64
    package var hosts: Int
    package var followers: Int
    /// Of the followers a host has, by its rank: 0 spreads them evenly.
    package var zipf: Double
    /// Followers of one host are reached through one inbox, as Mastodon's are.
    package var sharedInboxes: Bool
    package var senders: Int
    /// Activities a second, at Poisson distances.
    package var rate: Double
    package var warmUpSeconds: Double
    package var durationSeconds: Double
    /// How long after the last activity what is still missing may come.
    package var patienceSeconds: Double
    package var mix: [Kind]
    package var bodies: [Body]
    /// Of the sink, as its `--rules` takes them.
    package var rules: JSONValue
    /// All of it as it stands in the file: what two results are compared by.
    package var definition: JSONValue

    /// One sort of activities, and how many of all they are.
    package struct Kind: Equatable, Sendable {
        package enum Audience: Equatable, Sendable {
            /// To all followers, by the name of their audience.
            case followers
            /// To so many followers' inboxes, which the entry lists.
            case list(recipients: Int)
            /// To one follower's own inbox.
            case single
        }

        package var audience: Audience
        package var lane: BenchLane
        package var weight: Double
    }

    package struct Body: Equatable, Sendable {
        package var bytes: Int
        package var weight: Double
    }

    package var totalSeconds: Double { warmUpSeconds + durationSeconds }
}

/// The lanes that producers may use.
package enum BenchLane: String, CaseIterable, Codable, Sendable {
    case urgent, normal, bulk
}

/// Why a scenario is not run: the file, the key in it, and the mend.
package struct ScenarioMistake: Error, Equatable, CustomStringConvertible {
    package let file: String
    /// Such as `mix[2].lane`; empty: the file as a whole.
    package let key: String
    package let mend: String

    package var description: String { "\(file): \(key.isEmpty ? "" : "\(key): ")\(mend)" }
}
