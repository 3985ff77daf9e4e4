/// The queue's connections: how they begin, what must stand before they are used, how they end.

internal import DeliveryCore

/// How the logs are waited at.
enum LogReading {
    /// One read for all of them.
    case server(BlockingReader)
    case cluster(ClusterLogReader)
}

extension RedisQueue {
    package func start() {
        switch commands {
        case .server(let link): start(link)
        case .cluster(let router): start(router)
        }
    }

    /// Closes the connections; fails what is outstanding before it returns.
    package func stop() {
        sentinels?.stop()
        switch commands {
        case .server(let link): link.stop()
        case .cluster(let router): router.stop()
        }
        intakeReader.stop()
        switch logReader {
        case .server(let reader): reader.stop()
        case .cluster(let reader): reader.stop()
        }
        linksDown = serverLinks.count
        nextTurn.runAll()
    }

    var createGroups: RedisCommand {
        var operands = RedisScript.operands(keys: Lane.intake.map(keys.intake))
        operands.append(QueueKeys.group)
        return RedisScript.createGroups.evaluation(operands)
    }

    /// Scripts may be gone after every reconnect: another server, or one that was restarted.
    private func loadScripts(_ connection: RedisConnection) {
        for script in RedisScript.allCases {
            var load = RedisCommand("SCRIPT", "LOAD")
            load.append(script.source)
            connection.send(load) { [weak self] reply in
                guard case .success(let value) = reply else { return }
                self?.digests[script] = value.bytes
            }
        }
    }

    // MARK: One server

    private var serverLinks: [RedisLink] {
        guard case .server(let commands) = commands, case .server(let logs) = logReader else {
            return []
        }
        return [commands, intakeReader.link, logs.link]
    }

    private func start(_ commands: RedisLink) {
        commands.prepare = { [weak self] connection, completion in
            guard let self else { return }
            loadScripts(connection)
            // Groups may be gone, too: another server, or one that lost its data.
            connection.send(createGroups) { completion($0.map { _ in }) }
        }
        for link in serverLinks {
            var wasReady = false
            link.onChange = { [weak self] isReady, reason in
                let changed = isReady != wasReady
                wasReady = isReady
                self?.linkChanged(isReady, changed: changed, reason: reason)
            }
            link.start()
        }
        guard let sentinels else { return }
        sentinels.onPrimary = { [weak self] in self?.follow($0) }
        sentinels.onTrouble = { [weak self] reason in
            // A primary that still answers is good enough without them.
            guard let self, linksDown > 0 else { return }
            tell(false, reason)
        }
        sentinels.start()
    }

    private func linkChanged(_ isReady: Bool, changed: Bool, reason: String) {
        if changed { linksDown += isReady ? -1 : 1 }
        if changed && !isReady {
            // All three stay with one server: one lost connection may be a failover.
            for link in serverLinks { link.reconnect(because: reason) }
        }
        // While one is still down, another's return is no news.
        if isReady && linksDown > 0 { return }
        tell(isReady, reason)
    }

    /// The sentinels name another primary.
    private func follow(_ address: ServerAddress) {
        let target = endpoint.target(at: address)
        for link in serverLinks { link.move(to: target, because: "the primary is now \(address)") }
    }

    // MARK: A cluster

    private func start(_ router: ClusterRouter) {
        router.prepareNode = { [weak self] connection in self?.loadScripts(connection) }
        router.prepare = { [weak self] completion in
            guard let self else { return }
            router.send(createGroups) { completion($0.map { _ in }) }
        }
        router.onChange = { [weak self] isUp, reason in
            guard let self else { return }
            if isUp { intakeReader.link.hasten() }
            if case .cluster(let reader) = logReader {
                isUp ? reader.served() : reader.lost(because: reason)
            }
            // The intake's own connection follows when it is known where the intake is.
            if !isUp || intakeReader.link.isReady { tell(isUp, reason) }
        }
        intakeReader.link.onChange = { [weak self, weak router] isReady, reason in
            // Lost by itself, or on its way after its slot, it is no matter of the others'.
            if isReady, router?.isUp == true { self?.tell(true, reason) }
        }
        router.onMove = { [weak self, weak router] in
            guard let self, let router else { return }
            if let owner = router.owner(of: keys.intake(.normal)) {
                intakeReader.move(to: owner, because: "the intake is at \(owner.address)")
            }
            if case .cluster(let reader) = logReader { reader.moved() }
        }
        router.start()
        intakeReader.link.start()
    }
}
