/// One connection to PostgreSQL on the event loop: connects, pipelines transactions, reconnects.
///
/// libpq is non-blocking and in pipeline mode for as long as the connection lives. Nothing that
/// outlives a transaction is used (no LISTEN, session locks or settings; named statements only where
/// the connection was seen to lead to one server process), so a transaction pooler may stand between.

internal import CPostgres
internal import DeliveryCore
internal import EventLoop

final class Connection {
    private enum State {
        case closed
        /// Until the timer fires.
        case waiting(LoopTimer)
        case connecting(ServerHandle)
        case ready(ServerHandle)
    }

    private struct Waiting {
        let statements: [Statement]
        let completion: Pipeline.Completion
    }

    private unowned let loop: EventLoop
    private let connectionString: String
    private let limits: PostgresStore.Limits
    private let account: CPUAccount
    private let onChange: (Bool, String) -> Void
    private var random: SeededGenerator
    private var state: State = .closed
    private var watch: DescriptorWatch?
    /// Runs while connecting, and while an answer is owed.
    private var deadline: LoopTimer?
    private var failedAttempts = 0
    private let plan: ConnectionPlan
    /// Where of several hosts the next attempt begins.
    private var firstHost = 0
    private var pipeline = Pipeline()
    private var prepared = PreparedStatements()
    /// A name was lost that the server had confirmed: whatever stands between, no other is tried.
    private var hasLostName = false
    /// Beyond the pipeline's limit; sent as answers come.
    private var backlog: [Waiting] = []
    /// Transactions asked for while there is no connection: answered in the next turn, because a
    /// caller must not be called back before its call has returned.
    private var turnedAway: [Pipeline.Ended] = []
    private var turnAway: LoopTimer?

    init(
        loop: EventLoop, connectionString: String, limits: PostgresStore.Limits,
        account: CPUAccount, random: SeededGenerator, onChange: @escaping (Bool, String) -> Void
    ) {
        self.loop = loop
        self.connectionString = connectionString
        plan = ConnectionPlan(connectionString)
        self.limits = limits
        self.account = account
        self.random = random
        self.onChange = onChange
        deadline = loop.timer { [unowned self] in expired() }
        turnAway = loop.timer { [unowned self] in finishTurnedAway() }
    }

    // MARK: Life

    func open() {
        guard case .closed = state else { return }
        connect()
    }

    /// Answers everything that is under way with `away`, at once, and connects no more. Nothing of
    /// the loop is held after this, so that it may go.
    func close() {
        lose("closed", reconnecting: false)
        deadline?.cancel()
        deadline = nil
        turnAway?.cancel()
        turnAway = nil
        finishTurnedAway()
    }

    /// Runs the statements as one transaction; each completion is called once, in a later turn.
    func transact(_ statements: [Statement], completion: @escaping Pipeline.Completion) {
        guard case .ready(let handle) = state else {
            turnAway(completion, "not connected")
            return
        }
        guard backlog.isEmpty, pipeline.count < limits.transactionsInFlight else {
            guard backlog.count < limits.transactionsWaiting else {
                turnAway(completion, "\(backlog.count) transactions are waiting already")
                return
            }
            backlog.append(Waiting(statements: statements, completion: completion))
            return
        }
        let isSent = send(statements, completion, on: handle)
        flush(handle)
        if !isSent || handle.isBroken { tellLossNextTurn() }
    }

    // MARK: Connecting

    private func connect() {
        let hosts = plan.overrides(startingAt: firstHost)
        guard let handle = ServerHandle.starting(connectionString, hosts) else {
            lose("out of memory", reconnecting: true)
            return
        }
        state = .connecting(handle)
        guard !handle.isBroken else {
            lose(handle.message, reconnecting: true)
            return
        }
        deadline?.start(after: connectTime)
        // The manual (34.1, PQconnectStart): begin as if PQconnectPoll had asked to write.
        expect(.writable, on: handle)
    }

