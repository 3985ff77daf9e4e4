internal import Bench
internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// One activity to one pretend host of each worker, before a load: whether workers that others have
/// started reach the sink, trust it, and read the audiences that a run adds.
struct ProbeDelivery {
    private static let patience: Duration = .seconds(30)
    /// Names to be tried for each partition, so that a worker with few of them gets one, too.
    private static let namesPerPartition = 8

    let population: Population
    let sink: BenchSink
    let database: Database
    /// Those that are alive.
    let workers: [String]
    let partitions: Int

    /// - Throws: what is on record of it, and what mends that.
    func run(
        _ client: borrowing RedisClient, _ interruption: Interruption,
        into entries: inout EnqueuedEntries
    ) throws {
        let names = population.world.names
        let id = names.probeID
        let inboxes = try inboxes(client)
        var command = RedisCommand("XADD", client.keys.intake(.urgent), "*")
        let expires =
            BenchClock.wallMicroseconds / 1_000_000 + Self.patience.components.seconds + 30
        let body = """
            {"@context":"https://www.w3.org/ns/activitystreams","id":"\(id)","type":"Create",\
            "actor":"\(names.actor(0))","object":"\(id)/note"}
            """
        for word in ["activity", body, "key", names.key(0), "expires", String(expires)] {
            command.append(word)
        }
        if population.hasAudience {
            try population.addProbeFollowers(inboxes.map(\.inbox))
            for word in ["audience", population.probeAudience] { command.append(word) }
        } else {
            let urls = inboxes.map { "\"\($0.inbox)\"" }.joined(separator: ",")
            for word in ["to", "[\(urls)]"] { command.append(word) }
        }
        entries.add(try client.perform(command), in: .urgent, number: nil)
        let hasCome = try interruption.wait(atMost: Self.patience, looking: .milliseconds(200)) {
            try sink.checkRunning()
            if try sink.account()?.accepted ?? 0 >= inboxes.count { return true }
            if let obstacle = try obstacle(id, inboxes) { throw failure(obstacle, id) }
            return false
        }
        guard hasCome else { throw try failure(delay(id, inboxes), id) }
    }

    /// A host of this run for each worker: those of an earlier run may have failed.
    private func inboxes(
        _ client: borrowing RedisClient
    ) throws -> [(worker: String, inbox: String)] {
        let names = (1...max(partitions * Self.namesPerPartition, 1)).map {
            "\(population.world.names.probeHost($0)):\(sink.httpsPort)"
        }
        let owners = try client.owners(partitions: partitions)
        let places = try asking { () throws(StoreFailure) in
            try database.query(
                """
                select name, trunkline.partition_of(name)
                from unnest($1::text[]) with ordinality as n (name, place) order by place
                """, ["{\(names.joined(separator: ","))}"])
        }
        var found: [(worker: String, inbox: String)] = []
        for place in places {
            guard let host = place[0],
                let owner = place[1].flatMap({ Int($0) }).flatMap({ owners[$0] }),
                workers.contains(owner), !found.contains(where: { $0.worker == owner })
            else { continue }
            found.append((owner, "https://\(host)/inbox"))
        }
        guard found.isEmpty else { return found }
        // Just started: whoever takes the first host's partition.
        return places.prefix(1).compactMap { $0[0].map { (workers[0], "https://\($0)/inbox") } }
    }

    /// What is wrong, as the record has it; nil: nothing so far.
    private func obstacle(
        _ id: String, _ inboxes: [(worker: String, inbox: String)]
    ) throws -> Obstacle? {
        let report = try report(of: id)
        guard let stored = report?.stored.first else { return nil }
        if stored.counts.isEmpty { return .nobody }
        for delivery in report?.deliveries ?? [] {
            guard let error = delivery.lastError else { continue }
            let worker = inboxes.first { $0.inbox == delivery.inbox }?.worker ?? ""
            return .failed(worker: worker, error: error)
        }
        return nil
    }

    /// Why it has not come in time.
    private func delay(
        _ id: String, _ inboxes: [(worker: String, inbox: String)]
    ) throws -> Obstacle {
        guard let report = try report(of: id) else {
            return .late([
                "its entry is not expanded; `trunkline doctor` and `trunkline rejected` tell more"
            ])
        }
        return .late(report.reasonCounts.map(\.reason))
    }

    private func report(of id: String) throws(CommandFailure) -> ActivityReport? {
        try asking { () throws(StoreFailure) in
            try ActivityReport(id, in: database, aliveWorkers: workers.count)
        }
    }

    private enum Obstacle {
        /// Its audience had no row that the workers could see.
        case nobody
        /// As the first attempt's record says it.
        case failed(worker: String, error: String)
        case late([String])
    }

    private func failure(_ obstacle: Obstacle, _ id: String) -> CommandFailure {
        let place = "the sink, https://127.0.0.1:\(sink.httpsPort)"
        switch obstacle {
        case .nobody:
            return .failed(
                "the workers do not read audiences from \(PoolOptions.standardAudienceRelation), where "
                    + "a run adds its followers: measure workers without --audience-relation")
        case .failed(let worker, let error):
            return .failed(
                "worker \(worker) cannot deliver to \(place) (\(error.printable)): "
                    + mend(String(error.prefix { $0 != ":" })))
        case .late(let reasons):
            let seconds = Self.patience.components.seconds
            return .failed(
                "a delivery to \(place) has not come within \(seconds) s: "
                    + reasons.joined(separator: "; ").printable)
        }
    }

    /// - Parameter reason: the class of an attempt.
    private func mend(_ reason: String) -> String {
        switch reason {
        case TransportFailure.certificateInvalid.rawValue:
            return
                "it must trust the sink's authority: `run --ca-file trusted.pem`, "
                + Installation.trust(in: sink)
        case TransportFailure.forbiddenAddress.rawValue:
            return "it must be allowed to: \(Installation.flags(for: sink))"
        case TransportFailure.connectFailed.rawValue, TransportFailure.connectTimedOut.rawValue,
            TransportFailure.nameNotFound.rawValue, TransportFailure.nameUnavailable.rawValue:
            return "the sink is for workers of this machine alone; run the benchmark where they run"
        default:
            return "the workers need \(Installation.flags(for: sink))"
        }
    }
}
