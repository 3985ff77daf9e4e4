/// What is owed, old, and stands nowhere is given back to Redis: a worker that died between commit
/// and routing of what Redis has forgotten since, a Redis that lost more than it knows, a fault of
/// ours. In health nothing is ever found.
///
/// The order of the questions makes it sound: first PostgreSQL, then our own memory, then Redis, then
/// our memory again. What is still to be given to a host that has a backlog is left out (its queue may
/// be long, and nobody reads it): it is found when the backlog has gone. What is given back is
/// flagged, so a false find costs one look at PostgreSQL and sends nothing twice.
extension DeliveryMachine {
    mutating func advanceStocktaking() {
        let due = stocktaking.due ?? now + configuration.stocktakingInterval / 2
        stocktaking.due = due
        guard case .resting = stocktaking.stage, now >= due, isRedisUp, isPostgresUp, !isDraining,
            !isRedisFull
        else { return }
        let partitions = partitions.cursors.map(\.partition).filter(isSettled)
        guard !partitions.isEmpty else { return restStocktaking(configuration.stocktakingInterval) }
        stocktaking.id = StocktakingID(rawValue: nextToken())
        stocktaking.stage = .asking
        emit(.findOwed(stocktaking.id, after: stocktaking.after, partitions))
    }

    private mutating func restStocktaking(_ time: Duration) {
        stocktaking.stage = .resting
        stocktaking.due = now + time
    }

    /// Its log has been read to what was its end, and Redis is not in doubt.
    private func isSettled(_ partition: PartitionNumber) -> Bool {
        guard case .owned(let owned) = partitions[partition] else { return false }
        return !owned.isCatchingUp && owned.examinationDue == nil
    }

    mutating func owedFound(_ id: StocktakingID, through: ActivityID?, _ owed: [Owed]) {
        guard id == stocktaking.id, case .asking = stocktaking.stage else { return countStale() }
        guard let through else {
            stocktaking.after = .zero
            stocktaking.suspects = nil
            return restStocktaking(configuration.stocktakingInterval)
        }
        let unknown = Dictionary(grouping: unaccounted(owed), by: \.partition)
        if unknown.isEmpty { return pageOver(through) }
        stocktaking.stage = .seeking(unknown, through: through, nowhere: [])
        for (partition, owed) in unknown.sorted(by: { $0.key < $1.key }) {
            guard case .owned(let owned) = partitions[partition] else { continue }
            let lease = OwnedLease(partition: partition, epoch: owned.epoch)
            emit(.seek(id, lease, after: owned.cursor, owed.flatMap(\.pointers)))
        }
    }

    /// The page is put off.
    mutating func owedUnknown(_ id: StocktakingID) {
        guard id == stocktaking.id, case .asking = stocktaking.stage else { return countStale() }
        restStocktaking(configuration.stocktakingPause)
    }

    mutating func sought(
        _ id: StocktakingID, _ partition: PartitionNumber, nowhere pointers: [DeliveryPointer]
    ) {
        guard id == stocktaking.id,
            case .seeking(var open, let through, var nowhere) = stocktaking.stage,
            let owed = open.removeValue(forKey: partition)
        else { return countStale() }
        let missing = Set(pointers)
        nowhere += owed.compactMap { one in one.filter { missing.contains($0) } }
        guard open.isEmpty else {
            stocktaking.stage = .seeking(open, through: through, nowhere: nowhere)
            return
        }
        judge(unaccounted(nowhere), through)
    }

    private mutating func judge(_ missing: [Owed], _ through: ActivityID) {
        if missing.isEmpty { return pageOver(through) }
        guard let suspects = stocktaking.suspects else {
            stocktaking.suspects = Set(missing.flatMap(\.pointers))
            return restStocktaking(configuration.stocktakingRecheck)
        }
        let lost = missing.compactMap { one in one.filter { suspects.contains($0) } }
        giveBack(lost)
        pageOver(through)
    }

    private mutating func pageOver(_ through: ActivityID) {
        stocktaking.after = through
        stocktaking.suspects = nil
        restStocktaking(configuration.stocktakingPause)
    }

    private mutating func giveBack(_ missing: [Owed]) {
        let lost = missing.compactMap { one in one.filter { stocktaking.returns($0) } }
        guard !lost.isEmpty else { return }
        let count = lost.reduce(0) { $0 + $1.inboxes.count }
        tally.recovered += count
        let some = Set(lost.map(\.activity.rawValue)).sorted().prefix(5).map(String.init)
        let partitions = Set(lost.map(\.partition.rawValue)).sorted().map(String.init)
        note(
            .error,
            "\(count) deliveries of \(Set(lost.map(\.activity)).count) activities were owed and stood "
                + "nowhere in Redis, and are being given back to it: activities "
                + "\(some.joined(separator: ", ")) and later, partitions "
                + partitions.joined(separator: ", "))
        for (partition, owed) in Dictionary(grouping: lost, by: \.partition)
            .sorted(by: { $0.key < $1.key })
        {
            guard let lease = self.partitions.lease(partition) else { continue }
            emit(.restore(lease, owed.flatMap(\.fanouts)))
        }
    }

    /// What this worker does not know of.
    private func unaccounted(_ owed: [Owed]) -> [Owed] {
        let unopened = owed.compactMap { one -> Owed? in
            // In a paused lane the entry may wait in the intake, for somebody to recover it.
            guard isSettled(one.partition), !controls.isPaused(one.lane, at: wall) else {
                return nil
            }
            let open = activities[one.activity]?.inboxes ?? []
            return one.filter { inbox, host in
                !open.contains(inbox) && hosts[host].map { $0.isBacklogAhead } != true
            }
        }
        guard !unopened.isEmpty else { return [] }
        let standing = standing(of: Set(unopened.map(\.activity)))
        return unopened.compactMap { one in
            one.filter { inbox, _ in standing[one.activity]?.contains(inbox) != true }
        }
    }

    /// What of these activities waits to be opened, or is on its way to a held queue or to `later`.
    private func standing(of asked: Set<ActivityID>) -> [ActivityID: Set<InboxID>] {
        var found: [ActivityID: Set<InboxID>] = [:]
        func note(_ pointers: [DeliveryPointer]) {
            for pointer in pointers where asked.contains(pointer.activity) {
                found[pointer.activity, default: []].insert(pointer.inbox)
            }
        }
        unopened.forEach { entry in
            switch entry.content {
            case .fanout(let fanout):
                if asked.contains(fanout.activity) {
                    found[fanout.activity, default: []].formUnion(fanout.inboxes)
                }
            case .pointers(let pointers): note(pointers)
            case .malformed: break
            }
        }
        let ends =
            entries.indices.map { entries[$0].resolution } + concluded.values.joined()
            + resolutions.values.flatMap(\.resolutions)
        for resolution in ends {
            for hold in resolution.holds { note(hold.pointers) }
            note(resolution.laters.map(\.pointer))
        }
        return found
    }
}
