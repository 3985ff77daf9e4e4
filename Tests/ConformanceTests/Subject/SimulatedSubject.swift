import DeliveryCore

@testable import Simulation

/// The world that the scenarios run in, with nothing that breaks and machines that are not heard.
///
/// A tampering stands between world and machines: it takes every event for the test and lets no
/// action of a machine through.
final class SimulatedSubject: Subject {
    private final class Inbox { var events: [Event] = [] }

    private var world: World
    private let inbox = Inbox()
    /// Places in the world's list of jobs, by the number of the posting.
    private var jobs: [Int: Int] = [:]

    var mailbox: [Event] {
        get { inbox.events }
        set { inbox.events = newValue }
    }

    var wall: WallTime { world.wall }

    init() {
        var scenario = Scenario("conformance", "two hands, no machine")
        scenario.workers = Hand.allCases.count
        scenario.fleet = [HostGroup(16)]
        let inbox = inbox
        let tampering = Tampering(
            actions: { _, _ in [] },
            event: { event in
                if !event.isWeather { inbox.events.append(event) }
                return .ticked
            })
        world = World(scenario, seed: 1, tampering: tampering)
    }

    func ask(_ action: Action, by worker: Hand) {
        world.take(action, from: worker.rawValue)
        settle()
    }

    /// What is not answered is carried out all the same, before anything else is asked.
    private func settle() {
        let end = world.now + .milliseconds(10)
        while world.now < end, world.step() {}
    }

    func turn(since start: ContinuousClock.Instant) throws {
        guard start.duration(to: .now) < Self.patience, world.step() else { throw Overdue() }
        world.observations.removeAll()
    }

    func produce(_ posting: Posting) {
        let job: Int
        if let known = jobs[posting.number] {
            job = known
        } else {
            job = world.jobs.count
            jobs[posting.number] = job
            world.jobs.append(posting.isMalformed ? nil : activity(posting, job))
        }
        world.enter(job, posting.lane)
    }

    private func activity(_ posting: Posting, _ job: Int) -> SimulatedPostgres.Activity {
        SimulatedPostgres.Activity(
            job: job, lane: posting.lane, stored: world.wall, expires: posting.expires,
            sender: posting.sender, orderingKey: UInt64(posting.object), kind: posting.kind,
            inboxes: posting.inboxes)
    }

    func elapse(_ time: Duration) {
        let end = world.now + time
        while world.now < end, world.step() {}
        world.observations.removeAll()
    }

    func crash(with item: WorkItem) { world.postgres.noteCrash(of: item) }

    func flushRedis() { world.redis.flush() }

    func replaceRedis() { world.redis.restart(with: world.redis) }

    func park(_ activities: [ActivityID]) { for id in activities { world.postgres.park(id) } }

    func loseRedis() {
        world.isRedisUp = false
        world.redisConnection += 1
    }

    func losePostgres() {
        world.isPostgresUp = false
        world.postgresConnection += 1
    }
}

extension Event {
    /// It comes by itself, and answers nothing.
    var isWeather: Bool {
        switch self {
        case .ticked, .redisConnected, .redisDisconnected, .redisFilled, .postgresConnected,
            .postgresDisconnected, .controlsChanged, .hostsSeenAlive, .unparked:
            true
        default: false
        }
    }
}
