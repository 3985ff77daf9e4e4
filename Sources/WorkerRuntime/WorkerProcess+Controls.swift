internal import DeliveryCore
internal import EventLoop
internal import HTTPSignatures
internal import PostgresStore
internal import RedisQueue

/// What people say about hosts, lanes and senders, and the main server about hosts.
extension WorkerProcess {
    /// In this interval controls are read at the latest: Redis may have forgotten that they changed.
    static let controlInterval: Duration = .seconds(60)
    /// A worker that starts looks at hints this old.
    static let hintAge: Duration = .seconds(60)

    /// Nothing is sent before it is known what may not be: the machine hears that PostgreSQL is
    /// there once the controls are read.
    func postgresCameUp() {
        forgetFresh()
        awaitsControls = true
        loadControls()
    }

    func postgresWentAway() {
        forgetFresh()
        awaitsControls = false
        occur(.postgresDisconnected)
    }

    /// What is not read from PostgreSQL because it was told just now.
    func forgetFresh() {
        inboxes.forgetAll()
        freshActivities.forgetAll(at: EventLoop.now)
    }

    /// With every heartbeat.
    func followControls() {
        if isPostgresUp, awaitsControls || EventLoop.now >= controlsDue { loadControls() }
        readHints()
    }

    private func loadControls() {
        guard !isLoadingControls else { return }
        isLoadingControls = true
        controlsDue = EventLoop.now + Self.controlInterval
        store.loadControls { [weak self] result in
            guard let self else { return }
            self.isLoadingControls = false
            switch result {
            case .success(let stored):
                self.occur(.controlsChanged(Controls(stored)))
                self.pausedSenders = PausedSenders(stored)
                if let wait = Self.wait(untilFirstEndOf: stored, at: EventLoop.wallTime) {
                    let end = EventLoop.now + wait
                    self.controlsDue = min(self.controlsDue, end)
                    // What is parked may be routed then; PostgreSQL's clock may be behind.
                    self.parkedDue = min(self.parkedDue, end + .seconds(1))
                }
                if self.awaitsControls { self.occur(.postgresConnected) }
                self.awaitsControls = false
            case .failure(let failure): self.complain(.loadControls, failure)
            }
        }
    }

    /// How long until the first of them ends by itself; nil: none does.
    ///
    /// At most until they are read again anyway: the clock of deadlines ends after 292 years.
    static func wait(
        untilFirstEndOf stored: [StoredControl], at wall: WallTime
    ) -> Duration? {
        let ends = stored.compactMap(\.until).filter { $0 > wall }
        return ends.min().map { min($0 - wall, controlInterval) }
    }

    private func readHints() {
        let since = EventLoop.wallTime - Self.hintAge
        queue.readSeenAlive(since: since) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let hosts):
                guard !hosts.isEmpty else { return }
                self.occur(.hostsSeenAlive(hosts))
                if self.ownsFirstPartition { self.noteHints(hosts) }
            case .failure(let failure): self.complain(.readHints, failure)
            }
        }
    }

    private func noteHints(_ hosts: Set<String>) {
        store.hostsSeenAlive(hosts.sorted()) { [weak self] result in
            if case .failure(let failure) = result { self?.complain(.readHints, failure) }
        }
        queue.trimSeenAlive { [weak self] result in
            if case .failure(let failure) = result { self?.complain(.readHints, failure) }
        }
    }
}

extension Controls {
    init(_ stored: [StoredControl]) {
        self.init()
        for row in stored {
            switch row.subject {
            case .host(let name):
                if let control = HostControl(row) { add(control, to: name) }
            case .lane(let lane):
                if row.kind == "pause" { pause(lane, Pause(row)) }
            case .sender(let keyID):
                guard row.kind == "pause", let key = try? KeyID(keyID) else { continue }
                pause(SenderID(of: key), Pause(row))
            }
        }
    }
}

extension HostControl {
    fileprivate init?(_ row: StoredControl) {
        self.init()
        switch row.kind {
        case "pause": isPaused = true
        case "block": isBlocked = true
        case "limit":
            guard let perSecond = row.perSecond, perSecond > 0 else { return nil }
            interval = .milliseconds(Int64((1_000 / max(perSecond, 0.000_1)).rounded()))
        default: return nil
        }
    }
}

extension Pause {
    fileprivate init(_ row: StoredControl) { self.init(since: row.since, until: row.until) }
}

/// Senders whose activities are stored and not routed, by keyId.
struct PausedSenders {
    private var pauses: [String: (until: WallTime?, reason: String)] = [:]

    init(_ stored: [StoredControl] = []) {
        for row in stored where row.kind == "pause" {
            guard case .sender(let keyID) = row.subject else { continue }
            let why = row.reason.isEmpty ? "" : ": \(row.reason)"
            pauses[keyID] = (row.until, "\(ParkedReason.pausedSender) by \(row.actor)\(why)")
        }
    }

    /// In words; nil: it is not paused.
    func reason(for keyID: String, at wall: WallTime) -> String? {
        guard let (until, reason) = pauses[keyID] else { return nil }
        if let until, until <= wall { return nil }
        return reason
    }
}
