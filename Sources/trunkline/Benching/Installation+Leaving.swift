internal import Bench
internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// How a run leaves workers that go on.
extension Installation {
    /// For what was tried before the load and is in a worker's hands.
    private static let grace: Duration = .seconds(10)
    /// Entries of one command.
    private static let batch = 1_000
    /// Between two lines about what is waited for.
    private static let pace: Duration = .seconds(5)

    /// Waits for what is owed, and removes what was added. Says what it cannot.
    func leave(
        _ population: Population, _ entries: EnqueuedEntries, _ sink: BenchSink,
        _ interruption: Interruption
    ) {
        do {
            // A connection of its own: the run may have ended because PostgreSQL went away.
            let population = population.over(try openDatabase(site.database))
            if try !population.hasEnded(entries) {
                try finish(population, entries, sink, interruption)
            }
            try population.remove()
            try options.connection.connectToRedis()
                .tellWorkers("keys removed: \(population.world.names.domain)")
        } catch {
            let names = population.world.names
            note(
                "what it had added may be left: keys that `trunkline keys list` shows with "
                    + "\(names.domain), rows of trunkline.follower with the audience "
                    + "\(names.audience) (\(error))")
        }
    }

    /// Takes back what no worker has taken, and waits until the rest has ended or expired.
    ///
    /// Until then the sink stays and takes everything: thousands of refused connections would have a
    /// worker believe that it has no network, and leave it with open circuits. The keys stay, too:
    /// what is expanded without its key is parked for ever.
    private func finish(
        _ population: Population, _ entries: EnqueuedEntries, _ sink: BenchSink,
        _ interruption: Interruption
    ) throws {
        let client = try options.connection.connectToRedis()
        // It may be the sink that has ended.
        try? sink.acceptEverything()
        try withdraw(entries, client)
        let limit = patience(entries)
        let end = ContinuousClock.now + limit
        let signals = interruption.count
        var nextLine = ContinuousClock.now
        var left = Left()
        _ = try Interruption.look(.milliseconds(500), atMost: limit) {
            left.inHand = try countInHand(entries, client)
            try population.endParked()
            // After the look at what is in hand: what has left it is stored.
            left.owed = entries.hasLoad ? try population.account(of: entries).owed : 0
            if left.isNothing || interruption.count > signals { return true }
            if (try? sink.checkRunning()) == nil, left.inHand == 0 { return true }
            if ContinuousClock.now >= nextLine {
                let seconds = (end - .now).components.seconds
                note(
                    "waiting for \(left), \(seconds) s at most; a further interrupt ends it at once"
                )
                nextLine = .now + Self.pace
            }
            return false
        }
        guard !left.isNothing else { return }
        note(
            "\(left) are left: they will expire"
                + (left.inHand > 0 ? ", or wait for a key that is gone" : ""))
    }

    /// What a run waits for before it goes.
    private struct Left: CustomStringConvertible {
        /// Entries that workers have read, and neither stored nor refused.
        var inHand = 0
        /// Deliveries without an end on record.
        var owed = 0

        var isNothing: Bool { inHand == 0 && owed <= 0 }
        var description: String { "\(max(owed, 0)) deliveries and \(inHand) entries in hand" }
    }

    /// Once a load has expired, nothing of it is sent any more.
    private func patience(_ entries: EnqueuedEntries) -> Duration {
        guard entries.hasLoad, let expires = entries.expires else { return Self.grace }
        return .microseconds(max(expires * 1_000_000 - BenchClock.wallMicroseconds, 0))
    }

    /// Those that no worker has read are gone; those that one has, it stores all the same.
    private func withdraw(
        _ entries: EnqueuedEntries, _ client: borrowing RedisClient
    ) throws(CommandFailure) {
        for (lane, entries) in Dictionary(grouping: entries.entries, by: \.lane) {
            for first in stride(from: 0, to: entries.count, by: Self.batch) {
                var command = RedisCommand("XDEL", client.keys.intake(lane))
                for entry in entries[first...].prefix(Self.batch) {
                    command.append(entry.id.description)
                }
                _ = try Self.redis { () throws(RedisFailure) in try client.perform(command) }
            }
        }
    }

    /// Of these entries, how many the group has read and not acked.
    private func countInHand(
        _ entries: EnqueuedEntries, _ client: borrowing RedisClient
    ) throws(CommandFailure) -> Int {
        var count = 0
        for (lane, entries) in Dictionary(grouping: entries.entries, by: \.lane) {
            let ours = Set(entries.map(\.id))
            // Those of others stand between ours: a page may have none of these.
            guard var start = ours.min()?.description, let last = ours.max() else { continue }
            var isWhole = false
            while !isWhole {
                let page = try Self.redis { () throws(RedisFailure) in
                    try pending(lane, from: start, to: last, client)
                }
                count += page.count(where: ours.contains)
                isWhole = page.count < Self.batch
                if let last = page.last { start = "(\(last)" }
            }
        }
        return count
    }

    private func pending(
        _ lane: Lane, from start: String, to last: StreamID, _ client: borrowing RedisClient
    ) throws(RedisFailure) -> [StreamID] {
        let command = RedisCommand(
            "XPENDING", client.keys.intake(lane), QueueKeys.group, start, last.description,
            String(Self.batch))
        do {
            return (try client.perform(command).array ?? []).compactMap {
                $0.array?.first?.text.flatMap { StreamID($0) }
            }
        } catch {
            // Redis was emptied meanwhile.
            guard error.isRefusal("NOGROUP") else { throw error }
            return []
        }
    }
}
