internal import DeliveryCore
internal import EventLoop
internal import HTTPSignatures
internal import IntakeParsing
internal import Logging
internal import PostgresStore
internal import RedisQueue
internal import SigningKeys
internal import Telemetry
internal import Transport

/// Intake: entries of any producer in, parsed, expanded, routed, acked.
extension WorkerProcess {
    /// Longest a read waits for an entry; a new one ends the wait at once.
    static let blockMilliseconds = 1_000

    func readIntake(_ lanes: [Lane], count: Int) {
        queue.readIntake(lanes, count: count, blockMilliseconds: Self.blockMilliseconds) {
            [weak self] result in
            guard let self else { return }
            switch result {
            // Nobody has had these before: none of them can be set aside.
            case .success(let entries):
                if !entries.isEmpty { self.signingTurn.arrived(at: EventLoop.now) }
                self.occur(.intakeRead(self.parse(entries, setAside: [:])))
            case .failure(let failure):
                self.complain(.readIntake, failure)
                self.occur(.intakeReadFailed)
            }
        }
    }

    func recoverIntake(_ lanes: [Lane], alive: Set<Incarnation>) {
        queue.recoverIntake(lanes, alive: alive, count: 100) { [weak self] result in
            switch result {
            case .success(let entries): self?.takeRecovered(entries)
            case .failure(let failure): self?.complain(.recoverIntake, failure)
            }
        }
    }

