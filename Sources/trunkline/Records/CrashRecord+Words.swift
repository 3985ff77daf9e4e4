internal import DeliveryCore
internal import PostgresStore

extension CrashRecord {
    /// For people: the id in the activity's JSON, where there is one.
    var title: String { activityID ?? "\(item)" }

    /// What it is.
    var name: [(String, JSON)] {
        switch item {
        case .activity(let id):
            [
                ("activity", .optional(activityID)), ("number", .integer(id.rawValue)),
                ("lane", .null), ("entry", .null),
            ]
        case .entry(let entry):
            [
                ("activity", .null), ("number", .null), ("lane", .string(entry.lane.name)),
                ("entry", .string(entry.id.description)),
            ]
        }
    }

    /// How it came to this.
    var circumstances: [(String, JSON)] {
        [
            ("crashes", .integer(count.crashes)), ("stage", .string(count.stage)),
            ("signal", .string(count.signal)), ("first_at", .string(firstAt)),
            ("last_at", .string(lastAt)), ("quarantined_at", .optional(quarantinedAt)),
        ]
    }

    /// What an operator should know of an activity's crashes, and do.
    var sentence: String {
        guard let quarantinedAt else {
            return "\(count.crashes) of \(Quarantine.crashLimit) with which it is set aside, the "
                + "last at \(lastAt) in stage \(count.stage) (\(count.signal))"
        }
        return "set aside since \(quarantinedAt): \(count.sentence); `trunkline quarantine "
            + "release \(title)` sends it"
    }
}
