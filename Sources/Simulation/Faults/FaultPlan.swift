package import DeliveryCore

/// What breaks around the hosts, and how often.
package struct FaultPlan: Sendable {
    package enum Fault: Sendable, Equatable {
        case kill
        case freeze(ClosedRange<Int>)
        /// A worker is asked to drain, or one more is started.
        case roll
        case redisAway(ClosedRange<Int>)
        /// Redis loses all it has: FLUSHALL.
        case redisFlushed
        /// Redis dies, and comes back after so many milliseconds with what it had a moment before.
        case redisRolledBack(ClosedRange<Int>)
        case postgresAway(ClosedRange<Int>)
        /// Redis forgets who owned a partition.
        case leaseLost
        /// The wall clock jumps by up to so many milliseconds either way.
        case clockJump(Int)
        /// An operator pauses a lane, or one of these senders, for so many milliseconds.
        case pauseLane(Lane, ClosedRange<Int>)
        case pauseSender(ClosedRange<Int>, ClosedRange<Int>)
    }

    /// Each with its mean interval.
    package var faults: [(Fault, every: Duration)] = []
    /// Percent of operations that fail; half of those are carried out all the same.
    package var failurePercent = 0
    /// Percent of operations that take up to 900 ms.
    package var slowPercent = 0
    /// Percent of answers that are told twice, the second time late.
    package var duplicatePercent = 0
    /// When our own network is away.
    package var outages: [Range<Duration>] = []

    package init() {}
}
