import DeliveryCore
import Testing

/// Redis and PostgreSQL as the core sees them: an action goes in, an event comes out.
///
/// Two workers have their hands on the same two servers, and there is no machine behind them, so a
/// test asks for whatever a machine may ask for. One subject is the world of the simulation, the
/// other the worker's own `perform` on real servers: what is said here of one is true of both.
protocol Subject: AnyObject {
    /// By which expiries and delays are counted.
    var wall: WallTime { get }
    /// Events that have come and that no test has looked at yet.
    var mailbox: [Event] { get set }

    func ask(_ action: Action, by worker: Hand) throws
    /// Lets the world go on a little; more may stand in the mailbox then.
    ///
    /// - Throws: when the last of ``patience`` has gone.
    func turn(since start: ContinuousClock.Instant) throws
    /// What a producer does.
    func produce(_ posting: Posting) throws
    /// Everything that grows old does so by this much: leases, heartbeats, what is pending or owed.
    func elapse(_ time: Duration) throws
    /// A worker, another one each time, crashed with it in hand, and its supervisor has noted that.
    func crash(with item: WorkItem) throws
    /// FLUSHALL.
    func flushRedis() throws
    /// From now on Redis is another process, with all that it had.
    func replaceRedis() throws
    /// They wait for something, and are not to be routed.
    func park(_ activities: [ActivityID]) throws
    func loseRedis()
    func losePostgres()
}

/// Which of the two workers.
enum Hand: Int, CaseIterable {
    case first = 1
    case second = 2

    var name: Incarnation { Incarnation(rawValue: "w\(rawValue)") }
}

/// Those that must be alike; the real one with each way to reach Redis.
enum Subjects: String, CaseIterable, CustomTestStringConvertible {
    case simulated, real, sentinel, cluster

    var testDescription: String { rawValue }

    func make() throws -> any Subject {
        switch self {
        case .simulated: SimulatedSubject()
        case .real: try RealSubject(redis: \.redis)
        case .sentinel: try RealSubject(redis: \.sentinel)
        case .cluster: try RealSubject(redis: \.cluster)
        }
    }
}

/// No answer came, or another one.
struct Unanswered: Error, CustomStringConvertible {
    var action: String
    var mailbox: [Event]

    var description: String { "no answer to \(action); there is: \(mailbox)" }
}

/// The action was answered by the failure that its comment names.
struct Failed: Error {
    var event: Event
}

/// The answer of a script whose lease is no longer ours.
struct Fenced: Error, Equatable {
    var leases: [OwnedLease]
}

extension Subject {
    /// How long an answer may take.
    static var patience: Duration { .seconds(20) }

    /// Asks, and waits for the answer; `read` gives nil for an event that is none.
    func answer<Value>(
        to action: Action, by worker: Hand, _ read: (Event) throws -> Value?
    ) throws -> Value {
        try ask(action, by: worker)
        return try next("\(action)", read)
    }

    /// The first event in the mailbox that is one of those `read` knows; waits for it.
    func next<Value>(_ what: String, _ read: (Event) throws -> Value?) throws -> Value {
        let start = ContinuousClock.now
        while true {
            for place in mailbox.indices {
                let event = mailbox[place]
                do {
                    guard let value = try read(event) else { continue }
                    mailbox.remove(at: place)
                    return value
                } catch {
                    mailbox.remove(at: place)
                    throw error
                }
            }
            do {
                try turn(since: start)
            } catch {
                throw Unanswered(action: what, mailbox: mailbox)
            }
        }
    }
}

/// Time is up.
struct Overdue: Error {}