    private func advance(_ handle: ServerHandle) {
        // PQconnectPoll may close the socket and open another one for the next address, under the
        // same number: the old watch must be gone first.
        watch?.cancel()
        watch = nil
        switch PQconnectPoll(handle.pointer) {
        case PGRES_POLLING_READING: expect(.readable, on: handle)
        case PGRES_POLLING_WRITING: expect(.writable, on: handle)
        case PGRES_POLLING_OK: connected(handle)
        default: lose(handle.message, reconnecting: true)
        }
    }

    private func expect(_ readiness: Readiness, on handle: ServerHandle) {
        let watch = loop.watch(PQsocket(handle.pointer), for: account) { [unowned self] in ready($0)
        }
        watch.update(readiness)
        self.watch = watch
    }

    private func connected(_ handle: ServerHandle) {
        guard PQsetnonblocking(handle.pointer, 1) == 0, PQenterPipelineMode(handle.pointer) == 1
        else {
            lose(handle.message, reconnecting: true)
            return
        }
        deadline?.stop()
        failedAttempts = 0
        state = .ready(handle)
        expect(.readable, on: handle)
        askWhetherDirect(handle)
        onChange(true, "connected")
    }

    /// A pooler invents the process number that it tells a client, because its server may be another
    /// one for each transaction.
    private func askWhetherDirect(_ handle: ServerHandle) {
        prepared = PreparedStatements()
        guard !hasLostName else { return }
        transact([Statement("select pg_backend_pid()")]) { [weak self] result in
            guard let self, case .ready(let current) = state, current === handle,
                case .success(let tables) = result,
                tables[0].map({ $0.int() }) == [PQbackendPID(handle.pointer)]
            else { return }
            prepared.allow()
        }
    }

    private var connectTime: Duration { plan.timeout ?? limits.connectTime }

    private func expired() {
        switch state {
        case .connecting:
            // Which of several hosts kept silent is not known: the first one, or one after it.
            firstHost += 1
            lose("no connection within \(connectTime)", reconnecting: true)
        case .ready(let handle):
            let silence = "no answer within \(limits.answerTime)"
            lose(handle.isBroken ? handle.message : silence, reconnecting: true)
        case .closed, .waiting: break
        }
    }

    private func lose(_ reason: String, reconnecting: Bool) {
        // Before the descriptor is closed with the handle.
        watch?.cancel()
        watch = nil
        deadline?.stop()
        let unsent = backlog
        backlog.removeAll()
        if reconnecting {
            // Half a second at most at first: a restart is short. Then up to 5 s.
            let backoff = Backoff(
                first: .milliseconds(100), factor: 2, ceiling: limits.reconnectTime,
                floor: .milliseconds(20))
            let delay = backoff.delay(attempt: failedAttempts, using: &random)
            failedAttempts += 1
            state = .waiting(loop.startTimer(after: delay) { [unowned self] in connect() })
        } else {
            state = .closed
        }
        let ended = pipeline.connectionLost(reason)
        onChange(false, reason)
        for transaction in ended { transaction.completion(transaction.result) }
        for waiting in unsent { waiting.completion(.failure(.away(reason))) }
    }

    // MARK: Transactions

    /// False: the connection is broken, or memory is out. Then it is to be given up, and that ends
    /// the transaction: without its Sync the next one would commit a part of it.
    private func send(
        _ statements: [Statement], _ completion: @escaping Pipeline.Completion,
        on handle: ServerHandle
    ) -> Bool {
        if pipeline.isEmpty { deadline?.start(after: limits.answerTime) }
        let names = statements.map { prepared.name(of: $0) }
        pipeline.transactionSent(
            usesNames: names.contains { $0 != nil }, completion: completion)
        return zip(statements, names).allSatisfy { $0.send(on: handle, name: $1) }
            && PQpipelineSync(handle.pointer) == 1
            && statements.allSatisfy { prepare($0, on: handle) }
    }

