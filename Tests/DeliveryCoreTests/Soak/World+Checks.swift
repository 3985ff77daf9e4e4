import DeliveryCore

/// What must hold at every moment, whatever fails.
extension World {
    func ownership(of delivery: Delivery, by name: Incarnation) -> Int {
        workers[name]?.ownerships[Self.partition(of: delivery.inbox)] ?? 0
    }

    /// Only the owner sends, nothing twice at a time, no more to a host than its window.
    mutating func checkSend(_ delivery: Delivery, from name: Incarnation) {
        let partition = Self.partition(of: delivery.inbox)
        let lease = redis.partitions[partition]?.lease
        if lease?.owner != name || (lease?.expires ?? now) <= now {
            violation = "\(name) sends \(delivery) without the lease of \(partition.rawValue)"
        }
        let ownership = ownership(of: delivery, by: name)
        let flights =
            workers[name]?.flights.values.filter {
                $0.delivery.inbox.host == delivery.inbox.host && $0.ownership == ownership
            } ?? []
        if flights.contains(where: { $0.delivery == delivery }) {
            violation = "\(name) has \(delivery) in flight twice"
        }
        if flights.count >= Self.configuration.hostWindow {
            violation = "\(name) exceeds the window of host \(delivery.inbox.host.rawValue)"
        }
    }

    mutating func checkWorker(_ name: Incarnation) {
        guard let worker = workers[name] else { return }
        if worker.machine.gauges.inFlight > Self.configuration.slots {
            violation = "\(name) has \(worker.machine.gauges.inFlight) in flight"
        }
        if !worker.hasFinished, worker.machine.nextDeadline <= now {
            violation = "\(name) wants to be woken in the past: it would spin"
        }
        if let twice = postgres.settledTwice.first { violation = "\(twice) was settled twice" }
    }

    /// An entry ends when each of its deliveries is committed, leaves with it for held or later, or
    /// stands somewhere else already.
    mutating func checkResolution(_ resolution: Resolution, in partition: PartitionNumber) {
        guard let entry = redis.entry(resolution.entry, of: partition) else { return }
        let leaving = Set(
            (resolution.holds.flatMap(\.pointers) + resolution.laters.map(\.pointer))
                .map(Delivery.init))
        let open = SimulatedRedis.deliveries(of: entry).filter {
            !postgres.settled.contains($0) && !leaving.contains($0)
        }
        guard !open.isEmpty else { return }
        let elsewhere = redis.standing(besides: entry.id)
        if let lost = open.first(where: { !elsewhere.contains($0) }) {
            violation = "entry \(entry.id) is resolved, and \(lost) is neither settled nor waiting"
        }
    }

    /// Every owed delivery whose intake entry is acked stands in log, held or later.
    mutating func checkOwed() {
        let unacked = Set(redis.intake.map(\.job)).union(redis.pending.values.map(\.job))
        let unackedActivities = Set(unacked.compactMap { postgres.intake[$0] })
        let owed = postgres.owed.filter { !unackedActivities.contains($0.activity) }
        let standing = redis.standing()
        if let lost = owed.first(where: { !standing.contains($0) }) {
            violation = "\(lost) is owed and stands nowhere"
        }
    }

    /// Everything that was produced has come to its end, and nobody keeps a trace of it.
    var isQuiet: Bool {
        redis.isEmpty && postgres.owed.isEmpty
            && workers.values.allSatisfy { worker in
                let gauges = worker.machine.gauges
                return gauges.open == 0 && gauges.inFlight == 0 && gauges.unsettled == 0
                    && gauges.held == 0
            }
    }

    var summary: String {
        let workers = workers.values.sorted { $0.name < $1.name }.map {
            "\($0.name.rawValue): \($0.machine.gauges)"
        }
        return """
            intake \(redis.intake.count)+\(redis.pending.count), owed \(postgres.owed.count), \
            log \(redis.partitions.values.map { $0.log.count }), \
            held \(redis.partitions.values.map { $0.held.count }), \
            later \(redis.partitions.values.map { $0.later.count }), \(workers)
            """
    }
}
