/// A connection that comes back: each of a ``RedisQueue``'s, to a server, a node of a cluster, or a
/// sentinel.
///
/// It may have to find out first where that is, and be sent elsewhere later.

internal import DeliveryCore
internal import EventLoop

final class RedisLink {
    private enum State {
        case stopped
        /// Nobody has said yet where to connect to.
        case unplaced
        case connecting(RedisConnection)
        /// Connected; what must stand before anybody uses the connection is under way.
        case preparing(RedisConnection)
        case ready(RedisConnection)
        case waiting(LoopTimer)
    }

    private let loop: EventLoop
    private let name: String
    private let patience: Duration
    private let nextTurn: NextTurn
    private let random: () -> Double
    /// nil until it is known.
    private(set) var target: RedisTarget?
    private var state: State = .stopped
    private var backoff = ReconnectBackoff()
    private var downReason = "not started"

    /// Runs on every new connection before it counts as ready.
    var prepare: (RedisConnection, @escaping RedisCompletion<Void>) -> Void = { $1(.success(())) }
    /// Ready, or not and why; told at every attempt that fails.
    var onChange: (_ isReady: Bool, _ reason: String) -> Void = { _, _ in }

    init(
        loop: EventLoop, target: RedisTarget?, name: String, patience: Duration,
        nextTurn: NextTurn, random: @escaping () -> Double
    ) {
        self.loop = loop
        self.target = target
        self.name = name
        self.patience = patience
        self.nextTurn = nextTurn
        self.random = random
    }

    var clientID: Int64? { connection?.clientID }
    var isReady: Bool { connection != nil }

    func start() {
        guard case .stopped = state else { return }
        connect()
    }

    /// Fails what is outstanding before it returns.
    func stop() { leave(for: .stopped, because: "stopped") }

    func send(
        _ command: RedisCommand, blocking: Duration = .zero,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        guard let connection else {
            let reason = downReason
            nextTurn.run { completion(.failure(.disconnected(reason))) }
            return
        }
        connection.send(command, blocking: blocking) { [weak self] outcome in
            // Redis has become a replica: connect anew, the name may lead to the primary by now.
            if case .failure(let failure) = outcome, failure.asksForAnotherServer {
                self?.reconnect(because: "\(failure)")
            }
            completion(outcome)
        }
    }

    /// Gives a working connection up and makes another; does nothing while there is none.
    func reconnect(because reason: String) {
        guard let connection else { return }
        giveUp(connection, because: reason)
    }

    /// Waits no longer for its next attempt: whoever says so knows that the server is there.
    func hasten() {
        guard case .waiting(let timer) = state else { return }
        timer.cancel()
        backoff.reset()
        connect()
    }

    /// Leaves where it is, or is on its way to, for another server, and is there without a pause.
    func move(to target: RedisTarget, because reason: String) {
        guard target != self.target else { return }
        self.target = target
        if case .stopped = state { return }
        backoff.reset()
        let wasReady = isReady
        leave(for: .unplaced, because: reason)
        if wasReady { onChange(false, reason) }
        // Whoever was told may have stopped it.
        if case .unplaced = state { connect() }
    }

    /// A pipeline: all replies in order, or the first failure once every reply is there.
    func send(
        _ commands: [RedisCommand], completion: @escaping RedisCompletion<[RedisReply]>
    ) {
        let gathering = Gathering(count: commands.count, nextTurn: nextTurn, completion: completion)
        for (index, command) in commands.enumerated() {
            send(command, completion: gathering.part(index))
        }
    }

    private var connection: RedisConnection? {
        if case .ready(let connection) = state { return connection }
        return nil
    }

    private func leave(for next: State, because reason: String) {
        let previous = state
        state = next
        downReason = reason
        switch previous {
        case .connecting(let connection), .preparing(let connection), .ready(let connection):
            connection.close()
        case .waiting(let timer): timer.cancel()
        case .stopped, .unplaced: break
        }
    }

    private func connect() {
        guard let target else {
            state = .unplaced
            return
        }
        let connection = RedisConnection(
            loop: loop, target: target, name: name, patience: patience, nextTurn: nextTurn)
        connection.onReady = { [weak self] in self?.connected() }
        connection.onClose = { [weak self] in self?.lost(because: $0) }
        state = .connecting(connection)
        connection.connect(attempt: backoff.attempts)
    }

    private func connected() {
        guard case .connecting(let connection) = state else { return }
        state = .preparing(connection)
        prepare(connection) { [weak self] outcome in self?.prepared(outcome) }
    }

    private func prepared(_ outcome: Result<Void, RedisFailure>) {
        guard case .preparing(let connection) = state else { return }
        switch outcome {
        case .success:
            state = .ready(connection)
            backoff.reset()
            onChange(true, "connected")
        // Told by onClose.
        case .failure(.disconnected): break
        case .failure(let failure): giveUp(connection, because: "\(failure)")
        }
    }

    private func lost(because reason: String) {
        wait(because: reason)
        onChange(false, reason)
    }

    /// What is outstanding fails when the connection counts no more: it may ask for another, and it
    /// may stop us.
    private func giveUp(_ connection: RedisConnection, because reason: String) {
        wait(because: reason)
        connection.close()
        if case .waiting = state { onChange(false, reason) }
    }

    private func wait(because reason: String) {
        let pause = backoff.next(draw: random())
        state = .waiting(loop.startTimer(after: pause) { [weak self] in self?.connect() })
        downReason = reason
    }
}
