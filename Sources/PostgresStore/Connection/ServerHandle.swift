/// The one owner of a `PGconn`.

internal import CPostgres
internal import Glibc

final class ServerHandle {
    let pointer: OpaquePointer

    /// Starts to connect, without waiting for it (but a host *name* is resolved here and now:
    /// give a socket directory or an address where that may take time).
    ///
    /// - Parameter overrides: keywords that win over those of the string.
    static func starting(
        _ connectionString: String, _ overrides: [(keyword: String, value: String)]
    ) -> ServerHandle? {
        withConnectionParameters(connectionString, overrides) { PQconnectStartParams($0, $1, 1) }
            .map(ServerHandle.init(adopting:))
    }

    /// Connects and waits until that is done; look at `status`.
    static func waiting(_ connectionString: String) -> ServerHandle? {
        withConnectionParameters(connectionString, []) { PQconnectdbParams($0, $1, 1) }
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
    _ connectionString: String, _ overrides: [(keyword: String, value: String)],
    _ connect: (
        UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>
    ) -> OpaquePointer?
) -> OpaquePointer? {
    let parameters =
        [("fallback_application_name", "trunkline"), ("dbname", connectionString)] + overrides
        + [("client_encoding", "UTF8")]
    let keywords = parameters.map { strdup($0.0) }
    let values = parameters.map { strdup($0.1) }
    defer { for text in keywords + values { free(text) } }
    return connect(
        keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil])
}
