/// Where Redis is and how to get in.
///
/// - `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`
/// - `redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]`
/// - `redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/SERVICE[/DB]` and then, for the
///   sentinels' own login, `?sentinel-user=USER&sentinel-password=PASSWORD`
/// - `redis+cluster://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]`
///
/// In users and passwords, what stands for something else in a URL is percent-encoded.
package struct RedisEndpoint: Equatable, Sendable {
    package enum Place: Equatable, Sendable {
        case server(ServerAddress)
        case sentinel(SentinelService)
        /// Nodes to ask for the others.
        case cluster([ServerAddress])

        package static func tcp(host: String, port: Int) -> Place {
            .server(.tcp(host: host, port: port))
        }

        package static func unix(path: String) -> Place { .server(.unix(path: path)) }

        var isSentinel: Bool { if case .sentinel = self { true } else { false } }
        package var isCluster: Bool { if case .cluster = self { true } else { false } }
    }

    package var place: Place
    package var user: String?
    package var password: String?
    package var database: Int

    package static let defaultPort = 6_379
    package static let defaultSentinelPort = 26_379
    /// `sockaddr_un.sun_path` less its final zero; hiredis cuts a longer path short in silence.
    package static let longestPath = 107

    package init(
        place: Place, user: String? = nil, password: String? = nil, database: Int = 0
    ) {
        self.place = place
        self.user = user
        self.password = password
        self.database = database
    }
}

/// A primary that sentinels watch over.
package struct SentinelService: Equatable, Sendable {
    /// Of the primary, as `sentinel monitor NAME ...` says it.
    package var name: String
    package var sentinels: [ServerAddress]
    package var user: String?
    package var password: String?

    package init(
        name: String, sentinels: [ServerAddress], user: String? = nil, password: String? = nil
    ) {
        self.name = name
        self.sentinels = sentinels
        self.user = user
        self.password = password
    }
}

/// What is wrong with a URL, where, and how to mend it. Never holds the password.
package struct RedisEndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    package var what: String
    package var place: String
    package var mend: String

    package var description: String { "\(what) (\(place)): \(mend)" }
}

extension RedisEndpoint: CustomStringConvertible {
    /// For people: without users and passwords.
    package var description: String {
        switch place {
        case .server(.unix(let path)):
            "redis+unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
        case .server(let address): "redis://\(address)/\(database)"
        case .sentinel(let service):
            "redis+sentinel://\(list(service.sentinels))/\(service.name)/\(database)"
        case .cluster(let seeds): "redis+cluster://\(list(seeds))"
        }
    }

    private func list(_ addresses: [ServerAddress]) -> String {
        addresses.map(\.description).joined(separator: ",")
    }
}
