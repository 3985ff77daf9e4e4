/// What a worker has in hand: what a crash is put down to.
package enum WorkItem: Hashable, Sendable {
    /// Of the intake, before it is known as an activity.
    case entry(IntakeReference)
    case activity(ActivityID)
}

extension WorkItem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .entry(let reference): "\(reference.lane.name) entry \(reference.id)"
        case .activity(let id): "activity \(id.rawValue)"
        }
    }
}

/// What has made workers crash again and again is set aside, so that it costs nobody else.
///
/// A crash counts only against what was in hand, and only if it was a fault (SEGV, ABRT, ILL, BUS,
/// FPE). Workers that have it open when the last one is counted may crash with it once more.
package enum Quarantine {
    /// With so many crashes it is set aside. One may be the machine's fault, two a bad day.
    package static let crashLimit = 3
    /// In an hour no more are set aside than that: workers that crash with everything have a fault of
    /// their own (a library, a processor, memory), and what they had in hand is innocent.
    package static let hourlyLimit = 10
    /// Crashes further apart than that, in hours, are not counted together.
    package static let memory = 24
    /// Why its deliveries have failed, and the code with which its entry is rejected.
    package static let reason = "quarantined"
}
