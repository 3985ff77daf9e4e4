/// hiredis' blocking API, behind ``RedisClient``.

internal import CHiredis
internal import DeliveryCore

struct BlockingConnection: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>
    let address: ServerAddress

    private init(owning context: UnsafeMutablePointer<redisContext>, to address: ServerAddress) {
        self.context = context
        self.address = address
    }

    deinit { redisFree(context) }

    /// Connects and logs in.
    static func open(
        _ target: RedisTarget, timeout: Duration
    ) throws(RedisFailure) -> BlockingConnection {
        let connection = try open(target.address, timeout: timeout)
        try connection.perform(target.greeting)
        guard target.mustBePrimary else { return connection }
        let role = try connection.perform([RedisCommand("ROLE")])[0]
        guard case .success = role.asPrimary else {
            throw .disconnected("\(target.address) is a replica by now")
        }
        return connection
    }

    /// How long each reply may take from here on.
    func allow(_ timeout: Duration) { redisSetTimeout(context, Self.limit(timeout)) }

    private static func limit(_ timeout: Duration) -> timeval {
        let milliseconds = Int(max(timeout.wholeMilliseconds, 1))
        return timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    }

    private static func open(
        _ address: ServerAddress, timeout: Duration
    ) throws(RedisFailure) -> BlockingConnection {
        ignoreBrokenPipes()
        let limit = limit(timeout)
        let opened =
            switch address {
            case .unix(let path): redisConnectUnixWithTimeout(path, limit)
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), limit)
            }
        guard let opened else { throw .disconnected("out of memory") }
        let connection = BlockingConnection(owning: opened, to: address)
        guard opened.pointee.err == 0 else { throw connection.failure }
        redisSetTimeout(opened, limit)
        return connection
    }

    /// A pipeline: every reply is read, then the first error is thrown.
    @discardableResult
    func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        let replies = try exchange(commands)
        for reply in replies { _ = try reply.checked.get() }
        return replies
    }

    /// A pipeline: every reply, be it an error.
    func exchange(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        try submit(commands)
        var replies: [RedisReply] = []
        for _ in commands { replies.append(try nextReply()) }
        return replies
    }

    /// A pipeline: what came of each, also when the connection breaks between two replies.
    func attempt(_ commands: [RedisCommand]) -> [Result<RedisReply, RedisFailure>] {
        do throws(RedisFailure) {
            try submit(commands)
        } catch {
            return commands.map { _ in .failure(error) }
        }
        return commands.map { _ in
            do throws(RedisFailure) {
                return try nextReply().checked
            } catch {
                return .failure(error)
            }
        }
    }

    /// Sends without waiting; ``nextReply()`` is owed once for each.
    func submit(_ commands: [RedisCommand]) throws(RedisFailure) {
        for command in commands {
            let status = command.withArguments { count, words, lengths in
                redisAppendCommandArgv(context, count, words, lengths)
            }
            guard status == REDIS_OK else { throw failure }
        }
        var isSent: Int32 = 0
        while isSent == 0 {
            guard redisBufferWrite(context, &isSent) == REDIS_OK else { throw failure }
        }
    }

    func nextReply() throws(RedisFailure) -> RedisReply {
        var reply: UnsafeMutableRawPointer?
        guard redisGetReply(context, &reply) == REDIS_OK, let reply else { throw failure }
        defer { freeReplyObject(reply) }
        return RedisReply(copying: reply.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private var failure: RedisFailure {
        withUnsafeBytes(of: context.pointee.errstr) {
            .disconnected(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))
        }
    }
}
