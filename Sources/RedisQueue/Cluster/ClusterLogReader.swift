/// Waits at many logs at once in a cluster, where one XREAD takes streams of one slot only.
///
/// A connection for each log that is read, waiting at the node that has it: a pool has as many of
/// them as there are partitions, whatever the number of workers, and Redis does nothing for a client
/// that waits. The other way, asking all logs 50 times a second without waiting, costs Redis 3,200
/// commands a second for an idle pool and a delivery 10 ms. A read ends with the first log that has
/// something; the others go on waiting for the next.

internal import DeliveryCore
internal import EventLoop

final class ClusterLogReader {
    struct Log {
        var partition: PartitionNumber
        var key: String
        var after: StreamID
    }

    /// A worker that owns nothing reads nothing; one that does reads again within milliseconds.
    static let idleLimit: Duration = .seconds(5)

    typealias Completion = RedisCompletion<[(PartitionNumber, RedisReply)]>

    private struct Read {
        let number: Int
        let logs: [Log]
        let count: Int
        let completion: Completion
    }

    private let loop: EventLoop
    private let router: ClusterRouter
    private let nextTurn: NextTurn
    private let makeLink: () -> RedisLink
    private var seats: [PartitionNumber: LogSeat] = [:]
    private var current: Read?
    /// Ends the present read, whatever has come.
    private var timer: LoopTimer?
    /// Leaves all logs when nobody reads for long.
    private var idleTimer: LoopTimer?
    private var reads = 0
    /// The read that ends in the next turn, or with what an interrupt finds.
    private var ending: Int?

    init(
        loop: EventLoop, router: ClusterRouter, nextTurn: NextTurn,
        makeLink: @escaping () -> RedisLink
    ) {
        self.loop = loop
        self.router = router
        self.nextTurn = nextTurn
        self.makeLink = makeLink
    }

    /// One read at a time. Answers the entries of each log that has some, at most `count` of each.
    func read(
        _ logs: [Log], count: Int, blockMilliseconds: Int, completion: @escaping Completion
    ) {
        precondition(current == nil, "one blocking read at a time")
        guard router.isUp else {
            return nextTurn.run { completion(.failure(.disconnected("not connected"))) }
        }
        guard blockMilliseconds > 0 else { return readAtOnce(logs, count: count, completion) }
        reads += 1
        current = Read(number: reads, logs: logs, count: count, completion: completion)
        leaveOthers(than: logs)
        for log in logs {
            seat(log).wait(after: log.after, count: count, milliseconds: blockMilliseconds)
        }
        let timer = timer ?? loop.timer { [weak self] in self?.end() }
        self.timer = timer
        timer.start(after: .milliseconds(blockMilliseconds))
        idleTimer?.stop()
    }

    /// Ends a waiting read soon, with all that stands there now. Does nothing when there is none.
    ///
    /// Rare: so all logs are asked once more, and the connections that wait go on waiting.
    func interrupt() {
        guard let read = current, ending != read.number else { return }
        ending = read.number
        readAtOnce(read.logs, count: read.count) { [weak self] outcome in
            guard let self, current?.number == read.number else { return }
            finish(outcome)
        }
    }

    /// The cluster does not serve: whoever reads is told, and reads again when it does.
    func lost(because reason: String) { fail(.disconnected(reason)) }

    /// It serves again.
    func served() { for seat in seats.values { seat.hasten() } }

    /// Slots have other owners.
    func moved() { for seat in seats.values { seat.settle() } }

    /// Fails what is outstanding before it returns.
    func stop() {
        timer?.cancel()
        timer = nil
        idleTimer?.cancel()
        idleTimer = nil
        for seat in seats.values { seat.stop() }
        seats = [:]
        fail(.disconnected("stopped"))
    }

    private func readAtOnce(_ logs: [Log], count: Int, _ completion: @escaping Completion) {
        let reads = logs.map { LogSeat.read(key: $0.key, after: $0.after, count: count) }
        router.send(reads) { outcome in
            completion(
                outcome.map { replies in
                    zip(logs, replies).filter { $1 != .null }.map { ($0.partition, $1) }
                })
        }
    }

    private func leaveOthers(than logs: [Log]) {
        let wanted = Set(logs.map(\.partition))
        for (partition, seat) in seats where !wanted.contains(partition) {
            seats[partition] = nil
            seat.stop()
        }
    }

    private func seat(_ log: Log) -> LogSeat {
        if let seat = seats[log.partition] { return seat }
        let seat = LogSeat(loop: loop, key: log.key, router: router, link: makeLink())
        seat.onFound = { [weak self, weak seat] in
            guard let self else { return }
            // What nobody waits for now is asked for when somebody does: it may be gone by then.
            current == nil ? seat?.drop() : endSoon()
        }
        seat.onFailure = { [weak self] in self?.fail($0) }
        seats[log.partition] = seat
        return seat
    }

    /// In the next turn: several logs may have something in this one.
    private func endSoon() {
        guard let read = current, ending != read.number else { return }
        ending = read.number
        nextTurn.run { [weak self] in
            if self?.current?.number == read.number { self?.end() }
        }
    }

    private func end() {
        guard let read = current else { return }
        finish(
            .success(
                read.logs.compactMap { log in
                    seats[log.partition]?.found.map { (log.partition, $0) }
                }))
    }

    private func fail(_ failure: RedisFailure) { finish(.failure(failure)) }

    private func finish(_ outcome: Result<[(PartitionNumber, RedisReply)], RedisFailure>) {
        guard let read = current else { return }
        current = nil
        timer?.stop()
        let idleTimer = idleTimer ?? loop.timer { [weak self] in self?.leaveOthers(than: []) }
        self.idleTimer = idleTimer
        idleTimer.start(after: Self.idleLimit)
        for seat in seats.values { seat.drop() }
        read.completion(outcome)
    }
}
