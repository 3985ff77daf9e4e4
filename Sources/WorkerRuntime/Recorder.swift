internal import DeliveryCore
internal import EventLoop
internal import HTTPSignatures
internal import RedisQueue
internal import Scoreboard
internal import SigningKeys
internal import Telemetry
internal import Transport

/// What the worker counts, and the stage it is in: written to its slot of the scoreboard.
///
/// Counting is a few additions in memory; the whole is copied to the slot when something has
/// happened, at most twenty times a second.
final class Recorder {
    static let publishInterval: Duration = .milliseconds(50)

    var state: WorkerState = .starting
    private let board: ScoreboardSlot?
    private var metrics = Metrics()
    private var published = Instant(nanoseconds: 0)
    private var tally = DeliveryMachine.Tally()
    private var statistics = TransportStatistics()
    private var spent = [UInt64](repeating: 0, count: CPUAccount.allCases.count)
    private var batches = MultiBufferSigner.Tally()
    private var stale: UInt64 = 0

    init(board: ScoreboardSlot?) { self.board = board }

    // MARK: Stages

    /// Says what is in hand from now on; whoever says so also says `leave`. nil: no single item.
    func enter(_ stage: Stage, _ item: WorkItem?) { board?.enter(stage, item) }

    func leave() { board?.leave() }

    /// Only what `body` does is put down to the item.
    func during<Value>(_ stage: Stage, _ item: WorkItem?, _ body: () -> Value) -> Value {
        board?.enter(stage, item)
        defer { board?.leave() }
        return body()
    }

    // MARK: Counters

    func setPostgres(_ isUp: Bool) { metrics.set(.postgresUp, to: isUp ? 1 : 0) }
    func setRedis(_ isUp: Bool) { metrics.set(.redisUp, to: isUp ? 1 : 0) }

    func read(_ lanes: [Lane]) {
        for lane in lanes { metrics.increment(.intakeRead(lane)) }
    }

    func rejected(_ code: String) { metrics.increment(.intakeRejected(code: code)) }

    func expanded(_ lanes: [Lane]) {
        for lane in lanes { metrics.increment(.intakeExpanded(lane)) }
    }

    func foundNobody(_ lanes: [Lane]) {
        for lane in lanes { metrics.increment(.intakeForNobody(lane)) }
    }

    func skippedDead(_ lane: Lane, count: Int) {
        metrics.increment(.deliveries(lane, .dropped), by: count)
    }

    func routed(_ entries: [RoutedEntry]) {
        for entry in entries {
            metrics.increment(.routed(entry.fanout.lane), by: entry.fanout.inboxes.count)
        }
    }

    func signed(_ algorithm: SignatureAlgorithm?, _ profile: SignatureProfile) {
        guard let algorithm else { return }
        switch algorithm {
        case .rsaSHA256: metrics.increment(.signatures(.rsa, profile))
        case .ed25519: metrics.increment(.signatures(.ed25519, profile))
        }
    }

    func exchanged(
        _ exchange: Exchange, duration: Duration, of activity: PreparedFacts.Activity?,
        wall: WallTime
    ) {
        switch exchange {
        case .failed(let failure, _):
            metrics.increment(.attempts(.transport(failure)))
        case .answered(let answer):
            metrics.observe(.httpDuration, duration)
            if let activity, (200..<300).contains(answer.status) {
                metrics.observe(.enqueueToDelivered(activity.lane), wall - activity.stored)
            }
        }
    }

    func flushed(_ batch: FlushBatch, lane: (ActivityID) -> Lane?, duration: Duration) {
        metrics.observe(.flushDuration, duration)
        var rows = batch.failures.count
        for outcome in batch.outcomes {
            rows += outcome.inboxes.count
            metrics.increment(
                .deliveries(lane(outcome.activity) ?? .normal, DeliveryEnd(outcome.state)),
                by: outcome.inboxes.count)
        }
        for failure in batch.failures {
            metrics.increment(.deliveries(lane(failure.activity) ?? .normal, .failed))
        }
        metrics.observe(.flushRows, count: rows)
    }

