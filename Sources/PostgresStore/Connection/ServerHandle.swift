/// The one owner of a `PGconn`.

internal import CPostgres

final class ServerHandle {
    let pointer: OpaquePointer

    /// Starts to connect, without waiting for it (but a host *name* is resolved here and now:
    /// give a socket directory or an address where that may take time).
    static func starting(_ connectionString: String) -> ServerHandle? {
        withConnectionParameters(connectionString) { PQconnectStartParams($0, $1, 1) }
            .map(ServerHandle.init(adopting:))
    }

    /// Connects and waits until that is done; look at `status`.
    static func waiting(_ connectionString: String) -> ServerHandle? {
        withConnectionParameters(connectionString) { PQconnectdbParams($0, $1, 1) }
            .map(ServerHandle.init(adopting:))
    }

    private init(adopting pointer: OpaquePointer) {
        self.pointer = pointer
        // Notices ("already exists, skipping") would go to standard error.
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
    }

    deinit { PQfinish(pointer) }

    var isBroken: Bool { PQstatus(pointer) == CONNECTION_BAD }
    var message: String { trimmed(PQerrorMessage(pointer)) }
}

/// Calls `connect` with libpq's arrays of keywords and values. What stands later wins:
/// the connection string may name the application, but not choose the encoding.
private func withConnectionParameters(
    _ connectionString: String,
    _ connect: (
        UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>
    ) -> OpaquePointer?
) -> OpaquePointer? {
    "fallback_application_name".withCString { nameKeyword in
        "dbname".withCString { databaseKeyword in
            "client_encoding".withCString { encodingKeyword in
                "trunkline".withCString { name in
                    connectionString.withCString { database in
                        "UTF8".withCString { encoding in
                            connect(
                                [nameKeyword, databaseKeyword, encodingKeyword, nil],
                                [name, database, encoding, nil])
                        }
                    }
                }
            }
        }
    }
}
