/// Where Redis is and how to get in.
///
/// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]` or
/// `redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]`; user and password may be percent-encoded.
package struct RedisEndpoint: Equatable, Sendable {
    package enum Place: Equatable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    package var place: Place
    package var user: String?
    package var password: String?
    package var database: Int

    package static let defaultPort = 6_379
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

/// What is wrong with a URL, where, and how to mend it. Never holds the password.
package struct RedisEndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    package var what: String
    package var place: String
    package var mend: String

    package var description: String { "\(what) (\(place)): \(mend)" }
}

extension RedisEndpoint: CustomStringConvertible {
    /// For people: without user and password.
    package var description: String {
        switch place {
        case .tcp(let host, let port):
            host.contains(":")
                ? "redis://[\(host)]:\(port)/\(database)" : "redis://\(host):\(port)/\(database)"
        case .unix(let path): "redis+unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }
}
