/// Where commands go: to the one server, or to the node of a cluster that has their keys.
enum CommandRoute {
    case server(RedisLink)
    case cluster(ClusterRouter)

    func send(_ command: RedisCommand, completion: @escaping RedisCompletion<RedisReply>) {
        switch self {
        case .server(let link): link.send(command, completion: completion)
        case .cluster(let router): router.send(command, completion: completion)
        }
    }

    /// A pipeline: all replies in order, or the first failure once every reply is there.
    func send(
        _ commands: [RedisCommand], completion: @escaping RedisCompletion<[RedisReply]>
    ) {
        switch self {
        case .server(let link): link.send(commands, completion: completion)
        case .cluster(let router): router.send(commands, completion: completion)
        }
    }

    /// To the server where this link is: what is said about a connection is said beside it.
    func send(
        _ command: RedisCommand, beside link: RedisLink,
        completion: @escaping RedisCompletion<RedisReply>
    ) {
        switch self {
        case .server(let commands): commands.send(command, completion: completion)
        case .cluster(let router):
            guard let node = link.target?.address else {
                return router.send(command, completion: completion)
            }
            router.send(command, at: node, completion: completion)
        }
    }

    /// To every server that has keys.
    func sendToEach(_ command: RedisCommand, completion: @escaping RedisCompletion<[RedisReply]>) {
        switch self {
        case .server(let link): link.send([command], completion: completion)
        case .cluster(let router): router.sendToEach(command, completion: completion)
        }
    }
}
