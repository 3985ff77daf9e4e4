/// How urgent an activity is. Lower raw values go first.
package enum Lane: UInt8, CaseIterable, Comparable, Sendable {
    /// Direct messages, Follow, Accept, Reject, Undo Follow, Block, Flag.
    case urgent = 0
    case normal = 1
    /// Wide fan-outs: profile updates, account deletion, moves.
    case bulk = 2
    /// Replays; and what comes back, until PostgreSQL has said whose lane it is. Internal:
    /// producers cannot enqueue into it.
    case backfill = 3

    /// The lanes that a producer may XADD to, in the order in which they are read.
    package static let intake: [Lane] = [.urgent, .normal, .bulk]

    package var name: String {
        switch self {
        case .urgent: "urgent"
        case .normal: "normal"
        case .bulk: "bulk"
        case .backfill: "backfill"
        }
    }

    package init?(name: String) {
        guard let lane = Lane.allCases.first(where: { $0.name == name }) else { return nil }
        self = lane
    }

    package static func < (left: Lane, right: Lane) -> Bool { left.rawValue < right.rawValue }
}
