/// Where one server listens.
package enum ServerAddress: Hashable, Sendable {
    case tcp(host: String, port: Int)
    case unix(path: String)
}

extension ServerAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tcp(let host, let port):
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

/// One server, and what is said to it before anything else.
struct RedisTarget: Equatable {
    var address: ServerAddress
    var user: String?
    var password: String?
    var database = 0
    /// A replica takes no writes: it is left again at once.
    var mustBePrimary = false

    /// What every connection says first.
    var greeting: [RedisCommand] {
        var commands: [RedisCommand] = []
        if let password {
            var login = RedisCommand("AUTH")
            if let user { login.append(user) }
            login.append(password)
            commands.append(login)
        }
        if database != 0 { commands.append(RedisCommand("SELECT", String(database))) }
        return commands
    }
}

extension RedisEndpoint {
    /// A server of this endpoint, with its login.
    func target(at address: ServerAddress) -> RedisTarget {
        RedisTarget(
            address: address, user: user, password: password, database: database,
            mustBePrimary: place.isSentinel)
    }

    /// Of one server that is known beforehand.
    var onlyTarget: RedisTarget? {
        if case .server(let address) = place { target(at: address) } else { nil }
    }

    var sentinelService: SentinelService? {
        if case .sentinel(let service) = place { service } else { nil }
    }

    /// A sentinel of this endpoint: it has a login of its own, and no databases.
    func sentinelTarget(at address: ServerAddress, of service: SentinelService) -> RedisTarget {
        RedisTarget(address: address, user: service.user, password: service.password)
    }
}
