internal import DeliveryCore
internal import EventLoop
internal import PostgresStore
internal import RedisQueue

/// What people and the main server say about hosts.
extension WorkerProcess {
    /// In this interval controls are read at the latest: Redis may have forgotten that they changed.
    static let controlInterval: Duration = .seconds(60)
    /// A worker that starts looks at hints this old.
    static let hintAge: Duration = .seconds(60)

    /// Nothing is sent before it is known what may not be: the machine hears that PostgreSQL is
    /// there once the controls are read.
    func postgresCameUp() {
        awaitsControls = true
        loadControls()
    }

    func postgresWentAway() {
        awaitsControls = false
        occur(.postgresDisconnected)
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
                self.occur(.controlsChanged(HostControls(stored)))
                let wall = EventLoop.wallTime
                for until in stored.compactMap(\.until) where until > wall {
                    self.controlsDue = min(self.controlsDue, EventLoop.now + (until - wall))
                }
                if self.awaitsControls { self.occur(.postgresConnected) }
                self.awaitsControls = false
            case .failure(let failure): self.complain(.loadControls, failure)
            }
        }
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

extension HostControls {
    init(_ stored: [StoredControl]) {
        self.init()
        for row in stored {
            var control = HostControl()
            switch row.kind {
            case "pause": control.isPaused = true
            case "block": control.isBlocked = true
            case "limit":
                guard let perSecond = row.perSecond, perSecond > 0 else { continue }
                control.interval = .milliseconds(Int64((1_000 / max(perSecond, 0.000_1)).rounded()))
            default: continue
            }
            add(control, to: row.host)
        }
    }
}
