/// A plain blocking connection, for the command line, `doctor`, the supervisor and tests: never on
/// the worker's loop.

internal import CPostgres

package final class Database {
    private let handle: ServerHandle

    /// Connects, or throws `away`. The connection string is libpq's (manual 34.1.1).
    package init(connectionString: String) throws(StoreFailure) {
        guard let handle = ServerHandle.waiting(connectionString) else {
            throw .away("out of memory")
        }
        guard !handle.isBroken else { throw .away(handle.message) }
        self.handle = handle
    }

    /// Runs one statement with its parameters and returns the rows as text; nil is NULL.
    @discardableResult
    package func query(
        _ sql: String, _ parameters: [String?] = []
    ) throws(StoreFailure) -> [[String?]] {
        let values = parameters.map { text in
            text.map { (PostgresText.bytes($0) + [0]).map(CChar.init(bitPattern:)) }
        }
        var storage: [CChar] = []
        var offsets: [Int?] = []
        for value in values {
            offsets.append(value == nil ? nil : storage.count)
            storage.append(contentsOf: value ?? [])
        }
        storage.append(0)
        let result = storage.withUnsafeBufferPointer { buffer in
            let base = buffer.baseAddress
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return PQexecParams(
                handle.pointer, sql, Int32(pointers.count), nil, pointers, nil, nil, 0)
        }
        return try rows(result)
    }

    /// Runs a script of several statements; outside a transaction it is one.
    package func run(script: String) throws(StoreFailure) {
        _ = try rows(PQexec(handle.pointer, script))
    }

    /// Commits what `body` does, or rolls it back when that throws.
    package func transaction<Value>(
        _ body: () throws(StoreFailure) -> Value
    ) throws(StoreFailure) -> Value {
        try query("begin")
        do {
            let value = try body()
            try query("commit")
            return value
        } catch {
            // The first error is the one to tell; a lost connection rolls back by itself.
            _ = try? query("rollback")
            throw error
        }
    }

    private func rows(_ result: OpaquePointer?) throws(StoreFailure) -> [[String?]] {
        guard let result else { throw .away(handle.message) }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
        default: throw ServerError(copying: result).failure
        }
        let columns = 0..<PQnfields(result)
        return (0..<PQntuples(result)).map { row in
            columns.map { column in
                PQgetisnull(result, row, column) == 1
                    ? nil : PQgetvalue(result, row, column).map { String(cString: $0) }
            }
        }
    }
}
