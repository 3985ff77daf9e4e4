package import DeliveryCore

/// One world as plain values: who is there, what is to be delivered, what breaks, what must hold.
package struct Scenario: Sendable {
    package var name: String
    package var summary: String
    package var workers = 2
    package var configuration = WorkerConfiguration()
    package var judge = Judge()
    package var fleet: [HostGroup] = []
    package var workload: [Traffic] = []
    package var faults = FaultPlan()
    /// Work comes in and things break for so long.
    package var duration: Duration = .seconds(60)
    /// After that everything that can be delivered is, within this.
    package var settleWithin: Duration = .seconds(600)
    /// How coarsely an idle worker is told of the time.
    package var tick: Duration = .milliseconds(250)
    /// How long a blocking read blocks.
    package var readPatience: Duration = .seconds(1)
    package var expectations = Expectations()

    package init(_ name: String, _ summary: String) {
        self.name = name
        self.summary = summary
        configuration.partitionCount = 4
        configuration.stocktakingInterval = .seconds(20)
        configuration.stocktakingPause = .milliseconds(200)
    }

    package var hostCount: Int { fleet.reduce(0) { $0 + $1.count } }

    /// Leases and heartbeats of scenarios that last for days: the same protocol, fewer events.
    mutating func slowDown() {
        configuration.heartbeatInterval = .seconds(60)
        configuration.renewInterval = .seconds(100)
        configuration.leaseTime = .seconds(300)
        configuration.stocktakingInterval = .seconds(3_600)
        configuration.stocktakingPause = .seconds(30)
        configuration.stocktakingRecheck = .seconds(60)
        tick = .seconds(10)
        readPatience = .seconds(300)
    }
}

package struct HostGroup: Sendable {
    package var count: Int
    package var profile: HostProfile

    package init(_ count: Int, _ change: (inout HostProfile) -> Void = { _ in }) {
        self.count = count
        profile = HostProfile()
        change(&profile)
    }
}

package enum TrafficKind: Sendable, Equatable {
    case note
    case create
    case update
    case delete
    case poison
}

/// One kind of work that comes in.
package struct Traffic: Sendable {
    package enum Audience: Sendable {
        /// So many inboxes of hosts drawn from the range.
        case some(ClosedRange<Int>, of: ClosedRange<Int>)
        /// One inbox of each host of the range.
        case every(ClosedRange<Int>)
    }

    package enum Shape: Sendable {
        case single(TrafficKind)
        /// Create, then Update, then Delete of one object, so far apart.
        case life(apart: Duration)
        /// These of one object, in this order, so far apart.
        case series([TrafficKind], apart: Duration)
    }

    package var lane = Lane.normal
    package var senders: ClosedRange<Int> = 1...50
    package var audience: Audience
    package var shape = Shape.single(.note)
    /// How many in all, between these times, at random.
    package var count: Int
    package var from: Duration = .zero
    package var until: Duration
    /// One in so many expires soon; 0: none.
    package var expiringEvery = 0
    package var malformedEvery = 0

    package init(
        senders: ClosedRange<Int> = 1...50, audience: Audience, shape: Shape = .single(.note),
        count: Int, from: Duration = .zero, until: Duration
    ) {
        self.senders = senders
        self.audience = audience
        self.shape = shape
        self.count = count
        self.from = from
        self.until = until
    }
}

/// Limits that belong to a scenario; what always holds is not named here.
package struct Expectations: Sendable {
    /// Of a lane, for living hosts, from the XADD to the answer.
    package struct Latency: Sendable {
        package var lane: Lane
        package var senders: ClosedRange<Int>
        package var p99: Duration

        package init(lane: Lane, senders: ClosedRange<Int>, p99: Duration) {
            self.lane = lane
            self.senders = senders
            self.p99 = p99
        }
    }

    package var latencies: [Latency] = []
    /// Requests that a host may get in a day in which it answered nothing.
    package var deadHostDailyRequests = 30
    /// Percent of a limited host's requests that it may have to refuse.
    package var refusalPercent: Int?
    /// A delivery that living hosts could have had may be given up.
    package var mayGiveUp = false
    /// What is owed when an outage of our own ends is delivered within this.
    package var recovery: Duration = .seconds(60)
    /// Work for an idle host with free slots waits at most so long.
    package var idlePatience: Duration? = .seconds(5)

    package init() {}
}
