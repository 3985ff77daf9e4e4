package import DeliveryCore
package import RedisQueue
package import Transport

/// Everything a worker process is told at its start.
package struct WorkerOptions {
    package var incarnation: Incarnation
    package var redis: RedisEndpoint
    /// A libpq connection string.
    package var database: String
    package var keyPrefix: String
    /// A directory of PEM files, asked before PostgreSQL.
    package var keyDirectory: String?
    package var transport: TransportConfiguration
    package var allowsPlainHTTP: Bool
    /// The relation that named audiences are read from: columns audience, inbox, shared_inbox.
    package var audienceRelation: String
    /// The library that signs RSA eight at a time: a path or a name; nil: libcrypto signs.
    package var multiBufferLibrary: String?
    /// Days that are kept although they owe nothing any more.
    package var retainDays = 30
    package var limits = WorkerConfiguration()

    package init(
        incarnation: Incarnation, redis: RedisEndpoint, database: String, keyPrefix: String,
        keyDirectory: String?, transport: TransportConfiguration, allowsPlainHTTP: Bool,
        audienceRelation: String
    ) {
        self.incarnation = incarnation
        self.redis = redis
        self.database = database
        self.keyPrefix = keyPrefix
        self.keyDirectory = keyDirectory
        self.transport = transport
        self.allowsPlainHTTP = allowsPlainHTTP
        self.audienceRelation = audienceRelation
    }
}
