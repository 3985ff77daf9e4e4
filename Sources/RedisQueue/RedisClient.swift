/// Redis for those who may wait: the command line, the supervisor, the doctor. Not for a loop.
package struct RedisClient: ~Copyable {
    private let connection: BlockingConnection
    package let keys: QueueKeys

    /// Connects and logs in; where sentinels watch, to the primary, once they have chosen one.
    ///
    /// - Parameter timeout: for connecting, and for each reply.
    package init(
        endpoint: RedisEndpoint, keys: QueueKeys = QueueKeys(), timeout: Duration = .seconds(5)
    ) throws(RedisFailure) {
        connection = try BlockingConnection.open(endpoint, timeout: timeout)
        self.keys = keys
    }

    /// The server that it talks to.
    package var address: ServerAddress { connection.address }

    /// One command and its reply; an error reply is thrown.
    @discardableResult
    package func command(_ words: [String]) throws(RedisFailure) -> RedisReply {
        var command = RedisCommand()
        for word in words { command.append(word) }
        return try perform(command)
    }

    @discardableResult
    package func command(_ words: [[UInt8]]) throws(RedisFailure) -> RedisReply {
        try perform(RedisCommand(words: words))
    }

    @discardableResult
    package func perform(_ command: RedisCommand) throws(RedisFailure) -> RedisReply {
        try perform([command])[0]
    }

    @discardableResult
    package func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        try connection.perform(commands)
    }
}