    /// A transaction of its own, so that its failure is nobody else's.
    private func prepare(_ statement: Statement, on handle: ServerHandle) -> Bool {
        guard let name = prepared.newName(for: statement) else { return true }
        pipeline.transactionSent { [weak self] result in
            guard let self, case .ready(let current) = state, current === handle,
                case .success = result
            else { return }
            prepared.confirm(name, of: statement)
        }
        return statement.sendPreparation(on: handle, name: name)
            && PQpipelineSync(handle.pointer) == 1
    }

    /// A write that fails makes libpq read, and at the end of file close its socket: no readiness
    /// will tell, and libuv aborts when it is to watch a closed descriptor. It is told in the next
    /// turn, because a caller must not be called back before its call has returned.
    private func tellLossNextTurn() {
        watch?.cancel()
        watch = nil
        deadline?.start(after: .zero)
    }

    private func flush(_ handle: ServerHandle) {
        switch PQflush(handle.pointer) {
        case 0: watch?.update(.readable)
        case 1: watch?.update([.readable, .writable])
        // The server's last words may still wait to be read: reading tells the loss.
        default: watch?.update(.readable)
        }
    }

    private func ready(_ readiness: Readiness) {
        switch state {
        case .connecting(let handle): advance(handle)
        case .ready(let handle): exchange(readiness, on: handle)
        case .closed, .waiting: break
        }
    }

    private func exchange(_ readiness: Readiness, on handle: ServerHandle) {
        var ended: [Pipeline.Ended] = []
        var lost: String?
        if readiness.contains(.readable) {
            let consumed = PQconsumeInput(handle.pointer) == 1
            takeAnswers(handle, into: &ended)
            if ended.contains(where: { $0.staleness == .nameLost }) { hasLostName = true }
            if let stale = ended.first(where: { $0.staleness != nil }),
                case .failure(.away(let reason)) = stale.result
            {
                lost = reason
            } else if !consumed || handle.isBroken {
                lost = pipeline.complaint?.message ?? handle.message
            }
        }
        if lost == nil {
            if ended.isEmpty == false {
                if !sendBacklog(handle) { lost = handle.message }
                if pipeline.isEmpty {
                    deadline?.stop()
                } else {
                    deadline?.start(after: limits.answerTime)
                }
            }
            flush(handle)
            if handle.isBroken { lost = handle.message }
        }
        // Last, because a completion may ask for more, or close the connection.
        for transaction in ended { transaction.completion(transaction.result) }
        if let lost, case .ready(let current) = state, current === handle {
            lose(lost, reconnecting: true)
        }
    }

    /// Reads what has arrived.
    private func takeAnswers(_ handle: ServerHandle, into ended: inout [Pipeline.Ended]) {
        var insideQuery = false
        while PQisBusy(handle.pointer) == 0 {
            guard let result = PQgetResult(handle.pointer) else {
                // nil ends a query; a second one means that there is nothing more to read.
                if !insideQuery { break }
                insideQuery = false
                continue
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                if let transaction = pipeline.synchronised() { ended.append(transaction) }
            case PGRES_PIPELINE_ABORTED:
                insideQuery = true
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                insideQuery = true
                pipeline.answered(ResultTable(copying: result))
            default:
                insideQuery = true
                pipeline.failed(ServerError(copying: result))
            }
        }
    }

    /// False as in `send`.
    private func sendBacklog(_ handle: ServerHandle) -> Bool {
        while !backlog.isEmpty, pipeline.count < limits.transactionsInFlight {
            let next = backlog.removeFirst()
            guard send(next.statements, next.completion, on: handle) else { return false }
        }
        return true
    }

    // MARK: Turning away

    private func turnAway(_ completion: @escaping Pipeline.Completion, _ reason: String) {
        turnedAway.append(Pipeline.Ended(completion: completion, result: .failure(.away(reason))))
        // Once closed there is no later turn to wait for.
        if let turnAway { turnAway.start(after: .zero) } else { finishTurnedAway() }
    }

    private func finishTurnedAway() {
        let ended = turnedAway
        turnedAway.removeAll()
        for transaction in ended { transaction.completion(transaction.result) }
    }
}
