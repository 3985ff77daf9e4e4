/// The hint to producers whether to slow down.

internal import DeliveryCore

extension RedisQueue {
    /// A hint that nobody renews vanishes: nobody is at work, then.
    package static let stateTime: Duration = .seconds(5)

    /// Writes the length of each lane, whether entries are expanded at all, and the time.
    package func writeIntakeState(
        isExpanding: Bool, completion: @escaping RedisCompletion<Void>
    ) {
        run(.writeIntakeState, keys: [keys.intakeState] + Lane.intake.map(keys.intake)) { command in
            command.append(isExpanding ? "yes" : "no")
            command.append(Self.stateTime.wholeMilliseconds)
            for lane in Lane.intake { command.append(lane.name) }
        } completion: {
            completion($0.map { _ in })
        }
    }
}