    /// One of these may be why the worker that had it is gone: it is not even parsed before it is
    /// known not to be set aside. Unknown, they stay ours, and are recovered again.
    private func takeRecovered(_ entries: [IntakeEntry]) {
        guard !entries.isEmpty else { return occur(.intakeRecovered([])) }
        store.quarantined(entries.map(\.reference)) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let setAside):
                self.occur(.intakeRecovered(self.parse(entries, setAside: setAside)))
            case .failure(let failure): self.complain(.recoverIntake, failure)
            }
        }
    }

    private func parse(
        _ entries: [IntakeEntry], setAside: [IntakeReference: CrashCount]
    ) -> [ArrivedEntry] {
        recorder.read(entries.map(\.lane))
        return entries.map { entry in
            // Draining, the machine takes nothing more.
            if !machine.isDraining { entriesInHand.arrived(entry) }
            if let count = setAside[entry.reference] {
                return ArrivedEntry(
                    lane: entry.lane, id: entry.id, content: .failure(.quarantined(count)))
            }
            return ArrivedEntry(lane: entry.lane, id: entry.id, content: parse(entry))
        }
    }

    private func parse(_ entry: IntakeEntry) -> Result<Job, Rejection> {
        recorder.during(.parse, .entry(entry.reference)) {
            let body = entry.fields.first { $0.name == "activity" }?.value ?? []
            return Result { () throws(Rejection) in
                try parser.parse(
                    fields: entry.fields, lane: entry.lane, entry: entry.id,
                    digest: SHA256.hash(body))
            }
        }
    }

    func reject(_ rejected: [RejectedIntake]) {
        for entry in rejected {
            recorder.rejected(entry.rejection.code)
            log.warning(
                """
                rejected \(entry.reference.lane.name) entry \(entry.reference.id): \
                \(entry.rejection.reason)
                """,
                metadata: ["code": "\(entry.rejection.code)"])
        }
        let entries = rejected.map { entry in
            let reference = entry.reference
            let fields = entriesInHand.take(reference)?.fields ?? []
            return RejectedEntry(
                lane: reference.lane, id: reference.id, rejection: entry.rejection,
                fields: fields)
        }
        // Unanswered, the entries stay pending and are claimed, and rejected, again.
        queue.rejectIntake(entries, at: EventLoop.wallTime) { [weak self] result in
            if case .failure(let failure) = result { self?.complain(.rejectIntake, failure) }
        }
    }

    func findPredecessors(
        _ id: ExpansionID, _ lane: Lane, _ questions: [PredecessorQuestion]
    ) {
        queue.findPredecessors(questions, in: lane) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answers): self.occur(.predecessorsFound(id, answers))
            case .failure(let failure):
                self.complain(.findPredecessors, failure)
                self.occur(.predecessorsUnknown(id))
            }
        }
    }

    func expand(_ id: ExpansionID, _ jobs: [ExpansionJob]) {
        entriesInHand.expansionBegan(id, jobs.map(\.reference))
        let means = ExpansionRun.Means(
            store: store, inboxes: inboxes, keys: keys, addresses: addresses,
            ownHosts: [options.transport.instanceDomain],
            audienceRelation: options.audienceRelation, pausedSenders: pausedSenders,
            wall: EventLoop.wallTime,
            recordDropped: { [recorder] in recorder.skippedDead($0, count: $1) },
            remember: { [weak self] in
                self?.freshActivities.remember($0, at: EventLoop.now)
            },
            holding: { [recorder] in recorder.during(.expand, .entry($0), $1) })
        let run = ExpansionRun(jobs, means: means) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let results):
                self.recorder.expanded(jobs.map(\.reference.lane))
                self.recorder.foundNobody(
                    zip(jobs, results).filter(\.1.isForNobody).map(\.0.reference.lane))
                self.occur(.expanded(id, results))
            case .failure(let failure):
                self.complain(.expand, failure)
                self.occur(.expansionFailed(id))
            }
        }
        run.start()
    }

    func route(_ id: ExpansionID, _ entries: [RoutedEntry]) {
        queue.route(entries.map { ($0.partition, $0.fanout) }) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                self.recorder.routed(entries)
                self.occur(.routed(id))
            case .failure(let failure):
                self.complain(.route, failure)
                self.occur(.routingFailed(id))
            }
        }
    }

    func finishIntake(_ id: ExpansionID, _ references: [IntakeReference]) {
        queue.finishIntake(references.map { ($0.lane, $0.id) }) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                self.entriesInHand.finished(references)
                self.occur(.intakeFinished(id))
            case .failure(let failure):
                self.complain(.finishIntake, failure)
                self.occur(.intakeFinishFailed(id))
            }
        }
    }

    /// Forgets the entries that the machine hands back: a draining one tries nothing again.
    func handBackEntries(after event: Event) {
        guard machine.isDraining else { return }
        switch event {
        case .drainRequested: entriesInHand.drainBegan()
        case .expansionFailed(let id), .routingFailed(let id), .intakeFinishFailed(let id):
            entriesInHand.expansionGivenUp(id)
        default: break
        }
    }

    // MARK: Parked activities

    /// After a change of the controls, and after the last was routed, they are looked for once more:
    /// another worker may have parked one without knowing.
    static let parkedPause: Duration = .seconds(5)
    static let parkedKeysPage = 1_000

    /// Routes the parked activities whose key has come, into PostgreSQL or into the directory, or
    /// whose sender is paused no more.
    func wakeParked() {
        isWakingParked = true
        findParkedKeys(after: nil, known: [])
    }

    /// One page of keys after the other, so that thousands that never come hide none that has.
    private func findParkedKeys(after last: String?, known: [String]) {
        store.parkedKeys(after: last, limit: Self.parkedKeysPage) { [weak self] result in
            guard let self, let texts = self.unlessFailed(result) else { return }
            let parked = texts.compactMap { try? KeyID($0) }
            self.keys.learn(Set(parked)) { [weak self] learned in
                guard let self, let unusable = self.unlessFailed(learned) else { return }
                let known = known + parked.filter { unusable[$0] == nil }.map(\.text)
                if texts.count == Self.parkedKeysPage {
                    return self.findParkedKeys(after: texts.last, known: known)
                }
                guard !known.isEmpty else { return self.isWakingParked = false }
                self.loadParked(waitingFor: known)
            }
        }
    }

    private func loadParked(waitingFor keys: [String]) {
        store.parkedReady(knownKeys: keys, limit: 100) { [weak self] result in
            guard let self, let parked = self.found(result) else { return }
            self.route(parked)
        }
    }

    private func route(_ parked: [ParkedActivity]) {
        inboxes.load(Set(parked.flatMap(\.audience)).sorted()) { [weak self] result in
            guard let self, let rows = self.found(result) else { return }
            let byID = Dictionary(rows.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            self.occur(
                .unparked(
                    parked.map { activity in
                        ExpansionResult.Stored(
                            activity: activity.id, lane: activity.lane,
                            routes: Routes(of: activity.audience.compactMap { byID[$0] }),
                            again: true)
                    }))
        }
    }

    /// nil: there is nothing, and waking has come to its end.
    private func found<Element>(_ result: Result<[Element], StoreFailure>) -> [Element]? {
        guard let list = unlessFailed(result) else { return nil }
        isWakingParked = !list.isEmpty
        return list.isEmpty ? nil : list
    }

    /// What waking learnt; a failure is told, and the next pass tries again.
    private func unlessFailed<Value>(_ result: Result<Value, StoreFailure>) -> Value? {
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            isWakingParked = false
            complain(.wakeParked, failure)
            return nil
        }
    }

    func finishUnparking(_ id: ExpansionID, _ activities: [ActivityID]) {
        store.unparked(activities) { [weak self] result in
            guard let self else { return }
            guard self.unlessFailed(result) != nil else {
                return self.occur(.intakeFinishFailed(id))
            }
            self.occur(.intakeFinished(id))
            // One may have been parked behind them as they were routed.
            self.parkedDue = min(self.parkedDue, EventLoop.now + Self.parkedPause)
            // They are routed a hundred at a time.
            self.wakeParked()
        }
    }
}

extension IntakeEntry {
    fileprivate var reference: IntakeReference { IntakeReference(lane: lane, id: id) }
}

extension ExpansionResult {
    /// On record, and nothing is to be sent: no follower elsewhere, or all have gone.
    fileprivate var isForNobody: Bool {
        if case .stored(let stored) = self { stored.routes.isEmpty } else { false }
    }
}