    /// What stands in Redis: of the partitions that are ours, and of the intake.
    func found(_ depths: QueueDepths) {
        metrics.set(.later, to: depths.partitions.values.reduce(0) { $0 + $1.later })
        for lane in Lane.intake {
            metrics.set(.laneLength(lane), to: depths.lanes[lane]?.length ?? 0)
        }
    }

    func rebuilt(partitions: Int, deliveries: Int) {
        metrics.increment(.partitionsRebuilt, by: partitions)
        metrics.increment(.deliveriesRebuilt, by: deliveries)
    }

    // MARK: The scoreboard

    func publish(
        _ gauges: @autoclosure () -> DeliveryMachine.Gauges, _ tally: DeliveryMachine.Tally,
        _ statistics: TransportStatistics, _ multiBuffer: MultiBufferSigner?, _ spent: [UInt64],
        stale: UInt64
    ) {
        let now = EventLoop.now
        guard let board, now - published >= Self.publishInterval else { return }
        published = now
        let gauges = gauges()
        metrics.set(.inFlight, to: gauges.inFlight)
        metrics.set(.openDeliveries, to: gauges.open)
        metrics.set(.unsettled, to: gauges.unsettled)
        metrics.set(.ownedPartitions, to: gauges.owned)
        metrics.set(.held, to: gauges.held)
        metrics.set(.networkAway, to: gauges.isAway ? 1 : 0)
        count(tally)
        count(statistics)
        count(multiBuffer)
        count(spent)
        metrics.increment(.staleEvents, by: Int(stale &- self.stale))
        self.stale = stale
        board.publish(metrics, state: state, at: now)
    }

    private func count(_ new: DeliveryMachine.Tally) {
        metrics.increment(.attempts(.delivered), by: new.delivered - tally.delivered)
        metrics.increment(.attempts(.retry), by: new.retried - tally.retried)
        metrics.increment(.attempts(.hold), by: new.held - tally.held)
        metrics.increment(.attempts(.failed), by: new.failed - tally.failed)
        metrics.increment(.attempts(.knockAgain), by: new.knockedAgain - tally.knockedAgain)
        metrics.increment(.attempts(.reconnect), by: new.reconnected - tally.reconnected)
        metrics.increment(
            .duplicatesSuppressed, by: new.duplicatesSuppressed - tally.duplicatesSuppressed)
        metrics.increment(.leasesLost, by: new.leasesLost - tally.leasesLost)
        metrics.increment(.deliveriesRecovered, by: new.recovered - tally.recovered)
        tally = new
    }

    private func count(_ new: TransportStatistics) {
        metrics.increment(
            .connections(.opened), by: new.newConnections - statistics.newConnections)
        metrics.increment(.connections(.reused), by: new.reused - statistics.reused)
        metrics.increment(.multiplexedExchanges, by: new.http2 - statistics.http2)
        metrics.set(.idleConnections, to: new.idleConnections)
        metrics.set(.idleConnectionBytes, to: new.idleConnectionBytes)
        statistics = new
    }

    private func count(_ multiBuffer: MultiBufferSigner?) {
        metrics.set(.multiBufferSigner, to: multiBuffer?.isTrusted == true ? 1 : 0)
        guard let new = multiBuffer?.tally else { return }
        metrics.increment(.signatureBatches, by: new.calls - batches.calls)
        metrics.increment(.batchedSignatures, by: new.signatures - batches.signatures)
        batches = new
    }

    private func count(_ new: [UInt64]) {
        for stage in CPUStage.allCases {
            let index = stage.account.rawValue
            metrics.increment(.cpu(stage), by: Int(new[index] - spent[index]))
        }
        spent = new
    }
}

extension CPUStage {
    fileprivate var account: CPUAccount {
        switch self {
        case .poll: .poll
        case .claim: .claim
        case .schedule: .schedule
        case .sign: .sign
        case .send: .send
        case .settle: .settle
        }
    }
}
