internal import DeliveryCore
internal import EventLoop
internal import HTTPSignatures
internal import Logging
internal import PostgresStore
internal import RedisQueue
internal import SigningKeys
internal import Telemetry
internal import Transport

/// The one switch: every action of the machine, performed by the adapter that can.
extension WorkerProcess {
    func perform(_ action: Action) {
        switch action {
        case .heartbeat: heartbeat()
        case .takeLease(let partition): takeLease(partition)
        case .takeEpoch(let partition): takeEpoch(partition)
        case .sealLease(let partition, let epoch):
            // What its former owner has found out of its hosts.
            forgetFresh()
            sealLease(partition, epoch)
        case .renewLeases(let leases, let whole): renew(leases, whole: whole)
        case .releaseLeases(let leases): release(leases)
        case .examine(let lease): examine(lease)
        case .rebuild(let lease, let activity): rebuild(lease, after: activity)
        case .loadBacklog(let partition): loadBacklog(partition)
        case .findOwed(let id, let after, let partitions):
            findOwed(id, after: after, partitions)
        case .seek(let id, let lease, let cursor, let pointers):
            seek(id, lease, after: cursor, pointers)
        case .restore(let lease, let fanouts): restore(lease, fanouts)

        case .readIntake(let lanes, let count): readIntake(lanes, count: count)
        case .recoverIntake(let lanes, let alive): recoverIntake(lanes, alive: alive)
        case .interruptIntakeRead: queue.interruptIntakeRead()
        case .rejectIntake(let rejected): reject(rejected)
        case .findPredecessors(let id, let lane, let questions):
            findPredecessors(id, lane, questions)
        case .expand(let id, let jobs): expand(id, jobs)
        case .route(let id, let entries): route(id, entries)
        case .finishIntake(let id, let references): finishIntake(id, references)
        case .finishUnparking(let id, let activities): finishUnparking(id, activities)

        case .readLogs(let cursors, let count): readLogs(cursors, count: count)
        case .interruptLogRead: queue.interruptLogRead()
        case .prepare(let id, let request): prepare(id, request)
        case .release(let lease, let host, let count): release(lease, host, count: count)
        case .releaseDue(let lease, let count): releaseDue(lease, count: count)

        case .send(let transmissions): outbox += transmissions
        case .forget(let activity): shelf[activity] = nil

        case .flush(let id, let batch): flush(id, batch)
        case .resolve(let lease, let id, let resolutions): resolve(lease, id, resolutions)

        case .log(let notice): tell(notice)
        case .finish: finish()
        }
    }

    private func tell(_ notice: Notice) {
        switch notice.level {
        case .info: log.info("\(notice.message)")
        case .warning: log.warning("\(notice.message)")
        case .error: log.error("\(notice.message)")
        }
    }

    private func finish() {
        queue.retire { [weak self] _ in self?.isFinished = true }
    }

    // MARK: Transfers

    /// Signs and sends what the turn has gathered, as far as it is to be signed now. What belonged
    /// to a partition that was lost meanwhile is the business of its new owner.
    func sendOutbox() {
        guard !outbox.isEmpty else { return }
        let multiBuffer = keys.ring.multiBuffer
        let count = signingTurn.take(
            from: outbox.count, at: EventLoop.now,
            batch: multiBuffer?.isTrusted == true ? MultiBufferSigner.lanes : nil)
        guard count > 0 else { return }
        let batch = outbox.prefix(count).filter { machine.isUnderWay($0.token) }
        outbox.removeFirst(count)
        occur(.signed(count))
        guard !batch.isEmpty else { return }
        let filled = multiBuffer?.tally.filled
        send(Array(batch))
        if multiBuffer?.tally.filled != filled { signingTurn.filled(at: EventLoop.now) }
    }

    private func send(_ transmissions: [Transmission]) {
        loop.meter.enter(.sign)
        keys.refresh(Set(transmissions.compactMap { shelf[$0.activity]?.key }))
        let composed = composer.compose(
            transmissions, from: shelf, with: &keys.ring, now: EventLoop.now,
            wall: EventLoop.wallTime
        ) { [recorder] in recorder.enter(.sign, $0.map(WorkItem.activity)) }
        defer { recorder.leave() }
        loop.meter.enter(.send)
        for item in composed {
            let token = item.transmission.token
            switch item.request {
            case .success(var request):
                request.onFreshConnection = item.transmission.onFreshConnection
                recorder.signed(item.algorithm, item.transmission.profile)
                request.holding = { [recorder] body in
                    recorder.during(.send, .activity(item.transmission.activity), body)
                }
                transport.send(request) { [weak self] report in
                    self?.finished(item.transmission, report)
                }
            case .failure:
                occur(.keyMissing(token))
            }
        }
    }

    private func finished(_ transmission: Transmission, _ report: TransferReport) {
        // The host's bytes: the activity has no part in them.
        let (retryAfter, quota) = recorder.during(.judge, nil) {
            Self.wishes(in: report.exchange)
        }
        recorder.exchanged(
            report.exchange, duration: report.duration, of: shelf[transmission.activity]?.facts,
            wall: EventLoop.wallTime)
        occur(
            .transferFinished(
                transmission.token, report.exchange, retryAfter: retryAfter, quota: quota,
                duration: report.duration))
    }

    /// What the host asks for: a pause, and no more than so many requests.
    private static func wishes(in exchange: Exchange) -> (Duration?, Quota?) {
        guard case .answered(let answer) = exchange else { return (nil, nil) }
        let now = EventLoop.wallTime
        return (
            answer.retryAfter.flatMap { RetryAfter.parse($0, now: now) },
            answer.rateLimit.flatMap {
                RateLimit.parse(remaining: $0.remaining, reset: $0.reset, now: now)
            }
        )
    }

    // MARK: Settlement

    private func flush(_ id: FlushID, _ batch: FlushBatch) {
        let began = EventLoop.now
        let rows = recorder.during(.settle, nil) {
            StoreFlush(batch, id: id, worker: options.incarnation)
        }
        store.flush(rows) { [weak self] result in
            guard let self else { return }
            // Whether or not it was written.
            self.inboxes.doubt(batch.failures.map(\.inbox), hosts: batch.hosts.map(\.host))
            switch result {
            case .success(let flushed):
                self.recorder.flushed(
                    batch, lane: { self.shelf[$0]?.facts.lane }, duration: EventLoop.now - began)
                for row in flushed.quarantined { self.log.error("a result was set aside: \(row)") }
                self.occur(.flushed(id))
            case .failure(.fenced(let lost)):
                self.occur(.flushFenced(id, batch.fences.filter { lost.contains($0.partition) }))
            case .failure(let failure):
                self.log.warning("flush failed: \(failure)")
                self.occur(.flushFailed(id))
            }
        }
    }

    private func resolve(
        _ lease: OwnedLease, _ id: ResolutionID, _ resolutions: [Resolution]
    ) {
        queue.resolve(lease, resolutions.map(RedisQueue.Resolution.init)) { [weak self] result in
            switch result {
            case .success: self?.occur(.resolved(lease.partition, id))
            case .failure(.fenced): self?.occur(.fenced(lease))
            case .failure: self?.occur(.resolutionFailed(lease.partition, id))
            }
        }
    }
}

extension Action {
    /// Who is charged for performing it.
    var account: CPUAccount {
        switch self {
        case .flush, .resolve: .settle
        case .send, .forget, .log, .finish, .heartbeat: .schedule
        default: .claim
        }
    }
}
