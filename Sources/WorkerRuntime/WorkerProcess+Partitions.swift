internal import DeliveryCore
internal import EventLoop
internal import Logging
internal import PostgresStore
internal import RedisQueue
internal import Telemetry

/// Partitions: leases, epochs, logs, held queues.
extension WorkerProcess {
    func heartbeat() {
        queue.heartbeat { [weak self] result in
            switch result {
            case .success(let membership):
                self?.occur(.membershipSeen(alive: membership.alive))
                self?.noticeControl(membership.controlEpoch)
                self?.followControls()
            case .failure(let failure): self?.complain(.heartbeat, failure)
            }
        }
        keepHouse()
    }

    /// A change of the controls may also mean a new key, or another one under a known name, or an
    /// order to rebuild; and a Redis that has forgotten it has forgotten more. The owner
    /// of partition 0 looks after what concerns the pool as a whole: it wakes parked activities,
    /// and looks for keys that came as files once a minute.
    private func noticeControl(_ epoch: Int64) {
        let now = EventLoop.now
        let isNews = epoch != handledControlEpoch
        if isNews {
            handledControlEpoch = epoch
            keys.sourcesChanged()
            controlsDue = now
            parkedDue = now
            occur(.partitionsDoubted)
        }
        guard now >= parkedDue, ownsFirstPartition, !isWakingParked else { return }
        parkedDue = now + (isNews ? Self.parkedPause : .seconds(60))
        wakeParked()
    }

    func takeLease(_ partition: PartitionNumber) {
        queue.takeLease(partition) { [weak self] result in
            switch result {
            case .success(let ours): self?.occur(.leaseTaken(partition, ours))
            case .failure(let failure):
                self?.complain(.takeLease, failure)
                self?.occur(.ownershipFailed(partition))
            }
        }
    }

    func takeEpoch(_ partition: PartitionNumber) {
        store.takeEpoch(partition) { [weak self] result in
            switch result {
            case .success(let epoch): self?.occur(.epochTaken(partition, epoch))
            case .failure(let failure):
                self?.complain(.takeEpoch, failure)
                self?.occur(.ownershipFailed(partition))
            }
        }
    }

    func sealLease(_ partition: PartitionNumber, _ epoch: Epoch) {
        queue.sealLease(partition, epoch) { [weak self] result in
            switch result {
            case .success(let ours): self?.occur(.leaseSealed(partition, epoch, ours))
            case .failure(let failure):
                self?.complain(.sealLease, failure)
                self?.occur(.ownershipFailed(partition))
            }
        }
    }

    func renew(_ leases: [OwnedLease], whole: Set<PartitionNumber>) {
        let sent = EventLoop.now
        let through = newestActivities.old(at: sent)
        queue.renewLeases(leases, whole: whole, through: through) { [weak self] result in
            guard case .success(let (kept, lost)) = result else { return }
            self?.occur(.leasesRenewed(kept: kept, lost: lost, sent: sent))
        }
    }

    func release(_ leases: [OwnedLease]) {
        queue.releaseLeases(leases) { [weak self] _ in
            self?.occur(.leasesReleased(leases.map(\.partition)))
        }
    }

    func loadBacklog(_ partition: PartitionNumber) {
        queue.loadBacklog(partition) { [weak self] result in
            switch result {
            case .success(let backlog):
                let held = backlog.hosts.map(HeldHost.init)
                self?.occur(.backlogLoaded(partition, held, later: backlog.later))
            case .failure(let failure):
                self?.complain(.loadBacklog, failure)
                self?.occur(.ownershipFailed(partition))
            }
        }
    }

    func readLogs(_ cursors: [LogCursor], count: Int) {
        // A read that waits ends, in a cluster, with the first log that has something.
        let isWaiting = !cursors.contains(where: \.isCatchingUp)
        queue.readLogs(
            cursors.map { ($0.partition, $0.after) }, count: count,
            blockMilliseconds: isWaiting ? Self.blockMilliseconds : 0
        ) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let read):
                if read.contains(where: { $0.1.contains(where: \.isAwaited) }) {
                    self.signingTurn.arrived(at: EventLoop.now)
                }
                self.occur(.logRead(read))
            case .failure(let failure):
                self.complain(.readLogs, failure)
                self.occur(.logReadFailed)
            }
        }
    }

    func prepare(_ id: PreparationID, _ request: PreparationRequest) {
        let run = PreparationRun(
            request, known: freshActivities.take(request.activities, at: EventLoop.now),
            store: store, inboxes: inboxes, keys: keys,
            shelve: { [weak self] in self?.shelf[$0] = $1 },
            holding: { [recorder] in recorder.during(.prepare, .activity($0), $1) }
        ) { [weak self] result in
            switch result {
            case .success(let facts): self?.occur(.prepared(id, facts))
            case .failure(let failure):
                self?.complain(.prepare, failure)
                self?.occur(.preparationFailed(id))
            }
        }
        run.start()
    }

    func release(_ lease: OwnedLease, _ host: HostID, count: Int) {
        queue.release(lease, host, count: count) { [weak self] result in
            switch result {
            case .success(let (entry, remaining)):
                self?.occur(.released(lease.partition, host, entry, remaining: remaining))
            case .failure(.fenced): self?.occur(.fenced(lease))
            case .failure: self?.occur(.releaseFailed(lease.partition, host))
            }
        }
    }

    func releaseDue(_ lease: OwnedLease, count: Int) {
        queue.releaseDue(
            lease, now: EventLoop.wallTime, count: count
        ) { [weak self] result in
            switch result {
            case .success(let (moved, next)):
                self?.occur(.dueReleased(lease.partition, moved: moved, next: next))
            case .failure(.fenced): self?.occur(.fenced(lease))
            case .failure: self?.occur(.dueReleaseFailed(lease.partition))
            }
        }
    }
}

extension RedisQueue.Resolution {
    init(_ resolution: Resolution) {
        self.init(
            entry: resolution.entry,
            holds: resolution.holds.map {
                Hold(host: $0.host, front: $0.atHead, pointers: $0.pointers)
            },
            laters: resolution.laters,
            hostStates: resolution.hostStates.map {
                HostState(host: $0.host, state: $0.condition.text)
            })
    }
}

extension HeldHost {
    init(host: HostID, state: String, held: Int) {
        self.init(host: host, condition: HostCondition(text: state), held: held)
    }
}
