package import DeliveryCore

/// What the checkers are told, in the order in which it happened.
package enum Observation {
    /// A worker's transmission left.
    case sent(Sending)
    /// A host took a delivery; whether anybody saw its answer is another matter.
    case accepted(Sending)
    /// The worker was told how a transmission ended.
    case answered(Sending, Answering)
    /// PostgreSQL has stored an activity for the first time.
    case stored(ActivityID)
    /// Its intake entry is gone.
    case acked(ActivityID)
    /// Deliveries stand in a partition's log, held queue or `later`.
    case stood([Delivery], isFresh: Bool)
    case left([Delivery])
    /// A partition's owner has removed what was left there, to bring back all that is owed.
    case cleared(PartitionNumber, [Delivery])
    /// It has brought back all that is owed.
    case rebuilt(PartitionNumber)
    /// An owner gives back to Redis what stands nowhere.
    case recovered([Delivery])
    case settled(Delivery, SimulatedPostgres.End, again: Bool)
    /// Redis or PostgreSQL changed something for a worker under this lease.
    case mutated(Int, OwnedLease)
    /// What a worker was told of its own leases.
    case leased(Int, PartitionNumber, until: Instant)
    case unleased(Int, PartitionNumber)
    /// Something may be sent twice from here: nil is everything.
    case disturbed(PartitionNumber?)
    /// Redis has lost something: what stands where is to be counted anew.
    case forgot
    case killed(Int)
    case lostLeases(Int)
    /// A worker was told what is paused.
    case heard(Int, Controls)
    /// A worker asks for entries of these lanes.
    case asked(Int, [Lane])
    /// A worker has taken an event and named its next deadline.
    case turned(Int, deadline: Instant)
    /// Now and then, for what is too dear to look at each time.
    case sampled
    case troubleEnded
    case ended
}

extension Observation {
    package enum Kind: Int, CaseIterable, Sendable {
        case sent
        case accepted
        case answered
        case stored
        case acked
        case stood
        case left
        case settled
        case mutated
        case leased
        case turned
        case sampled
        /// Of controls and lanes.
        case steered
        case forgot
        /// Trouble, and ends.
        case rare
    }

    var kind: Kind {
        switch self {
        case .sent: .sent
        case .accepted: .accepted
        case .answered: .answered
        case .stored: .stored
        case .acked: .acked
        case .stood: .stood
        case .left: .left
        case .settled: .settled
        case .mutated: .mutated
        case .leased: .leased
        case .turned: .turned
        case .sampled: .sampled
        case .heard, .asked: .steered
        case .forgot, .cleared, .rebuilt: .forgot
        case .recovered, .unleased, .disturbed, .killed, .lostLeases, .troubleEnded, .ended: .rare
        }
    }
}

package struct Sending {
    package var worker: Int
    package var token: TransferToken
    package var delivery: Delivery
    package var lane: Lane
    package var sender: Int
    package var orderingKey: UInt64
    package var kind: TrafficKind
    /// How often the worker had asked for the partition.
    package var ownership: Int
    package var at: Instant
    /// A second knock or a new connection: the same attempt.
    package var isAgain: Bool

    package var host: HostID { delivery.inbox.host }

    var acquaintance: Acquaintance {
        Acquaintance(worker: worker, ownership: ownership, host: host)
    }
}

/// A host as one ownership of its partition knows it: the next one starts anew.
struct Acquaintance: Hashable {
    var worker: Int
    var ownership: Int
    var host: HostID
}

package struct Answering {
    package var exchange: Exchange
    package var retryAfter: Duration?
    package var isAccepted: Bool
    package var isKeyMissing: Bool

    package var isAnswer: Bool {
        if case .answered = exchange { true } else { false }
    }

    /// An answer below 500.
    package var showsLife: Bool {
        if case .answered(let answer) = exchange { answer.status < 500 } else { false }
    }
}
