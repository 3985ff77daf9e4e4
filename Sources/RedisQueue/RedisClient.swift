/// Redis for those who may wait: the command line, the supervisor, the doctor. Not for a loop.
package struct RedisClient: ~Copyable {
    // Not private: with that the optimiser leaves a symbol undefined in a release build.
    enum Route: ~Copyable {
        case server(BlockingConnection)
        case cluster(BlockingCluster)
    }

    private let route: Route
    package let keys: QueueKeys

    /// Connects and logs in; where sentinels watch, to the primary, once they have chosen one.
    ///
    /// - Parameter timeout: for connecting, and for each reply.
    package init(
        endpoint: RedisEndpoint, keys: QueueKeys = QueueKeys(), timeout: Duration = .seconds(5)
    ) throws(RedisFailure) {
        route = try Self.open(endpoint, timeout: timeout)
        self.keys = keys
    }

    private static func open(
        _ endpoint: RedisEndpoint, timeout: Duration
    ) throws(RedisFailure) -> Route {
        switch endpoint.place {
        case .server(let address):
            .server(try .open(endpoint.target(at: address), timeout: timeout))
        case .sentinel(let service):
            .server(
                try PrimarySearch(endpoint: endpoint, service: service, timeout: timeout).run())
        case .cluster(let seeds):
            .cluster(try BlockingCluster(endpoint: endpoint, seeds: seeds, timeout: timeout))
        }
    }

    /// The servers that have the keys: one, or the primaries of a cluster.
    package var servers: [ServerAddress] {
        switch route {
        case .server(let connection): [connection.address]
        case .cluster(let cluster): cluster.primaries
        }
    }

    /// One command to each of ``servers``.
    package func performOnEach(
        _ command: RedisCommand
    ) throws(RedisFailure) -> [(server: ServerAddress, reply: RedisReply)] {
        var replies: [(server: ServerAddress, reply: RedisReply)] = []
        for server in servers { replies.append((server, try perform(command, at: server))) }
        return replies
    }

    /// One command to one of ``servers``.
    package func perform(
        _ command: RedisCommand, at server: ServerAddress
    ) throws(RedisFailure) -> RedisReply {
        switch route {
        case .server(let connection): try connection.perform([command])[0]
        case .cluster(let cluster): try cluster.perform(command, at: server)
        }
    }

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

    /// What came of each command: one may be refused, or in a cluster one node away, and the others
    /// not.
    package func attempt(_ commands: [RedisCommand]) -> [Result<RedisReply, RedisFailure>] {
        switch route {
        case .cluster(let cluster): cluster.attempt(commands)
        case .server(let connection): connection.attempt(commands)
        }
    }

    @discardableResult
    package func perform(_ commands: [RedisCommand]) throws(RedisFailure) -> [RedisReply] {
        switch route {
        case .server(let connection): try connection.perform(commands)
        case .cluster(let cluster): try cluster.perform(commands)
        }
    }
}
