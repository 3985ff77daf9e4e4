/// One SQL statement with its parameters; several of them make a transaction.

internal import CPostgres

struct Statement {
    let sql: String
    let parameters: [Parameter]

    init(_ sql: String, _ parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
    }

    /// `synchronous_commit = on` for the transaction that it opens, whatever the server's default:
    /// what we have reported as recorded must survive a crash.
    static let commitDurably = Statement(
        "select set_config('synchronous_commit', 'on', true)")

    /// Puts the statement into libpq's output buffer (which copies it); false: see the message.
    /// Answers come in binary format.
    func send(on handle: ServerHandle) -> Bool {
        // All parameters behind each other, so that one pointer keeps them all alive.
        var storage: [UInt8] = []
        storage.reserveCapacity(parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        var offsets: [Int?] = []
        for parameter in parameters {
            offsets.append(parameter.bytes == nil ? nil : storage.count)
            storage.append(contentsOf: parameter.bytes ?? [])
        }
        storage.append(0)
        let types = parameters.map { Oid($0.type) }
        let lengths = parameters.map { Int32($0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        return storage.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return PQsendQueryParams(
                handle.pointer, sql, Int32(parameters.count), types, values, lengths, formats, 1)
        } == 1
    }
}
