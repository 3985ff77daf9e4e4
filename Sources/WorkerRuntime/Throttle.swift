internal import DeliveryCore

/// Lets one line of a kind through in ten seconds and counts the others: what fails once fails
/// hundreds of times a second.
///
/// Bounded by the number of kinds.
struct Throttle<Kind: Hashable> {
    static var interval: Duration { .seconds(10) }

    private var kinds: [Kind: (quietUntil: Instant, withheld: Int)] = [:]

    /// nil: say nothing now; else how many were withheld since the last that was let through.
    mutating func admit(_ kind: Kind, now: Instant) -> Int? {
        let known = kinds[kind]
        if let known, now < known.quietUntil {
            kinds[kind]?.withheld += 1
            return nil
        }
        kinds[kind] = (now + Self.interval, 0)
        return known?.withheld ?? 0
    }
}

/// What the worker could not do and tries again; the raw value is the start of its line.
enum Complaint: String, CaseIterable {
    case heartbeat = "the heartbeat failed"
    case takeLease = "taking a lease failed"
    case takeEpoch = "taking an epoch failed"
    case sealLease = "sealing a lease failed"
    case examine = "asking what Redis has of partitions failed"
    case rebuild = "rebuilding partitions failed"
    case newestActivity = "asking for the newest activity failed"
    case takeStock = "comparing what is owed with what Redis has failed"
    case loadBacklog = "loading what waits failed"
    case readIntake = "reading the intake failed"
    case readLogs = "reading the logs failed"
    case recoverIntake = "claiming what absent workers left failed"
    case findPredecessors = "asking what stands before entries failed"
    case finishIntake = "acking finished entries failed"
    case rejectIntake = "setting rejected entries aside failed"
    case wakeParked = "waking parked activities failed"
    case expand = "expansion failed"
    case route = "routing failed"
    case prepare = "reading what is owed failed"
    case loadControls = "reading the controls failed"
    case readHints = "reading which hosts were seen alive failed"
    case learnKeys = "reading changed keys failed"
    case housekeeping = "dropping what is past its retention failed"
    case lookAtDepths = "asking how much waits failed"
    case writeState = "writing the hint to producers failed"
}
