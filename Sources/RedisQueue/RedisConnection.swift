/// One life of one connection: connected, used with pipelining, closed for good.
///
/// hiredis' asynchronous API, driven by our loop. Its callbacks only record; completions run after
/// `redisAsyncHandleRead` and `redisAsyncHandleWrite` have returned, so that whatever a completion
/// does (send, close) never happens inside hiredis. Replies come in the order of the commands, so
/// no callback needs a context of its own.
///
/// hiredis 0.14 frees itself on any error, closes the descriptor itself, and writes with write(2):
/// the first connection makes the process ignore SIGPIPE.

internal import CHiredis
internal import DequeModule
internal import DeliveryCore
package import EventLoop

package final class RedisConnection {
    private struct Pending {
        let deadline: Instant
        let completion: RedisCompletion<RedisReply>
    }

    private let loop: EventLoop
    private let target: RedisTarget
    private let name: String
    private let nextTurn: NextTurn
    /// How long a reply may take before the connection counts as dead.
    private let patience: Duration

    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var watch: DescriptorWatch?
    private var interest: Readiness = []
    private var lookup: NameLookup?
    private var stallTimer: LoopTimer?
    private var stallTimerRuns = false

    private var pending: Deque<Pending> = []
    /// Replies that hiredis' callback left during the present read.
    private var recorded: [RedisReply] = []
    /// hiredis' words for why it gave the context up.
    private var lossReason: String?
    private var closeReason: String?

    /// Redis' number for this connection (CLIENT ID), from the handshake on.
    package private(set) var clientID: Int64?
    /// The handshake is done.
    package var onReady: () -> Void = {}
    /// Called once, in a turn, after every outstanding completion; not after ``close()``.
    package var onClose: (String) -> Void = { _ in }

    /// - Parameter name: what CLIENT LIST shows.
    package convenience init(
        loop: EventLoop, address: ServerAddress, name: String, patience: Duration
    ) {
        self.init(
            loop: loop, target: RedisTarget(address: address), name: name, patience: patience,
            nextTurn: NextTurn(loop: loop))
    }

    init(
        loop: EventLoop, target: RedisTarget, name: String, patience: Duration,
        nextTurn: NextTurn
    ) {
        self.loop = loop
        self.target = target
        self.name = name
        self.patience = patience
        self.nextTurn = nextTurn
    }

    deinit { close() }

    /// - Parameter attempt: chooses among the addresses of a name, so that the next attempt tries
    ///   the next one (`localhost` is often `::1` first, where Redis does not listen).
    package func connect(attempt: Int = 0) {
        switch target.address {
        case .unix(let path):
            open(redisAsyncConnectUnix(path))
        case .tcp(let host, let port):
            // redisAsyncConnect would resolve a name itself, and block the loop meanwhile.
            lookup = loop.resolve(host) { [weak self] outcome in
                guard let self else { return }
                lookup = nil
                switch outcome {
                case .success(let addresses):
                    let address = addresses[attempt % addresses.count]
                    open(redisAsyncConnect(address, Int32(port)))
                case .failure(.notFound): closed(because: "\(host): no such host")
                case .failure(.unavailable(let reason)): closed(because: "\(host): \(reason)")
                }
            }
        }
    }

    /// - Parameter blocking: how long the command itself may wait at the server.
    package func send(
        _ command: RedisCommand, blocking: Duration = .zero,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        guard let context else {
            refuse(completion, because: closeReason ?? "not connected")
            return
        }
        let status = command.withArguments { count, words, lengths in
            redisAsyncCommandArgv(context, recordReply, nil, count, words, lengths)
        }
        guard status == REDIS_OK else {
            refuse(completion, because: "hiredis takes no command")
            return
        }
        pending.append(
            Pending(deadline: loop.now + (patience + blocking), completion: completion))
        watchForStall()
    }

    /// Closes and fails what is outstanding before it returns. Does not call ``onClose``.
    package func close() {
        onReady = {}
        onClose = { _ in }
        discardContext()
        closed(because: "closed by us")
    }

    private func open(_ opened: UnsafeMutablePointer<redisAsyncContext>?) {
        ignoreBrokenPipes()
        guard let opened else { return closeLater(because: "out of memory") }
        guard opened.pointee.err == 0 else {
            let reason = String(cString: opened.pointee.errstr)
            redisAsyncFree(opened)
            return closeLater(because: reason)
        }
        context = opened
        watch = loop.watch(opened.pointee.c.fd, for: .claim) { [weak self] in self?.ready($0) }
        let identity = Unmanaged.passUnretained(self).toOpaque()
        opened.pointee.data = identity
        opened.pointee.ev.data = identity
        opened.pointee.ev.addRead = addRead
        opened.pointee.ev.delRead = removeRead
        opened.pointee.ev.addWrite = addWrite
        opened.pointee.ev.delWrite = removeWrite
        opened.pointee.ev.cleanup = cleanUp
        greet()
    }

    /// Logs in and makes sure that Redis takes commands: PING is refused while it loads its data.
    private func greet() {
        let greeting =
            target.greeting + [
                RedisCommand("CLIENT", "SETNAME", name), RedisCommand("PING"),
            ]
        for command in greeting { send(command) { [weak self] in self?.greeted($0) } }
        if target.mustBePrimary {
            send(RedisCommand("ROLE")) { [weak self] in self?.greeted($0.flatMap(\.asPrimary)) }
        }
        send(RedisCommand("CLIENT", "ID")) { [weak self] reply in
            guard let self, greeted(reply), closeReason == nil,
                case .success(let value) = reply
            else { return }
            clientID = value.integer
            onReady()
        }
    }

    @discardableResult
    private func greeted(_ reply: Result<RedisReply, RedisFailure>) -> Bool {
        switch reply {
        case .success: return true
        // Reported by whoever closed.
        case .failure(.disconnected): return false
        case .failure(let failure):
            fail(because: "\(failure)")
            return false
        }
    }

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.readable), let context { redisAsyncHandleRead(context) }
        if readiness.contains(.writable), let context { redisAsyncHandleWrite(context) }
        deliver()
        if context == nil { closed(because: lossReason ?? "connection lost") }
    }

    private func deliver() {
        // Taken out first: a completion may close, which fails what is still pending.
        let replies = recorded
        recorded.removeAll(keepingCapacity: true)
        let completions = pending.prefix(replies.count).map(\.completion)
        pending.removeFirst(replies.count)
        for (completion, reply) in zip(completions, replies) { completion(reply.checked) }
    }

    private func fail(because reason: String) {
        discardContext()
        closed(because: reason)
    }

    /// Leaves hiredis: it closes the descriptor, so the watch goes first, and runs its callbacks
    /// with null replies, so they must no longer find us.
    private func discardContext() {
        lookup?.cancel()
        lookup = nil
        watch?.cancel()
        watch = nil
        guard let context else { return }
        self.context = nil
        context.pointee.data = nil
        context.pointee.ev.data = nil
        redisAsyncFree(context)
    }

    /// A socket's path that is not there is known inside ``connect(attempt:)`` itself.
    private func closeLater(because reason: String) {
        nextTurn.run { [weak self] in self?.closed(because: reason) }
    }

    /// The end, once: fails what is outstanding, then tells the owner.
    private func closed(because reason: String) {
        guard closeReason == nil else { return }
        closeReason = reason
        stallTimer?.cancel()
        let outstanding = pending
        pending.removeAll()
        for entry in outstanding { entry.completion(.failure(.disconnected(reason))) }
        onClose(reason)
    }

    private func refuse(
        _ completion: @escaping RedisCompletion<RedisReply>, because reason: String
    ) {
        nextTurn.run { completion(.failure(.disconnected(reason))) }
    }

    /// A frozen Redis, or a link that swallows packets, must not hold completions for ever. The
    /// oldest command's deadline stands for all: replies come in order.
    private func watchForStall() {
        guard !stallTimerRuns, let oldest = pending.first else { return }
        let timer = stallTimer ?? loop.timer { [weak self] in self?.checkForStall() }
        stallTimer = timer
        stallTimerRuns = true
        timer.start(after: max(oldest.deadline - loop.now, .zero) + .milliseconds(1))
    }

    private func checkForStall() {
        stallTimerRuns = false
        if let oldest = pending.first, oldest.deadline <= loop.now {
            fail(because: "no reply in time")
        } else {
            watchForStall()
        }
    }

    fileprivate func record(_ reply: UnsafeMutableRawPointer?) {
        // Null: hiredis is going down, and ``closed(because:)`` will fail this one.
        guard let reply else { return }
        recorded.append(
            RedisReply(copying: reply.assumingMemoryBound(to: redisReply.self).pointee))
    }

    fileprivate func wait(for readiness: Readiness, _ isWanted: Bool) {
        if isWanted { interest.insert(readiness) } else { interest.remove(readiness) }
        watch?.update(interest)
    }

    /// hiredis frees the context when this returns, and closes the descriptor.
    fileprivate func contextIsGoing() {
        guard let context else { return }
        if context.pointee.err != 0 { lossReason = String(cString: context.pointee.errstr) }
        self.context = nil
        watch?.cancel()
        watch = nil
    }
}

private func connection(_ data: UnsafeMutableRawPointer?) -> RedisConnection? {
    data.map { Unmanaged<RedisConnection>.fromOpaque($0).takeUnretainedValue() }
}

private let recordReply:
    @convention(c) (
        UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?,
        UnsafeMutableRawPointer?
    ) -> Void = { context, reply, _ in connection(context?.pointee.data)?.record(reply) }

private typealias Hook = @convention(c) (UnsafeMutableRawPointer?) -> Void
private let addRead: Hook = { connection($0)?.wait(for: .readable, true) }
private let removeRead: Hook = { connection($0)?.wait(for: .readable, false) }
private let addWrite: Hook = { connection($0)?.wait(for: .writable, true) }
private let removeWrite: Hook = { connection($0)?.wait(for: .writable, false) }
private let cleanUp: Hook = { connection($0)?.contextIsGoing() }
