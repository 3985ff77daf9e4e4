/// hiredis' blocking API, behind ``RedisClient``.

internal import CHiredis
internal import DeliveryCore

struct BlockingConnection: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>

    private init(owning context: UnsafeMutablePointer<redisContext>) { self.context = context }

    deinit { redisFree(context) }

    static func open(
        _ place: RedisEndpoint.Place, timeout: Duration
    ) throws(RedisFailure) -> BlockingConnection {
        ignoreBrokenPipes()
        let milliseconds = Int(max(timeout.wholeMilliseconds, 1))
        let limit = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        let opened =
            switch place {
            case .unix(let path): redisConnectUnixWithTimeout(path, limit)
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), limit)
            }
        guard let opened else { throw .disconnected("out of memory") }
        let connection = BlockingConnection(owning: opened)
        guard opened.pointee.err == 0 else { throw connection.failure }
        redisSetTimeout(opened, limit)
        return connection
    }

    /// A pipeline: every reply is read, then the first error is thrown.
    @discardableResult
    func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        for command in commands {
            let status = command.withArguments { count, words, lengths in
                redisAppendCommandArgv(context, count, words, lengths)
            }
            guard status == REDIS_OK else { throw failure }
        }
        var replies: [RedisReply] = []
        for _ in commands { replies.append(try nextReply()) }
        for reply in replies { _ = try reply.checked.get() }
        return replies
    }

    private func nextReply() throws(RedisFailure) -> RedisReply {
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
